import { convergenceSchema, type Convergence } from "@okstra/core/convergence/cluster";
import type { ConvergenceInput, LaneSummary } from "@okstra/core/convergence/converge";
import { groundFinding } from "@okstra/core/convergence/ground";
import { ledgerSchema, type LedgerRow } from "@okstra/core/convergence/ledger";
import { planVerification, rankVotes, voteResultSchema, type VerificationPlan, type VoteRecord } from "@okstra/core/convergence/votes";
import { planRulings, readRulings, type RulingPlan } from "@okstra/core/convergence/rulings";
import type { RaisedFinding } from "@okstra/core/domain/finding";
import { receiptSchema, type Receipt } from "@okstra/core/domain/receipt";
import type { RosterEntry } from "@okstra/core/domain/run";
import { canonicalJson } from "@okstra/core/domain/task-context";
import { workRecordSchema, type WorkRecord } from "@okstra/core/domain/work-record";
import { workerResultSchema } from "@okstra/core/domain/worker-result";
import { OkstraError } from "@okstra/core/errors";
import { laneName, reviewLanes } from "@okstra/core/machine/run-machine";
import { requirePhase } from "@okstra/core/phases/index";
import type { DecisionInput, PhaseResult } from "@okstra/core/phases/phase";
import { requireTaskType } from "@okstra/core/domain/work";
import { converge } from "@okstra/core/convergence/converge";
import type { App } from "../app.ts";
import type { PreparedRun } from "./begin-run.ts";
import { loadHandoffRecord } from "./handoff-records.ts";
import { formatRunNumber } from "./run-paths.ts";

type Run = Pick<PreparedRun, "manifest" | "runDir" | "log">;

/** The commit that a round's reviewers looked at: the head of its executor's work, where there was one. */
export function commitOfRound({ manifest, log }: Pick<PreparedRun, "manifest" | "log">, round: number): string {
  return log.state.works.findLast((work) => work.round === round)?.head ?? manifest.commit;
}

/** The last round's is `convergence.json`; those of rounds before it are kept beside it. */
export function convergencePath({ runDir, log }: Pick<PreparedRun, "runDir" | "log">, round: number): string {
  return round < log.state.round ? keptConvergencePath(runDir, round) : `${runDir}/convergence.json`;
}

export function keptConvergencePath(runDir: string, round: number): string {
  return `${runDir}/convergence-r${round}.json`;
}

/** Everything that a round converges from, as it follows from the run's files; for the lead and for the validator. */
export async function convergenceInput(app: App, run: Run, round: number): Promise<ConvergenceInput> {
  const base = await inputWithoutVotes(app, run, round);
  return { ...base, votes: await loadVotes(app, run, round), rulings: await loadRulings(app, run, round) };
}

async function inputWithoutVotes(app: App, run: Run, round: number): Promise<ConvergenceInput> {
  const { manifest, log } = run;
  const commit = commitOfRound(run, round);
  const findings = await loadFindings(app, run, round);
  const previousLedger = await loadPreviousLedger(app, run, round);
  const texts = await loadTexts(app, run, commit, [...findings, ...previousLedger.map(({ file }) => ({ file: file ?? undefined }))]);
  return {
    runId: manifest.runId,
    commit,
    round,
    lanes: await laneSummaries(app, run, round),
    findings: findings.map((finding) => ({ finding, grounding: groundFinding(finding, texts(finding)) })),
    reproductions: log.state.reproductions.filter((record) => record.commit === commit && record.round === round),
    onlyNewBlocks: manifest.onlyNewBlocks,
    previousLedger,
    loadText: (file) => texts({ file }),
    source: { type: manifest.type, run: manifest.run },
    sha256: app.sha256,
  };
}

/** Where a finding's quote is looked up: its file at the commit; what names no file, in a phase about text, in brief and plan. */
async function loadTexts(
  app: App,
  { manifest }: Pick<PreparedRun, "manifest">,
  commit: string,
  findings: readonly { readonly file?: string | undefined }[],
): Promise<(finding: { readonly file?: string | undefined }) => string | null> {
  const files = new Map<string, string | null>();
  for (const { file } of findings) {
    if (file === undefined || files.has(file)) continue;
    files.set(file, await loadFile(app, manifest, commit, file));
  }
  const { aboutText } = requirePhase(requireTaskType(manifest.type));
  const ownText = aboutText
    ? [manifest.brief ?? "", manifest.context.plan === null ? "" : JSON.stringify(manifest.context.plan, null, 2)].join("\n")
    : null;
  return ({ file }) => (file === undefined ? ownText : (files.get(file) ?? null));
}

