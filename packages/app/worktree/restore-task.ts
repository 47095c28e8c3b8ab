import { findRow } from "@okstra/core/domain/registry-change";
import { formatTaskKey, parseTaskName } from "@okstra/core/domain/task-key";
import { OkstraError } from "@okstra/core/errors";
import type { App } from "../app.ts";
import { openProject } from "../project/open-project.ts";
import { prepareTree } from "./create-tree.ts";
import { placeOf, taskLockName, tellNotes } from "./place.ts";
import { rebuildFromTrash } from "./rebuild-from-trash.ts";
import { settlePending } from "./settle-pending.ts";
import { requireTrashEntry, type TrashManifest } from "./trash.ts";

export interface RestoreAnswer {
  readonly status: "restored";
  readonly taskKey: string;
  readonly path: string;
  readonly branch: string;
  readonly baseRef: string;
  /** Recovery refs of the entry; they stay. */
  readonly refs: readonly string[];
  readonly archive: string | null;
  readonly files: number;
  readonly note: string;
}

/**
 * Brings a removed task back as it was: branch, worktree, staged, changed, untracked and ignored files. The
 * recovery refs and the archive stay.
 * @throws OKSTRA_TRASH_NOT_FOUND, OKSTRA_TASK_EXISTS, OKSTRA_BRANCH_EXISTS, OKSTRA_PATH_EXISTS
 */
export async function restoreTask(app: App, request: { task: string; dir: string }): Promise<RestoreAnswer> {
  const opened = await openProject(app, request.dir);
  const taskKey = formatTaskKey(parseTaskName(request.task, opened.project.projectId, app.sha256));
  if (opened.location === null)
    throw new OkstraError("OKSTRA_TRASH_NOT_FOUND", {
      message: `${opened.root} is in no git repository; nothing was kept of ${taskKey}.`,
      hint: "Run it in the repository of the task.",
      details: { taskKey },
    });
  const lease = await app.locks.acquire(taskLockName(app, taskKey), { holder: `restore ${taskKey}` });
  try {
    // The default place: okstra makes directories only below its home.
    const place = placeOf(app, opened, taskKey, null);
    await settlePending(app, taskKey, place.mainRoot);
    const { registry, notes } = await app.registry.load();
    tellNotes(app, notes);
    const row = findRow(registry, taskKey);
    const isOwnRest = row?.status === "provisioning" && row.pending?.step === "restoring";
    if (row !== null && !isOwnRest && (row.status !== "released" || (await app.store.exists(row.worktree_path)))) {
      throw new OkstraError("OKSTRA_TASK_EXISTS", {
        message: `${taskKey} is there already, in ${row.worktree_path}.`,
        hint: `Remove it first: okstra worktree remove ${place.key.group}/${place.key.task}`,
        details: { taskKey, path: row.worktree_path, status: row.status },
      });
    }
    const entry = await requireTrashEntry(app, place, isOwnRest ? (row.pending?.stamp ?? null) : null);
    if (entry.row.repository !== place.repository && (await app.git.resolveCommits(place.mainRoot, listCommits(entry))).includes(null)) {
      throw new OkstraError("OKSTRA_TRASH_NOT_FOUND", {
        message: `What was kept of ${taskKey} is in another repository: ${entry.row.repository}.`,
        hint: "Run it in that repository.",
        details: { taskKey, repository: entry.row.repository },
      });
    }
    if (!isOwnRest && (await app.store.exists(place.path))) {
      throw new OkstraError("OKSTRA_PATH_EXISTS", {
        message: `${place.path} exists and belongs to no task.`,
        hint: `Move it away: mv ${place.path} ${place.path}.old`,
        details: { path: place.path },
      });
    }
    const safe = await app.git.safeConfig({ commonDir: place.repository, mainRoot: place.mainRoot });
    const rebuilt = await rebuildFromTrash(app, place, { entry, safe });
    await prepareTree(app, place, rebuilt.marker);
    const files = entry.files.filter(({ type }) => type !== "directory").length;
    return {
      status: "restored",
      taskKey,
      path: place.path,
      branch: rebuilt.row.branch,
      baseRef: rebuilt.row.base_ref,
      refs: listRefs(entry).map(({ ref }) => ref),
      archive: entry.archive?.path ?? null,
      files,
      note: [
        `brought back what was removed at ${entry.removedAt}${files > 0 ? `, ${files} file${files === 1 ? "" : "s"} of work with it` : ""}; the recovery refs stay under refs/okstra/trash/${taskKey}/${entry.stamp}`,
        ...rebuilt.notes,
      ].join("; "),
    };
  } finally {
    await lease.release();
  }
}

function listRefs(entry: TrashManifest): readonly { ref: string; commit: string }[] {
  const { branch, head, work, index, merge } = entry.refs;
  return [branch, head, work, index, merge].filter((ref) => ref !== undefined);
}

function listCommits(entry: TrashManifest): readonly string[] {
  return listRefs(entry).map(({ commit }) => commit);
}
