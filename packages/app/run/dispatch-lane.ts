import * as z from "zod";
import { createRedactor, redactValue } from "@okstra/core/domain/redaction";
import type { LaneEnd, LaneRole } from "@okstra/core/domain/finding";
import type { Receipt } from "@okstra/core/domain/receipt";
import type { ReproductionRecord } from "@okstra/core/domain/execution";
import type { RosterEntry, RunManifest } from "@okstra/core/domain/run";
import { OkstraError } from "@okstra/core/errors";
import type { QaCommand } from "@okstra/core/domain/project";
import type { CancelSignal, LaneOutcome } from "@okstra/core/ports";
import { allowedEnvironment, type App } from "../app.ts";
import { loadSecrets } from "./secrets.ts";

/** What one lane left, already written to `workers/<name>/`. */
export interface LaneRecord {
  readonly end: LaneEnd;
  readonly reason: string | null;
  readonly findings: number;
  readonly receiptSha256: string;
  readonly resultSha256: string | null;
  readonly reproductions: readonly ReproductionRecord[];
}

export interface LaneOptions {
  readonly manifest: RunManifest;
  readonly runDir: string;
  /** Name of the lane; its files are in `workers/<lane>/`, its prompt is `prompts/<lane>.md`. */
  readonly lane: string;
  readonly role: LaneRole;
  readonly round: number;
  readonly entry: RosterEntry;
  readonly nonce: string;
  /** Commit the lane looks at; empty without git. */
  readonly commit: string;
  readonly prompt: string;
  /** What the result must be. */
  readonly resultSchema: z.ZodType;
  readonly signal: CancelSignal;
  readonly onActivity: (text: string) => void;
  /** Looks whether the lane changed the tree, after its worker ended; answers a reason when it did. */
  readonly checkTree: () => Promise<string | null>;
}

/** Runs one worker, judges what it left and writes its prompt, result and receipt. Only a defect of ours throws. */
export async function dispatchLane(app: App, options: LaneOptions): Promise<LaneRecord> {
  const { manifest, entry, prompt } = options;
  const worker = app.workers.get(entry.kind);
  if (worker === undefined)
    throw new OkstraError("OKSTRA_PREPARE_WORKER_UNKNOWN", {
      message: `The worker kind ${entry.kind} cannot be started.`,
      details: { kind: entry.kind },
    });
  const laneDir = `${options.runDir}/workers/${options.lane}`;
  await app.store.ensureDirectory(laneDir);
  await app.store.remove(`${laneDir}/result.json`);
  await app.store.writeText(`${options.runDir}/prompts/${options.lane}.md`, prompt);
  const redact = createRedactor(await loadSecrets(app, [manifest.project.root, manifest.provision.path]));
  const startedAt = app.clock.now();
  const began = app.clock.monotonicMs();
  const outcome = await worker
    .run({
      runId: manifest.runId,
      taskKey: manifest.taskKey,
      phase: manifest.type,
      step: options.role,
      worker: {
        name: entry.worker,
        kind: entry.kind,
        command: entry.command,
        family: entry.family,
        model: entry.model,
        env: namesOf(entry),
        deadlineMs: entry.deadlineMs,
      },
      nonce: options.nonce,
      prompt,
      worktree: manifest.provision.path,
      headCommit: options.commit,
      baseCommit: manifest.baseCommit,
      laneDir,
      deadlineMs: entry.deadlineMs,
      qaCommands: (manifest.settings["qaCommands"] as QaCommand[] | null | undefined) ?? null,
      env: allowedEnvironment(app.surroundings.env, namesOf(entry)),
      redact,
      signal: options.signal,
      onActivity: (text) => options.onActivity(redact(text)),
    })
    .catch((error: unknown) => failedOutcome(error));
  const judged = judge(options.resultSchema, manifest, options.nonce, outcome);
  const changed = await options.checkTree();
  const end: LaneEnd = judged.end === "ok" && changed !== null ? "failed" : judged.end;
  const reason = judged.end === "ok" ? changed : judged.reason;
  let resultSha256: string | null = null;
  // A lane that is not ok has said nothing, and a file that the worker itself put in this place is no result.
  await app.store.remove(`${laneDir}/result.json`);
  if (judged.result !== null && end === "ok") {
    const text = `${JSON.stringify(redactValue(judged.result, redact), null, 2)}\n`;
    await app.store.writeText(`${laneDir}/result.json`, text);
    resultSha256 = app.sha256(text);
  }
  const receipt: Receipt = {
    schema: 1,
    runId: manifest.runId,
    worker: entry.worker,
    lane: options.lane,
    role: options.role,
    round: options.round,
    kind: entry.kind,
    family: entry.family,
    command: [...outcome.command],
    modelAsked: entry.model,
    modelServed: outcome.modelServed,
    sessionId: outcome.sessionId,
    nonce: options.nonce,
    commit: options.commit,
    startedAt,
    endedAt: app.clock.now(),
    durationMs: Math.round(app.clock.monotonicMs() - began),
    exitCode: outcome.exitCode,
    signal: outcome.signal,
    end,
    reason: reason === null ? null : redact(reason),
    isolation: outcome.isolation,
    stdoutBytes: outcome.stdoutBytes,
    stderrBytes: outcome.stderrBytes,
    resultSha256,
    promptSha256: app.sha256(prompt),
    usage: outcome.usage === null ? null : { ...outcome.usage },
    executions: outcome.executions.map((execution) => ({ ...execution, command: redact(execution.command) })),
  };
  const receiptText = `${JSON.stringify(receipt, null, 2)}\n`;
  await app.store.writeText(`${laneDir}/receipt.json`, receiptText);
  return {
    end,
    reason: receipt.reason,
    findings: end === "ok" ? countFindings(judged.result) : 0,
    receiptSha256: app.sha256(receiptText),
    resultSha256,
    reproductions: end === "ok" ? outcome.reproductions.map((record) => ({ ...record, command: redact(record.command) })) : [],
  };
}

