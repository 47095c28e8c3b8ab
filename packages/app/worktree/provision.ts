import type { RegistryRow } from "@okstra/core/domain/registry";
import { findRow, findRowByPath } from "@okstra/core/domain/registry-change";
import type { Provision } from "@okstra/core/domain/run";
import { formatTaskKey, parseTaskName, type TaskKey } from "@okstra/core/domain/task-key";
import { UNCLASSIFIED } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import type { RepositoryLocation } from "@okstra/core/git-port";
import type { Registry } from "@okstra/core/domain/registry";
import type { App } from "../app.ts";
import { openProject, type OpenProject } from "../project/open-project.ts";
import { chooseBranch, createTree, finishTree, prepareTree } from "./create-tree.ts";
import { markerOf, pathOfTask, requireSameRepository, rowFor, saveRow, taskLockName, tellNotes, type Place } from "./place.ts";
import { settlePending } from "./settle-pending.ts";
import { rebuildFromTrash } from "./rebuild-from-trash.ts";
import { requireTrashEntry } from "./trash.ts";

export interface ProvisionRequest {
  /** `<group>/<task>` as a person writes it. */
  readonly task: string;
  readonly dir: string;
  readonly taskType: string | null;
  readonly category: string | null;
  /** Any revision; null means HEAD of the main worktree. */
  readonly baseRef: string | null;
}

/**
 * Gives a task its worktree: makes it, finds it again, or says why it has none (`skipped-…`).
 *
 * The row is reserved before git starts, in state `provisioning`, and becomes `active` when the tree is whole;
 * whoever asks meanwhile waits for the task's lock and is answered `reused`. What a crash left in state
 * `provisioning` was never handed out, so the next call completes or replaces it.
 * @throws OKSTRA_PROJECT_NOT_SET_UP, OKSTRA_PROJECT_ID_TAKEN, OKSTRA_BRANCH_EXISTS, OKSTRA_PATH_EXISTS and others of the catalogue
 */
export async function provision(app: App, request: ProvisionRequest): Promise<Provision> {
  const opened = await openProject(app, request.dir);
  const key = parseTaskName(request.task, opened.project.projectId, app.sha256);
  const taskKey = formatTaskKey(key);
  const { location } = opened;
  if (location === null) {
    return {
      status: "skipped-not-git",
      path: opened.root,
      branch: "",
      baseRef: "",
      taskKey,
      note: `${opened.root} is in no git repository; the task works in it directly.`,
    };
  }
  const report = await app.registry.load();
  tellNotes(app, report.notes);
  if (!location.isMain) {
    const owner = findRowByPath(report.registry, location.topLevel);
    if (owner?.key !== taskKey || location.mainRoot === null) return skippedInWorktree(location, taskKey, owner?.key ?? null);
  }
  const known = findRow(report.registry, taskKey);
  const place: Place = {
    key,
    taskKey,
    path: pathOfTask(app, key, known, location.commonDir),
    mainRoot: location.mainRoot ?? location.topLevel,
    repository: location.commonDir,
    project: opened.project,
  };
  const quick = await reuseQuickly(app, place, known, request);
  if (quick !== null) return quick;

  const lease = await app.locks.acquire(taskLockName(app, taskKey), {
    holder: taskKey,
    onWait: () => app.emit({ type: "waiting", text: `waiting for another okstra that works on ${taskKey}` }),
  });
  try {
    return await provisionLocked(app, place, opened, location, request);
  } finally {
    await lease.release();
  }
}

function skippedInWorktree(location: RepositoryLocation, taskKey: string, owner: string | null): Provision {
  const whose = owner === null ? "a linked worktree that is no task's" : `the worktree of task ${owner}`;
  return {
    status: "skipped-in-worktree",
    path: location.topLevel,
    branch: "",
    baseRef: "",
    taskKey,
    note: `${location.topLevel} is ${whose}; no other worktree was made.`,
  };
}

