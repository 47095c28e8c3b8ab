import { findNearLimits, findNextWall, foldUse, type RunLimits } from "@okstra/core/domain/near-limit";
import { createTold, makeLimitNotice, makeNotice, type Notice, type RunStanding } from "@okstra/core/domain/notice";
import { splitTaskKey } from "@okstra/core/domain/task-key";
import { requireTaskType } from "@okstra/core/domain/work";
import type { JournalOf } from "@okstra/core/journal-port";
import type { CancelSignal } from "@okstra/core/ports";
import type { App } from "../app.ts";
import { eventsPath } from "../run/run-log.ts";
import { formatRunNumber, runsDirectory } from "../run/run-paths.ts";
import { isLed } from "../run/run-lock.ts";
import { loadStatus } from "../status/load-status.ts";
import { loadTaskRun, type TaskRun } from "../task/load-task-run.ts";
import { cleanNotice } from "./clean-notice.ts";
import { createJournalChanges, type ChangedRun } from "../history/journal-changes.ts";
import { loadRunStanding, loadStanding, standingOf } from "./load-standing.ts";
import { loadLaneReceipts, loadLimits } from "./load-use.ts";

export interface FollowStep {
  /** What held when the following began; then what came after. */
  readonly isFirst: boolean;
  /** Each thing once. */
  readonly notices: readonly Notice[];
  /** Runs that a live process leads. */
  readonly running: number;
}

/** How often it is looked, in milliseconds: at runs that go on, and otherwise, should the system not tell of a change. */
const BUSY_MS = 1000;
const IDLE_MS = 10_000;
const AGAIN_MS = 50;
/** A run that wrote nothing for so long is looked at whether its process lives; one that ends has just written. */
const QUIET_MS = 3000;

/** A run that goes on, as it was last read. */
interface RunningRun extends ChangedRun {
  readonly runDir: string;
  readonly limits: RunLimits | null;
  size: number;
  readAtMs: number;
  read: TaskRun;
}

/**
 * Follows the tasks of some projects: what waits for a person now, and from then on what begins to wait, runs that end, and
 * budgets that are near. Changes are found by the journals; what is told comes from the runs' own files. Of a lane that
 * goes on only its wall time is known here.
 * @param listProjects asked again and again: a project may be new
 */
export async function* followTasks(app: App, listProjects: () => readonly JournalOf[], signal: CancelSignal): AsyncGenerator<FollowStep> {
  const watch = app.watchIndex();
  try {
    const follower = createFollower(app);
    yield { isFirst: true, notices: await follower.begin(listProjects()), running: follower.running() };
    let again = false;
    let problem = "";
    while (!signal.aborted) {
      const waitMs = again ? AGAIN_MS : follower.running() > 0 ? Math.min(BUSY_MS, follower.nextWallMs()) : IDLE_MS;
      await watch.wait(waitMs, signal);
      if (hasEnded(signal)) return;
      const notices: Notice[] = [];
      try {
        again = await follower.look(listProjects(), notices);
        problem = "";
      } catch (error) {
        again = false;
        const text = `the tasks cannot be followed: ${error instanceof Error ? error.message : String(error)}`;
        if (text !== problem) app.emit({ type: "watch-blind", level: "warning", text });
        problem = text;
      }
      yield { isFirst: false, notices, running: follower.running() };
    }
  } finally {
    watch.close();
  }
}

/** A function, because waiting changes the answer. */
function hasEnded(signal: CancelSignal): boolean {
  return signal.aborted;
}

interface Follower {
  begin(projects: readonly JournalOf[]): Promise<readonly Notice[]>;
  /** Adds what is new. @returns whether to look again soon */
  look(projects: readonly JournalOf[], notices: Notice[]): Promise<boolean>;
  running(): number;
  /** Until the wall time of something is near; infinite when none will be. */
  nextWallMs(): number;
}

