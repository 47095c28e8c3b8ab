import type * as z from "zod";
import type { BudgetBreach, Cost } from "@okstra/core/domain/agent-use";
import { createRedactor, redactValue } from "@okstra/core/domain/redaction";
import type { LaneEnd, LaneRole } from "@okstra/core/domain/finding";
import { priceOf } from "@okstra/core/domain/prices";
import type { QaCommand } from "@okstra/core/domain/project";
import type { Receipt } from "@okstra/core/domain/receipt";
import type { ReproductionRecord } from "@okstra/core/domain/execution";
import { canonicalJson } from "@okstra/core/domain/task-context";
import type { RosterEntry, RunManifest } from "@okstra/core/domain/run";
import { familyThatServed, isAgentKind, redactModel } from "@okstra/core/domain/served-model";
import { OkstraError } from "@okstra/core/errors";
import type { CancelSignal, LaneOutcome } from "@okstra/core/ports";
import { allowedEnvironment, type App } from "../app.ts";
import { isNestedDeeper, MAX_DEPTH } from "../door/check-given.ts";
import { readJson } from "../door/delivered.ts";
import { closeDoor, laneJsonSchema, openDoor, type Remains } from "../door/open-door.ts";
import { requireTrustedTree } from "../project/trust.ts";
import { judgeResult } from "./judge-result.ts";
import { watchLane, type LaneWatch } from "./lane-watch.ts";
import { CHAT_KIND, type RunTables } from "./lead-parts.ts";
import { planLaneSandbox } from "./lane-sandbox.ts";
import { spendOf, type RunSpend } from "./run-spend.ts";
import { loadSecrets } from "./secrets.ts";

/** What one lane left, already written to `workers/<name>/`. */
export interface LaneRecord {
  readonly end: LaneEnd;
  readonly reason: string | null;
  readonly findings: number;
  readonly receiptSha256: string;
  readonly resultSha256: string | null;
  /** Family of the model that served; null: the roster's. */
  readonly family: string | null;
  readonly resumeAt: string | null;
  readonly receipt: Receipt;
  readonly reproductions: readonly ReproductionRecord[];
}

export interface LaneOptions {
  readonly manifest: RunManifest;
  readonly runDir: string;
  /** Name of the lane; its files are in `workers/<lane>/`, its prompt is `prompts/<lane>.md`. */
  readonly lane: string;
  readonly role: LaneRole;
  readonly round: number;
  /** Attempt of the run. */
  readonly attempt: number;
  readonly entry: RosterEntry;
  readonly nonce: string;
  /** Commit the lane looks at; empty without git. */
  readonly commit: string;
  readonly prompt: string;
  /** What the result must be. */
  readonly resultSchema: z.ZodType;
  readonly signal: CancelSignal;
  readonly spend: RunSpend;
  readonly tables: RunTables;
  readonly onActivity: (text: string) => void;
  readonly onSpend: (tokens: number, cost: { readonly amount: string; readonly currency: string } | null) => void;
  /** Of a lane that the leading agent performed: what came of it, and when it was begun. Absent: a worker is run. */
  readonly given?: { readonly outcome: LaneOutcome; readonly startedAt: string };
  /** Looks whether the lane changed the tree, after its worker ended; answers a reason when it did. */
  readonly checkTree: () => Promise<string | null>;
}

const NOTHING_REMAINS: Remains = { submitted: null, partial: null };

