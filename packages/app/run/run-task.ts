import { formatTaskKey, parseTaskName, type TaskKey } from "@okstra/core/domain/task-key";
import { requireTaskType, TASK_TYPES, type TaskType } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import { WRITER_LANE, type LaneState } from "@okstra/core/machine/run-machine";
import { requirePhase } from "@okstra/core/phases/index";
import type { CancelSignal } from "@okstra/core/ports";
import { reportSchema, type Report } from "@okstra/core/report/report-data";
import type { App } from "../app.ts";
import { removeLaneScratch } from "../door/open-door.ts";
import { openProject, type OpenProject } from "../project/open-project.ts";
import { cancelRequestPath, goesOn, leadRun, type LeadOptions } from "./lead.ts";
import type { PreparedRun } from "./begin-run.ts";
import { describeStart, handoffHasItsCommand, loadRun, prepareTaskRun, requireCommittedTree, type RunRequest } from "./prepare-run.ts";
import { runLockName, takeRunLock } from "./run-lock.ts";
import { loadAllReceipts } from "./run-records.ts";
import { listPreparedRuns } from "./run-paths.ts";

export interface LaneAnswer {
  readonly worker: string;
  readonly lane: string;
  readonly role: LaneState["role"];
  readonly round: number;
  readonly family: string;
  readonly end: string | null;
  readonly reason: string | null;
  readonly durationMs: number | null;
  readonly modelServed: string | null;
  readonly sandbox: string | null;
  readonly tokens: number | null;
  readonly cost: { readonly amount: string; readonly currency: string } | null;
  readonly quotaResetsAt: string | null;
}

/** What `okstra run --json` prints at its end. */
export interface RunAnswer {
  readonly taskKey: string;
  readonly type: string;
  readonly run: number;
  readonly state: string;
  readonly verdict: string;
  readonly gate: Report["gate"] | null;
  readonly runDir: string;
  readonly report: { readonly md: string; readonly html: string; readonly json: string; readonly sarif: string } | null;
  /** The reviews of the last round, and the executor's and the report writer's lanes. */
  readonly lanes: readonly LaneAnswer[];
  /** The lanes that verified claims blind, in the last round. */
  readonly verification: readonly LaneAnswer[];
  readonly findings: {
    readonly total: number;
    readonly byClass: Readonly<Record<string, number>>;
    readonly bySeverity: Readonly<Record<string, number>>;
  };
  readonly valid: boolean | null;
  /** What the run waits for before it can go on; null while it does not. */
  readonly waiting: { readonly reason: "quota"; readonly lanes: readonly string[]; readonly until: string | null } | null;
  readonly commit: string;
  readonly provision: PreparedRun["manifest"]["provision"];
}

/** Prepares a run and, unless only that was asked for or an agent leads, leads it to its end. */
export async function runTask(app: App, request: RunRequest, options: { prepareOnly: boolean; signal: CancelSignal }): Promise<RunAnswer> {
  const opened = await openProject(app, request.dir);
  const key = parseTaskName(request.task, opened.project.projectId, app.sha256);
  const lease = await takeRunLock(app, opened.root, formatTaskKey(key), `a ${request.taskType} run`);
  try {
    await endLeftOvers(app, opened, key, request.taskType);
    const run = await prepareTaskRun(app, request);
    if (!options.prepareOnly && request.lead !== "agent") await leadRun(app, run, options.signal);
    return await answerOf(app, run);
  } finally {
    await lease.release();
  }
}

/** A run that died without its end may have left workers where there is no PID namespace: the lock is ours, so they are nobody's. */
async function endLeftOvers(app: App, opened: OpenProject, key: TaskKey, type: TaskType): Promise<void> {
  const last = (await listPreparedRuns(app, opened.root, key, type)).at(-1);
  if (last === undefined) return;
  // A damaged run stands in nobody's way: it is the validator's to tell.
  const run = await loadRun(app, last).catch(() => null);
  if (run !== null && run.log.state.stage !== "ended" && run.log.state.stage !== "cancelled") await endLeft(app, run);
}

/**
 * Ends what a dead process left of a run, whose lock is ours: workers, and what they were given and gave before it was
 * judged and redacted.
 */
async function endLeft(app: App, { manifest, runDir, log }: PreparedRun): Promise<void> {
  await app.processes.endOrphans(manifest.runId);
  // What the leading agent is at is in nobody's process: it may have left its result there.
  const isOutside = (lane: string): boolean => log.state.lanes[lane]?.state === "running" && log.state.lanes[lane].outside !== undefined;
  const lanes = [...new Set([...Object.keys(log.state.lanes), WRITER_LANE])].filter((lane) => !isOutside(lane));
  for (const lane of lanes) await removeLaneScratch(app, `${runDir}/workers/${lane}`);
}

