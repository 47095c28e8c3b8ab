import type { RegistryRow } from "@okstra/core/domain/registry";
import { findRow } from "@okstra/core/domain/registry-change";
import { splitTaskKey } from "@okstra/core/domain/task-key";
import { OkstraError } from "@okstra/core/errors";
import type { App } from "../app.ts";
import { finishRemoval } from "./finish-removal.ts";
import { loadWork, type Work } from "./load-work.ts";
import { repositoryLockName, saveRow, withoutPending, type Place } from "./place.ts";
import { requireTrashEntry, type TrashManifest } from "./trash.ts";
import { settleUpdate } from "./settle-update.ts";

/**
 * Completes or takes back what an interrupted `remove` or `update` left; the caller holds the task's lock.
 * (An interrupted `restore` is a row in state `provisioning`, which provisioning completes.)
 * @returns true when there was something to settle
 */
export async function settlePending(app: App, taskKey: string, mainRoot: string): Promise<boolean> {
  const { registry } = await app.registry.load();
  const row = findRow(registry, taskKey);
  if (row?.pending === undefined || row.pending.step === "restoring") return false;
  if (row.pending.step === "updating") await settleUpdate(app, taskKey, row);
  else await settleRemoval(app, taskKey, row, mainRoot, row.pending.stamp);
  return true;
}

/**
 * Everything was kept when the row was marked, so the removal goes on, unless someone has worked in the tree
 * since: then the task stays.
 */
async function settleRemoval(app: App, taskKey: string, row: RegistryRow, mainRoot: string, stamp: string): Promise<void> {
  const lease = await app.locks.acquire(repositoryLockName(app, row.repository), { holder: taskKey, waitMs: 60 * 60 * 1000 });
  try {
    const project = (await app.projects.loadProject(mainRoot)) ?? { schema: 1 as const, projectId: row.project_id };
    const place: Place = { key: splitTaskKey(taskKey), taskKey, path: row.worktree_path, mainRoot, repository: row.repository, project };
    const entry = await requireTrashEntry(app, place, stamp).catch((error: unknown) => {
      if (error instanceof OkstraError && error.code === "OKSTRA_TRASH_NOT_FOUND") return null;
      throw error;
    });
    await app.files.relink(row.repository, row.worktree_path);
    const tree = await app.files.inspect(row.worktree_path);
    if (tree.kind === "parent-absent")
      throw new OkstraError("OKSTRA_PATH_NOT_MOUNTED", {
        message: `The directory above ${row.worktree_path} is gone; is a disk not mounted?`,
        details: { path: row.worktree_path },
      });
    const safe = await app.git.safeConfig({ commonDir: row.repository, mainRoot: tree.kind === "worktree" ? row.worktree_path : mainRoot });
    if (entry !== null && isCovered(await loadWork(app, place, { row, tree, safe }), entry)) {
      await finishRemoval(app, place, { row, entry, lock: lease });
      return;
    }
    await saveRow(app, taskKey, withoutPending(row));
    app.emit({
      type: "removal-given-up",
      level: "warning",
      text: `an interrupted removal of ${taskKey} was given up: the tree has changed since; what was kept is under refs/okstra/trash/${taskKey}/${stamp}`,
    });
  } finally {
    await lease.release();
  }
}

/** True when all that is there now is in the entry; files that are missing since were being deleted. */
function isCovered(work: Work, entry: TrashManifest): boolean {
  const kept = new Map(entry.files.map((file) => [file.path, file]));
  const commits = new Set(Object.values(entry.refs).map((ref) => (ref as { commit?: string } | undefined)?.commit));
  const files = work.files.filter(({ type }) => type !== "absent" && type !== "directory");
  return (
    files.every((file) => {
      const before = kept.get(file.path);
      return before !== undefined && before.type === file.type && before.size === file.size && before.mtimeMs === file.mtimeMs;
    }) &&
    (work.tip === null || commits.has(work.tip)) &&
    (!work.detached || work.head === null || commits.has(work.head))
  );
}