/** Runs one worker, judges what it left and writes its prompt, result and receipt. Only a defect of ours throws. */
export async function dispatchLane(app: App, options: LaneOptions): Promise<LaneRecord> {
  const { manifest, entry, prompt, runDir, lane, nonce } = options;
  const laneDir = `${runDir}/workers/${lane}`;
  await app.store.ensureDirectory(laneDir);
  if (options.given === undefined) await keepEarlierReceipt(app, laneDir);
  for (const name of ["result.json", "transcript.log", "transcript-2.log", "transcript.jsonl"])
    await app.store.remove(`${laneDir}/${name}`);
  await app.store.writeText(`${runDir}/prompts/${lane}.md`, prompt);
  const redact = createRedactor(await loadSecrets(app, [manifest.project.root, manifest.provision.path]));
  const watch = watchLane({
    clock: app.clock,
    lane,
    budget: entry.budget,
    wallMs: isAgentKind(entry.kind) ? shortest(entry.deadlineMs, entry.budget?.wallMs ?? 0) : 0,
    spend: options.spend,
    outer: options.signal,
    estimate: (usage, served) => {
      const model = served ?? entry.model;
      return model === null ? null : priceOf(usage, model, options.tables.prices);
    },
    onSpend: options.onSpend,
  });
  const { given } = options;
  const startedAt = given?.startedAt ?? app.clock.now();
  const began = app.clock.monotonicMs();
  let outcome: LaneOutcome;
  let remains: Remains;
  try {
    outcome = given?.outcome ?? (await runWorker(app, options, { laneDir, redact, watch }).catch((error: unknown) => failedOutcome(error)));
    // What an agent that leads gave is judged already, and stays until the lane's end is in the log.
    remains = given === undefined ? await closeDoor(app, { laneDir, nonce }) : NOTHING_REMAINS;
    await app.store.remove(`${laneDir}/tmp`);
  } finally {
    watch.release();
  }
  if (outcome.end === "ok" && outcome.agent?.resultBy !== "door") outcome = withGiven(outcome, remains);
  if (given !== undefined) await app.store.writeText(`${laneDir}/transcript.log`, describeGiven(app, given));
  const breach = given === undefined ? watch.breach : null;
  const judged =
    breach !== null && outcome.end !== "ok"
      ? judgePartial(options, breach, remains, outcome, redact)
      : judgeResult(options.resultSchema, manifest, nonce, outcome, redact);
  const changed = await options.checkTree();
  const isGiven = judged.end === "ok" || judged.end === "partial";
  const end: LaneEnd = isGiven && changed !== null ? "failed" : judged.end;
  const reason = isGiven && changed !== null ? changed : judged.reason;
  const kept = end === "ok" || end === "partial" ? judged.result : null;
  let resultSha256: string | null = null;
  // A file that the worker itself put in this place is no result. What a partial lane gave is kept and has no vote.
  await app.store.remove(`${laneDir}/result.json`);
  if (kept !== null) {
    const text = `${JSON.stringify(redactValue(kept, redact), null, 2)}\n`;
    await app.store.writeText(`${laneDir}/result.json`, text);
    resultSha256 = app.sha256(text);
  }
  const family = isAgentKind(entry.kind) ? familyThatServed(entry, outcome.modelServed, options.tables.models) : null;
  const { agent } = outcome;
  const cost: Cost | null =
    agent?.cost ??
    (outcome.usage === null || outcome.modelServed === null ? null : priceOf(outcome.usage, outcome.modelServed, options.tables.prices));
  options.spend.update(lane, spendOf(outcome.usage, cost, outcome.stdoutBytes + outcome.stderrBytes));
  const redactNullable = (name: string | null): string | null => (name === null ? null : redact(name));
  const receipt: Receipt = {
    schema: 1,
    runId: manifest.runId,
    worker: entry.worker,
    lane,
    role: options.role,
    round: options.round,
    kind: entry.kind,
    family: family ?? entry.family,
    command: outcome.command.map(redact),
    modelAsked: entry.model,
    modelServed: redactModel(outcome.modelServed, entry.model, redact),
    sessionId: redactNullable(outcome.sessionId),
    nonce,
    commit: options.commit,
    startedAt,
    endedAt: app.clock.now(),
    durationMs:
      given === undefined
        ? Math.round(app.clock.monotonicMs() - began)
        : Math.max(0, Date.parse(app.clock.now()) - Date.parse(given.startedAt)),
    exitCode: outcome.exitCode,
    signal: outcome.signal,
    end,
    reason: redactNullable(reason),
    isolation: outcome.isolation,
    sandbox: outcome.sandbox,
    stdoutBytes: outcome.stdoutBytes,
    stderrBytes: outcome.stderrBytes,
    resultSha256,
    promptSha256: app.sha256(prompt),
    usage: outcome.usage,
    cost,
    attempt: options.attempt,
    attempts: (agent?.attempts ?? []).map((each) => ({
      ...each,
      sessionId: redactNullable(each.sessionId),
      failure: redactNullable(each.failure),
    })),
    permissions: (agent?.permissions ?? []).map((each) => ({ ...each, tool: redact(each.tool), title: redact(each.title) })),
    permissionCount: agent?.permissionCount ?? 0,
    resultBy: isAgentKind(entry.kind)
      ? (agent?.resultBy ?? null)
      : (entry.kind === "command" || entry.kind === CHAT_KIND) && kept !== null
        ? "file"
        : null,
    agentVersion: redactNullable(agent?.agentVersion ?? null),
    quotaResetsAt: agent?.quotaResetsAt ?? null,
    breach,
    executions: outcome.executions.map((execution) => ({ ...execution, command: redact(execution.command) })),
  };
  const receiptText = `${JSON.stringify(receipt, null, 2)}\n`;
  await app.store.writeText(`${laneDir}/receipt.json`, receiptText);
  return {
    end,
    reason: receipt.reason,
    findings: kept === null ? 0 : countFindings(kept),
    receiptSha256: app.sha256(receiptText),
    resultSha256,
    family,
    resumeAt: end === "quota" ? receipt.quotaResetsAt : null,
    receipt,
    reproductions: end === "ok" ? outcome.reproductions.map((record) => ({ ...record, command: redact(record.command) })) : [],
  };
}

