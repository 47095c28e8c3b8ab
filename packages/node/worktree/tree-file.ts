import { lstat, readFile, realpath, rm } from "node:fs/promises";
import { join, sep } from "node:path";
import { isAbsent } from "../io-error.ts";

const MAX_BYTES = 16 * 1024 * 1024;

/** Text of a regular file inside a tree; null when it is absent, leads outside, or has over 16 MiB. */
export async function readTreeFile(root: string, relative: string): Promise<string | null> {
  const path = await insideOf(root, relative);
  if (path === null) return null;
  const stats = await lstat(path);
  return stats.isFile() && stats.size <= MAX_BYTES ? await readFile(path, "utf8") : null;
}

/** Removes a regular file inside a tree, such as a tool's old report; anything else is left alone. */
export async function removeTreeFile(root: string, relative: string): Promise<void> {
  const path = await insideOf(root, relative);
  if (path !== null && (await lstat(path)).isFile()) await rm(path);
}

async function insideOf(root: string, relative: string): Promise<string | null> {
  try {
    const path = await realpath(join(root, relative));
    return path.startsWith((await realpath(root)) + sep) ? path : null;
  } catch (error) {
    if (
      isAbsent(error) ||
      (error as NodeJS.ErrnoException).code === "ERR_INVALID_ARG_VALUE" ||
      (error as NodeJS.ErrnoException).code === "ENAMETOOLONG" ||
      (error as NodeJS.ErrnoException).code === "ELOOP"
    )
      return null;
    throw error;
  }
}
