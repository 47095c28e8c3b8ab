import { constants } from "node:fs";
import { randomBytes } from "node:crypto";
import { chmod, copyFile, link, lstat, readdir, realpath, rename, rm, utimes } from "node:fs/promises";
import { basename, join } from "node:path";
import type { WorktreeMarker } from "@okstra/core/git-port";
import { errnoOf, isAbsent } from "../io-error.ts";
import { ensureInnerParent } from "./inner-parent.ts";

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
  if (files.length > 0) await sweepCopies(treeRoot);
  for (const file of files) {
    const source = join(mainRoot, file);
    const target = join(treeRoot, file);
    const stats = await lstat(source).catch(() => null);
    if (stats === null || !stats.isFile()) {
      if (stats?.isSymbolicLink() === true) notes.push(`not copied: ${file} is a link`);
      continue;
    }
    if (!(await ensureInnerParent(treeRoot, target))) {
      notes.push(`not copied: ${file} would lie outside the tree`);
      continue;
    }
    if (!(await copyWhole(source, target, treeRoot, { mode: isSecretFile(file) ? 0o600 : stats.mode & 0o777, times: stats }))) {
      const there = await lstat(target).catch(() => null);
      // A copied time may differ in its last digit.
      if (there?.size !== stats.size || Math.abs(there.mtimeMs - stats.mtimeMs) > 2) continue;
    }
    copies[file] = [stats.size, Math.trunc((await lstat(target)).mtimeMs)];
  }
  return { copies, notes };
}

/** A copy under way, in the root of the tree: what a kill leaves of it is swept when the tree is completed. */
const COPY_UNDER_WAY = /^\.okstra-copy-[0-9a-f]{12}\.tmp$/;

async function sweepCopies(treeRoot: string): Promise<void> {
  for (const name of await readdir(treeRoot)) if (COPY_UNDER_WAY.test(name)) await rm(join(treeRoot, name), { force: true });
}

/**
 * The file appears under its name with its whole content, mode and times, or not at all.
 * @returns false when something is there already, or the source has gone
 */
async function copyWhole(
  source: string,
  target: string,
  treeRoot: string,
  as: { mode: number; times: { atime: Date; mtime: Date } },
): Promise<boolean> {
  const temporary = join(treeRoot, `.okstra-copy-${randomBytes(6).toString("hex")}.tmp`);
  try {
    await copyFile(source, temporary, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await chmod(temporary, as.mode);
    await utimes(temporary, as.times.atime, as.times.mtime);
    await link(temporary, target).catch(async (error: unknown) => {
      if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK", "EXDEV"].includes(errnoOf(error) ?? "")) throw error;
      await lstat(target).then(
        () => Promise.reject(Object.assign(new Error(), { code: "EEXIST" })),
        () => rename(temporary, target),
      );
    });
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST" || isAbsent(error)) return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** True while a `.worktreeinclude` copy is as okstra made it. */
export async function isUnchangedCopy(path: string, file: string, recorded: readonly [number, number]): Promise<boolean> {
  const stats = await lstat(join(path, file)).catch(() => null);
  return stats !== null && stats.isFile() && stats.size === recorded[0] && Math.trunc(stats.mtimeMs) === recorded[1];
}