/** The file at the commit; without git the file as it is. A path that leads out of the tree is no file. */
async function loadFile(app: App, manifest: PreparedRun["manifest"], commit: string, file: string): Promise<string | null> {
  if (file.startsWith("/") || file.includes("\0") || file.split(/[\\/]/).includes("..")) return null;
  if (commit !== "") return app.git.loadFileAt(manifest.project.root, commit, file);
  return app.store.readText(`${manifest.provision.path}/${file}`, { maxBytes: 8 * 1024 * 1024 }).catch(() => null);
}

/** The review lanes of a round, in the roster's order. */
export async function laneSummaries(app: App, run: Run, round: number): Promise<readonly LaneSummary[]> {
  const results = new Map((await loadResults(app, run, round)).map(({ worker, result }) => [worker, result]));
  return reviewersOf(run, round).map((entry) => {
    const covered = results.get(entry.worker)?.["covered"];
    return {
      worker: entry.worker,
      family: familyOfLane(run, entry, laneName(entry.worker, "review", round)),
      end: run.log.state.lanes[laneName(entry.worker, "review", round)]?.end ?? "cancelled",
      ...(Array.isArray(covered) ? { covered: covered.filter((each): each is string => typeof each === "string") } : {}),
    };
  });
}

/** Who spoke in a lane: the family of the model that served it, which the lead found when it ended. */
function familyOfLane({ log }: Pick<PreparedRun, "log">, entry: RosterEntry, lane: string): string {
  return log.state.lanes[lane]?.family ?? entry.family;
}

function reviewersOf({ manifest, log }: Pick<PreparedRun, "manifest" | "log">, round: number): readonly RosterEntry[] {
  const planned = new Set(reviewLanes(log.state, round).map(([, lane]) => lane.worker));
  return manifest.roster.filter((entry) => planned.has(entry.worker));
}

/** The accepted results of a round's reviewers, by worker, in the roster's order. */
async function loadResults(app: App, run: Run, round: number): Promise<readonly PhaseResult[]> {
  const results: PhaseResult[] = [];
  for (const { worker } of reviewersOf(run, round)) {
    const lane = laneName(worker, "review", round);
    // What a lane gave before a limit ended it is no result.
    const result = run.log.state.lanes[lane]?.end === "ok" ? await loadResult(app, run, lane) : null;
    if (result !== null) results.push({ worker, result });
  }
  return results;
}

