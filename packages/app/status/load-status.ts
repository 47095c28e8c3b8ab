import { formatTaskKey, parseTaskName, type TaskKey } from "@okstra/core/domain/task-key";
import type { JournalOf } from "@okstra/core/journal-port";
import type { RegistryReport } from "@okstra/core/ports";
import type { App } from "../app.ts";
import { readAhead } from "../history/read-ahead.ts";
import { isLed } from "../run/run-lock.ts";
import { taskDirectory } from "../run/run-paths.ts";
import { loadTask, type RunFacts, type TaskFacts } from "../task/load-task.ts";
import { decideNext } from "../task/next.ts";
import { openKeptStatuses, type KeptStatuses } from "./kept-statuses.ts";
import { TASK_STATES, taskStatusSchema, type TaskStatus } from "./task-status.ts";

export { TASK_STATES, type TaskState, type TaskStatus } from "./task-status.ts";

/** So many tasks take long enough to be told about. */
const TOLD_FROM = 20;
/** What was read is kept after so many tasks, for whoever does not wait to the end. */
const SAVED_EVERY = 200;

interface StatusFilter {
  readonly group: string | null;
  readonly phase: string | null;
  readonly state: string | null;
}

/**
 * Every task that has records in the projects, what waits for a person first. A task that cannot have changed since it was
 * last read is not read again; what its files say is the truth for every other one.
 */
export async function loadStatus(app: App, projects: readonly JournalOf[], filter: StatusFilter): Promise<readonly TaskStatus[]> {
  const all: TaskStatus[] = [];
  for (const of of projects) all.push(...(await loadProject(app, of, filter.group)));
  return all
    .filter((each) => (filter.phase === null || each.phase === filter.phase) && (filter.state === null || each.state === filter.state))
    .toSorted((a, b) => orderOf(a) - orderOf(b) || compare(a.since ?? "", b.since ?? "") || compare(a.taskKey, b.taskKey));
}

async function loadProject(app: App, of: JournalOf, group: string | null): Promise<readonly TaskStatus[]> {
  const keys = await listTasks(app, of, group);
  const registry = await app.registry.load();
  const kept = await openKeptStatuses(app, of, registry.registry);
  const found: TaskStatus[] = [];
  const missing: TaskKey[] = [];
  for (const key of keys) {
    const status = await kept.find(formatTaskKey(key), taskDirectory(of.root, key));
    if (status === null) missing.push(key);
    else found.push(status);
  }
  if (missing.length >= TOLD_FROM) app.emit({ type: "status-reading", text: `reading ${missing.length} tasks of ${of.project}` });
  const reading = withOneLook(app, of.root, registry);
  let read = 0;
  for await (const [, status] of readAhead(missing, (key) => readStatus(reading, of, key, kept))) {
    if (status !== null) found.push(status);
    read += 1;
    if (read % SAVED_EVERY === 0) kept.save();
  }
  kept.retain(new Set(keys.map(formatTaskKey)), (taskKey) => group === null || taskKey.split("/")[1] === group);
  kept.save();
  return found;
}

/** What is the same for every task is looked at once: the registry, and where the project's repository is. */
function withOneLook(app: App, root: string, registry: RegistryReport): App {
  let location: ReturnType<App["git"]["locate"]> | null = null;
  const locate: App["git"]["locate"] = (dir) => (dir === root ? (location ??= app.git.locate(root)) : app.git.locate(dir));
  return { ...app, git: { ...app.git, locate }, registry: { ...app.registry, load: async () => registry } };
}

async function listTasks(app: App, { project, root }: JournalOf, only: string | null): Promise<readonly TaskKey[]> {
  const tasks = `${root}/.project-docs/okstra/tasks`;
  const keys: TaskKey[] = [];
  for (const group of await app.store.listDirectory(tasks)) {
    if (group === "verify" || group.startsWith(".") || (only !== null && only !== group)) continue;
    for (const task of await app.store.listDirectory(`${tasks}/${group}`).catch(() => []))
      keys.push(parseTaskName(`${group}/${task}`, project, app.sha256));
  }
  return keys;
}

/** @returns null for a directory that has no record of a task */
async function readStatus(app: App, { project, root }: JournalOf, key: TaskKey, kept: KeptStatuses): Promise<TaskStatus | null> {
  const taskKey = formatTaskKey(key);
  const readAt = app.clock.now();
  const stamp = kept.stamp(taskDirectory(root, key));
  const facts = await loadTask(app, { root, key }).catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
  if (typeof facts === "string") {
    kept.drop(taskKey);
    return damaged(project, taskKey, facts);
  }
  if (!facts.known) {
    kept.drop(taskKey);
    return null;
  }
  let status = taskStatusSchema.parse(await statusOf(app, project, facts));
  if (findGoing(facts) !== null && status.state !== "running") {
    // It may have ended after its log was read and before it was looked whether anybody leads it.
    const again = await loadTask(app, { root, key }).catch(() => facts);
    status = taskStatusSchema.parse(await statusOf(app, project, again));
  }
  // Whether somebody leads a run shows in no file.
  if (findGoing(facts) === null) await kept.note(facts, status, stamp, readAt);
  else kept.drop(taskKey);
  return status;
}

