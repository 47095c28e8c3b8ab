/** What is derived from the projects' files and kept in OKSTRA_HOME/index: never the truth, made anew when it is damaged. */
import type { RunSummary } from "./domain/run-summary.ts";

export interface JournalOf {
  readonly project: string;
  /** Main worktree. */
  readonly root: string;
}

/** What can be named in a project; each as it was found, so that nobody may trust it. */
export interface ProjectNames {
  /** `<group>/<task>` */
  readonly tasks: readonly string[];
  /** Local branches. */
  readonly branches: readonly string[];
  /** Configured workers. */
  readonly workers: readonly string[];
}

/** A project's journal of its runs. */
export interface RunJournals {
  /** Every project that has a journal, and those of the registry that have none (any more). */
  list(): readonly JournalOf[];
  /** Makes a project known that has no run yet; never throws. */
  know(of: JournalOf): void;
  /** Appends one line; never throws: what is missing is found again by a rebuild. */
  note(of: JournalOf, summary: RunSummary): void;
  /**
   * Reads from the newest line to the oldest until `visit` answers false. Memory does not grow with the journal.
   * @returns `damaged` when lines are not what was written, or fewer than were written; `absent` without a journal
   */
  scanBack(of: JournalOf, visit: (summary: RunSummary) => boolean): "whole" | "damaged" | "absent";
  /** How long a journal is, in bytes; 0 without one. */
  size(of: JournalOf): number;
  /**
   * Replaces a journal by what was read of the runs.
   * @param since how long it was before the first of them was read: what was noted after that is kept
   */
  replace(of: JournalOf, summaries: Iterable<RunSummary>, since: number): void;
  readonly tasks: TaskIndex;
}

/** What tells one state of a task's files from another, without reading them. */
export interface TaskStamp {
  /** Differs when a file that a task's standing is derived from was changed, added or taken away. */
  readonly text: string;
  /** Names of lanes whose results were looked at. */
  readonly lanes: readonly string[];
  /** When one of the files was changed last, milliseconds since 1970; a change right after that may not show in `text`. */
  readonly changedMs: number;
}

/** How tasks stood when they were last read, and what tells whether they may stand otherwise now. */
export interface TaskIndex {
  /**
   * Looks at a task's log, its manifest, and each run's log, manifest, report and results.
   * @param taskDir absolute
   * @param lanes whose results to look at; null: of all that there are, which takes longer
   * @returns null when something cannot be looked at
   */
  stamp(taskDir: string, lanes: readonly string[] | null): TaskStamp | null;
  /** What was kept of a project, as data that nobody has looked at; null when there is nothing that can be read. */
  load(of: JournalOf): unknown;
  /** Replaces what is kept of a project; never throws: what is missing is read again. */
  replace(of: JournalOf, document: unknown): void;
}
