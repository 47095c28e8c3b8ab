import { findCycle } from "@okstra/core/schedule/order";
import { gatherWaits, readLinks, type OwnLinks } from "@okstra/core/schedule/links";
import { formatTaskKey, parseTaskName } from "@okstra/core/domain/task-key";
import { OkstraError } from "@okstra/core/errors";
import type { Lease } from "@okstra/core/ports";
import type { App } from "../app.ts";
import { openProject } from "../project/open-project.ts";
import { takeRunLock } from "../run/run-lock.ts";
import { taskDirectory } from "../run/run-paths.ts";
import { loadTask, requireKnown } from "./load-task.ts";
import { checkTaskLog, openTaskLog } from "./task-log.ts";

export interface LinkRequest {
  readonly task: string;
  readonly dir: string;
  /** `<group>/<task>` each. */
  readonly after: readonly string[];
  readonly blocks: readonly string[];
  /** Takes these relations away instead of making them. */
  readonly unlink: boolean;
  /** Null: stays as it is. */
  readonly priority: number | null;
  readonly by: () => string;
}

/** What `okstra task link` answers: all relations of the task as they are now. */
export interface LinkAnswer {
  readonly taskKey: string;
  /** Keys of tasks that come before it, and after it. */
  readonly after: readonly string[];
  readonly blocks: readonly string[];
  /** The larger goes first; null: nobody said. */
  readonly priority: number | null;
  /** False when all was as it was asked for already. */
  readonly changed: boolean;
}

/** Relations of all tasks of a project, and the logs that say nothing because they are damaged. */
export interface ProjectLinks {
  readonly links: ReadonlyMap<string, OwnLinks>;
  readonly damaged: readonly { readonly taskKey: string; readonly reason: string }[];
}

/** Reads the relations of every task that has records in the project. Changes nothing. */
export async function loadLinks(app: App, project: string, root: string): Promise<ProjectLinks> {
  const links = new Map<string, OwnLinks>();
  const damaged: { taskKey: string; reason: string }[] = [];
  const tasks = `${root}/.project-docs/okstra/tasks`;
  for (const group of await app.store.listDirectory(tasks)) {
    if (group === "verify" || group.startsWith(".")) continue;
    for (const task of await app.store.listDirectory(`${tasks}/${group}`).catch(() => [])) {
      if (task.startsWith(".")) continue;
      const key = parseTaskName(`${group}/${task}`, project, app.sha256);
      const { events, broken } = await checkTaskLog(app, taskDirectory(root, key));
      if (broken[0] === undefined) links.set(formatTaskKey(key), readLinks(events));
      else damaged.push({ taskKey: formatTaskKey(key), reason: broken[0] });
    }
  }
  return { links, damaged };
}

/**
 * Relates a task to others of its project, or takes relations away; each is kept in the task's own log, and one that stands
 * in the other's log is taken away there. Without a relation and a priority it only answers.
 * @throws OKSTRA_TASK_NOT_FOUND for each task named, OKSTRA_TASK_LINK_CYCLE, OKSTRA_TASK_BUSY while a run of a task goes on
 *   whose log has to be changed
 */
export async function linkTasks(app: App, request: LinkRequest): Promise<LinkAnswer> {
  const { root, project } = await openProject(app, request.dir);
  const named = (task: string) => parseTaskName(task, project.projectId, app.sha256);
  const [after, blocks] = [request.after, request.blocks].map((tasks) => tasks.map((task) => formatTaskKey(named(task)))) as [
    string[],
    string[],
  ];
  for (const task of [request.task, ...request.after, ...request.blocks]) requireKnown(await loadTask(app, { root, key: named(task) }));
  const own = formatTaskKey(named(request.task));
  // Two relations that are each fine make a circle together, so they are made one after the other.
  const lease = await app.locks.acquire(`task-links-${app.sha256(root).slice(0, 24)}`);
  try {
    const { links, damaged } = await loadLinks(app, project.projectId, root);
    for (const { taskKey, reason } of damaged)
      app.emit({ type: "task-damaged", level: "warning", text: `the relations of ${taskKey} cannot be read: ${reason}` });
    const changed = request.unlink
      ? takeAway(links, own, { after, blocks })
      : add(links, own, { after, blocks, priority: request.priority });
    const next = new Map([...links, ...changed]);
    if (!request.unlink) requireNoCycle(gatherWaits(next), own);
    if (changed.size > 0) await writeLinks(app, root, changed, request.by());
    return describeLinks(next, own, changed.size > 0);
  } finally {
    await lease.release();
  }
}

