import type { RunOfTask, TimelineLane } from "@okstra/core/dashboard/api";
import type { Money } from "@okstra/core/domain/agent-use";
import { priceOf, type PriceTable } from "@okstra/core/domain/prices";
import type { Receipt } from "@okstra/core/domain/receipt";
import { WRITER_LANE } from "@okstra/core/machine/run-machine";
import { phraseFor, wordingFor } from "@okstra/core/report/wording";
import type { App } from "../app.ts";
import { loadLanes } from "../cost/load-lanes.ts";
import { loadPrices } from "../cost/load-prices.ts";
import { hashDecision } from "../run/override-gate.ts";
import type { TaskDescription } from "../task/describe-task.ts";
import { currentOverride } from "../task/effective-gate.ts";
import type { RunFacts, TaskFacts } from "../task/load-task.ts";

/**
 * Every run of a task with its gate as it stands now and a bar for each lane, newest last.
 * @param goingOn the run that a process leads now
 */
export async function describeRuns(
  app: App,
  facts: TaskFacts,
  description: TaskDescription,
  goingOn: { readonly type: string | null; readonly run: number | null } | null,
): Promise<readonly RunOfTask[]> {
  const views = new Map(description.cycles.flatMap(({ cycle, runs }) => runs.map((view) => [view.runDir, { ...view, cycle }] as const)));
  const used = await loadUse(app, facts);
  const newest = new Map(facts.runs.map((run) => [run.type, run.runDir]));
  return facts.runs.flatMap((run) => {
    const view = views.get(run.runDir);
    if (view === undefined) return [];
    const { type, createdAt, state, verdict, commit, valid, damaged, gate, cycle } = view;
    const isGoing = goingOn !== null && goingOn.type === type && goingOn.run === run.run;
    return [
      {
        type,
        run: run.run,
        runId: run.runId === "" ? null : run.runId,
        cycle,
        createdAt,
        state,
        verdict,
        commit,
        valid,
        damaged,
        hasReport: run.report !== null,
        gate:
          gate === null
            ? null
            : { ...gate, by: tellGate(facts, run), boundTo: newest.get(run.type) === run.runDir ? findOverridable(app, run) : null },
        lanes: describeLanes(run, isGoing, (lane, attempt) => used(run, lane, attempt)),
      },
    ];
  });
}

/** What opened a gate, or holds it now, in words. */
function tellGate({ plan }: TaskFacts, run: RunFacts): string | null {
  const { effective, gate, damaged, valid, stage } = run;
  if (gate === null) return null;
  const words = wordingFor("en");
  if (effective.open) {
    if (effective.by === "override") return `An override by ${effective.override?.by ?? "a person"}: ${effective.override?.reason ?? ""}`;
    if (effective.by === "answers") return "Its questions were answered.";
    if (effective.by === "approval") return `Its plan was approved by ${plan?.approval?.by ?? "a person"}.`;
  } else {
    if (damaged !== null) return `The run is damaged: ${damaged}.`;
    if (stage === "ended" && valid !== true) return "Its report did not pass the validator.";
    if (plan?.runDir === run.runDir && plan.rejection !== null)
      return `Its plan was rejected by ${plan.rejection.by}: ${plan.rejection.reason}`;
  }
  return gate.reasons.map((reason) => phraseFor(words.gateReasons, reason)).join(" ");
}

/** What an override of the run's gate would be bound to; null when no override could pass it. */
function findOverridable(app: App, run: RunFacts): string | null {
  const { events, gate, stage, valid, damaged, effective, type } = run;
  if (gate === null || stage !== "ended" || valid !== true || damaged !== null || effective.open || type === "release-handoff") return null;
  const decided = events.findLast((event) => event.type === "gate-decided");
  if (decided?.type !== "gate-decided" || decided.gate.open) return null;
  return currentOverride(events, gate.name, app.clock.now()) === null ? hashDecision(events) : null;
}

type Use = Pick<TimelineLane, "tokens" | "cost">;
const UNKNOWN_USE: Use = { tokens: null, cost: [] };

/** What lanes used, by their receipts and today's prices; nothing is known where these cannot be read. */
async function loadUse(app: App, { root, key }: TaskFacts): Promise<(run: RunFacts, lane: string, attempt: number) => Use> {
  const { lanes } = await loadLanes(app, root, key);
  const prices = await loadTable(app, root, key.project);
  const nameOf = (...parts: readonly (string | number)[]): string => JSON.stringify(parts);
  const receipts = new Map(lanes.map(({ type, run, receipt }) => [nameOf(type, run, receipt.lane, receipt.attempt), receipt]));
  return ({ type, run }, lane, attempt) => {
    const receipt = receipts.get(nameOf(type, run, lane, attempt));
    return receipt === undefined ? UNKNOWN_USE : { tokens: receipt.usage?.totalTokens ?? null, cost: costOf(receipt, prices) };
  };
}

async function loadTable(app: App, root: string, projectId: string): Promise<PriceTable | null> {
  try {
    const project = (await app.projects.loadProject(root)) ?? { schema: 1, projectId };
    return await loadPrices(app, project, await app.projects.loadHomeConfig());
  } catch {
    return null;
  }
}

function costOf({ cost, usage, modelServed }: Receipt, prices: PriceTable | null): readonly Money[] {
  const known = cost ?? (usage === null || modelServed === null || prices === null ? null : priceOf(usage, modelServed, prices));
  return known === null ? [] : [{ amount: known.amount, currency: known.currency }];
}

/** Of a lane that nobody ended: its run was stopped, or died. */
const INTERRUPTED = "interrupted";
const STOPS: ReadonlySet<string> = new Set(["run-interrupted", "run-failed", "run-cancelled", "run-started", "run-ended"]);

type OpenLane = { -readonly [K in keyof TimelineLane]: TimelineLane[K] };

function describeLanes({ events }: RunFacts, isGoing: boolean, useOf: (lane: string, attempt: number) => Use): readonly TimelineLane[] {
  const lanes: OpenLane[] = [];
  const roles = new Map<string, string>([[WRITER_LANE, "write"]]);
  const stopAll = (at: string): void => {
    for (const lane of lanes) if (lane.endedAt === null) Object.assign(lane, { endedAt: at, end: INTERRUPTED });
  };
  for (const event of events) {
    if (STOPS.has(event.type)) stopAll(event.at);
    if (event.type === "lanes-planned") for (const { lane } of event.lanes) roles.set(lane, event.role);
    else if (event.type === "lane-started")
      lanes.push({
        lane: event.lane,
        worker: event.worker,
        role: roles.get(event.lane) ?? "review",
        attempt: event.attempt,
        startedAt: event.at,
        endedAt: null,
        end: null,
        findings: 0,
        tokens: null,
        cost: [],
        activity: null,
      });
    else if (event.type === "lane-activity") {
      const lane = lanes.findLast(({ worker, endedAt }) => worker === event.worker && endedAt === null);
      if (lane !== undefined) lane.activity = event.text;
    } else if (event.type === "lane-ended") {
      const lane = lanes.findLast((each) => each.lane === event.lane && each.endedAt === null);
      if (lane !== undefined)
        Object.assign(lane, { endedAt: event.at, end: event.end, findings: event.findings, ...useOf(event.lane, event.attempt) });
    }
  }
  if (!isGoing) stopAll(events.at(-1)?.at ?? "");
  return lanes;
}