/** The common case without any lock: an active row whose tree is in place. */
async function reuseQuickly(app: App, place: Place, row: RegistryRow | null, request: ProvisionRequest): Promise<Provision | null> {
  if (
    row === null ||
    row.status !== "active" ||
    row.pending !== undefined ||
    row.repository !== place.repository ||
    row.worktree_path !== place.path
  )
    return null;
  const tree = await app.files.inspect(row.worktree_path);
  if (tree.kind !== "worktree" || tree.repository !== place.repository || tree.branch !== row.branch) return null;
  if (tree.marker !== null && !tree.marker.prepared && place.project.prepare !== undefined) return null;
  await touchPhase(app, place.taskKey, row, request.taskType);
  return answer(place, "reused", row, keptBaseNote(request, row));
}

async function provisionLocked(
  app: App,
  before: Place,
  opened: OpenProject,
  location: RepositoryLocation,
  request: ProvisionRequest,
): Promise<Provision> {
  if (await settlePending(app, before.taskKey, before.mainRoot))
    app.emit({ type: "healing", level: "note", text: `an interrupted command on ${before.taskKey} was settled` });
  const { registry, notes } = await app.registry.load();
  tellNotes(app, notes);
  const row = findRow(registry, before.taskKey) ?? (await app.registry.findInHistory(before.taskKey));
  const place: Place = { ...before, path: pathOfTask(app, before.key, row, before.repository) };
  if (row === null) return createTask(app, place, location, request, registry);
  requireSameRepository(place, row);
  if (row.status === "provisioning") return completeTask(app, place, row, request);
  return reuseTask(app, place, row, request, opened);
}

async function createTask(
  app: App,
  place: Place,
  location: RepositoryLocation,
  request: ProvisionRequest,
  registry: Registry,
): Promise<Provision> {
  const tree = await app.files.inspect(place.path);
  if (tree.kind === "worktree" && tree.repository === place.repository && tree.marker?.taskKey === place.taskKey) {
    const row = rowFor(place, {
      branch: tree.marker.branch,
      base: tree.marker.baseRef,
      createdAt: tree.marker.createdAt,
      lastPhase: request.taskType ?? tree.marker.lastPhase,
      status: "active",
    });
    await saveRow(app, place.taskKey, row);
    return answer(place, "reused", row, "its row in the registry was lost and was restored from the worktree");
  }
  if (tree.kind !== "absent" && tree.kind !== "parent-absent") {
    throw new OkstraError("OKSTRA_PATH_EXISTS", {
      message: `${place.path} exists and belongs to no task${tree.kind === "foreign" ? ` (${tree.reason})` : ""}.`,
      hint: `Move it away: mv ${place.path} ${place.path}.old`,
      details: { path: place.path },
    });
  }
  const category = request.category ?? (await loadOwnCategory(app, place)) ?? UNCLASSIFIED;
  const [safe, chosen] = await Promise.all([
    app.git.safeConfig({ commonDir: place.repository, mainRoot: place.mainRoot }),
    chooseBranch(app, place, { category, baseRef: request.baseRef, location, registry }),
  ]);
  const makeRow = (branch: string): RegistryRow =>
    rowFor(place, { branch, base: chosen.base, createdAt: app.clock.now(), lastPhase: request.taskType, status: "provisioning" });
  const built = await createTree(app, place, { candidates: chosen.free, commit: chosen.base, safe, makeRow });
  const marker = markerOf(place, built.row, { category, baseName: await nameBase(app, place.repository, request.baseRef) });
  const finished = await finishTree(app, place, { marker, safe, row: built.row, extras: built.extras });
  await prepareTree(app, place, finished.marker);
  const from = request.baseRef === null ? "HEAD" : request.baseRef;
  return answer(
    place,
    "created",
    built.row,
    [`branch ${built.row.branch} at ${chosen.base.slice(0, 12)} (${from})`, ...finished.notes].join("; "),
  );
}

