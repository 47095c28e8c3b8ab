import { foldRun } from "@okstra/core/machine/run-machine";
import { formatTaskKey, parseTaskName, slugSegment, type TaskKey } from "@okstra/core/domain/task-key";
import { accountTime, addSplits, type LaneSums, type TaskTime, type TimeScope, type TimeSplit } from "@okstra/core/domain/time-account";
import type { Segment, TimedRun, TimeState } from "@okstra/core/domain/time-account-line";
import type { TaskEvent } from "@okstra/core/domain/task-log";
import { TASK_TYPES, type TaskType } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import type { JournalOf } from "@okstra/core/journal-port";
import type { App } from "../app.ts";
import { openProject } from "../project/open-project.ts";
import { eventsPath, parseEvents } from "../run/run-log.ts";
import { listPreparedRuns, taskDirectory } from "../run/run-paths.ts";
import { checkTaskLog } from "../task/task-log.ts";

export interface TimesRequest {
  /** Projects by their main worktrees; null: the one of the directory. */
  readonly projects: readonly JournalOf[] | null;
  readonly dir: string;
  /** `<group>/<task>`, in whichever of the projects has it; null: every task but those of `okstra verify`. */
  readonly task: string | null;
  readonly group: string | null;
  readonly phase: TaskType | null;
  /** RFC 3339: time before it, and from `until` on, is left out of every number. */
  readonly since: string | null;
  readonly until: string | null;
  /** Keys of the tasks that count; absent: all of these. */
  readonly only?: ReadonlySet<string> | undefined;
}

/** A log that cannot be relied on: what it says is in no number. */
interface DamagedLog {
  readonly path: string;
  readonly reason: string;
}

/** Times of one task; moments are RFC 3339 UTC. */
export interface TaskTimes extends TimeSplit, LaneSums {
  readonly taskKey: string;
  readonly taskDir: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  /** What it is at since its last event (`endedAt`). */
  readonly current: TimeState | null;
  readonly runs: readonly RunTimes[];
  readonly phases: TaskTime["phases"];
  readonly workers: TaskTime["workers"];
  readonly between: TimeSplit;
  readonly segments: readonly {
    readonly state: TimeState;
    readonly type: string | null;
    readonly run: number | null;
    readonly startedAt: string;
    readonly durationMs: number;
  }[];
  readonly clockJumps: number;
}

export interface RunTimes extends TimeSplit, LaneSums {
  readonly type: string;
  readonly run: number;
  readonly runDir: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly attempts: number;
  readonly wall: TimeSplit;
  readonly workers: TaskTime["workers"];
  readonly laneTimes: readonly {
    readonly lane: string;
    readonly worker: string;
    readonly attempt: number;
    readonly end: string | null;
    readonly startedAt: string;
    readonly laneMs: number;
  }[];
  readonly gaps: readonly { readonly lane: string; readonly worker: string; readonly startedAt: string; readonly gapMs: number }[];
}

/** What `okstra time --json` prints. */
export interface TimesReport {
  readonly phase: string | null;
  readonly since: string | null;
  readonly until: string | null;
  /** Those with time in the window, the longest work first. */
  readonly tasks: readonly TaskTimes[];
  /** Sums over the tasks; those of lanes that overlap across tasks count for each task. */
  readonly totals: TimeSplit & LaneSums;
  readonly byPhase: readonly (TimeSplit & LaneSums & { readonly phase: string; readonly runs: number })[];
  readonly byWorker: readonly (LaneSums & { readonly worker: string })[];
  readonly clockJumps: number;
  readonly damaged: readonly DamagedLog[];
}

/**
 * Where the time of tasks went, from the logs of their runs and their own. Changes nothing.
 * @throws OKSTRA_TASK_NOT_FOUND for a task without a record, and what {@link openProject} throws
 */
export async function loadTimes(app: App, request: TimesRequest): Promise<TimesReport> {
  const scope: TimeScope = {
    fromMs: request.since === null ? undefined : Date.parse(request.since),
    toMs: request.until === null ? undefined : Date.parse(request.until),
    phase: request.phase ?? undefined,
  };
  const all: TaskTimes[] = [];
  const damaged: DamagedLog[] = [];
  for (const { root, key } of await findTasks(app, request)) {
    if (request.only?.has(formatTaskKey(key)) === false) continue;
    const loaded = await loadHistory(app, root, key);
    damaged.push(...loaded.damaged);
    const times = describe(accountTime(loaded, scope), loaded, key, taskDirectory(root, key));
    if (request.task !== null || times.runs.length > 0 || times.spanMs > 0) all.push(times);
  }
  const tasks = all.toSorted((a, b) => b.workingMs - a.workingMs || (a.taskKey < b.taskKey ? -1 : 1));
  const phases = tasks.flatMap((task) => task.phases);
  const workers = tasks.flatMap((task) => task.workers);
  return {
    phase: request.phase,
    since: request.since,
    until: request.until,
    tasks,
    totals: { ...addSplits(tasks), ...addLanes(tasks) },
    byPhase: TASK_TYPES.flatMap((phase) => {
      const own = phases.filter((each) => each.phase === phase);
      const runs = own.reduce((sum, each) => sum + each.runs, 0);
      return own.length === 0 ? [] : [{ phase, runs, ...addSplits(own), ...addLanes(own) }];
    }),
    byWorker: [...new Set(workers.map(({ worker }) => worker))]
      .map((worker) => ({ worker, ...addLanes(workers.filter((each) => each.worker === worker)) }))
      .toSorted((a, b) => b.laneMs - a.laneMs || (a.worker < b.worker ? -1 : 1)),
    clockJumps: tasks.reduce((sum, task) => sum + task.clockJumps, 0),
    damaged,
  };
}

