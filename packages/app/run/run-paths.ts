import type { TaskKey } from "@okstra/core/domain/task-key";
import type { App } from "../app.ts";

/** Where a task's records are: `.project-docs/okstra/tasks/<group>/<task>` in the main worktree. */
export function taskDirectory(root: string, key: TaskKey): string {
  return `${root}/.project-docs/okstra/tasks/${key.group}/${key.task}`;
}

export function runsDirectory(root: string, key: TaskKey, type: string): string {
  return `${taskDirectory(root, key)}/runs/${type}`;
}

/** Directories of a task's runs of one type, first run first. */
async function listRunDirectories(app: App, root: string, key: TaskKey, type: string): Promise<readonly string[]> {
  const parent = runsDirectory(root, key, type);
  return (await app.store.listDirectory(parent))
    .filter((name) => /^\d{3,}$/.test(name))
    .sort((a, b) => Number(a) - Number(b))
    .map((name) => `${parent}/${name}`);
}

/** The runs of a type that were prepared whole; a directory that a crash left before its first event was never a run. */
export async function listPreparedRuns(app: App, root: string, key: TaskKey, type: string): Promise<readonly string[]> {
  const prepared: string[] = [];
  for (const directory of await listRunDirectories(app, root, key, type)) {
    if ((await app.store.readText(`${directory}/events.jsonl`))?.includes("\n") === true) prepared.push(directory);
  }
  return prepared;
}

export function formatRunNumber(run: number): string {
  return String(run).padStart(3, "0");
}
