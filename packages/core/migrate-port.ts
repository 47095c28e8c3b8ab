import type { OlderRun } from "./domain/task-log.ts";

/** What an older okstra left of a task below `.project-docs/okstra/tasks/`, looked at without changing it. */
export interface OlderTask {
  readonly group: string;
  readonly task: string;
  /** Members of its manifest; empty when there is none that can be read. */
  readonly manifest: Readonly<Record<string, unknown>>;
  /** What was asked, as its brief says it. */
  readonly brief: string | null;
  /** Runs that this okstra did not write, by type and number. */
  readonly runs: readonly OlderRun[];
}

export interface OlderRecords {
  readonly tasks: readonly OlderTask[];
  /** What was passed over, and why, in words. */
  readonly problems: readonly { readonly path: string; readonly reason: string }[];
}

/** @param root main worktree of a project */
export type ReadOlderRecords = (root: string) => Promise<OlderRecords>;