function createFollower(app: App): Follower {
  const journals = createJournalChanges(app);
  const told = createTold();
  const runs = new Map<string, RunningRun>();
  let began = "";
  let nextWallMs = Number.POSITIVE_INFINITY;
  const nameOf = ({ of, taskKey, type, run }: ChangedRun): string => [of.root, taskKey, type, run].join("\n");

  const add = async (notices: Notice[], of: JournalOf, notice: Notice | null): Promise<void> => {
    if (notice !== null && told.take(notice)) notices.push(await cleanNotice(app, of.root, notice));
  };
  const track = async (ref: ChangedRun, state: RunStanding["state"]): Promise<void> => {
    if (state !== "running") return void runs.delete(nameOf(ref));
    if (runs.has(nameOf(ref))) return;
    const { of, taskKey, type, run } = ref;
    const runDir = `${runsDirectory(of.root, splitTaskKey(taskKey), type)}/${formatRunNumber(run)}`;
    const read = await loadTaskRun(app, runDir, requireTaskType(type));
    runs.set(nameOf(ref), { ...ref, runDir, limits: await loadLimits(app, runDir), size: -1, readAtMs: app.clock.monotonicMs(), read });
  };

  /** Tells of runs of one task that changed, and how the task stands since; of several the newest says what it waits for. */
  const tellTask = async (refs: readonly ChangedRun[], notices: Notice[]): Promise<void> => {
    const last = refs.at(-1);
    if (last === undefined) return;
    const { of, taskKey } = last;
    const isTask = splitTaskKey(taskKey).group !== "verify";
    const standing = isTask ? await loadStanding(app, of, taskKey) : null;
    for (const ref of refs) {
      const own = standing?.runs.find(({ type, run }) => type === ref.type && run === ref.run) ?? null;
      const run = isTask ? own : await loadRunStanding(app, of, ref);
      await track(ref, run?.state ?? "stopped");
      // What ended before was told before, or to nobody.
      const isOld = run !== null && (run.state === "ended" || run.state === "cancelled") && run.at < began;
      const wait = ref === last ? (standing?.wait ?? null) : null;
      await add(notices, of, makeNotice({ project: of.project, taskKey }, wait, isOld ? null : run, app.clock.now()));
    }
  };

  /** Reads what a running run wrote since. @returns false when it does not go on */
  const lookAtRun = async (run: RunningRun, notices: Notice[]): Promise<boolean> => {
    const size = (await app.store.readPart(eventsPath(run.runDir), 0, 0))?.size ?? 0;
    const nowMs = app.clock.monotonicMs();
    if (size !== run.size) {
      run.read = await loadTaskRun(app, run.runDir, requireTaskType(run.type));
      Object.assign(run, { size, readAtMs: nowMs });
    }
    if (standingOf(run.read, true).state !== "running") return false;
    if (run.limits !== null) {
      const now = app.clock.now();
      const use = foldUse(run.read.events, await loadLaneReceipts(app, run.runDir), new Map(), Date.parse(now));
      const place = { project: run.of.project, taskKey: run.taskKey };
      for (const near of findNearLimits(run.limits, use)) await add(notices, run.of, makeLimitNotice(place, run.read, near, now));
      nextWallMs = Math.min(nextWallMs, findNextWall(run.limits, use) ?? Number.POSITIVE_INFINITY);
    }
    return nowMs - run.readAtMs < QUIET_MS || isLed(app, run.of.root, run.taskKey);
  };
  const lookAtRuns = async (notices: Notice[]): Promise<void> => {
    nextWallMs = Number.POSITIVE_INFINITY;
    for (const run of runs.values()) if (!(await lookAtRun(run, notices))) await tellTask([run], notices);
  };

  return {
    async begin(projects) {
      began = app.clock.now();
      await journals.begin(projects);
      const notices: Notice[] = [];
      for (const of of projects)
        for (const { taskKey, state, phase, run } of await loadStatus(app, [of], { group: null, phase: null, state: null })) {
          if (state === "due" || state === "done" || state === "handed-off") continue;
          if (state === "running" && phase !== null && run !== null) await track({ of, taskKey, type: phase, run }, "running");
          const standing = await loadStanding(app, of, taskKey);
          if (standing === null || standing.state === "running") continue;
          await add(notices, of, makeNotice({ project: of.project, taskKey }, standing.wait, standing.going, app.clock.now()));
        }
      await lookAtRuns(notices);
      return notices;
    },
    async look(projects, notices) {
      const { changed, again } = await journals.look(projects);
      const tasks = new Map<string, ChangedRun[]>();
      for (const ref of changed) {
        const name = `${ref.of.root}\n${ref.taskKey}`;
        tasks.set(name, [...(tasks.get(name) ?? []), ref]);
      }
      for (const refs of tasks.values()) await tellTask(refs, notices);
      await lookAtRuns(notices);
      return again;
    },
    running: () => runs.size,
    nextWallMs: () => Math.max(1, nextWallMs),
  };
}
