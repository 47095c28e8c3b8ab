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
import { WRITER_LANE, type Effect, type LaneState } from "@okstra/core/machine/run-machine";
import type { ProfileVariables } from "@okstra/core/phases/phase";
import { VOTE_PROFILE } from "@okstra/core/phases/shared/vote-profile";
import { WRITER_PROFILE } from "@okstra/core/phases/shared/writer-profile";
import { submittedPath } from "../door/delivered.ts";
import { removeLaneScratch } from "../door/open-door.ts";
import type { PreparedRun } from "./begin-run.ts";
import { dispatchLane, type LaneOptions } from "./dispatch-lane.ts";
import { CHAT_KIND, type Delivery, type Lead } from "./lead-parts.ts";
import { recordTreeChange } from "./record-tree-change.ts";
import { describePlace, renderPrompt } from "./prompt.ts";
import { loadConvergence, verificationPlan } from "./run-records.ts";
import { unheldCost } from "./run-spend.ts";
import { compareTrees, describeTree } from "./tree-watch.ts";

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

/** Runs the report writer. `facts` is the report's data as JSON. @returns null: the leading agent is at it */
export async function runWriter(lead: Lead, facts: string): Promise<LaneEnd | null> {
  const { writer } = lead.run.manifest;
  if (writer === null) throw unknownLane(lead, WRITER_LANE);
  return (await runTask(lead, { lane: WRITER_LANE, worker: writer.worker, role: "write", round: 1, task: writerTask(facts) })).end;
}

/**
 * Ends a lane that the leading agent performed, with what it gave for it: → what okstra executed in it, lane-ended.
 * @param facts of the report writer's lane: the report's data as JSON
 */
export async function endOutsideLane(lead: Lead, { lane, outcome }: Delivery, facts: string): Promise<readonly Effect[]> {
  const { run } = lead;
  const planned = run.log.state.lanes[lane];
  if (planned?.state !== "running" || planned.outside === undefined) throw unknownLane(lead, lane);
  const { worker, role, round } = planned;
  const task = role === "write" ? writerTask(facts) : await taskOf(lead, role, worker, round);
  const job = { lane, worker, role, round, task };
  const begun = run.log.events.findLast((event) => event.type === "lane-started" && event.lane === lane);
  const given = { outcome, startedAt: begun?.at ?? lead.app.clock.now() };
  const nonce = planned.nonce ?? "";
  const prompt = await renderLane(lead, job, nonce);
  const { effects } = await performLane(lead, job, { nonce, prompt, attempt: planned.attempt, given });
  await removeLaneScratch(lead.app, `${run.runDir}/workers/${lane}`);
  return effects;
}

function writerTask(facts: string): LaneTask {
  return { template: WRITER_PROFILE, resultSchema: reportProseSchema, facts };
}

interface LaneJob {
  readonly lane: string;
  readonly worker: string;
  readonly role: LaneState["role"];
  readonly round: number;
  readonly task: LaneTask;
}

async function runTask(lead: Lead, job: LaneJob): Promise<{ end: LaneEnd | null; effects: readonly Effect[] }> {
  const { app, run, watch } = lead;
  const { log } = run;
  const { lane, worker, role, round } = job;
  const entry = entryOf(lead, job);
  const { attempt, commit } = log.state;
  const nonce = app.ids.randomHex(16);
  const prompt = await renderLane(lead, job, nonce);
  if (entry.kind === CHAT_KIND) return { end: null, effects: await beginOutsideLane(lead, job, { nonce, prompt }) };
  await log.append({ type: "lane-started", worker, lane, attempt, nonce, commit });
  app.emit({ type: "lane-started", text: `${describeLane(entry, role, round)}: started`, data: { worker, lane, role, round } });
  if (role !== "execute") watch.laneStarted(worker);
  return performLane(lead, job, { nonce, prompt, attempt });
}

/** Begins a lane that the leading agent performs: writes what it is asked, and says so in the log. → lane-started */
async function beginOutsideLane(
  lead: Lead,
  job: LaneJob,
  { nonce, prompt }: { readonly nonce: string; readonly prompt: string },
): Promise<readonly Effect[]> {
  const { app, run } = lead;
  const { lane, worker, role, round } = job;
  const { attempt, commit } = run.log.state;
  const laneDir = `${run.runDir}/workers/${lane}`;
  await removeLaneScratch(app, laneDir);
  await app.store.ensureDirectory(outsideDoor(run.runDir, lane));
  await app.store.writeText(`${run.runDir}/prompts/${lane}.md`, prompt);
  const tree = role === "execute" || role === "write" ? null : await describeTree(app, run.manifest);
  if (tree !== null) await app.store.writeText(treePath(run.runDir, lane), tree);
  const outside = { treeSha256: tree === null ? null : app.sha256(tree) };
  const effects = await run.log.append({ type: "lane-started", worker, lane, attempt, nonce, commit, outside });
  // Whoever else is looked at from now on is not alone in the tree.
  if (role !== "execute") lead.watch.laneStarted(worker);
  const text = `${describeLane(entryOf(lead, job), role, round)}: begun, for the agent that leads`;
  app.emit({ type: "lane-started", text, data: { worker, lane, role, round } });
  return effects;
}

function outsideDoor(runDir: string, lane: string): string {
  return `${runDir}/workers/${lane}/door`;
}

/** Where the leading agent leaves the result of a lane that it performs. */
export function outsideResultPath(runDir: string, lane: string): string {
  return submittedPath(outsideDoor(runDir, lane));
}

