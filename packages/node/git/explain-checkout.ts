import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { OkstraError } from "@okstra/core/errors";
import type { GitProcess } from "../exec/git-process.ts";
import { isAbsent } from "../io-error.ts";

/** Below this a disk counts as full: git could not write a ref or an index any more. */
const LEAST_BYTES = 64 * 1024;
const BLOCK_BYTES = 4096;

/**
 * Says why a checkout failed where git does not: it tells no reason of the system, and by now it has given back what it
 * took. So the room that is left is compared with what the tree needs.
 * @returns OKSTRA_DISK_FULL, else the same code; either names the place
 */
export async function explainFailedCheckout(
  git: GitProcess,
  error: unknown,
  at: { mainRoot: string; path: string; revision: string },
): Promise<unknown> {
  if (!(error instanceof OkstraError) || !["OKSTRA_GIT_FAILED", "OKSTRA_DISK_FULL"].includes(error.code)) return error;
  const room = await measureRoom(at.path);
  const needed = room === null ? null : await measureTree(git, at.mainRoot, at.revision).catch(() => null);
  for (const place of [at.path, at.mainRoot]) {
    const left = place === at.path ? room : await measureRoom(place);
    const tooSmall = left !== null && (left.bytes < LEAST_BYTES || left.files === 0);
    const tooSmallForTree =
      place === at.path && left !== null && needed !== null && (left.bytes < needed.bytes || left.files < needed.files);
    if (!tooSmall && !tooSmallForTree) continue;
    return new OkstraError("OKSTRA_DISK_FULL", {
      message: `No space left for ${place}: ${tooSmall ? "its disk is full" : `the tree needs ${inMiB(needed?.bytes ?? 0)} and its disk has ${inMiB(left?.bytes ?? 0)}`}.`,
      hint: `Free space (or inodes) on the disk of ${place}, then run the command again.`,
      details: { ...error.details, path: place },
      cause: error,
    });
  }
  return new OkstraError(error.code, {
    message: `${at.path} could not be checked out: ${error.message}`,
    hint: error.hint,
    details: { ...error.details, path: at.path },
    cause: error,
  });
}

/** What an ordinary user may still take of the disk that holds a path, which need not exist; null when it cannot be told. */
async function measureRoom(path: string): Promise<{ bytes: number; files: number } | null> {
  for (let at = path; ; at = dirname(at)) {
    try {
      const { bavail, bsize, files, ffree } = await statfs(at);
      // File systems without a fixed number of inodes say 0 of 0.
      return { bytes: bavail * bsize, files: files === 0 ? Infinity : ffree };
    } catch (error) {
      if (!isAbsent(error) || dirname(at) === at) return null;
    }
  }
}

async function measureTree(git: GitProcess, mainRoot: string, revision: string): Promise<{ bytes: number; files: number }> {
  const answer = await git.run(["ls-tree", "-r", "-l", "-z", "--full-tree", revision], { cwd: mainRoot });
  const tree = { bytes: 0, files: 0 };
  for (const entry of answer.stdout.split("\0")) {
    const size = /^\d+ blob [0-9a-f]+ +(\d+)\t/u.exec(entry)?.[1];
    if (size === undefined) continue;
    tree.files += 1;
    tree.bytes += Math.ceil(Number(size) / BLOCK_BYTES) * BLOCK_BYTES;
  }
  return tree;
}

function inMiB(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
