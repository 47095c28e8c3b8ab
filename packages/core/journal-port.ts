/** A project's journal of its runs: derived from the projects' files, kept in OKSTRA_HOME, and rebuilt when it is damaged. */
import type { RunSummary } from "./domain/run-summary.ts";

export interface JournalOf {
  readonly project: string;
  /** Main worktree. */
  readonly root: string;
}

export interface RunJournals {
  /** Every project that has a journal, and those of the registry that have none (any more). */
  list(): readonly JournalOf[];
  /** Appends one line; never throws: what is missing is found again by a rebuild. */
  note(of: JournalOf, summary: RunSummary): void;
  /**
   * Reads from the newest line to the oldest until `visit` answers false. Memory does not grow with the journal.
   * @returns `damaged` when lines are not what was written, or fewer than were written; `absent` without a journal
   */
  scanBack(of: JournalOf, visit: (summary: RunSummary) => boolean): "whole" | "damaged" | "absent";
  /** Replaces a journal as a whole. */
  replace(of: JournalOf, summaries: Iterable<RunSummary>): void;
}