/** Finds the newest run of a task, of one type or of any. @throws OKSTRA_RUN_NOT_FOUND */
async function findRunDirectory(app: App, opened: OpenProject, key: TaskKey, type: TaskType | null): Promise<string> {
  let newest: { directory: string; createdAt: string } | null = null;
  for (const each of type === null ? TASK_TYPES : [type]) {
    const directory = (await listPreparedRuns(app, opened.root, key, each)).at(-1);
    if (directory === undefined) continue;
    const createdAt = (await loadRun(app, directory)).manifest.createdAt;
    if (newest === null || createdAt > newest.createdAt) newest = { directory, createdAt };
  }
  if (newest !== null) return newest.directory;
  throw new OkstraError("OKSTRA_RUN_NOT_FOUND", {
    message: `${formatTaskKey(key)} has no ${type === null ? "" : `${type} `}run.`,
    details: { taskKey: formatTaskKey(key), type },
  });
}

/** Where a task's newest run is, from a name as a person writes it. */
export async function findTaskRun(
  app: App,
  request: { task: string; dir: string; taskType: TaskType | null },
): Promise<{ opened: OpenProject; key: TaskKey; runDir: string }> {
  const opened = await openProject(app, request.dir, { allowNew: request.task.startsWith("verify/") });
  const key = parseTaskName(request.task, opened.project.projectId, app.sha256);
  return { opened, key, runDir: await findRunDirectory(app, opened, key, request.taskType) };
}

/**
 * Goes on with a run that was prepared, interrupted, or left by a crash: lanes that finished at its commit are
 * not asked again.
 * @throws OKSTRA_RUN_ENDED, OKSTRA_RUN_COMMIT_MOVED
 */
export async function resumeRun(
  app: App,
  request: { task: string; dir: string; taskType: TaskType | null; withoutQuota?: boolean },
  signal: CancelSignal,
): Promise<RunAnswer> {
  return goOnWithRun(app, request, signal, { what: "a resumed run", plan: async () => ({ withoutQuota: request.withoutQuota === true }) });
}

/**
 * Takes a step of a task's newest run, under the task's lock.
 * @param step.plan says what is done, from the run as it is then; null: nothing. What it throws leaves the run as it was
 * @throws OKSTRA_RUN_ENDED, OKSTRA_RUN_COMMIT_MOVED, OKSTRA_TASK_BUSY
 */
export async function goOnWithRun(
  app: App,
  request: { task: string; dir: string; taskType: TaskType | null },
  signal: CancelSignal,
  step: { readonly what: string; readonly plan: (run: PreparedRun) => Promise<LeadOptions | null> },
): Promise<RunAnswer> {
  const { opened, key, runDir } = await findTaskRun(app, request);
  const lease = await takeRunLock(app, opened.root, formatTaskKey(key), step.what);
  try {
    const run = await loadRun(app, runDir);
    requireGoing(run);
    if (run.manifest.type === "release-handoff") throw handoffHasItsCommand(`${key.group}/${key.task}`);
    const options = await step.plan(run);
    if (options !== null) {
      await endLeft(app, run);
      await requireSameTree(app, run);
      await leadRun(app, run, signal, options);
    }
    return await answerOf(app, run);
  } finally {
    await lease.release();
  }
}

/** The tree is as the run left it. Where an agent leads on, its lanes are held against it as they end. */
async function requireSameTree(app: App, run: PreparedRun): Promise<void> {
  const { manifest, log } = run;
  const phase = requirePhase(requireTaskType(manifest.type));
  // What an executor left, committed or not, is what it goes on from.
  if (goesOn(run) || (phase.executorProfile !== null && log.state.attempt > 0)) return;
  await requireSameCommit(app, run);
  await requireCommittedTree(app, phase, manifest.provision.path, manifest.commit);
}

export function requireGoing(run: PreparedRun): void {
  const { stage } = run.log.state;
  if (stage !== "ended" && stage !== "cancelled") return;
  throw new OkstraError("OKSTRA_RUN_ENDED", {
    message: `Run ${run.manifest.run} of ${run.manifest.taskKey} (${run.manifest.type}) has ${stage === "ended" ? "ended" : "been cancelled"}.`,
    hint: `Start a new one: ${describeStart(run.manifest)}`,
    details: { runDir: run.runDir, stage },
  });
}

async function requireSameCommit(app: App, run: PreparedRun): Promise<void> {
  const { manifest } = run;
  if (manifest.commit === "") return;
  const { path } = manifest.provision;
  // The throw-away checkout of a verification is gone with the process that made it.
  const head = (await app.store.exists(path)) ? ((await app.git.locate(path))?.head ?? null) : null;
  if (head === manifest.commit) return;
  throw new OkstraError("OKSTRA_RUN_COMMIT_MOVED", {
    message: `Run ${manifest.run} is bound to ${manifest.commit.slice(0, 12)}, and ${path} is at ${head?.slice(0, 12) ?? "no commit"}.`,
    hint: `Start a new run: ${describeStart(manifest)}`,
    details: { runDir: run.runDir, commit: manifest.commit, head },
  });
}