const orderOf = ({ state }: TaskStatus): number => TASK_STATES.indexOf(state);
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function damaged(project: string, taskKey: string, why: string): TaskStatus {
  return { project, taskKey, state: "damaged", phase: null, run: null, cycle: 0, why, command: null, since: null, lanes: [] };
}

/**
 * How a task stands, from what was read of it. Runs of the cycle whose files are not what okstra wrote count for nothing,
 * and are named.
 */
export async function statusOf(app: App, project: string, facts: TaskFacts): Promise<TaskStatus> {
  const status = await judge(app, project, facts);
  const broken = facts.runs.filter((run) => run.damaged !== null && (run.cycle === facts.cycle.cycle || run.runId === ""));
  if (broken.length === 0) return status;
  const newest = broken.find((run) => run === facts.runs.at(-1));
  if (newest !== undefined && status.state !== "running") {
    const why = `${newest.type} run ${newest.run} is damaged: ${newest.damaged ?? ""}`;
    return { ...status, state: "damaged", phase: newest.type, run: newest.run, why };
  }
  const names = broken.map(({ type, run }) => `${type} run ${run}`).join(", ");
  return { ...status, why: `${status.why}${status.why === "" ? "" : "; "}damaged: ${names}` };
}

async function judge(app: App, project: string, facts: TaskFacts): Promise<TaskStatus> {
  const { taskKey, cycle } = facts;
  const base = { project, taskKey, cycle: cycle.cycle, since: sinceOf(facts), lanes: [] };
  const going = findGoing(facts);
  if (going !== null && (await isLed(app, facts.root, taskKey)))
    return {
      ...base,
      state: "running",
      phase: going.type,
      run: going.run,
      why: `run ${going.run} goes on`,
      command: null,
      lanes: lanesOf(going),
    };
  const { due, done, blocked, handedOff, merged } = decideNext(facts);
  const handing = { phase: handedOff === null ? null : ("release-handoff" as const), run: handedOff?.run ?? null };
  if (merged !== null) return { ...base, ...handing, state: "done", why: `${merged.how} into ${merged.base}`, command: null };
  if (handedOff !== null)
    return {
      ...base,
      ...handing,
      state: "handed-off",
      why: `handed off in run ${handedOff.run}`,
      command: `okstra task done ${facts.key.group}/${facts.key.task}`,
    };
  if (blocked !== null)
    return { ...base, state: "waiting", phase: blocked.gate.type, run: null, why: blocked.why, command: blocked.command };
  if (due === null) return { ...base, state: done ? "done" : "due", phase: null, run: null, why: "", command: null };
  // A hand-off is a person's choice.
  if (done) return { ...base, state: "waiting", phase: due.type, run: due.resume, why: due.why, command: due.command };
  const run = facts.runs.find((each) => each.type === due.type && each.run === due.resume);
  // Between the steps of an agent that leads no process is at the run, and nothing is lost.
  const isPaused = run !== undefined && (run.waiting !== null || (run.lead === "agent" && !run.halted));
  const state = run === undefined ? "due" : isPaused ? "paused" : "stopped";
  return { ...base, state, phase: due.type, run: due.resume, why: due.why, command: due.command };
}

/** The newest run while it was begun and has not ended. */
function findGoing({ runs }: TaskFacts): RunFacts | null {
  const newest = runs.at(-1);
  const isGoing = newest !== undefined && newest.attempt > 0 && newest.stage !== "ended" && newest.stage !== "cancelled";
  return isGoing && newest.damaged === null ? newest : null;
}

function lanesOf({ events }: RunFacts): TaskStatus["lanes"] {
  const running = new Map<string, TaskStatus["lanes"][number]>();
  const roles = new Map<string, string>();
  for (const event of events) {
    if (event.type === "lanes-planned") for (const { lane } of event.lanes) roles.set(lane, event.role);
    if (event.type === "lane-started")
      running.set(event.lane, { lane: event.lane, worker: event.worker, role: roles.get(event.lane) ?? "review", since: event.at });
    if (event.type === "lane-ended") running.delete(event.lane);
    if (event.type === "run-started") running.clear();
  }
  return [...running.values()];
}

/** The newest thing that happened to the task. */
function sinceOf({ runs, log }: TaskFacts): string | null {
  const times = [...runs.map(({ events }) => events.at(-1)?.at), log.events.findLast(({ type }) => type !== "gate-checked")?.at].flatMap(
    (at) => (at === undefined ? [] : [at]),
  );
  return times.length === 0 ? null : (times.sort().at(-1) ?? null);
}