function addLanes(all: readonly LaneSums[]): LaneSums {
  const sum = (part: keyof LaneSums): number => all.reduce((total, each) => total + each[part], 0);
  return { lanes: sum("lanes"), laneMs: sum("laneMs"), busyMs: sum("busyMs") };
}

async function findTasks(app: App, request: TimesRequest): Promise<readonly { root: string; key: TaskKey }[]> {
  const projects = request.projects ?? [await placeOf(app, request.dir)];
  if (request.task !== null) {
    const { task } = request;
    const named = projects.map(({ project, root }) => ({ root, key: parseTaskName(task, project, app.sha256) }));
    const there: typeof named = [];
    for (const each of named) if (await app.store.exists(taskDirectory(each.root, each.key))) there.push(each);
    if (there.length > 0) return there;
    const taskKeys = named.map(({ key }) => formatTaskKey(key));
    throw new OkstraError("OKSTRA_TASK_NOT_FOUND", {
      message: `${taskKeys[0] ?? task} has no record.`,
      hint: "List the tasks: okstra task list",
      details: { taskKeys },
    });
  }
  const wanted = request.group === null ? null : slugSegment(request.group, app.sha256);
  const found: { root: string; key: TaskKey }[] = [];
  for (const { project, root } of projects) {
    const tasks = `${root}/.project-docs/okstra/tasks`;
    for (const group of await app.store.listDirectory(tasks)) {
      if (wanted === null ? group === "verify" || group.startsWith(".") : group !== wanted) continue;
      for (const task of await app.store.listDirectory(`${tasks}/${group}`).catch(() => [])) {
        if (task.startsWith(".")) continue;
        found.push({ root, key: parseTaskName(`${group}/${task}`, project, app.sha256) });
      }
    }
  }
  return found;
}

async function placeOf(app: App, dir: string): Promise<JournalOf> {
  const { root, project } = await openProject(app, dir);
  return { project: project.projectId, root };
}

interface History {
  readonly runs: readonly (TimedRun & { readonly runDir: string })[];
  readonly taskEvents: readonly TaskEvent[];
  readonly damaged: readonly DamagedLog[];
}

/** The events of a task; a log that is not as okstra wrote it is named and left out as a whole. */
async function loadHistory(app: App, root: string, key: TaskKey): Promise<History> {
  const runs: (TimedRun & { runDir: string })[] = [];
  const damaged: DamagedLog[] = [];
  for (const type of TASK_TYPES) {
    for (const runDir of await listPreparedRuns(app, root, key, type)) {
      const path = eventsPath(runDir);
      const { events, broken } = await parseEvents((await app.store.readText(path)) ?? "", app);
      const [misfit] = foldRun(events).rejected;
      const reason = broken[0] ?? (misfit === undefined ? undefined : `event ${misfit.index + 1} does not fit: ${misfit.reason}`);
      if (reason === undefined) runs.push({ type, run: Number(runDir.split("/").at(-1)), runDir, events });
      else damaged.push({ path, reason });
    }
  }
  const taskDir = taskDirectory(root, key);
  const log = await checkTaskLog(app, taskDir);
  const [reason] = log.broken;
  if (reason !== undefined) damaged.push({ path: `${taskDir}/events.jsonl`, reason });
  return { runs, taskEvents: reason === undefined ? log.events : [], damaged };
}

function describe(time: TaskTime, { runs }: History, key: TaskKey, taskDir: string): TaskTimes {
  const { startMs, endMs, segments, runs: runTimes, ...rest } = time;
  return {
    taskKey: formatTaskKey(key),
    taskDir,
    startedAt: startMs === null ? null : formatTime(startMs),
    endedAt: endMs === null ? null : formatTime(endMs),
    ...rest,
    runs: runTimes.map(({ startMs: start, endMs: end, laneTimes, gaps, ...run }) => ({
      ...run,
      runDir: runs.find((each) => each.type === run.type && each.run === run.run)?.runDir ?? "",
      startedAt: formatTime(start),
      endedAt: formatTime(end),
      laneTimes: laneTimes.map(({ startMs: at, ...lane }) => ({ ...lane, startedAt: formatTime(at) })),
      gaps: gaps.map(({ startMs: at, ...gap }) => ({ ...gap, startedAt: formatTime(at) })),
    })),
    segments: segments.map((segment) => describeSegment(segment, runs)),
  };
}

function describeSegment({ state, run, fromMs, toMs }: Segment, runs: History["runs"]): TaskTimes["segments"][number] {
  const own = run === null ? undefined : runs[run];
  return { state, type: own?.type ?? null, run: own?.run ?? null, startedAt: formatTime(fromMs), durationMs: toMs - fromMs };
}

function formatTime(ms: number): string {
  return new Date(ms).toISOString();
}