/** How long a cancellation waits for the process that leads the run, in milliseconds. */
const CANCEL_WAIT_MS = 30_000;

/**
 * Cancels a task's newest run. A process that leads it is asked through the run's directory and ends its workers
 * itself; what a dead one left is found by the run's id and ended.
 * @throws OKSTRA_RUN_ENDED, OKSTRA_LOCK_TIMEOUT when the leading process does not answer
 */
export async function cancelRun(app: App, request: { task: string; dir: string; taskType: TaskType | null }): Promise<RunAnswer> {
  const { opened, key, runDir } = await findTaskRun(app, request);
  requireGoing(await loadRun(app, runDir));
  await app.store.createText(cancelRequestPath(runDir), "");
  const lease = await app.locks.acquire(runLockName(app, opened.root, formatTaskKey(key)), {
    waitMs: CANCEL_WAIT_MS,
    onWait: () => app.emit({ type: "cancelling", text: "asked the process that leads the run to stop" }),
  });
  try {
    const run = await loadRun(app, runDir);
    await endLeft(app, run);
    if (run.log.state.stage !== "cancelled" && run.log.state.stage !== "ended")
      await run.log.append({ type: "run-cancelled", by: "person" });
    return await answerOf(app, run);
  } finally {
    await lease.release();
  }
}

/** The answer as it follows from the run's files. */
export async function answerOf(app: App, { manifest, runDir }: Pick<PreparedRun, "manifest" | "runDir">): Promise<RunAnswer> {
  const { log } = await loadRun(app, runDir);
  const { state } = log;
  const report = await loadReport(app, runDir);
  const receipts = new Map(await loadAllReceipts(app, { runDir }));
  const describe = ([lane, each]: readonly [string, LaneState]): RunAnswer["lanes"][number] => {
    const receipt = each.state === "ended" ? receipts.get(lane) : undefined;
    const ended = log.events.findLast((event) => event.type === "lane-ended" && event.lane === lane);
    return {
      worker: each.worker,
      lane,
      role: each.role,
      round: each.round,
      family: familyOf(manifest, each),
      end: each.end,
      reason: ended?.type === "lane-ended" ? ended.reason : null,
      durationMs: receipt?.durationMs ?? null,
      modelServed: receipt?.modelServed ?? null,
      sandbox: receipt?.sandbox ?? null,
      tokens: receipt?.usage?.totalTokens ?? null,
      cost: receipt?.cost ? { amount: receipt.cost.amount, currency: receipt.cost.currency } : null,
      quotaResetsAt: receipt?.quotaResetsAt ?? null,
    };
  };
  const all = Object.entries(state.lanes);
  const lanes = all.filter(([, lane]) => lane.role !== "vote" && (lane.round === state.round || lane.role !== "review")).map(describe);
  const verification = all.filter(([, lane]) => lane.role === "vote" && lane.round === state.round).map(describe);
  return {
    taskKey: manifest.taskKey,
    type: manifest.type,
    run: manifest.run,
    state: state.paused !== null ? "paused" : state.halted ? "halted" : state.stage,
    verdict: state.verdict ?? "none",
    gate: report?.gate ?? state.gate,
    runDir,
    report:
      report === null
        ? null
        : { md: `${runDir}/report.md`, html: `${runDir}/report.html`, json: `${runDir}/report.json`, sarif: `${runDir}/report.sarif` },
    lanes,
    verification,
    findings: { total: report?.totals.findings ?? 0, byClass: report?.totals.byClass ?? {}, bySeverity: report?.totals.bySeverity ?? {} },
    valid: state.valid,
    waiting: state.paused,
    commit: state.commit === "" ? manifest.commit : state.commit,
    provision: manifest.provision,
  };
}

function familyOf({ roster, writer }: PreparedRun["manifest"], lane: LaneState): string {
  if (lane.family !== null) return lane.family;
  const entry = lane.role === "write" ? writer : roster.find(({ worker }) => worker === lane.worker);
  return entry?.family ?? lane.worker;
}

export async function loadReport(app: App, runDir: string): Promise<Report | null> {
  const text = await app.store.readText(`${runDir}/report.json`);
  if (text === null) return null;
  try {
    return reportSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new OkstraError("OKSTRA_RUN_CORRUPT", {
      message: `${runDir}/report.json cannot be read.`,
      details: { path: `${runDir}/report.json` },
      cause,
    });
  }
}
