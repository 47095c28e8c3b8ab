import { lstat, mkdir, realpath } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { errnoOf, isAbsent } from "../io-error.ts";

/**
 * Makes the directories above `target`, which lies below the real path `root`, one by one: a link of the tree that
 * leads out is never followed.
 * @returns false when one does, or when something else than a directory is in the way
 */
export async function ensureInnerParent(root: string, target: string): Promise<boolean> {
  let at = root;
  for (const part of relative(root, dirname(target)).split(sep)) {
    if (part === "") continue;
    if (part === "..") return false;
    at = join(at, part);
    const stats = await lstat(at).catch((error: unknown) => {
      if (isAbsent(error)) return null;
      throw error;
    });
    if (stats === null) {
      await mkdir(at).catch((error: unknown) => {
        if (errnoOf(error) !== "EEXIST") throw error;
      });
    } else if (stats.isSymbolicLink()) {
      const real = await realpath(at).catch(() => null);
      if (real === null || (real !== root && !real.startsWith(root + sep)) || !(await lstat(real)).isDirectory()) return false;
    } else if (!stats.isDirectory()) return false;
  }
  return true;
}
