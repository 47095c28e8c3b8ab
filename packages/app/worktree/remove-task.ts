import { findRow, putRow } from "@okstra/core/domain/registry-change";
import type { RegistryRow } from "@okstra/core/domain/registry";
import { OkstraError } from "@okstra/core/errors";
import type { TreeState } from "@okstra/core/git-port";
import type { App } from "../app.ts";
import { takeRunLock } from "../run/run-lock.ts";
import { discardProvisioned } from "./discard-provisioned.ts";
import { finishRemoval, notOurs } from "./finish-removal.ts";
import { requireTask } from "./list-tasks.ts";
import { describeWork, isWorkless, loadWork, type Work } from "./load-work.ts";
import { placeOf, repositoryLockName, requireSameRepository, taskLockName, type Place } from "./place.ts";
import { pinWork } from "./pin-work.ts";
import { settlePending } from "./settle-pending.ts";
import { listTrashStamps, requireTrashEntry, type TrashManifest } from "./trash.ts";

export interface RemoveRequest {
  readonly task: string;
  readonly dir: string;
  /** A person said that work may go, once it is kept. */
  readonly yes: boolean;
  /** The same for an archive over 100 MB. */
  readonly yesLarge: boolean;
}

export interface RemoveAnswer {
  readonly status: "removed";
  readonly taskKey: string;
  readonly path: string;
  readonly branch: string;
  /** Recovery refs by what they hold; empty for a tree that was never handed out. */
  readonly refs: Readonly<Record<string, string>>;
  readonly archive: string | null;
  /** Command that brings all of it back; empty when there is nothing to bring back. */
  readonly restore: string;
  readonly note: string;
}

const LARGE_ARCHIVE_BYTES = 100 * 1024 * 1024;
const LISTED = 20;

/**
 * Removes a task's worktree and branch. Whatever would be lost is refused with a list, or with `yes` kept first
 * under `refs/okstra/trash/…` and `OKSTRA_HOME/trash`. The row is marked between the keeping and the deleting,
 * so that a crash leaves either the whole tree or an entry that the next command finishes with.
 * @throws OKSTRA_WORKTREE_HAS_WORK, OKSTRA_WORKTREE_IN_USE, OKSTRA_WORKTREE_LOCKED, OKSTRA_WORKTREE_NOT_OURS, OKSTRA_ARCHIVE_TOO_LARGE
 */
export async function removeTask(app: App, request: RemoveRequest): Promise<RemoveAnswer> {
  const known = await requireTask(app, request.task, request.dir);
  const { taskKey } = known;
  const run = await takeRunLock(app, known.opened.root, taskKey, "removal");
  const lease = await app.locks.acquire(taskLockName(app, taskKey), { holder: `remove ${taskKey}` });
  try {
    const before = placeOf(app, known.opened, taskKey, known.row);
    requireSameRepository(before, known.row);
    const settled = await settlePending(app, taskKey, before.mainRoot);
    const row = findRow((await app.registry.load()).registry, taskKey) ?? (settled ? null : known.row);
    if (row === null) return answer(before, await requireTrashEntry(app, before, null), ["an interrupted removal was completed"]);
    const place = placeOf(app, known.opened, taskKey, row);
    return await removeLocked(app, place, row, request);
  } finally {
    await lease.release();
    await run.release();
  }
}