async function runWorker(
  app: App,
  options: LaneOptions,
  { laneDir, redact, watch }: { laneDir: string; redact: (text: string) => string; watch: LaneWatch },
): Promise<LaneOutcome> {
  const { manifest, entry, nonce, role } = options;
  const worker = app.workers.get(entry.kind);
  if (worker === undefined)
    throw new OkstraError("OKSTRA_PREPARE_WORKER_UNKNOWN", {
      message: `The worker kind ${entry.kind} cannot be started.`,
      details: { kind: entry.kind },
    });
  if (watch.breach !== null) return endedOutcome("failed", null);
  const mode = role === "execute" ? "edit" : "read-only";
  // What a worker before this one put there must not be obeyed unseen (cases 12 and 13).
  if (isAgentKind(entry.kind)) await requireTrustedTree(app, manifest.provision.path, manifest.project.root);
  const door = await openDoor(app, {
    manifest,
    laneDir,
    lane: options.lane,
    role,
    worker: entry.worker,
    nonce,
    prompt: options.prompt,
  });
  const { request: sandbox, missing } = await planLaneSandbox(app, { manifest, entry, laneDir, mode });
  if (sandbox !== null) await app.store.ensureDirectory(`${laneDir}/tmp`);
  const temporary = sandbox === null ? {} : { TMPDIR: `${laneDir}/tmp` };
  const outcome = await worker.run({
    runId: manifest.runId,
    taskKey: manifest.taskKey,
    phase: manifest.type,
    step: role,
    worker: {
      name: entry.worker,
      kind: entry.kind,
      preset: entry.preset,
      command: entry.command,
      family: entry.family,
      model: entry.model,
      env: entry.env,
      deadlineMs: entry.deadlineMs,
    },
    nonce,
    prompt: options.prompt,
    worktree: manifest.provision.path,
    headCommit: options.commit,
    baseCommit: manifest.baseCommit,
    laneDir,
    deadlineMs: shortest(entry.deadlineMs, entry.budget?.wallMs ?? 0),
    qaCommands: (manifest.settings["qaCommands"] as QaCommand[] | null | undefined) ?? null,
    env: { ...allowedEnvironment(app.surroundings.env, entry.env), ...temporary },
    redact,
    signal: watch.signal,
    onActivity: (text) => {
      watch.onActivity();
      options.onActivity(redact(text));
    },
    onOutput: watch.onOutput,
    onUse: watch.onUse,
    mode,
    sandbox,
    door,
    resultJsonSchema: laneJsonSchema(manifest.type, role),
  });
  return missing && outcome.sandbox === "off" ? { ...outcome, sandbox: "unavailable" } : outcome;
}

/** What the leading agent gave for a lane, in a line: okstra saw nothing else of it. */
function describeGiven({ clock, sha256 }: Pick<App, "clock" | "sha256">, { outcome }: NonNullable<LaneOptions["given"]>): string {
  const { resultText } = outcome;
  const what = resultText === null ? "no result" : `a result with the SHA-256 ${sha256(resultText)}`;
  return `${clock.now()} the agent that leads gave ${what}\n`;
}

