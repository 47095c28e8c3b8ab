import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { JournalOf, ProjectNames } from "@okstra/core/journal-port";

/**
 * What can be named in a project, from its files alone: no git is started and no lock taken. What cannot be read is left out;
 * the names are as they were found, and whoever shows them has to look at them.
 */
export function loadProjectNames(home: string, { root }: JournalOf): ProjectNames {
  const records = join(root, ".project-docs", "okstra");
  const tasks = join(records, "tasks");
  return {
    tasks: namesIn(tasks).flatMap((group) => namesIn(join(tasks, group)).map((task) => `${group}/${task}`)),
    branches: [...new Set([...looseBranches(join(root, ".git", "refs", "heads")), ...packedBranches(join(root, ".git", "packed-refs"))])],
    workers: [join(records, "project.json"), join(home, "config.json")].flatMap(workersIn),
  };
}

/** Names of directories. */
function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return [];
  }
}

function looseBranches(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? looseBranches(join(directory, entry.name)).map((name) => `${entry.name}/${name}`) : [entry.name],
    );
  } catch {
    return [];
  }
}

function packedBranches(path: string): readonly string[] {
  return readText(path)
    .split("\n")
    .flatMap((line) => /^[0-9a-f]{40,64} refs\/heads\/(.+)$/u.exec(line)?.[1] ?? []);
}

function workersIn(path: string): readonly string[] {
  try {
    const { workers } = JSON.parse(readText(path)) as { workers?: unknown };
    return typeof workers === "object" && workers !== null ? Object.keys(workers) : [];
  } catch {
    return [];
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
