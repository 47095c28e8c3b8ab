import { requireTaskType } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import { dueEffects, heldLanes, isGoing, type Effect } from "@okstra/core/machine/run-machine";
import { requirePhase } from "@okstra/core/phases/index";
import type { Budget } from "@okstra/core/domain/agent-use";
import { modelTable } from "@okstra/core/domain/models";
import type { CancelSignal } from "@okstra/core/ports";
import type { App } from "../app.ts";
import { loadPrices } from "../cost/load-prices.ts";
import { openProject } from "../project/open-project.ts";
import { sweepScratch } from "../scratch/open-scratch.ts";
import { validateRun } from "../validate/validate-run.ts";
import { advanceRun, decideRun } from "./advance-run.ts";
import { prepareExecutor } from "./inspect-executor.ts";
import type { PreparedRun } from "./begin-run.ts";
import { describeStart } from "./prepare-run.ts";
import { listUnsandboxed, runSandboxSetting } from "./lane-sandbox.ts";
import type { Delivery, Lead, Reach, RunTables } from "./lead-parts.ts";
import { endOutsideLane, outsideWorkers, runLane } from "./run-lanes.ts";
import { loadAllReceipts } from "./run-records.ts";
import { createRunSpend, spendOf, type LaneSpend } from "./run-spend.ts";
import { writeProse } from "./write-prose.ts";
import { watchTree } from "./tree-watch.ts";
import { buildReport, writeReport } from "./write-report.ts";

/** How often a run looks whether `okstra cancel` asked it to stop, in milliseconds. */
const CANCEL_POLL_MS = 250;

/** `okstra cancel` of a run that another process leads is a file in the run's directory. */
export function cancelRequestPath(runDir: string): string {
  return `${runDir}/cancel-requested`;
}

export interface LeadOptions {
  readonly withoutQuota?: boolean;
  /** Of a run that an agent leads: how far this step goes. Absent: as far as it can, which is up to what the agent performs. */
  readonly reach?: Reach;
  /** What the agent gives for a lane that it performs; it is ended before anything else is done. */
  readonly delivery?: Delivery;
}

/** Whether a run that an agent leads goes on in the attempt that it is in: nothing died and nothing stopped it. */
export function goesOn({ log: { state } }: Pick<PreparedRun, "log">): boolean {
  return state.lead === "agent" && isGoing(state) && heldLanes(state).length === 0;
}

/**
 * Takes a prepared run to its end, or as far as it is asked to: does what the run's transition asks for, and puts what
 * came of it into the log. Everything it knows it reads back from the run's files, so that it can begin anywhere.
 * @throws OKSTRA_INTERRUPTED after an interruption; the run then waits for `okstra resume`
 */
export async function leadRun(app: App, run: PreparedRun, outer: CancelSignal, options: LeadOptions = {}): Promise<void> {
  const phase = requirePhase(requireTaskType(run.manifest.type));
  const stop = new AbortController();
  const onOuter = (): void => stop.abort();
  outer.addEventListener("abort", onOuter, { once: true });
  if (outer.aborted) stop.abort();
  let cancelled = false;
  const poll = setInterval(() => {
    void app.store.exists(cancelRequestPath(run.runDir)).then((asked) => {
      cancelled ||= asked;
      if (asked) stop.abort();
    });
  }, CANCEL_POLL_MS);
  const spend = createRunSpend((run.manifest.settings["budget"] as Budget | null | undefined) ?? null, await loadSpent(app, run));
  try {
    await sweepScratch(app);
    const watch = await watchTree(app, run.manifest);
    for (const worker of outsideWorkers(run)) watch.laneStarted(worker);
    const effects = goesOn(run) && options.withoutQuota !== true ? dueEffects(run.log.state) : await startAttempt(app, run, options);
    const lead = { app, run, phase, watch, signal: stop.signal, spend, tables: await loadTables(app, run), reach: options.reach ?? {} };
    await perform(lead, options.delivery === undefined ? effects : await endDelivered(lead, options.delivery));
  } catch (thrown) {
    const error = cancelled ? cancelledError(run) : thrown;
    const failure =
      error instanceof OkstraError
        ? error
        : new OkstraError("OKSTRA_INTERNAL", { message: error instanceof Error ? error.message : String(error), cause: error });
    await run.log
      .append(
        cancelled
          ? { type: "run-cancelled", by: "person" }
          : stop.signal.aborted
            ? { type: "run-interrupted", signal: "interrupt" }
            : { type: "run-failed", code: failure.code, message: failure.message },
      )
      .catch(() => undefined);
    throw error;
  } finally {
    clearInterval(poll);
    spend.release();
    outer.removeEventListener("abort", onOuter);
  }
}

async function startAttempt(app: App, run: PreparedRun, { withoutQuota }: LeadOptions): Promise<readonly Effect[]> {
  const effects = await run.log.append({
    type: "run-started",
    attempt: run.log.state.attempt + 1,
    // The commit of the work that was inspected, once there is some.
    commit: run.log.state.commit,
    isolation: await app.processes.isolation(),
    withoutQuota: withoutQuota === true,
  });
  await tellOfSandbox(app, run);
  return effects;
}

