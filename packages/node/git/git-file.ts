import { lstat, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { OkstraError } from "@okstra/core/errors";
import { isAbsent } from "../io-error.ts";
import { loadCommonDir, loadGitFile, loadWorktreeOf } from "../worktree/admin-dir.ts";

/**
 * Refuses a `.git` file that claims to be a linked worktree's and is not: git's bookkeeping must name this
 * very worktree, and its common directory must be the one it lies in. A `.git` directory, a submodule's file
 * and a separate git directory (none of which have a `commondir`) pass.
 * @throws OKSTRA_REPOSITORY_TAMPERED
 */
export async function requireConsistentGitFile(dotGit: string): Promise<void> {
  if (!(await lstat(dotGit)).isFile()) return;
  const worktree = dirname(dotGit);
  const adminDir = await loadGitFile(worktree);
  if (adminDir === null) throw tampered(dotGit, "it does not name a git directory");
  const named = await loadWorktreeOf(adminDir);
  const commonDir = await loadCommonDir(adminDir);
  if (named === null && commonDir === null) return;
  const where = await realpathOrNull(adminDir);
  if (where === null) throw tampered(dotGit, `${adminDir} does not exist`);
  if (commonDir === null || dirname(where) !== join(commonDir, "worktrees"))
    throw tampered(join(adminDir, "commondir"), "it leads out of the repository that the worktree belongs to");
  if (named === null || (await realpathOrNull(named)) !== (await realpathOrNull(worktree)))
    throw tampered(dotGit, `it names ${adminDir}, which belongs to ${named ?? "no worktree"}`);
}

function tampered(file: string, reason: string): OkstraError {
  return new OkstraError("OKSTRA_REPOSITORY_TAMPERED", {
    message: `${file} is not as git wrote it: ${reason}.`,
    details: { path: file, reason },
  });
}

async function realpathOrNull(path: string): Promise<string | null> {
  try {
    return await realpath(path);
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}