/** A result that came another way, with the findings and questions that had come through the door before. */
function withGiven(outcome: LaneOutcome, { partial }: Remains): LaneOutcome {
  const result = partial === null || outcome.resultText === null ? undefined : readJson(outcome.resultText);
  if (typeof result !== "object" || result === null || isNestedDeeper(result, MAX_DEPTH)) return outcome;
  const own = result as Record<string, unknown>;
  const joined = { ...own };
  for (const member of ["findings", "clarifications"]) {
    const given = Array.isArray(partial?.[member]) ? partial[member] : [];
    const known = Array.isArray(own[member]) ? own[member] : [];
    const seen = new Set(known.map((each) => canonicalJson(each)));
    if (given.length > 0) joined[member] = [...known, ...given.filter((each) => !seen.has(canonicalJson(each)))];
  }
  return { ...outcome, resultText: JSON.stringify(joined) };
}

/** The shorter of two times in milliseconds, of which 0 is none. */
function shortest(one: number, other: number): number {
  return one > 0 && other > 0 ? Math.min(one, other) : Math.max(one, other);
}

/** A lane that a limit ended: what it had delivered stays, with the reason, and is no verdict. */
function judgePartial(
  options: LaneOptions,
  breach: BudgetBreach,
  remains: Remains,
  outcome: LaneOutcome,
  redact: (text: string) => string,
): ReturnType<typeof judgeResult> {
  const reason = describeBreach(breach);
  // The whole result, by the door or another way, before what came piece by piece.
  const whole = remains.submitted ?? withGiven(outcome, remains).resultText;
  for (const text of [whole, remains.partial === null ? null : JSON.stringify(remains.partial)]) {
    if (text === null) continue;
    const given = judgeResult(options.resultSchema, options.manifest, options.nonce, { end: "ok", reason: null, resultText: text }, redact);
    if (given.end === "ok") return { end: "partial", reason, result: given.result };
  }
  const isTime = breach.limit === "wall" || breach.limit === "idle";
  return { end: isTime ? "timeout" : "failed", reason, result: null };
}

/** Why a limit ended a lane, one line. */
function describeBreach({ scope, limit, allowed, used }: BudgetBreach): string {
  const whose = scope === "run" ? "the run's" : "its";
  switch (limit) {
    case "wall":
      return scope === "run" ? `the run's wall time of ${allowed} ms passed` : `the deadline of ${allowed} ms passed`;
    case "idle":
      return `no sign of life for ${allowed} ms`;
    case "tokens":
      return `over ${whose} budget: ${used} tokens of ${allowed}`;
    case "cost":
      return `over ${whose} budget: cost ${used} of ${allowed}`;
    case "output":
      return `over ${whose} budget: ${used} bytes of output of ${allowed}`;
  }
}

/** What an earlier attempt of the lane used is not forgotten: `okstra cost` counts it. */
async function keepEarlierReceipt(app: App, laneDir: string): Promise<void> {
  const text = await app.store.readText(`${laneDir}/receipt.json`);
  if (text === null) return;
  const kept = (await app.store.listDirectory(laneDir)).filter((name) => /^receipt-\d+\.json$/.test(name)).length;
  await app.store.writeText(`${laneDir}/receipt-${kept + 1}.json`, text);
  await app.store.remove(`${laneDir}/receipt.json`);
}

function countFindings(result: Readonly<Record<string, unknown>>): number {
  return Array.isArray(result["findings"]) ? result["findings"].length : 0;
}

function failedOutcome(error: unknown): LaneOutcome {
  return endedOutcome(
    "failed",
    error instanceof OkstraError
      ? `${error.code}: ${error.message}`
      : `the worker could not be run: ${error instanceof Error ? error.message : String(error)}`,
  );
}

/** A lane whose worker was not started by okstra. */
export function endedOutcome(end: LaneOutcome["end"], reason: string | null): LaneOutcome {
  return {
    end,
    reason,
    resultText: null,
    command: [],
    modelServed: null,
    sessionId: null,
    exitCode: null,
    signal: null,
    isolation: "in-process",
    sandbox: "none",
    stdoutBytes: 0,
    stderrBytes: 0,
    usage: null,
    executions: [],
    reproductions: [],
  };
}
