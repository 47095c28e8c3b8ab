import type { TaskType } from "@okstra/core/domain/work";
import { formatTaskKey } from "@okstra/core/domain/task-key";
import { OkstraError } from "@okstra/core/errors";
import type { LaneState } from "@okstra/core/machine/run-machine";
import type { CancelSignal } from "@okstra/core/ports";
import { neutralise } from "@okstra/core/report/neutral-text";
import type { App } from "../app.ts";
import type { PreparedRun } from "../run/begin-run.ts";
import { endedOutcome } from "../run/dispatch-lane.ts";
import { commandFor } from "../run/launch.ts";
import type { LeadOptions } from "../run/lead.ts";
import { CHAT_KIND } from "../run/lead-parts.ts";
import { loadRun } from "../run/prepare-run.ts";
import { outsideResultPath } from "../run/run-lanes.ts";
import { isLed } from "../run/run-lock.ts";
import { answerOf, findTaskRun, goOnWithRun, type RunAnswer } from "../run/run-task.ts";
import { requireResult } from "./check-result.ts";
import { entryOf, listDue, type DueStep } from "./due.ts";

const MAX_REASON = 300;

export interface LeadRequest {
  readonly task: string;
  readonly dir: string;
  readonly taskType: TaskType | null;
}

/** What every command of a chat lead answers: the run, and what is due in it now. */
export interface LeadAnswer extends RunAnswer {
  readonly lead: "agent";
  /** Empty when the run has ended or was cancelled. */
  readonly due: readonly DueStep[];
  /** What the lead is to know of what it gave; no mistakes. */
  readonly notes: readonly string[];
}

/** What is due in a task's newest run that an agent leads. Takes no lock, writes nothing. @throws OKSTRA_LEAD_IS_CODE */
export async function loadDue(app: App, request: LeadRequest): Promise<LeadAnswer> {
  const { opened, key, runDir } = await findTaskRun(app, request);
  const run = await loadRun(app, runDir);
  requireAgentLead(run);
  return dueOf(app, run, await isLed(app, opened.root, formatTaskKey(key)));
}

async function dueOf(app: App, run: PreparedRun, led: boolean, notes: readonly string[] = []): Promise<LeadAnswer> {
  return { ...(await answerOf(app, run)), lead: "agent", due: listDue(run, led), notes };
}

/**
 * Runs the workers of lanes to their end, as a run without a chat lead does, and begins those lanes that the lead performs
 * itself. One that it has begun already stays as it is.
 * @param request.lanes empty: all that wait
 * @throws OKSTRA_LEAD_NOT_DUE
 */
export async function dispatchLanes(
  app: App,
  request: LeadRequest & { readonly lanes: readonly string[] },
  signal: CancelSignal,
): Promise<LeadAnswer> {
  return takeStep(app, request, signal, async (run, due) => {
    const waiting = due.flatMap(({ step, lane }) => (step === "dispatch" && lane !== null ? [lane.lane] : []));
    const begun = due.flatMap(({ step, lane }) => (step === "collect" && lane !== null ? [lane.lane] : []));
    for (const lane of request.lanes)
      if (!waiting.includes(lane) && !begun.includes(lane))
        throw notDue(run, due, `The lane ${neutralise(lane)} cannot be dispatched: ${whatIs(run, lane)}`);
    if (request.lanes.length === 0 && waiting.length === 0 && begun.length === 0) throw notDue(run, due, "No lane waits for dispatch");
    const lanes = (request.lanes.length === 0 ? waiting : request.lanes).filter((lane) => waiting.includes(lane));
    return lanes.length === 0 ? null : { reach: { lanes, converges: false, finishes: false } };
  });
}

/**
 * Ends a lane that the lead performs with the result that it has for it.
 * @param request.result absolute path of the result; null: where the lane's result is expected
 * @throws OKSTRA_LEAD_NOT_DUE, OKSTRA_LANE_RESULT_INVALID; the lane stays open then
 */
export async function collectLane(
  app: App,
  request: LeadRequest & { readonly lane: string; readonly result: string | null },
  signal: CancelSignal,
): Promise<LeadAnswer> {
  const notes: string[] = [];
  const { lane } = request;
  return takeStep(
    app,
    request,
    signal,
    async (run, due) => {
      const planned = requireOpen(run, due, lane, "collected");
      const path = request.result ?? outsideResultPath(run.runDir, lane);
      const { text, notes: found } = await requireResult(app, run, { lane, planned, path });
      notes.push(...found);
      return deliver(lane, { ...endedOutcome("ok", null), resultText: text });
    },
    notes,
  );
}