/** What the tree was like when a lane began that the leading agent performs. */
function treePath(runDir: string, lane: string): string {
  return `${outsideDoor(runDir, lane)}/tree.json`;
}

function entryOf({ run }: Pick<Lead, "run">, { lane, worker, role }: Pick<LaneJob, "lane" | "worker" | "role">): RosterEntry {
  const { manifest } = run;
  const entry = role === "write" ? manifest.writer : manifest.roster.find((each) => each.worker === worker);
  if (entry === undefined || entry === null) throw unknownLane({ run }, lane);
  return entry;
}

/** The prompt of a lane. It follows from the run's files and the nonce. */
async function renderLane({ app, run }: Pick<Lead, "app" | "run">, job: LaneJob, nonce: string): Promise<string> {
  const { lane, round, task } = job;
  const entry = entryOf({ run }, job);
  const openItems = round > 1 ? await openItemsOf({ app, run }, round) : undefined;
  const prompt = await renderPrompt(task.template, run.manifest, {
    entry,
    answerBy: isAgentKind(entry.kind) ? "door" : "file",
    nonce,
    commit: run.log.state.commit,
    round,
    resultSchema: task.resultSchema,
    ...(openItems === undefined ? {} : { openItems }),
    ...(task.items === undefined ? {} : { items: task.items }),
    ...(task.pairs === undefined ? {} : { pairs: task.pairs }),
    ...(task.facts === undefined ? {} : { facts: task.facts }),
  });
  return entry.kind === CHAT_KIND ? `${prompt.trimEnd()}\n\n${describeDelivery(outsideResultPath(run.runDir, lane))}` : prompt;
}

/** A lane without an environment of its own is told the path. */
function describeDelivery(path: string): string {
  return [
    "## Where the result goes",
    "",
    "No variable is set for you: where this text says `OKSTRA_RESULT`, the path is",
    "",
    `    ${path}`,
    "",
    "Write nothing else outside the worktree, and answer in no other way.",
    "",
  ].join("\n");
}

/** Has a lane performed that was started, judges it, and says so in the log. */
async function performLane(
  lead: Lead,
  job: LaneJob,
  start: { readonly nonce: string; readonly prompt: string; readonly attempt: number; readonly given?: LaneOptions["given"] },
): Promise<{ end: LaneEnd; effects: readonly Effect[] }> {
  const { app, run, signal, spend, tables } = lead;
  const { log, manifest } = run;
  const { lane, worker, role, round, task } = job;
  const { nonce, prompt, attempt, given } = start;
  const entry = entryOf(lead, job);
  const { commit } = log.state;
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
    ...(given === undefined ? {} : { given }),
    checkTree: () => (given === undefined ? checkTree(lead, job) : checkTreeOutside(lead, job)),
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

/** Whether a lane changed a tree that was to stay as it is: the reason why it fails, or null. */
async function checkTree({ app, run, watch, signal }: Lead, { role, worker }: LaneJob): Promise<string | null> {
  if (role === "execute") return null;
  const change = await watch.laneEnded(worker);
  if (change === null || signal.aborted || role === "write") return null;
  await recordTreeChange({ app, run }, change);
  return reasonOf(change);
}

/**
 * The same for a lane that outlived processes: the tree is held against what it was when the lane began. What another
 * lane's end has told already is not told again.
 */
async function checkTreeOutside({ app, run }: Lead, { lane, role, worker }: LaneJob): Promise<string | null> {
  const { state } = run.log;
  const wanted = state.lanes[lane]?.outside?.treeSha256 ?? null;
  const before = await app.store.readText(treePath(run.runDir, lane)).catch(() => null);
  if (wanted === null || role === "execute" || role === "write") return null;
  if (before === null || app.sha256(before) !== wanted)
    return "what the tree was like before it began is not what okstra wrote, so that nobody can tell what it changed";
  const told = new Set(state.treeChanges.flatMap(({ paths }) => paths));
  const now = await describeTree(app, run.manifest);
  const paths = now === null ? [] : compareTrees(before, now).filter((path) => !told.has(path));
  if (paths.length === 0) return blameSince(run, lane, worker);
  const change = { workers: [...new Set([...outsideWorkers(run), worker])].sort(), paths };
  await recordTreeChange({ app, run }, change);
  return reasonOf(change);
}

/** What was told of a worker alone since its lane began: by another's end, or by one of its own that a crash undid. */
function blameSince({ log }: Pick<PreparedRun, "log">, lane: string, worker: string): string | null {
  const begun = log.events.findLastIndex((event) => event.type === "lane-started" && event.lane === lane);
  const told = log.events.slice(begun).find((event) => event.type === "tree-changed" && event.workers.join() === worker);
  return told?.type === "tree-changed" ? reasonOf(told) : null;
}

/** Who is at lanes of a tree that is to stay as it is, outside of okstra's processes. */
export function outsideWorkers({ log }: Pick<PreparedRun, "log">): readonly string[] {
  return Object.values(log.state.lanes).flatMap(({ state, role, outside, worker }) =>
    state === "running" && outside !== undefined && role !== "execute" ? [worker] : [],
  );
}

/** One that was alone is to blame. */
function reasonOf({ workers, paths }: { readonly workers: readonly string[]; readonly paths: readonly string[] }): string | null {
  return workers.length === 1 ? `it changed the tree of a read-only phase: ${paths.slice(0, 5).join(", ")}` : null;
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