async function removeLocked(app: App, place: Place, row: RegistryRow, request: RemoveRequest): Promise<RemoveAnswer> {
  const lease = await app.locks.acquire(repositoryLockName(app, place.repository), {
    holder: `remove ${place.taskKey}`,
    waitMs: 60 * 60 * 1000,
  });
  try {
    if (row.status === "provisioning") {
      const notes = await discardProvisioned(app, place, row, lease);
      const kept = (await listTrashStamps(app, place.taskKey)).length > 0;
      return {
        status: "removed",
        taskKey: place.taskKey,
        path: place.path,
        branch: row.branch,
        refs: {},
        archive: null,
        restore: kept ? restoreCommand(place) : "",
        note: ["it was never handed out", ...notes].join("; "),
      };
    }
    const tree = await app.files.inspect(place.path);
    await requireRemovable(app, place, row, tree);
    const safe = await app.git.safeConfig({
      commonDir: place.repository,
      mainRoot: tree.kind === "worktree" ? place.path : place.mainRoot,
    });
    const work = await loadWork(app, place, { row, tree, safe });
    requireConsent(app, place, row.branch, work, request);
    const marker = tree.kind === "worktree" ? tree.marker : await app.files.loadMarkerOf(place.repository, place.path);
    const entry = await pinWork(app, place, { row, marker, adminDir: tree.kind === "worktree" ? tree.adminDir : null, work, lock: lease });
    await mark(app, place, row, entry);
    return answer(place, entry, await finishRemoval(app, place, { row, entry, lock: lease }));
  } finally {
    await lease.release();
  }
}

/** From here on the next command finishes the removal. */
async function mark(app: App, place: Place, row: RegistryRow, entry: TrashManifest): Promise<void> {
  await app.registry.update((registry) => ({
    registry:
      findRow(registry, place.taskKey) === null
        ? registry
        : putRow(registry, place.taskKey, { ...row, pending: { step: "removing", stamp: entry.stamp } }),
    result: null,
  }));
  app.emit({ type: "removing", text: `removing ${place.path}` });
}

async function requireRemovable(app: App, place: Place, row: RegistryRow, tree: TreeState): Promise<void> {
  if (tree.kind === "parent-absent") {
    throw new OkstraError("OKSTRA_PATH_NOT_MOUNTED", {
      message: `The directory above ${place.path} is gone; is a disk not mounted?`,
      hint: "Mount it; or, if it was deleted: okstra worktree repair",
      details: { path: place.path },
    });
  }
  if (tree.kind === "foreign") throw notOurs(place, tree.reason);
  const trees = await app.git.listWorktrees(place.mainRoot);
  const listed = trees.find(({ path }, index) => index > 0 && path === place.path);
  if (tree.kind === "worktree" && (tree.repository !== place.repository || listed === undefined))
    throw notOurs(place, "git does not list it as a worktree of this repository");
  if (listed !== undefined && listed.locked !== null) {
    throw new OkstraError("OKSTRA_WORKTREE_LOCKED", {
      message: `${place.path} is locked${listed.locked === "" ? "" : `: ${listed.locked}`}.`,
      hint: `Unlock it: git -C ${place.mainRoot} worktree unlock ${place.path}`,
      details: { path: place.path, reason: listed.locked },
    });
  }
  if (tree.kind === "absent") return;
  if (tree.branch !== null && tree.branch !== row.branch) {
    throw new OkstraError("OKSTRA_BRANCH_ELSEWHERE", {
      message: `${place.path} has ${tree.branch} checked out, and the task's branch is ${row.branch}.`,
      hint: `Switch back: git -C ${place.path} switch ${row.branch}`,
      details: { path: place.path, found: tree.branch, expected: row.branch },
    });
  }
  if (await app.files.hasSubmodules(tree.adminDir)) {
    throw new OkstraError("OKSTRA_WORKTREE_HAS_WORK", {
      message: `${place.path} has initialised submodules, whose repositories would be lost with it.`,
      hint: `Push what is in them, then: git -C ${place.path} submodule deinit --all --force && rm -r ${tree.adminDir}/modules`,
      details: { path: place.path, kinds: ["submodules"] },
    });
  }
  await requireNobodyThere(app, place);
}

/** @throws OKSTRA_WORKTREE_IN_USE, the caller's own shell included */
async function requireNobodyThere(app: App, place: Place): Promise<void> {
  const { cwd, processId } = app.surroundings;
  const processes = [
    ...(await app.files.findOccupants(place.path)),
    ...(cwd === place.path || cwd.startsWith(`${place.path}/`) ? [processId] : []),
  ];
  if (processes.length === 0) return;
  throw new OkstraError("OKSTRA_WORKTREE_IN_USE", {
    message: `${processes.length === 1 ? "A process has" : `${processes.length} processes have`} the working directory in ${place.path}: ${processes.slice(0, 10).join(", ")}.`,
    hint: `End ${processes.length === 1 ? "it" : "them"}, or leave the directory: cd ${place.mainRoot}`,
    details: { path: place.path, processes },
  });
}

