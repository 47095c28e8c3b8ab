import type { RegistryRow } from "@okstra/core/domain/registry";
import { findRow, putRow } from "@okstra/core/domain/registry-change";
import { formatTaskKey, splitTaskKey } from "@okstra/core/domain/task-key";
import type { RepositoryLocation, WorktreeEntry } from "@okstra/core/git-port";
import { OkstraError } from "@okstra/core/errors";
import type { App } from "../app.ts";
import { discardProvisioned } from "./discard-provisioned.ts";
import { repositoryLockName, rowFor, saveRow, taskLockName, tellNotes, type Place } from "./place.ts";
import { provision } from "./provision.ts";
import { settlePending } from "./settle-pending.ts";

export interface RepairAction {
  /** `completed`, `rolled-back`, `settled`, `parent-made`, `relinked`, `registered`, `foreign`, `swept`, `left-alone`. */
  readonly action: string;
  readonly subject: string;
  /** One line for a person. */
  readonly message: string;
}

/**
 * Mends what crashes, moves and lost files left of okstra's bookkeeping. Never removes a directory that it does
 * not know, and never lets git prune: an unmounted disk looks like a deleted one. Running it again does nothing.
 */
export async function repair(app: App, dir: string): Promise<readonly RepairAction[]> {
  const actions: RepairAction[] = [];
  const add = (action: string, subject: string, message: string): void => {
    actions.push({ action, subject, message });
    app.emit({ type: "repaired", text: message });
  };
  const { notes } = await app.registry.load();
  tellNotes(app, notes);
  const location = await app.git.locate(dir).catch((error: unknown) => {
    if (error instanceof OkstraError && ["OKSTRA_REPOSITORY_BARE", "OKSTRA_REPOSITORY_TAMPERED"].includes(error.code)) return null;
    throw error;
  });
  if (location !== null) await relinkMoved(app, location, add);
  await registerMarked(app, add);
  await mendRows(app, add);
  await sweep(app, add);
  return actions;
}

type Add = (action: string, subject: string, message: string) => void;

async function mendRows(app: App, add: Add): Promise<void> {
  const { registry } = await app.registry.load();
  for (const [taskKey, row] of Object.entries(registry.tasks)) {
    if (row.status !== "provisioning" && row.pending === undefined && !app.files.isInside(row.worktree_path)) continue;
    if (row.repository === "" || !(await app.store.exists(row.repository))) {
      if (row.status !== "released")
        add(
          "left-alone",
          taskKey,
          `${taskKey}: its repository ${row.repository === "" ? "is not known" : `${row.repository} is gone`}; if it moved, run okstra worktree repair inside it`,
        );
      continue;
    }
    if (row.status !== "released" && (await app.files.inspect(row.worktree_path)).kind === "parent-absent") {
      await app.files.ensureParents(row.worktree_path);
      add(
        "parent-made",
        taskKey,
        `${taskKey}: made the directory above ${row.worktree_path}; okstra worktree provision checks it out again`,
      );
    }
    if (row.status === "provisioning" || row.pending !== undefined) await mendUnfinished(app, taskKey, row, add);
    else await sweepTree(app, taskKey, row, add);
  }
}

/** Temporary files of okstra's in git's bookkeeping of a tree; whoever writes them holds the task's lock. */
async function sweepTree(app: App, taskKey: string, row: RegistryRow, add: Add): Promise<void> {
  const tree = await app.files.inspect(row.worktree_path);
  if (tree.kind !== "worktree" || (await app.files.listLeftovers(tree.adminDir)).temporary.length === 0) return;
  const taken = await app.locks.tryAcquire(taskLockName(app, taskKey), `repair ${taskKey}`);
  if (!("lease" in taken)) return;
  try {
    for (const path of (await app.files.listLeftovers(tree.adminDir)).temporary) {
      await app.store.remove(path);
      add("swept", path, `removed the temporary file ${path}`);
    }
  } finally {
    await taken.lease.release();
  }
}

/** Completes what was begun; what cannot be completed is taken back. A task that a live okstra works on is left alone. */
async function mendUnfinished(app: App, taskKey: string, row: RegistryRow, add: Add): Promise<void> {
  const taken = await app.locks.tryAcquire(taskLockName(app, taskKey), `repair ${taskKey}`);
  if (!("lease" in taken)) {
    add("left-alone", taskKey, `${taskKey}: another okstra works on it`);
    return;
  }
  let main: WorktreeEntry | undefined;
  try {
    main = (await app.git.listWorktrees(row.repository))[0];
    if (main === undefined || main.bare) {
      add("left-alone", taskKey, `${taskKey}: ${row.repository} has no main worktree`);
      return;
    }
    if (await settlePending(app, taskKey, main.path)) {
      add("settled", taskKey, `${taskKey}: an interrupted ${row.pending?.step === "removing" ? "removal" : "update"} was settled`);
      return;
    }
  } finally {
    await taken.lease.release();
  }
  const { project, group, task } = splitTaskKey(taskKey);
  try {
    const answer = await provision(app, { task: `${group}/${task}`, dir: main.path, taskType: null, category: null, baseRef: null });
    if (answer.taskKey === taskKey) {
      add("completed", taskKey, `${taskKey}: ${answer.note}`);
      return;
    }
    add("left-alone", taskKey, `${taskKey}: the project in ${main.path} has another id than ${project}`);
  } catch (error) {
    if (!(error instanceof OkstraError) || error.kind === "interrupted" || error.code === "OKSTRA_PREPARE_COMMAND_FAILED") throw error;
    await rollBack(app, taskKey, row, main.path, error, add);
  }
}

