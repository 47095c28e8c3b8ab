import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { JournalOf } from "@okstra/core/journal-port";
import { readProject } from "./find-project.ts";

/**
 * Projects that have tasks in the registry, as their own files name them. Read without a lock and believed only where the
 * project's own file says so.
 * @param withReleased those of tasks that were released too: that file grows with every task
 */
export function listRegisteredProjects(home: string, { withReleased }: { withReleased: boolean }): readonly JournalOf[] {
  const repositories = new Set([
    ...repositoriesIn(readText(join(home, "worktrees", "registry.json"))),
    ...(withReleased
      ? readText(join(home, "worktrees", "registry.history.jsonl"))
          .split("\n")
          .flatMap(repositoriesIn)
      : []),
  ]);
  return [...repositories].flatMap((repository) => {
    const found = readProject(basename(repository) === ".git" ? dirname(repository) : repository);
    return found === null ? [] : [found];
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** What rows say under `repository`, whichever of the shapes the text has; nothing of a text that is none. */
function repositoriesIn(text: string): readonly string[] {
  const found: string[] = [];
  try {
    JSON.parse(text, (key, value: unknown) => {
      if (key === "repository" && typeof value === "string") found.push(value);
      return value;
    });
  } catch {
    return [];
  }
  return found;
}