/** A row that a crash left: completes the tree in place when it is whole, makes it again when it is not. */
async function completeTask(app: App, place: Place, row: RegistryRow, request: ProvisionRequest): Promise<Provision> {
  const safe = await app.git.safeConfig({ commonDir: place.repository, mainRoot: place.mainRoot });
  if (row.pending?.step === "restoring") {
    const restored = await rebuildFromTrash(app, place, { entry: await requireTrashEntry(app, place, row.pending.stamp), safe });
    await prepareTree(app, place, restored.marker);
    return answer(place, "reused", restored.row, ["an interrupted restore was completed", ...restored.notes].join("; "));
  }
  const tree = await app.files.inspect(place.path);
  const left = await app.files.loadMarkerOf(place.repository, place.path);
  const whole = tree.kind === "worktree" && tree.repository === place.repository && tree.marker?.taskKey === place.taskKey;
  let current: RegistryRow = {
    ...row,
    repository: place.repository,
    worktree_path: place.path,
    last_phase: request.taskType ?? row.last_phase,
  };
  if (!whole) {
    app.emit({
      type: "healing",
      level: "note",
      text: `an unfinished worktree of ${place.taskKey} is made again`,
      data: { path: place.path },
    });
    current = (await createTree(app, place, { candidates: [row.branch], commit: row.base_ref, safe, makeRow: () => current })).row;
  }
  const marker =
    whole && tree.marker !== null
      ? tree.marker
      : markerOf(place, current, {
          category: request.category ?? (await loadOwnCategory(app, place)) ?? left?.category ?? UNCLASSIFIED,
          baseName: left?.baseName ?? (await nameBase(app, place.repository, request.baseRef)),
        });
  const finished = await finishTree(app, place, { marker, safe, row: current });
  await prepareTree(app, place, finished.marker);
  return answer(place, "reused", current, ["an interrupted provisioning was completed", ...finished.notes].join("; "));
}

/** An active or released row: finds its tree, checks it out again when only the directory is gone. */
async function reuseTask(app: App, place: Place, row: RegistryRow, request: ProvisionRequest, opened: OpenProject): Promise<Provision> {
  const tree = await app.files.inspect(place.path);
  if (tree.kind === "parent-absent") {
    throw new OkstraError("OKSTRA_PATH_NOT_MOUNTED", {
      message: `The directory above ${place.path} is gone; is a disk not mounted?`,
      hint: "Mount it; or, if it was deleted: okstra worktree repair",
      details: { path: place.path },
    });
  }
  const again = row.status === "released" ? "the released task was taken up again" : "";
  const active: RegistryRow = { ...row, repository: place.repository, status: "active", last_phase: request.taskType ?? row.last_phase };
  delete active["released_at"];
  if (tree.kind === "foreign") {
    throw new OkstraError("OKSTRA_REPOSITORY_TAMPERED", {
      message: `${place.path} is not the worktree that okstra made: ${tree.reason}.`,
      details: { path: place.path, reason: tree.reason },
    });
  }
  if (tree.kind === "worktree") {
    if (tree.repository !== place.repository) {
      throw new OkstraError("OKSTRA_REPOSITORY_TAMPERED", {
        message: `${place.path}/.git leads to ${tree.repository}, not to ${place.repository}.`,
        details: { path: place.path, found: tree.repository, expected: place.repository },
      });
    }
    if (tree.branch !== null && tree.branch !== row.branch) {
      throw new OkstraError("OKSTRA_BRANCH_ELSEWHERE", {
        message: `${place.path} has ${tree.branch} checked out, and the task's branch is ${row.branch}.`,
        hint: `Switch back: git -C ${place.path} switch ${row.branch}`,
        details: { path: place.path, found: tree.branch, expected: row.branch },
      });
    }
    await saveRow(app, place.taskKey, active);
    if (tree.marker !== null) {
      await app.files.writeMarker(tree.adminDir, { ...tree.marker, status: "active", lastPhase: active.last_phase });
      await prepareTree(app, place, { ...tree.marker, status: "active" });
    }
    const detached = tree.branch === null ? `HEAD is detached there; the task's branch is ${row.branch}` : "";
    return answer(place, "reused", active, [again, detached, keptBaseNote(request, row)].filter((text) => text !== "").join("; "));
  }
  return restoreTree(app, place, active, row, opened, again);
}