const NONE: OwnLinks = { after: [], blocks: [], priority: null };

/** The logs that have to say something else, with what they say then. */
function add(links: ReadonlyMap<string, OwnLinks>, own: string, { after, blocks, priority }: OwnLinks): ReadonlyMap<string, OwnLinks> {
  const now = links.get(own) ?? NONE;
  const waits = gatherWaits(links);
  const isThere = (key: string, before: string): boolean => waits.get(key)?.includes(before) === true;
  const next: OwnLinks = {
    after: [...new Set([...now.after, ...after.filter((key) => !isThere(own, key))])],
    blocks: [...new Set([...now.blocks, ...blocks.filter((key) => !isThere(key, own))])],
    priority: priority ?? now.priority,
  };
  const isSame = next.after.length === now.after.length && next.blocks.length === now.blocks.length && next.priority === now.priority;
  return isSame ? new Map() : new Map([[own, next]]);
}

function takeAway(
  links: ReadonlyMap<string, OwnLinks>,
  own: string,
  { after, blocks }: Pick<OwnLinks, "after" | "blocks">,
): ReadonlyMap<string, OwnLinks> {
  const changed = new Map<string, OwnLinks>();
  for (const [key, now] of links) {
    const next: OwnLinks = {
      ...now,
      after: now.after.filter((other) => !(key === own && after.includes(other)) && !(other === own && blocks.includes(key))),
      blocks: now.blocks.filter((other) => !(key === own && blocks.includes(other)) && !(other === own && after.includes(key))),
    };
    if (next.after.length !== now.after.length || next.blocks.length !== now.blocks.length) changed.set(key, next);
  }
  return changed;
}

function requireNoCycle(waits: ReadonlyMap<string, readonly string[]>, own: string): void {
  const cycle = findCycle(waits, own);
  if (cycle === null) return;
  const names = [...cycle, own].map((key) => key.split("/").slice(1).join("/"));
  throw new OkstraError("OKSTRA_TASK_LINK_CYCLE", {
    message: `Then these would wait for each other: ${names.join(" after ")}.`,
    details: { cycle },
  });
}

/** All logs that change are held before the first of them is changed. */
async function writeLinks(app: App, root: string, changed: ReadonlyMap<string, OwnLinks>, by: string): Promise<void> {
  const leases: Lease[] = [];
  try {
    for (const taskKey of changed.keys()) leases.push(await takeRunLock(app, root, taskKey, "a relation"));
    for (const [taskKey, { after, blocks, priority }] of changed) {
      const taskDir = `${root}/.project-docs/okstra/tasks/${taskKey.split("/").slice(1).join("/")}`;
      const log = await openTaskLog(app, taskDir, taskKey);
      await log.append([{ type: "linked", after: [...after].sort(), blocks: [...blocks].sort(), priority, by }]);
    }
  } finally {
    for (const lease of leases) await lease.release();
  }
}

function describeLinks(links: ReadonlyMap<string, OwnLinks>, own: string, changed: boolean): LinkAnswer {
  const waits = gatherWaits(links);
  return {
    taskKey: own,
    after: waits.get(own) ?? [],
    blocks: [...waits].flatMap(([key, before]) => (before.includes(own) ? [key] : [])).sort(),
    priority: links.get(own)?.priority ?? null,
    changed,
  };
}
