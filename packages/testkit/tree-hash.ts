import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/**
 * Every file and link below the directories with a hash of mode and content: git's own files, refs and all, and
 * okstra's home too. Locks are left out: an empty file that was locked once is no state.
 */
export function hashFiles(...directories: readonly string[]): Readonly<Record<string, string>> {
  const seen: Record<string, string> = {};
  for (const directory of directories) collect(directory, seen);
  return seen;
}

function collect(directory: string, seen: Record<string, string>): void {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    const stats = lstatSync(path);
    if (stats.isDirectory()) {
      if (name !== "locks") collect(path, seen);
      continue;
    }
    if (name === "registry.lock") continue;
    const content = stats.isSymbolicLink() ? readlinkSync(path) : stats.isFile() ? readFileSync(path) : "";
    seen[path] = `${stats.mode.toString(8)} ${createHash("sha256").update(content).digest("hex")}`;
  }
}
