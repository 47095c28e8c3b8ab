import type { RegistryRow } from "@okstra/core/domain/registry";
import { findRow, putRow } from "@okstra/core/domain/registry-change";
import { formatTaskKey, parseTaskName } from "@okstra/core/domain/task-key";
import { OkstraError } from "@okstra/core/errors";
import type { TreeState } from "@okstra/core/git-port";
import type { App } from "../app.ts";
import { openProject, type OpenProject } from "../project/open-project.ts";
import { countBehind } from "./count-behind.ts";
import { taskLockName, tellNotes } from "./place.ts";

/** A registered task as the views show it. */
export interface TaskView {
  readonly taskKey: string;
  readonly status: RegistryRow["status"];
  readonly path: string;
  readonly branch: string;
  readonly baseRef: string;
  readonly repository: string;
  readonly lastPhase: string | null;
  readonly createdAt: string;
  /** What is at `path`: a whole worktree, nothing, or something else. */
  readonly tree: "present" | "missing" | "foreign";
  /** What the task can fall behind, and by how many commits it has; null when that cannot be told. */
  readonly baseName: string;
  readonly behind: number | null;
}

function viewOf(taskKey: string, row: RegistryRow, tree: TreeState): TaskView {
  return {
    taskKey,
    status: row.status,
    path: row.worktree_path,
    branch: row.branch,
    baseRef: row.base_ref,
    repository: row.repository,
    lastPhase: row.last_phase,
    createdAt: row.created_at,
    tree: tree.kind === "worktree" ? "present" : tree.kind === "foreign" ? "foreign" : "missing",
    baseName: (tree.kind === "worktree" ? tree.marker?.baseName : undefined) ?? "HEAD",
    behind: null,
  };
}

/** The views with how far each is behind: one look at each repository's history. */
async function withBehind(app: App, views: readonly TaskView[]): Promise<readonly TaskView[]> {
  const behind = new Map<string, number | null>();
  for (const repository of new Set(views.map((view) => view.repository))) {
    const own = views.filter((view) => view.repository === repository && view.branch !== "");
    const counts = repository === "" ? [] : await countBehind(app, repository, own);
    for (const [index, view] of own.entries()) behind.set(view.taskKey, counts[index] ?? null);
  }
  return views.map((view) => ({ ...view, behind: behind.get(view.taskKey) ?? null }));
}

/** All registered tasks, or those of one project, by key. */
export async function listTasks(app: App, options: { project: string | null }): Promise<readonly TaskView[]> {
  const { registry, notes } = await app.registry.load();
  tellNotes(app, notes);
  const views: TaskView[] = [];
  for (const [key, row] of Object.entries(registry.tasks).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (options.project !== null && row.project_id !== options.project) continue;
    views.push(viewOf(key, row, await app.files.inspect(row.worktree_path)));
  }
  return withBehind(app, views);
}

/** A task that the registry (or its history) knows. */
export interface RegisteredTask {
  readonly opened: OpenProject;
  readonly taskKey: string;
  readonly row: RegistryRow;
}

/** @throws OKSTRA_TASK_NOT_FOUND, and what {@link openProject} and parseTaskName throw */
export async function requireTask(app: App, name: string, dir: string): Promise<RegisteredTask> {
  const opened = await openProject(app, dir);
  const taskKey = formatTaskKey(parseTaskName(name, opened.project.projectId, app.sha256));
  const { registry, notes } = await app.registry.load();
  tellNotes(app, notes);
  const row = findRow(registry, taskKey) ?? (await app.registry.findInHistory(taskKey));
  if (row === null) {
    throw new OkstraError("OKSTRA_TASK_NOT_FOUND", {
      message: `${taskKey} is not registered.`,
      hint: `List the tasks: okstra worktree list; or make it: okstra worktree provision ${name}`,
      details: { taskKey },
    });
  }
  return { opened, taskKey, row };
}

export async function showTask(app: App, name: string, dir: string): Promise<TaskView> {
  const { taskKey, row } = await requireTask(app, name, dir);
  const [view] = await withBehind(app, [viewOf(taskKey, row, await app.files.inspect(row.worktree_path))]);
  return view as TaskView;
}

/** Marks a task released: its branch name is free for the index, its directory and branch stay. Idempotent. */
export async function releaseTask(app: App, name: string, dir: string): Promise<TaskView> {
  const { taskKey } = await requireTask(app, name, dir);
  const lease = await app.locks.acquire(taskLockName(app, taskKey), { holder: taskKey });
  try {
    const { result: row, notes } = await app.registry.update<RegistryRow | null>((registry) => {
      const current = findRow(registry, taskKey);
      if (current === null) return { registry, result: null };
      if (current.status === "released") return { registry, result: current };
      const released: RegistryRow = { ...current, status: "released", released_at: app.clock.now() };
      return { registry: putRow(registry, taskKey, released), result: released };
    });
    tellNotes(app, notes);
    const final = row ?? (await app.registry.findInHistory(taskKey));
    if (final === null) throw new OkstraError("OKSTRA_TASK_NOT_FOUND", { message: `${taskKey} is not registered.`, details: { taskKey } });
    const tree = await app.files.inspect(final.worktree_path);
    if (tree.kind === "worktree" && tree.marker !== null)
      await app.files.writeMarker(tree.adminDir, { ...tree.marker, status: "released" });
    return viewOf(taskKey, final, tree);
  } finally {
    await lease.release();
  }
}