async function rollBack(app: App, taskKey: string, row: RegistryRow, mainRoot: string, reason: OkstraError, add: Add): Promise<void> {
  const lease = await app.locks.acquire(taskLockName(app, taskKey), { holder: `repair ${taskKey}` });
  try {
    const repository = await app.locks.acquire(repositoryLockName(app, row.repository), { holder: `repair ${taskKey}` });
    try {
      const current = findRow((await app.registry.load()).registry, taskKey);
      if (current?.status !== "provisioning") return;
      const place: Place = {
        key: splitTaskKey(taskKey),
        taskKey,
        path: current.worktree_path,
        mainRoot,
        repository: current.repository,
        project: { schema: 1, projectId: current.project_id },
      };
      const notes = await discardProvisioned(app, place, current, repository);
      add("rolled-back", taskKey, [`${taskKey}: could not be completed (${reason.message}) and was taken back`, ...notes].join("; "));
    } finally {
      await repository.release();
    }
  } finally {
    await lease.release();
  }
}

/** The repository that one stands in was moved: git mends its own paths, then rows, links and markers follow. */
async function relinkMoved(app: App, location: RepositoryLocation, add: Add): Promise<void> {
  const { registry } = await app.registry.load();
  const marked = await app.files.listMarked(location.commonDir);
  const moved: { taskKey: string; row: RegistryRow; path: string }[] = [];
  for (const { marker, path } of marked) {
    const row = findRow(registry, marker.taskKey);
    if (row === null || path !== row.worktree_path || row.repository === location.commonDir) continue;
    if (row.repository !== "" && (await app.store.exists(row.repository))) continue;
    moved.push({ taskKey: marker.taskKey, row, path });
  }
  const mainRoot = location.mainRoot ?? location.topLevel;
  if (moved.length === 0) return;
  const lease = await app.locks.acquire(repositoryLockName(app, location.commonDir), { holder: "repair", waitMs: 60 * 60 * 1000 });
  try {
    await app.git.run(mainRoot, ["worktree", "repair"], { lock: lease });
    for (const { taskKey, row, path } of moved) {
      await saveRow(app, taskKey, { ...row, repository: location.commonDir });
      const tree = await app.files.inspect(path);
      const links = tree.kind === "worktree" && tree.marker !== null ? await app.files.renewLinks(mainRoot, path, tree.marker.links) : [];
      add(
        "relinked",
        taskKey,
        `${taskKey}: its repository moved from ${row.repository} to ${location.commonDir}${links.length > 0 ? `; linked ${links.join(", ")} again` : ""}`,
      );
    }
  } finally {
    await lease.release();
  }
}

/** Trees with okstra's marker and no row get their row back; what is not okstra's is only named. */
async function registerMarked(app: App, add: Add): Promise<void> {
  const { registry } = await app.registry.load();
  const known = new Set(Object.values(registry.tasks).map((row) => row.worktree_path));
  for (const path of await app.files.listTaskDirectories()) {
    if (known.has(path)) continue;
    const tree = await app.files.inspect(path);
    const marker = tree.kind === "worktree" ? tree.marker : null;
    if (tree.kind !== "worktree" || marker === null || app.files.pathOf(splitTaskKey(marker.taskKey)) !== path) {
      add("foreign", path, `${path}: ${tree.kind === "foreign" ? tree.reason : "it is no task's worktree"}; left alone`);
      continue;
    }
    const key = splitTaskKey(marker.taskKey);
    const taskKey = formatTaskKey(key);
    const place: Place = {
      key,
      taskKey,
      path,
      mainRoot: "",
      repository: tree.repository,
      project: { schema: 1, projectId: marker.projectId },
    };
    const row = rowFor(place, {
      branch: marker.branch,
      base: marker.baseRef,
      createdAt: marker.createdAt,
      lastPhase: marker.lastPhase,
      status: marker.status,
    });
    await app.registry.update((current) => ({
      registry: findRow(current, taskKey) === null ? putRow(current, taskKey, row) : current,
      result: null,
    }));
    add("registered", taskKey, `${taskKey}: its row was lost and was made again from ${path}`);
  }
}

/** Temporary files of writes that never ended, each under the lock that such a write holds. */
async function sweep(app: App, add: Add): Promise<void> {
  for (const { path, lock } of await app.files.listTemporary()) {
    const lease = await app.locks.acquire(lock);
    try {
      if (!(await app.store.exists(path))) continue;
      await app.store.remove(path);
      add("swept", path, `removed the temporary file ${path}`);
    } finally {
      await lease.release();
    }
  }
}