/** The directory is gone: the branch still has the work, so it is checked out again. */
async function restoreTree(
  app: App,
  gone: Place,
  active: RegistryRow,
  row: RegistryRow,
  opened: OpenProject,
  again: string,
): Promise<Provision> {
  const place: Place = { ...gone, path: app.files.pathOf(gone.key) };
  const [tip] = await app.git.resolveCommits(opened.root, [`refs/heads/${row.branch}`]);
  const released = row.status === "released";
  if (tip === null && !released) {
    const last = (await app.files.lastKnownCommit(place.repository, gone.path)) ?? row.base_ref;
    throw new OkstraError("OKSTRA_BRANCH_LOST", {
      message: `${gone.path} and its branch ${row.branch} are both gone; the last known commit is ${last === "" ? "unknown" : last}.`,
      hint: `Make the branch again: git -C ${place.mainRoot} branch ${row.branch} ${last}`,
      details: { path: gone.path, branch: row.branch, lastKnownCommit: last },
    });
  }
  const safe = await app.git.safeConfig({ commonDir: place.repository, mainRoot: place.mainRoot });
  const left = await app.files.loadMarkerOf(place.repository, gone.path);
  // okstra makes directories only below its home: an adopted worktree that was deleted comes back there.
  if (gone.path !== place.path) await app.files.discardUnfinished(gone.path, place.repository, row.branch);
  const provisioning: RegistryRow = { ...active, worktree_path: place.path, status: "provisioning" };
  const built = await createTree(app, place, {
    candidates: [row.branch],
    commit: row.base_ref,
    safe,
    makeRow: () => provisioning,
    mayExist: true,
  });
  const category = (await loadOwnCategory(app, place)) ?? left?.category ?? UNCLASSIFIED;
  const finished = await finishTree(app, place, {
    marker: markerOf(place, built.row, { category, baseName: left?.baseName }),
    safe,
    row: built.row,
  });
  await prepareTree(app, place, finished.marker);
  const how =
    tip === null ? `branch ${row.branch} was made again at ${row.base_ref.slice(0, 12)}` : `restored: checked out again from ${row.branch}`;
  return answer(
    place,
    "reused",
    { ...built.row, status: "active" },
    [again, how, ...finished.notes].filter((text) => text !== "").join("; "),
  );
}

function answer(place: Place, status: Provision["status"], row: RegistryRow, note: string): Provision {
  return {
    status,
    path: place.path,
    branch: row.branch,
    baseRef: row.base_ref,
    taskKey: place.taskKey,
    note: note === "" ? `the task works in ${place.path}` : note,
  };
}

function keptBaseNote(request: ProvisionRequest, row: RegistryRow): string {
  return request.baseRef === null ? "" : `the task keeps its base ${row.base_ref.slice(0, 12)}; to move it: okstra worktree update`;
}

async function touchPhase(app: App, key: string, row: RegistryRow, taskType: string | null): Promise<void> {
  if (taskType === null || row.last_phase === taskType) return;
  await saveRow(app, key, { ...row, last_phase: taskType });
}

/** What the task can fall behind: the revision that the person named, else the main worktree's branch. */
async function nameBase(app: App, repository: string, baseRef: string | null): Promise<string> {
  return (baseRef === "HEAD" ? null : baseRef) ?? (await app.files.loadHeadBranch(repository)) ?? "HEAD";
}

/** What an earlier phase classified the task as, from its manifest. */
async function loadOwnCategory(app: App, place: { mainRoot: string; key: TaskKey }): Promise<string | null> {
  const text = await app.store.readText(`${place.mainRoot}/.project-docs/okstra/tasks/${place.key.group}/${place.key.task}/task.json`);
  if (text === null) return null;
  try {
    const category = (JSON.parse(text) as { workCategory?: unknown }).workCategory;
    return typeof category === "string" ? category : null;
  } catch {
    return null;
  }
}