function countFindings(result: Record<string, unknown> | null): number {
  return Array.isArray(result?.["findings"]) ? result["findings"].length : 0;
}

function namesOf(entry: RosterEntry): readonly string[] {
  return Array.isArray(entry["env"]) ? (entry["env"] as string[]) : [];
}

function failedOutcome(error: unknown): LaneOutcome {
  const reason =
    error instanceof OkstraError
      ? `${error.code}: ${error.message}`
      : `the worker could not be run: ${error instanceof Error ? error.message : String(error)}`;
  return {
    end: "failed",
    reason,
    resultText: null,
    command: [],
    modelServed: null,
    sessionId: null,
    exitCode: null,
    signal: null,
    isolation: "in-process",
    stdoutBytes: 0,
    stderrBytes: 0,
    usage: null,
    executions: [],
    reproductions: [],
  };
}

type Judged = {
  readonly end: LaneEnd;
  readonly reason: string | null;
  readonly result: Record<string, unknown> | null;
};

/** The door that every result comes through: right nonce, right run, right shape, or the lane has failed. */
function judge(schema: z.ZodType, manifest: RunManifest, nonce: string, outcome: LaneOutcome): Judged {
  if (outcome.end !== "ok") return { end: outcome.end, reason: outcome.reason, result: null };
  const failed = (reason: string): Judged => ({ end: "failed", reason, result: null });
  if (outcome.resultText === null) return failed("the worker ended without a result");
  let data: unknown;
  try {
    data = JSON.parse(outcome.resultText.replace(/^\uFEFF/, ""));
  } catch {
    return failed("the result is not JSON");
  }
  if (isNestedDeeper(data, MAX_DEPTH)) return failed(`the result is nested deeper than ${MAX_DEPTH} levels`);
  const given = data as { nonce?: unknown; runId?: unknown } | null;
  if (given?.nonce !== nonce) return failed("the result has another nonce: it is not this lane's");
  if (given.runId !== undefined && given.runId !== manifest.runId) return failed("the result names another run");
  const parsed = schema.safeParse(data);
  if (!parsed.success)
    return failed(
      `the result breaks its schema: ${z.prettifyError(parsed.error).split("\n").slice(0, 2).join(" ").replaceAll(/\s+/g, " ").slice(0, 300)}`,
    );
  return { end: "ok", reason: null, result: parsed.data as Record<string, unknown> };
}

/** So deep is no result; what reads it later may then be recursive. */
const MAX_DEPTH = 100;

function isNestedDeeper(value: unknown, most: number): boolean {
  let level: readonly unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > most) return true;
    level = level.flatMap((each) => (typeof each === "object" && each !== null ? Object.values(each) : []));
  }
  return false;
}
