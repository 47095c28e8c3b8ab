import type { RegistryRow } from "@okstra/core/domain/registry";
import type { App } from "../app.ts";
import { describeWork, isWorkless, type Work } from "../worktree/load-work.ts";
import type { Place } from "../worktree/place.ts";
import { removeTask } from "../worktree/remove-task.ts";

/** What removing a task's worktree and branch would remove, or has removed. */
export interface CleanUp {
  readonly path: string;
  readonly branch: string;
  readonly dirty: readonly string[];
  readonly untracked: readonly string[];
  readonly ignored: readonly string[];
  /** Commits that this repository has on no branch that stays; the remote's base has their change. */
  readonly commits: readonly string[];
  readonly commitCount: number;
  readonly operations: readonly string[];
  /** What removes all of that, and keeps it aside; null when there is nothing left to remove. */
  readonly command: string | null;
  readonly removed: boolean;
  /** What brings it back after it was removed here; else null. */
  readonly restore: string | null;
}

interface Done {
  readonly row: RegistryRow;
  readonly isRegistered: boolean;
  readonly place: Place;
  readonly work: Work;
  readonly task: string;
  readonly request: { readonly task: string; readonly dir: string };
}

/** From here on `okstra worktree remove` asks for a word of its own. */
const LARGE_ARCHIVE_BYTES = 100 * 1024 * 1024;

export async function describeCleanUp(app: App, { row, isRegistered, place, work, task }: Done): Promise<CleanUp> {
  const removed = work.tip === null && (await app.files.inspect(place.path)).kind === "absent";
  const bytes = work.files.filter((file) => file.archived && file.type === "file").reduce((sum, { size }) => sum + size, 0);
  const flag = isWorkless(work) ? "" : bytes > LARGE_ARCHIVE_BYTES ? " --yes-large" : " --yes";
  return {
    path: place.path,
    branch: row.branch,
    ...describeWork(work),
    command: removed || !isRegistered ? null : `okstra worktree remove ${task}${flag}`,
    removed,
    restore: null,
  };
}

/**
 * Removes worktree and branch. Commits whose work is in the base go without another word; files that only this worktree
 * has do not.
 * @throws what {@link removeTask} throws
 */
export async function removeDone(app: App, done: Done): Promise<CleanUp> {
  const described = await describeCleanUp(app, done);
  if (described.command === null) return described;
  const { work, request } = done;
  const onlyCommits = work.operations.length === 0 && work.files.every(({ type }) => type === "directory");
  const { restore } = await removeTask(app, { task: request.task, dir: request.dir, yes: onlyCommits, yesLarge: false });
  return { ...described, command: null, removed: true, restore: restore === "" ? null : restore };
}
