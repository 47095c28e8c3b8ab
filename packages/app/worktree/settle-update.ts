import type { RegistryRow } from "@okstra/core/domain/registry";
import { OkstraError } from "@okstra/core/errors";
import type { SafeConfig, TreeState } from "@okstra/core/git-port";
import type { App } from "../app.ts";
import { saveRow, withoutPending } from "./place.ts";

/** Where the branch was before an update. */
export function backupRef(taskKey: string, stamp: string): string {
  return `refs/okstra/backup/${taskKey}/${stamp}`;
}

/**
 * Takes back an update that was interrupted: git's own abort, then the branch must be where the backup says. An
 * update that had ended well is kept and its new base written down.
 */
export async function settleUpdate(app: App, taskKey: string, row: RegistryRow): Promise<void> {
  const tree = await app.files.inspect(row.worktree_path);
  if (row.pending === undefined || tree.kind !== "worktree") {
    await saveRow(app, taskKey, withoutPending(row));
    return;
  }
  const { stamp, onto } = row.pending;
  const safe = await app.git.safeConfig({ commonDir: row.repository, mainRoot: row.worktree_path });
  await abortOperation(app, row.worktree_path, tree, safe);
  const [tip, before] = await app.git.resolveCommits(row.worktree_path, [`refs/heads/${row.branch}`, backupRef(taskKey, stamp)]);
  const ended = typeof tip === "string" && tip !== before && onto !== undefined && (await isAncestor(app, row.worktree_path, onto, tip));
  if (ended) await writeBase(app, taskKey, row, { base: onto, baseName: row.pending.ontoName });
  else await saveRow(app, taskKey, withoutPending(row));
}

/** Ends a rebase or merge that okstra began; the tree was clean before, so nothing of the person's is in it. */
export async function abortOperation(app: App, path: string, tree: TreeState & { kind: "worktree" }, safe: SafeConfig): Promise<void> {
  for (const operation of await app.files.listOperations(tree.adminDir)) {
    if (operation === "rebase" || operation === "merge")
      await app.git.run(path, [operation, "--abort"], { safe, okExitCodes: [0, 1, 128] });
  }
}

/** @throws OKSTRA_UPDATE_FAILED with the backup's name when the branch or the files are not as they were */
export async function requireAsBefore(app: App, taskKey: string, row: RegistryRow, stamp: string): Promise<void> {
  const tree = await app.files.inspect(row.worktree_path);
  const [tip, before] = await app.git.resolveCommits(row.worktree_path, [`refs/heads/${row.branch}`, backupRef(taskKey, stamp)]);
  if (tree.kind === "worktree" && tree.branch === row.branch && tip === before) return;
  throw new OkstraError("OKSTRA_UPDATE_FAILED", {
    message: `The update of ${taskKey} failed and git could not put everything back.`,
    hint: `The branch as it was: git -C ${row.worktree_path} log ${backupRef(taskKey, stamp)}`,
    details: { taskKey, path: row.worktree_path, backup: backupRef(taskKey, stamp) },
  });
}

export async function isAncestor(app: App, dir: string, ancestor: string, commit: string): Promise<boolean> {
  return (await app.git.run(dir, ["merge-base", "--is-ancestor", ancestor, commit], { okExitCodes: [0, 1] })).exitCode === 0;
}

/** Writes the new base into the marker and the row; the row last, which ends the step. */
export async function writeBase(
  app: App,
  taskKey: string,
  row: RegistryRow,
  facts: { base: string; baseName: string | undefined },
): Promise<void> {
  const tree = await app.files.inspect(row.worktree_path);
  if (tree.kind === "worktree" && tree.marker !== null) {
    await app.files.writeMarker(tree.adminDir, {
      ...tree.marker,
      baseRef: facts.base,
      ...(facts.baseName === undefined ? {} : { baseName: facts.baseName }),
    });
  }
  await saveRow(app, taskKey, { ...withoutPending(row), base_ref: facts.base });
}
