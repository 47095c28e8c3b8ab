import type * as z from "zod";
import { openRows } from "@okstra/core/convergence/ledger";
import type { RulingPair } from "@okstra/core/convergence/rulings";
import { voteResultSchema } from "@okstra/core/convergence/votes";
import type { Budget } from "@okstra/core/domain/agent-use";
import type { LaneEnd } from "@okstra/core/domain/finding";
import type { Receipt } from "@okstra/core/domain/receipt";
import type { RosterEntry } from "@okstra/core/domain/run";
import { isAgentKind, isSubstituted } from "@okstra/core/domain/served-model";
import { reportProseSchema } from "@okstra/core/domain/report-prose";
import { workerResultSchema } from "@okstra/core/domain/worker-result";
import { OkstraError } from "@okstra/core/errors";
import { WRITER_LANE, type Effect } from "@okstra/core/machine/run-machine";
import type { ProfileVariables } from "@okstra/core/phases/phase";
import { VOTE_PROFILE } from "@okstra/core/phases/shared/vote-profile";
import { WRITER_PROFILE } from "@okstra/core/phases/shared/writer-profile";
import { dispatchLane } from "./dispatch-lane.ts";
import type { Lead } from "./lead-parts.ts";
import { recordTreeChange } from "./record-tree-change.ts";
import { describePlace, renderPrompt } from "./prompt.ts";
import { loadConvergence, verificationPlan } from "./run-records.ts";
import { unheldCost } from "./run-spend.ts";

/** What a lane is told and what it must answer. */
interface LaneTask {
  readonly template: string;
  readonly resultSchema: z.ZodType;
  readonly items?: ProfileVariables["items"];
  readonly pairs?: ProfileVariables["pairs"];
  readonly facts?: string;
}

/** Runs one planned lane to its end: → lane-started, what okstra executed in it, lane-ended. */
export async function runLane(lead: Lead, lane: string): Promise<readonly Effect[]> {
  const planned = lead.run.log.state.lanes[lane];
  if (planned === undefined) throw unknownLane(lead, lane);
  const task = await taskOf(lead, planned.role, planned.worker, planned.round);
  return (await runTask(lead, { ...planned, lane, task })).effects;
}

/** Runs the report writer. `facts` is the report's data as JSON. */
export async function runWriter(lead: Lead, facts: string): Promise<LaneEnd> {
  const { writer } = lead.run.manifest;
  if (writer === null) throw unknownLane(lead, WRITER_LANE);
  const task: LaneTask = { template: WRITER_PROFILE, resultSchema: reportProseSchema, facts };
  return (await runTask(lead, { lane: WRITER_LANE, worker: writer.worker, role: "write", round: 1, task })).end;
}

async function runTask(
  { app, run, watch, signal, spend, tables }: Lead,
  job: { lane: string; worker: string; role: "review" | "execute" | "vote" | "write"; round: number; task: LaneTask },
): Promise<{ end: LaneEnd; effects: readonly Effect[] }> {
  const { log, manifest } = run;
  const { lane, worker, role, round, task } = job;
  const entry = role === "write" ? manifest.writer : manifest.roster.find((each) => each.worker === worker);
  if (entry === undefined || entry === null) throw unknownLane({ run }, lane);
  const { attempt, commit } = log.state;
  const nonce = app.ids.randomHex(16);
  const openItems = round > 1 ? await openItemsOf({ app, run }, round) : undefined;
  const prompt = await renderPrompt(task.template, manifest, {
    entry,
    answerBy: isAgentKind(entry.kind) ? "door" : "file",
    nonce,
    commit,
    round,
    resultSchema: task.resultSchema,
    ...(openItems === undefined ? {} : { openItems }),
    ...(task.items === undefined ? {} : { items: task.items }),
    ...(task.pairs === undefined ? {} : { pairs: task.pairs }),
    ...(task.facts === undefined ? {} : { facts: task.facts }),
  });
  await log.append({ type: "lane-started", worker, lane, attempt, nonce, commit });
  app.emit({ type: "lane-started", text: `${describeLane(entry, role, round)}: started`, data: { worker, lane, role, round } });
  if (role !== "execute") watch.laneStarted(worker);
  const record = await dispatchLane(app, {
    manifest,
    runDir: run.runDir,
    lane,
    role,
    round,
    attempt,
    entry,
    nonce,
    commit,
    prompt,
    resultSchema: task.resultSchema,
    signal,
    spend,
    tables,
    onActivity: (text) => app.emit({ type: "lane-activity", text: `${worker}: ${text}`, data: { worker, lane, text } }),
    onSpend: (tokens, cost) => app.emit({ type: "lane-usage", text: `${worker}: ${tokens} tokens`, data: { worker, lane, tokens, cost } }),
    checkTree: async () => {
      if (role === "execute") return null;
      const change = await watch.laneEnded(worker);
      if (change === null || signal.aborted || role === "write") return null;
      await recordTreeChange({ app, run }, change);
      const alone = change.workers.length === 1;
      return alone ? `it changed the tree of a read-only phase: ${change.paths.slice(0, 5).join(", ")}` : null;
    },
  });
  for (const each of record.reproductions) await log.append({ type: "reproduction-executed", worker, record: each });
  const { reproductions: _logged, receipt, ...ended } = record;
  await tellOfAgent({ app, run }, receipt);
  tellOfUnheldCost({ app, run }, entry, receipt);
  const found = role === "review" ? `, ${record.findings} finding${record.findings === 1 ? "" : "s"}` : "";
  app.emit({
    type: "lane-ended",
    text: `${describeLane(entry, role, round)}: ${record.end}${record.reason === null ? found : ` (${record.reason})`}`,
    data: {
      worker,
      lane,
      end: record.end,
      reason: record.reason,
      findings: record.findings,
      tokens: receipt.usage?.totalTokens ?? null,
      cost: receipt.cost,
    },
  });
  return { end: record.end, effects: await log.append({ type: "lane-ended", worker, lane, attempt, commit, ...ended }) };
}

