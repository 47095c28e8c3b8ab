import { formatTaskKey, parseTaskName } from "@okstra/core/domain/task-key";
import type { JournalOf } from "@okstra/core/journal-port";
import type { App } from "../app.ts";
import { runLockName } from "../run/run-lock.ts";
import { loadTask, type RunFacts, type TaskFacts } from "../task/load-task.ts";
import { decideNext } from "../task/next.ts";

/** How a task stands, in the order in which a person wants to see it. */
export const TASK_STATES = ["waiting", "running", "paused", "stopped", "damaged", "due", "handed-off", "done"] as const;
export type TaskState = (typeof TASK_STATES)[number];

/** A task as `okstra status` shows it. */
export interface TaskStatus {
  readonly project: string;
  readonly taskKey: string;
  /**
   * waiting: a person is needed; running: a process leads a run now; paused: a quota is waited for; stopped: a run was begun
   * and nobody leads it; due: a phase could start; handed-off: others have it; done: merged.
   */
  readonly state: TaskState;
  /** Task type that is due, held, or going on. */
  readonly phase: string | null;
  readonly run: number | null;
  readonly cycle: number;
  readonly why: string;
  /** Exactly what goes on; null when nothing is to be done. */
  readonly command: string | null;
  /** Since when it stands so, RFC 3339 UTC; null when that is not known. */
  readonly since: string | null;
  /** Lanes that run now. */
  readonly lanes: readonly { readonly lane: string; readonly worker: string; readonly role: string; readonly since: string }[];
}

/** Every task that has records in the projects, what waits for a person first. Reads the truth; changes nothing. */
export async function loadStatus(
  app: App,
  projects: readonly JournalOf[],
  filter: { readonly group: string | null; readonly phase: string | null; readonly state: string | null },
): Promise<readonly TaskStatus[]> {
  const all: TaskStatus[] = [];
  for (const { project, root } of projects) {
    const tasks = `${root}/.project-docs/okstra/tasks`;
    for (const group of await app.store.listDirectory(tasks)) {
      if (group === "verify" || group.startsWith(".") || (filter.group !== null && filter.group !== group)) continue;
      for (const task of await app.store.listDirectory(`${tasks}/${group}`).catch(() => [])) {
        const key = parseTaskName(`${group}/${task}`, project, app.sha256);
        const facts = await loadTask(app, { root, key }).catch((error: unknown) =>
          error instanceof Error ? error.message : String(error),
        );
        if (typeof facts === "string") all.push(damaged(project, formatTaskKey(key), facts));
        else if (facts.known) all.push(await statusOf(app, project, facts));
      }
    }
  }
  return all
    .filter((each) => (filter.phase === null || each.phase === filter.phase) && (filter.state === null || each.state === filter.state))
    .toSorted((a, b) => orderOf(a) - orderOf(b) || compare(a.since ?? "", b.since ?? "") || compare(a.taskKey, b.taskKey));
}

const orderOf = ({ state }: TaskStatus): number => TASK_STATES.indexOf(state);
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function damaged(project: string, taskKey: string, why: string): TaskStatus {
  return { project, taskKey, state: "damaged", phase: null, run: null, cycle: 0, why, command: null, since: null, lanes: [] };
}

async function statusOf(app: App, project: string, facts: TaskFacts): Promise<TaskStatus> {
  const { taskKey, cycle } = facts;
  const newest = facts.runs.at(-1);
  const base = { project, taskKey, cycle: cycle.cycle, since: sinceOf(facts), lanes: [] };
  const going = newest !== undefined && newest.damaged === null && isGoing(newest) ? newest : null;
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
  const { due, done, blocked, handedOff } = decideNext(facts);
  if (handedOff !== null) {
    const why = handedOff.merged === null ? `handed off in run ${handedOff.run}` : `${handedOff.merged.how} into ${handedOff.merged.base}`;
    const command = handedOff.merged === null ? `okstra task done ${facts.key.group}/${facts.key.task}` : null;
    return {
      ...base,
      state: handedOff.merged === null ? "handed-off" : "done",
      phase: "release-handoff",
      run: handedOff.run,
      why,
      command,
    };
  }
  if (blocked !== null)
    return { ...base, state: "waiting", phase: blocked.gate.type, run: null, why: blocked.why, command: blocked.command };
  if (due === null) return { ...base, state: done ? "done" : "due", phase: null, run: null, why: "", command: null };
  // A hand-off is a person's choice.
  if (done) return { ...base, state: "waiting", phase: due.type, run: due.resume, why: due.why, command: due.command };
  const state = due.resume === null ? "due" : going?.waiting ? "paused" : "stopped";
  return { ...base, state, phase: due.type, run: due.resume, why: due.why, command: due.command };
}

function isGoing({ stage, attempt }: RunFacts): boolean {
  return attempt > 0 && stage !== "ended" && stage !== "cancelled";
}

/** Whether a live process leads a run of the task: it holds the task's lock, which no dead one does. */
async function isLed(app: App, root: string, taskKey: string): Promise<boolean> {
  const taken = await app.locks.tryAcquire(runLockName(app, root, taskKey), "a look at the status");
  if (!("lease" in taken)) return true;
  await taken.lease.release();
  return false;
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
