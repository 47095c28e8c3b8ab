import { constants } from "node:fs";
import { chmod, copyFile, lstat, mkdir, realpath, utimes } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import type { WorktreeMarker } from "@okstra/core/git-port";
import { errnoOf, isAbsent } from "../io-error.ts";

/** A file that may hold secrets keeps to its owner, whatever it was in the main worktree. */
function isSecretFile(path: string): boolean {
  return /^\.env(?:\..+)?$/.test(basename(path));
}

/**
 * Brings ignored files along, by a copy-on-write clone where the file system can, else by copy. A target that
 * exists is left alone; links and what leads outside either tree are passed over.
 */
export async function copyIncludedFiles(
  mainRoot: string,
  path: string,
  files: readonly string[],
): Promise<{ copies: WorktreeMarker["copies"]; notes: readonly string[] }> {
  const copies: Record<string, readonly [number, number]> = {};
  const notes: string[] = [];
  const treeRoot = await realpath(path);
  for (const file of files) {
    const source = join(mainRoot, file);
    const target = join(treeRoot, file);
    const stats = await lstat(source).catch(() => null);
    if (stats === null || !stats.isFile()) {
      if (stats?.isSymbolicLink() === true) notes.push(`not copied: ${file} is a link`);
      continue;
    }
    await mkdir(dirname(target), { recursive: true });
    if (!(await realpath(dirname(target))).concat(sep).startsWith(treeRoot + sep)) {
      notes.push(`not copied: ${file} would lie outside the tree`);
      continue;
    }
    try {
      await copyFile(source, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    } catch (error) {
      if (errnoOf(error) === "EEXIST") {
        const there = await lstat(target);
        if (there.size === stats.size && Math.trunc(there.mtimeMs) === Math.trunc(stats.mtimeMs))
          copies[file] = [stats.size, Math.trunc(stats.mtimeMs)];
        continue;
      }
      if (isAbsent(error)) continue;
      throw error;
    }
    await chmod(target, isSecretFile(file) ? 0o600 : stats.mode & 0o777);
    await utimes(target, stats.atime, stats.mtime);
    copies[file] = [stats.size, Math.trunc((await lstat(target)).mtimeMs)];
  }
  return { copies, notes };
}

/** True while a `.worktreeinclude` copy is as okstra made it. */
export async function isUnchangedCopy(path: string, file: string, recorded: readonly [number, number]): Promise<boolean> {
  const stats = await lstat(join(path, file)).catch(() => null);
  return stats !== null && stats.isFile() && stats.size === recorded[0] && Math.trunc(stats.mtimeMs) === recorded[1];
}