/** What an agent did otherwise than it was asked stands in the run's log by itself. */
async function tellOfAgent({ app, run }: Pick<Lead, "app" | "run">, receipt: Receipt): Promise<void> {
  const { worker, lane, modelAsked: asked, modelServed: served, attempts } = receipt;
  const [first, second] = attempts;
  if (first !== undefined && second !== undefined) {
    const reason = first.failure ?? "a passing failure";
    await run.log.append({ type: "lane-retried", worker, lane, reason, resumed: second.resumed });
    app.emit({ type: "lane-retried", text: `${worker}: asked once more (${reason})`, data: { worker, lane, reason } });
  }
  if (asked === null || served === null || !isSubstituted(asked, served)) return;
  await run.log.append({ type: "model-substituted", worker, lane, asked, served });
  app.emit({
    type: "model-substituted",
    level: "warning",
    text: `${worker}: ${served} answered, ${asked} was asked for`,
    data: { worker, lane, asked, served },
  });
}

/** A limit of cost that nobody could hold an agent to is said, not passed over. */
function tellOfUnheldCost({ app, run }: Pick<Lead, "app" | "run">, entry: RosterEntry, { worker, lane, end, usage, cost }: Receipt): void {
  if (!isAgentKind(entry.kind) || (end !== "ok" && usage === null)) return;
  const limit = unheldCost([entry.budget, run.manifest.settings["budget"] as Budget | null | undefined], cost);
  if (limit === null) return;
  app.emit({
    type: "cost-not-held",
    level: "warning",
    text: `${worker}: its cost is ${cost === null ? "unknown" : `in ${cost.currency}`}, so the limit of ${limit} did not hold it; limits of tokens and time do`,
    data: { worker, lane, limit, cost },
  });
}

function describeLane(entry: RosterEntry, role: string, round: number): string {
  const what = { review: "", execute: " (executor)", vote: " (verifies)", write: " (report)" }[role] ?? "";
  return `${entry.worker}${what}${round > 1 ? `, round ${round}` : ""}`;
}

async function taskOf(lead: Lead, role: "review" | "execute" | "vote" | "write", worker: string, round: number): Promise<LaneTask> {
  const { phase } = lead;
  if (role === "execute" && phase.executorProfile !== null) return { template: phase.executorProfile, resultSchema: workerResultSchema };
  if (role !== "vote") return { template: phase.profile, resultSchema: phase.resultSchema };
  const plan = await verificationPlan(lead.app, lead.run, round);
  const mine = new Set(plan.assignments.find((each) => each.worker === worker)?.items ?? []);
  return {
    template: VOTE_PROFILE,
    resultSchema: voteResultSchema,
    items: plan.items.filter(({ id }) => mine.has(id)).map(({ id, claim, ...place }) => ({ id, claim, place: describePlace(place) })),
    pairs: plan.rulings?.worker === worker ? plan.rulings.pairs.map(describePair) : [],
  };
}

function describePair({ id, sides }: RulingPair): ProfileVariables["pairs"][number] {
  const [one, other] = sides.map(({ claim, ...place }) => `${claim}${place.file === null ? "" : ` [${describePlace(place)}]`}`);
  return { id, one: one ?? "", other: other ?? "" };
}

/** What earlier rounds left open: claim and place, not who raised it. */
async function openItemsOf({ app, run }: Pick<Lead, "app" | "run">, round: number): Promise<ProfileVariables["openItems"]> {
  const { ledger } = await loadConvergence(app, run, round - 1);
  return openRows(ledger).map(({ id, severity, claim, ...place }) => ({ id, severity, claim, place: describePlace(place) }));
}

function unknownLane({ run }: Pick<Lead, "run">, lane: string): OkstraError {
  return new OkstraError("OKSTRA_RUN_CORRUPT", { message: `${lane} is no lane of ${run.runDir}.`, details: { lane } });
}