/** Ends a lane that the lead performs and that will have no result: it counts as failed. @throws OKSTRA_LEAD_NOT_DUE, OKSTRA_USAGE */
export async function failLane(
  app: App,
  request: LeadRequest & { readonly lane: string; readonly reason: string },
  signal: CancelSignal,
): Promise<LeadAnswer> {
  const { lane } = request;
  const reason = neutralise(request.reason.replaceAll(/\s+/g, " ").trim()).slice(0, MAX_REASON);
  if (reason === "") throw new OkstraError("OKSTRA_USAGE", { message: "--reason is empty; the report says why a lane failed." });
  return takeStep(app, request, signal, async (run, due) => {
    requireOpen(run, due, lane, "ended");
    return deliver(lane, endedOutcome("failed", `the agent that leads gave it up: ${reason}`));
  });
}

function deliver(lane: string, outcome: ReturnType<typeof endedOutcome>): LeadOptions {
  return { delivery: { lane, outcome }, reach: { lanes: [], converges: false, finishes: false } };
}

/** Takes on what all ended lanes left: up to the next lanes, or to the decision. @throws OKSTRA_LEAD_NOT_DUE */
export async function convergeStep(app: App, request: LeadRequest, signal: CancelSignal): Promise<LeadAnswer> {
  return takeStep(app, request, signal, async (run, due) => {
    if (!due.some(({ step }) => step === "converge")) throw notDue(run, due, "Nothing can be converged now");
    return { reach: { lanes: [], finishes: false } };
  });
}

/** Writes and validates the report and ends the run, when no lane is open. @throws OKSTRA_LEAD_NOT_DUE */
export async function finishStep(app: App, request: LeadRequest, signal: CancelSignal): Promise<LeadAnswer> {
  return takeStep(app, request, signal, async (run, due) => {
    // After a crash what was converged is converged once more.
    if (!due.some(({ step }) => step === "finish" || step === "converge")) throw notDue(run, due, "The run cannot be finished now");
    return { reach: { lanes: [] } };
  });
}

/** Goes on with everything that is no lane of the leading agent's own; those it begins. */
export async function goOnWithoutChat(
  app: App,
  request: LeadRequest & { readonly withoutQuota: boolean },
  signal: CancelSignal,
): Promise<LeadAnswer> {
  return takeStep(app, request, signal, async () => ({ withoutQuota: request.withoutQuota }));
}

/** One command of a chat lead: under the run's lock looks what is due, then does it or refuses. */
async function takeStep(
  app: App,
  request: LeadRequest,
  signal: CancelSignal,
  plan: (run: PreparedRun, due: readonly DueStep[]) => Promise<LeadOptions | null>,
  notes: readonly string[] = [],
): Promise<LeadAnswer> {
  const { runDir } = await goOnWithRun(app, request, signal, {
    what: "a step of the agent that leads",
    plan: async (run) => {
      requireAgentLead(run);
      return plan(run, listDue(run, false));
    },
  });
  return dueOf(app, await loadRun(app, runDir), false, notes);
}

/** A lane that the lead performs and has begun. */
function requireOpen(run: PreparedRun, due: readonly DueStep[], lane: string, what: string): LaneState {
  const planned = run.log.state.lanes[lane];
  if (planned !== undefined && due.some((each) => each.step === "collect" && each.lane?.lane === lane)) return planned;
  throw notDue(run, due, `The lane ${neutralise(lane)} cannot be ${what}: ${whatIs(run, lane)}`);
}

/** What a lane is at, in words. */
function whatIs(run: PreparedRun, name: string): string {
  const { lanes } = run.log.state;
  const lane = Object.hasOwn(lanes, name) ? lanes[name] : undefined;
  if (lane === undefined) return `the run has no such lane; it has ${Object.keys(lanes).join(", ")}`;
  if (lane.state === "ended") return `it has ended (${lane.end ?? ""})`;
  if (entryOf(run.manifest, name, lane)?.kind !== CHAT_KIND) return "a worker of okstra's performs it";
  return lane.state === "running" ? "it is begun, and its result is awaited" : "it was not dispatched";
}

function notDue(run: PreparedRun, due: readonly DueStep[], message: string): OkstraError {
  const what = due.map(({ step, lane }) => (lane === null ? step : `${step} ${lane.lane}`));
  return new OkstraError("OKSTRA_LEAD_NOT_DUE", {
    message: `${message}. Due: ${what.length === 0 ? "nothing" : what.join(", ")}.`,
    hint: `See what is due: ${commandFor(run.manifest, "lead next")}`,
    details: { runDir: run.runDir, due: what },
  });
}

/** @throws OKSTRA_LEAD_IS_CODE */
export function requireAgentLead(run: PreparedRun): void {
  if (run.log.state.lead === "agent") return;
  throw new OkstraError("OKSTRA_LEAD_IS_CODE", {
    message: `Run ${run.manifest.run} of ${run.manifest.taskKey} (${run.manifest.type}) is led by okstra itself.`,
    hint: `Go on with: ${commandFor(run.manifest, "resume")}`,
    details: { runDir: run.runDir },
  });
}