/** What a start made due stays due: a delivery is a step of its own. */
async function endDelivered(lead: Lead, delivery: Delivery): Promise<readonly Effect[]> {
  const { app, run } = lead;
  const isWriter = run.log.state.lanes[delivery.lane]?.role === "write";
  const { reportWriter: _own, ...facts } = isWriter ? await buildReport(app, run, "") : { reportWriter: null };
  return endOutsideLane(lead, delivery, JSON.stringify(facts));
}

/** What lanes used that ended before this start: a run's budget is for all its attempts. */
async function loadSpent(app: App, run: PreparedRun): Promise<Record<string, LaneSpend>> {
  const spent: Record<string, LaneSpend> = {};
  for (const [lane, receipt] of await loadAllReceipts(app, run))
    spent[lane] = spendOf(receipt.usage, receipt.cost, receipt.stdoutBytes + receipt.stderrBytes);
  return spent;
}

async function loadTables(app: App, { manifest }: PreparedRun): Promise<RunTables> {
  const home = await app.projects.loadHomeConfig();
  const { project } = await openProject(app, manifest.project.root, { allowNew: true });
  return { models: modelTable(home, project), prices: await loadPrices(app, project, home) };
}

/** Workers that run without the sandbox that is wanted where it is possible: never silently. */
async function tellOfSandbox(app: App, run: PreparedRun): Promise<void> {
  const { workers, reason } = await listUnsandboxed(app, run.manifest.roster, runSandboxSetting(run.manifest));
  if (workers.length === 0) return;
  await run.log.append({ type: "sandbox-missing", workers: [...workers], reason });
  app.emit({
    type: "sandbox-missing",
    level: "warning",
    text: `${workers.join(", ")} run without a sandbox: ${reason}`,
    data: { workers, reason },
  });
}

function cancelledError({ manifest, runDir }: PreparedRun): OkstraError {
  return new OkstraError("OKSTRA_INTERRUPTED", {
    message: `The run ${manifest.run} of ${manifest.taskKey} was cancelled.`,
    hint: `Start a new one: ${describeStart(manifest)}`,
    details: { runDir },
  });
}

async function perform(lead: Lead, effects: readonly Effect[]): Promise<void> {
  const outcomes = await Promise.allSettled(
    effects
      .filter((effect) => isWithin(lead.reach, effect))
      .map(async (effect) => {
        const next = await performOne(lead, effect);
        requireNotInterrupted(lead);
        await perform(lead, next);
      }),
  );
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

function isWithin({ lanes, converges = true, finishes = true }: Reach, effect: Effect): boolean {
  switch (effect.type) {
    case "dispatch":
      return lanes === undefined || lanes.includes(effect.lane);
    case "advance":
    case "decide":
      return converges;
    default:
      return finishes;
  }
}

function requireNotInterrupted({ signal, run }: Lead): void {
  if (!signal.aborted) return;
  const task = run.manifest.taskKey.split("/").slice(1).join("/");
  const isLost = task.startsWith("verify/") && !run.manifest.inPlace;
  throw new OkstraError("OKSTRA_INTERRUPTED", {
    message: `The run ${run.manifest.run} of ${run.manifest.taskKey} was interrupted.`,
    hint: isLost ? `Start it again: ${describeStart(run.manifest)}` : `Go on with: okstra resume ${task}`,
    details: { runDir: run.runDir },
  });
}

async function performOne(lead: Lead, effect: Effect): Promise<readonly Effect[]> {
  const { app, run } = lead;
  const { log } = run;
  switch (effect.type) {
    case "dispatch":
      if (log.state.lanes[effect.lane]?.role === "execute") await prepareExecutor(lead);
      return runLane(lead, effect.lane);
    case "advance":
      return advanceRun(lead);
    case "decide":
      return decideRun(lead);
    case "handoff":
      throw new OkstraError("OKSTRA_INTERNAL", { message: "A hand-off is led by a person's choice, not by a run's lead." });
    case "report": {
      const isWritten = await writeProse(lead);
      requireNotInterrupted(lead);
      if (!isWritten) return [];
      const reportSha256 = await writeReport(app, run);
      return log.append({ type: "report-written", reportSha256 });
    }
    case "validate":
      return validateOwn(app, run);
    case "end":
      return endRun(run);
  }
}

/** The validator's word about the run that is being led, beside the run and in its log. */
export async function validateOwn(app: App, { runDir, log }: PreparedRun): Promise<readonly Effect[]> {
  const validation = await validateRun(app, runDir, { byLead: true });
  await app.store.writeText(`${runDir}/validation.json`, `${JSON.stringify(validation, null, 2)}\n`);
  return log.append({ type: "run-validated", ok: validation.ok, broken: [...new Set(validation.broken.map((rule) => rule.code))] });
}

export async function endRun({ log }: PreparedRun): Promise<readonly Effect[]> {
  const { verdict, gate, valid } = log.state;
  return log.append({ type: "run-ended", verdict: verdict ?? "none", gateOpen: gate?.open === true && valid === true });
}
