import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";

/**
 * Absolute path of an executable file: `name` is looked up on `path` (directories joined by ":"), or, when it has
 * a slash, taken as a path relative to `cwd`. Empty and relative directories on `path` are passed over: what they
 * name depends on where one stands, and a worktree is not a place to take programs from unasked.
 * @returns null when there is none
 */
export async function findExecutable(name: string, path: string, cwd: string = process.cwd()): Promise<string | null> {
  if (name === "" || name.includes("\0")) return null;
  const candidates = name.includes("/")
    ? [resolve(cwd, name)]
    : path
        .split(":")
        .filter((directory) => isAbsolute(directory))
        .map((directory) => join(directory, name));
  for (const candidate of candidates) {
    if (await isExecutableFile(candidate)) return candidate;
  }
  return null;
}

async function isExecutableFile(path: string): Promise<boolean> {
  try {
    if (!(await stat(path)).isFile()) return false;
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