function requireConsent(app: App, place: Place, branch: string, work: Work, request: RemoveRequest): void {
  const list = describeWork(work);
  if (!isWorkless(work) && !request.yes && !request.yesLarge) {
    const kinds = [
      ...(["dirty", "untracked", "ignored"] as const).filter((kind) => list[kind].length > 0),
      ...(work.commits.count > 0 ? ["commits"] : []),
      ...(work.operations.length > 0 ? ["operations"] : []),
    ];
    for (const kind of ["dirty", "untracked", "ignored"] as const) tellList(app, kind, list[kind]);
    tellList(app, "neither pushed nor merged", list.commits, work.commits.count);
    for (const operation of work.operations) app.emit({ type: "work-found", level: "note", text: `unfinished: ${operation}` });
    throw new OkstraError("OKSTRA_WORKTREE_HAS_WORK", {
      message: `${place.path} has work that would be lost: ${summarise(list, work)}.`,
      hint: `Commit and push it; or keep it aside and remove: okstra worktree remove ${place.key.group}/${place.key.task} --yes`,
      details: { path: place.path, branch, kinds, ...list },
    });
  }
  const bytes = work.files.filter((file) => file.archived && file.type === "file").reduce((sum, { size }) => sum + size, 0);
  if (bytes > LARGE_ARCHIVE_BYTES && !request.yesLarge) {
    throw new OkstraError("OKSTRA_ARCHIVE_TOO_LARGE", {
      message: `The ignored files in ${place.path} are ${Math.ceil(bytes / (1024 * 1024))} MB.`,
      details: { path: place.path, bytes, limit: LARGE_ARCHIVE_BYTES },
    });
  }
}

function tellList(app: App, kind: string, names: readonly string[], count = names.length): void {
  for (const name of names.slice(0, LISTED)) app.emit({ type: "work-found", level: "note", text: `${kind}: ${name}` });
  if (count > LISTED) app.emit({ type: "work-found", level: "note", text: `${kind}: ${count - LISTED} more` });
}

function summarise(list: ReturnType<typeof describeWork>, work: Work): string {
  const count = (number: number, what: string): string[] => (number === 0 ? [] : [`${number} ${what}`]);
  return [
    ...count(list.dirty.length, "changed"),
    ...count(list.untracked.length, "untracked"),
    ...count(list.ignored.length, "ignored"),
    ...count(
      work.commits.count,
      work.commits.count === 1 ? "commit that is neither pushed nor merged" : "commits that are neither pushed nor merged",
    ),
    ...work.operations.map((operation) => `an unfinished ${operation}`),
  ].join(", ");
}

function restoreCommand(place: Place): string {
  return `okstra worktree restore ${place.key.group}/${place.key.task}`;
}

function answer(place: Place, entry: TrashManifest, notes: readonly string[]): RemoveAnswer {
  const refs: Record<string, string> = {};
  for (const [name, value] of Object.entries(entry.refs)) {
    const ref = (value as { ref?: unknown } | undefined)?.ref;
    if (typeof ref === "string") refs[name] = ref;
  }
  const kept = entry.files.filter(({ type }) => type !== "directory").length;
  const note = [
    `kept under refs/okstra/trash/${place.taskKey}/${entry.stamp}`,
    ...(kept > 0 ? [`with ${kept} file${kept === 1 ? "" : "s"}`] : []),
    ...notes,
  ].join("; ");
  return {
    status: "removed",
    taskKey: place.taskKey,
    path: entry.row.worktree_path,
    branch: entry.row.branch,
    refs,
    archive: entry.archive?.path ?? null,
    restore: restoreCommand(place),
    note,
  };
}
