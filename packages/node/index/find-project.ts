import { readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import type { JournalOf } from "@okstra/core/journal-port";

/**
 * The project of a directory by its files alone, no git started: the nearest `.project-docs/okstra/project.json` upwards.
 * In a task's worktree that directory is a link to the main one, whose project it is.
 * @returns null when there is none that says its id
 */
export function findProject(directory: string): JournalOf | null {
  for (let at = directory; ; at = dirname(at)) {
    const found = readProject(at);
    if (found !== null) return found;
    if (dirname(at) === at) return null;
  }
}

/** The project whose main worktree a directory is, or is linked to. */
export function readProject(root: string): JournalOf | null {
  try {
    const records = realpathSync(join(root, ".project-docs"));
    const { projectId } = JSON.parse(readFileSync(join(records, "okstra", "project.json"), "utf8")) as { projectId?: unknown };
    return typeof projectId === "string" ? { project: projectId, root: dirname(records) } : null;
  } catch {
    return null;
  }
}
