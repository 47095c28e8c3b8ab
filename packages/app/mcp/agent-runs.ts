import { TASK_TYPES, type TaskType } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import type { CancelSignal } from "@okstra/core/ports";
import type { App } from "../app.ts";
import type { KnownProjects, KnownTask } from "../dashboard/known-tasks.ts";
import { listDue, type DueStep } from "../lead/due.ts";
import { collectLane, requireAgentLead } from "../lead/lead-steps.ts";
import { loadRun } from "../run/prepare-run.ts";
import { isLed } from "../run/run-lock.ts";
import { formatRunNumber, listPreparedRuns, runsDirectory } from "../run/run-paths.ts";
import { answerOf, cancelRun, runTask, type RunAnswer } from "../run/run-task.ts";
import type { ChatWorker } from "../run/settings.ts";
import { formatHandle, parseHandle, type RunHandle } from "./run-handle.ts";

/** How often a run that is waited for is looked at, in milliseconds. */
const LOOK_MS = 200;
const BEGIN_LOOK_MS = 50;
/** So long a process that was just started is waited for until it leads its run. */
const BEGIN_MS = 30_000;
const LET_GO_MS = 5000;
const MOST_WAIT_MS = 60_000;

export interface StartRequest {
  readonly task: string;
  readonly dir: string;
  readonly phase: TaskType;
  readonly brief: string | null;
  readonly category: string | null;
  readonly baseRef: string | null;
  readonly workers: readonly string[] | null;
  readonly executor: string | null;
  readonly lang: "en" | "ko" | null;
  readonly deadlineMs: number | null;
  readonly maxCost: string | null;
  readonly maxTokens: number | null;
  readonly lead: "code" | "agent";
  readonly chat: readonly ChatWorker[];
}

/** Where a run is. `stopped`: begun, and nobody leads it; `waiting`: the agent that leads it is to do what is due. */
export type RunPlace = "prepared" | "running" | "waiting" | "paused" | "stopped" | "ended" | "cancelled";

export interface RunStatus {
  readonly handle: string;
  readonly taskKey: string;
  readonly phase: string;
  readonly run: number;
  readonly state: RunPlace;
  /** Whether asking again could show another state without anybody doing anything. */
  readonly goesOn: boolean;
  readonly lanes: readonly {
    readonly lane: string;
    readonly worker: string;
    readonly role: string;
    readonly state: string;
    readonly end: string | null;
  }[];
  /** Of a run that an agent leads: what it is to do. */
  readonly due: readonly DueStep[];
}

/**
 * Prepares a run and starts a process of its own that leads it: it goes on when whoever started it goes away.
 * @throws what preparing a run throws, before anything is started
 */
export async function startRun(app: App, request: StartRequest, signal: CancelSignal): Promise<RunHandle> {
  const { task, dir, phase, ...rest } = request;
  const answer = await runTask(app, { ...rest, task, dir, taskType: phase }, { prepareOnly: true, signal });
  const [project = "", group = "", name = ""] = answer.taskKey.split("/");
  await leadApart(
    app,
    { task: `${group}/${name}`, dir, type: phase },
    async () => {
      const { attempt, stage } = (await loadRun(app, answer.runDir)).log.state;
      return attempt > 0 || stage === "cancelled";
    },
    signal,
  );
  return { project, group, task: name, type: phase, run: answer.run };
}

/**
 * Starts a process that does all that can be done without an agent that leads, and waits until it is at it, so that whoever is
 * answered never sees a run that only seems to be left alone.
 */
async function leadApart(
  app: App,
  { task, dir, type }: { readonly task: string; readonly dir: string; readonly type: TaskType },
  hasBegun: () => Promise<boolean>,
  signal: CancelSignal,
): Promise<void> {
  const { launcher, env } = app.surroundings;
  const { ended } = await app.startDetached({ command: [...launcher, "resume", task, "--task-type", type, "--json"], cwd: dir, env });
  let isEnded = false;
  void ended.then(() => (isEnded = true));
  const until = app.clock.monotonicMs() + BEGIN_MS;
  while (!isEnded && !signal.aborted && app.clock.monotonicMs() < until && !(await hasBegun()))
    await new Promise((resolve) => setTimeout(resolve, BEGIN_LOOK_MS));
}

/** @throws OKSTRA_USAGE, OKSTRA_TASK_NOT_FOUND, OKSTRA_RUN_NOT_FOUND */
export async function loadRunStatus(app: App, known: KnownProjects, text: string): Promise<RunStatus> {
  return (await lookAt(app, known, text)).status;
}

async function lookAt(app: App, known: KnownProjects, text: string): Promise<{ readonly status: RunStatus; readonly led: boolean }> {
  const { handle, task, runDir } = await findRun(app, known, text);
  let run = await loadRun(app, runDir);
  const led = await isLed(app, task.of.root, task.taskKey);
  // It may have ended between the two looks, which is no stop.
  if (!led) run = await loadRun(app, runDir);
  const { state } = run.log;
  const place: RunPlace =
    state.stage === "ended" || state.stage === "cancelled"
      ? state.stage
      : state.paused !== null
        ? "paused"
        : led
          ? "running"
          : state.attempt === 0
            ? "prepared"
            : state.lead === "agent"
              ? "waiting"
              : "stopped";
  const status: RunStatus = {
    handle: text,
    taskKey: task.taskKey,
    phase: handle.type,
    run: handle.run,
    state: place,
    goesOn: place === "running",
    lanes: Object.entries(state.lanes).map(([lane, { worker, role, state: at, end }]) => ({
      lane,
      worker,
      role,
      state: at,
      end: end ?? null,
    })),
    due: state.lead === "agent" && place === "waiting" ? listDue(run, led) : [],
  };
  return { status, led };
}