/** The accepted result of one lane. @throws OKSTRA_RUN_CORRUPT */
export async function loadResult(
  app: App,
  { runDir }: Pick<PreparedRun, "runDir">,
  lane: string,
): Promise<Readonly<Record<string, unknown>> | null> {
  const path = `${runDir}/workers/${lane}/result.json`;
  const text = await app.store.readText(path);
  if (text === null) return null;
  const result = parseObject(text);
  if (result !== null) return result;
  throw new OkstraError("OKSTRA_RUN_CORRUPT", { message: `${path} is not what was accepted.`, details: { path } });
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const data: unknown = JSON.parse(text);
    return typeof data === "object" && data !== null ? (data as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Every finding that a round's reviewers gave, with its identity in the run; those of a lane that is not ok go unheard. */
export async function loadFindings(app: App, run: Run, round: number): Promise<readonly RaisedFinding[]> {
  const raised: RaisedFinding[] = [];
  for (const entry of reviewersOf(run, round)) {
    const { worker } = entry;
    const lane = laneName(worker, "review", round);
    const result = await loadResult(app, run, lane);
    if (result === null) continue;
    const family = familyOfLane(run, entry, lane);
    for (const [index, finding] of workerResultSchema.parse(result).findings.entries())
      raised.push({ ...finding, id: `${worker}#${index + 1}`, worker, family });
  }
  return raised;
}

/** What the executor of a round says that it could not do; it has no vote, and is in the report word for word. */
async function loadExecutorFindings(app: App, run: Run, { worker, family }: RosterEntry, round: number): Promise<readonly RaisedFinding[]> {
  const lane = laneName(worker, "execute", round);
  const result = await loadResult(app, run, lane);
  if (result === null) return [];
  return workerResultSchema.parse(result).findings.map((finding, index) => ({ ...finding, id: `${lane}#${index + 1}`, worker, family }));
}

/** Every finding of every round, the executor's own too: what goes in comes out, by its id. Those of earlier rounds say so in it. */
export async function loadAllFindings(app: App, run: Run): Promise<readonly (RaisedFinding & { readonly round: number })[]> {
  const last = run.log.state.round;
  const executor = run.manifest.roster.find((entry) => entry.role === "executor");
  const all: (RaisedFinding & { readonly round: number })[] = [];
  for (let round = 1; round <= last; round += 1) {
    const own = executor === undefined ? [] : await loadExecutorFindings(app, run, executor, round);
    all.push(...own.map((finding) => ({ ...finding, round })));
    for (const finding of await loadFindings(app, run, round))
      all.push({ ...finding, id: round === last ? finding.id : `${finding.id}.r${round}`, round });
  }
  return all;
}

/** Who is to verify what in a round: it follows from the reviews alone, so that anybody can compute it again. */
export async function verificationPlan(
  app: App,
  run: Run,
  round: number,
): Promise<VerificationPlan & { readonly rulings: RulingPlan | null }> {
  const findings = await loadFindings(app, run, round);
  const preliminary = converge(await inputWithoutVotes(app, run, round));
  const lanes = await laneSummaries(app, run, round);
  const able = lanes.map((lane) => ({
    ...lane,
    canVote: run.manifest.roster.some(({ worker, kind }) => worker === lane.worker && kind !== "checks"),
  }));
  const plan = planVerification({ clusters: preliminary.clusters, findings, lanes: able, sha256: app.sha256 });
  return { ...plan, rulings: planRulings({ undecided: preliminary.undecided, findings, lanes: able, sha256: app.sha256 }) };
}

/** What the adjudicator of a round said of the pairs that the text leaves open; none while nobody was asked or it failed. */
async function loadRulings(app: App, run: Run, round: number): Promise<ReadonlyMap<string, boolean>> {
  const asked = Object.values(run.log.state.lanes).some((lane) => lane.role === "vote" && lane.round === round);
  const plan = asked ? (await verificationPlan(app, run, round)).rulings : null;
  if (plan === null) return new Map();
  const lane = laneName(plan.worker, "vote", round);
  const result = run.log.state.lanes[lane]?.end === "ok" ? await loadResult(app, run, lane) : null;
  return result === null ? new Map() : readRulings(plan, voteResultSchema.parse(result).rulings);
}

/** The votes of a round as they count; none while nobody was asked. */
async function loadVotes(app: App, run: Run, round: number): Promise<readonly VoteRecord[]> {
  const commit = commitOfRound(run, round);
  const asked = Object.values(run.log.state.lanes).filter((lane) => lane.role === "vote" && lane.round === round);
  if (asked.length === 0) return [];
  const plan = await verificationPlan(app, run, round);
  const answers = await loadVoteAnswers(app, run, round);
  const texts = await loadTexts(
    app,
    run,
    commit,
    answers.flatMap(({ votes }) => votes.map(({ evidence }) => ({ file: evidence.file }))),
  );
  const { records } = rankVotes({
    items: plan.items,
    assignments: plan.assignments,
    results: answers,
    loadText: (file) => texts({ file }),
    executions: run.log.state.executedVotes.filter((record) => record.round === round),
    commit,
  });
  return records;
}

/** What the voters of a round answered, those whose lane is ok. */
export async function loadVoteAnswers(app: App, run: Run, round: number): Promise<Parameters<typeof rankVotes>[0]["results"]> {
  const answers: { worker: string; family: string; votes: ReturnType<typeof voteResultSchema.parse>["votes"] }[] = [];
  for (const entry of run.manifest.roster) {
    const lane = laneName(entry.worker, "vote", round);
    if (run.log.state.lanes[lane]?.end !== "ok") continue;
    const result = await loadResult(app, run, lane);
    if (result !== null)
      answers.push({ worker: entry.worker, family: familyOfLane(run, entry, lane), votes: voteResultSchema.parse(result).votes });
  }
  return answers;
}

/** The ledger that a round goes on from: the round's before it, else that of the run which the context names. */
async function loadPreviousLedger(app: App, run: Run, round: number): Promise<readonly LedgerRow[]> {
  if (round > 1) return (await loadConvergence(app, run, round - 1)).ledger;
  const from = run.manifest.context.ledgerFrom;
  if (from === null) return [];
  const path = await ledgerPath(app, run, from);
  const text = path === null ? null : await app.store.readText(path);
  if (text === null)
    throw new OkstraError("OKSTRA_RUN_CORRUPT", {
      message: `The ledger of ${from.type} run ${from.run}, which this run goes on from, is not what it was.`,
      details: { ...from },
    });
  return ledgerSchema.parse((JSON.parse(text) as { ledger?: unknown }).ledger ?? []);
}

/** The convergence file of an earlier run that has the hash which is asked for, whichever round it is of. */
async function ledgerPath(
  app: App,
  { runDir }: Pick<PreparedRun, "runDir">,
  from: { type: string; run: number; convergenceSha256: string },
): Promise<string | null> {
  const directory = `${runDir.split("/").slice(0, -2).join("/")}/${from.type}/${formatRunNumber(from.run)}`;
  for (const name of await app.store.listDirectory(directory)) {
    if (!/^convergence(?:-r\d+)?\.json$/.test(name)) continue;
    const text = await app.store.readText(`${directory}/${name}`);
    if (text !== null && app.sha256(text) === from.convergenceSha256) return `${directory}/${name}`;
  }
  return null;
}

export async function loadConvergence(app: App, run: Pick<PreparedRun, "runDir" | "log">, round: number): Promise<Convergence> {
  const path = convergencePath(run, round);
  const text = await app.store.readText(path);
  if (text === null) throw new OkstraError("OKSTRA_RUN_CORRUPT", { message: `${path} is gone.`, details: { path } });
  return convergenceSchema.parse(JSON.parse(text));
}

/** Receipts of a round's reviews, in the roster's order. */
async function loadReceipts(app: App, run: Run, round: number): Promise<readonly Receipt[]> {
  const receipts: Receipt[] = [];
  for (const { worker } of reviewersOf(run, round)) {
    const receipt = await loadReceipt(app, run, laneName(worker, "review", round));
    if (receipt !== null) receipts.push(receipt);
  }
  return receipts;
}

/** Every receipt of a run, those of earlier attempts of a lane too, by a name of its own. A damaged one is passed over. */
export async function loadAllReceipts(
  app: App,
  { runDir }: Pick<PreparedRun, "runDir">,
): Promise<readonly (readonly [name: string, receipt: Receipt])[]> {
  const found: (readonly [string, Receipt])[] = [];
  for (const lane of await app.store.listDirectory(`${runDir}/workers`)) {
    for (const file of await app.store.listDirectory(`${runDir}/workers/${lane}`)) {
      if (!/^receipt(?:-\d+)?\.json$/.test(file)) continue;
      const text = await app.store.readText(`${runDir}/workers/${lane}/${file}`);
      const parsed = receiptSchema.safeParse(parseObject(text ?? ""));
      if (parsed.success) found.push([file === "receipt.json" ? lane : `${lane}/${file}`, parsed.data]);
    }
  }
  return found;
}

export async function loadReceipt(app: App, { runDir }: Pick<PreparedRun, "runDir">, lane: string): Promise<Receipt | null> {
  const text = await app.store.readText(`${runDir}/workers/${lane}/receipt.json`);
  return text === null ? null : receiptSchema.parse(JSON.parse(text));
}

export function workPath(runDir: string): string {
  return `${runDir}/work.json`;
}

/** What git saw of the executor's work; null where there was none. */
async function loadWork(app: App, { runDir }: Pick<PreparedRun, "runDir">): Promise<WorkRecord | null> {
  const text = await app.store.readText(workPath(runDir));
  return text === null ? null : workRecordSchema.parse(JSON.parse(text));
}

/** The one form in which a work record is written and hashed. */
export function formatWork(work: WorkRecord | null): string {
  return `${canonicalJson(work)}\n`;
}

/** All that the phase decides from, as it follows from the run's files. */
export async function decisionInput(app: App, run: Run): Promise<DecisionInput> {
  const { manifest, log } = run;
  const { state } = log;
  const { round } = state;
  const executor = manifest.roster.find((entry) => entry.role === "executor");
  const executing = executor === undefined ? undefined : state.lanes[laneName(executor.worker, "execute", round)];
  return {
    convergence: manifest.type === "release-handoff" ? convergeNothing(app, run) : await loadConvergence(app, run, round),
    lanes: await laneSummaries(app, run, round),
    results: await loadResults(app, run, round),
    findings: await loadFindings(app, run, round),
    receipts: await loadReceipts(app, run, round),
    reproductions: state.reproductions.filter((record) => record.commit === state.commit && record.round === round),
    treeChanges: state.treeChanges,
    commit: state.commit,
    context: manifest.context,
    work: await loadWork(app, run),
    executorFindings: executor === undefined ? [] : await loadExecutorFindings(app, run, executor, round),
    executor: executor === undefined ? null : { worker: executor.worker, family: executor.family, end: executing?.end ?? "cancelled" },
    round,
    blockersPerRound: state.blockersPerRound,
    criterionExecutions: state.criterionExecutions,
    handoff: await loadHandoffRecord(app, run),
    sha256: app.sha256,
  };
}

/** A run without workers has nothing to converge. */
function convergeNothing(app: App, { manifest, log }: Pick<PreparedRun, "manifest" | "log">): Convergence {
  return converge({
    runId: manifest.runId,
    commit: log.state.commit,
    round: 1,
    lanes: [],
    findings: [],
    reproductions: [],
    onlyNewBlocks: false,
    previousLedger: [],
    loadText: () => null,
    source: { type: manifest.type, run: manifest.run },
    sha256: app.sha256,
    votes: [],
    rulings: new Map(),
  });
}