/**
 * Waits until a run needs somebody or has ended, at most some time; ending the wait leaves the run alone.
 * @param waitMs at most 60,000
 */
export async function waitForRun(
  app: App,
  known: KnownProjects,
  request: { readonly handle: string; readonly waitMs: number },
  signal: CancelSignal,
  tell: (status: RunStatus) => Promise<void>,
): Promise<RunStatus> {
  const until = app.clock.monotonicMs() + Math.min(request.waitMs, MOST_WAIT_MS);
  let told = "";
  let endedAt: number | null = null;
  for (;;) {
    const { status, led } = await lookAt(app, known, request.handle);
    const text = JSON.stringify(status);
    if (text !== told) await tell(status);
    told = text;
    const now = app.clock.monotonicMs();
    const isOver = status.state !== "running" && status.state !== "prepared";
    if (isOver && endedAt === null) endedAt = now;
    // What leads a run lets the task go a moment after the run's end; until then nothing else can be started in it.
    const isLetGo = endedAt !== null && (!led || now - endedAt > LET_GO_MS);
    if (isLetGo || now >= until || signal.aborted) return status;
    await new Promise((resolve) => setTimeout(resolve, Math.min(LOOK_MS, Math.max(1, until - now))));
  }
}

/** The document of `okstra run --json`, as far as the run got. */
export async function loadRunResult(
  app: App,
  known: KnownProjects,
  text: string,
): Promise<RunAnswer & { readonly handle: string; readonly ended: boolean }> {
  const { runDir } = await findRun(app, known, text);
  const answer = await answerOf(app, await loadRun(app, runDir));
  return { ...answer, handle: text, ended: answer.state === "ended" };
}

/** @throws OKSTRA_RUN_NOT_FOUND when the handle is of no run, or not of the newest one; OKSTRA_RUN_ENDED */
export async function cancelRunOf(app: App, known: KnownProjects, text: string): Promise<RunStatus> {
  const { handle, task } = await findRun(app, known, text);
  await requireNewest(app, task, handle);
  await cancelRun(app, { task: task.name, dir: task.of.root, taskType: handle.type });
  return loadRunStatus(app, known, text);
}

/**
 * Takes the result of a lane that an agent performs, by the same door as `okstra lead collect`, and lets a process of its own go
 * on with what the lane held up.
 * @throws OKSTRA_LEAD_NOT_DUE, OKSTRA_LANE_RESULT_INVALID, OKSTRA_LEAD_IS_CODE; the lane stays open then
 */
export async function submitLane(
  app: App,
  known: KnownProjects,
  request: { readonly handle: string; readonly lane: string; readonly result: unknown },
  signal: CancelSignal,
): Promise<RunStatus> {
  const { handle, task, runDir } = await findRun(app, known, request.handle);
  await requireNewest(app, task, handle);
  const run = await loadRun(app, runDir);
  requireAgentLead(run);
  const due = listDue(run, false);
  const path = due.find(({ step, lane }) => step === "collect" && lane?.lane === request.lane)?.lane?.result ?? null;
  // Where no result is awaited nothing is written; collecting says why.
  if (path !== null) await app.store.writeText(path, `${JSON.stringify(request.result)}\n`);
  const of = { task: task.name, dir: task.of.root, taskType: handle.type };
  const answer = await collectLane(app, { ...of, lane: request.lane, result: null }, signal);
  if (answer.due.some(({ step }) => step !== "collect"))
    await leadApart(app, { ...of, type: handle.type }, () => isLed(app, task.of.root, task.taskKey), signal);
  return loadRunStatus(app, known, request.handle);
}

async function findRun(
  app: App,
  known: KnownProjects,
  text: string,
): Promise<{ readonly handle: RunHandle; readonly task: KnownTask; readonly runDir: string }> {
  const handle = parseHandle(text);
  const task = await known.find(handle);
  const runDir = `${runsDirectory(task.of.root, task.key, handle.type)}/${formatRunNumber(handle.run)}`;
  const prepared = await listPreparedRuns(app, task.of.root, task.key, handle.type);
  if (!prepared.includes(runDir))
    throw new OkstraError("OKSTRA_RUN_NOT_FOUND", {
      message: `${task.taskKey} has no run ${handle.run} of ${handle.type}.`,
      details: { handle: text },
    });
  return { handle, task, runDir };
}

async function requireNewest(app: App, task: KnownTask, handle: RunHandle): Promise<void> {
  const newest = (await listPreparedRuns(app, task.of.root, task.key, handle.type)).at(-1) ?? "";
  if (newest.endsWith(`/${formatRunNumber(handle.run)}`)) return;
  throw new OkstraError("OKSTRA_RUN_NOT_FOUND", {
    message: `${formatHandle(handle)} is not the newest run of its phase any more.`,
    details: { newest },
  });
}

/** Phases that an agent may start; a hand-off is a person's. */
export const STARTED_PHASES = TASK_TYPES.filter((type) => type !== "release-handoff");
