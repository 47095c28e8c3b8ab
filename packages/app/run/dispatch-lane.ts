import * as z from "zod";
import { createRedactor, redactValue } from "@okstra/core/domain/redaction";
import type { LaneEnd } from "@okstra/core/domain/finding";
import type { Receipt } from "@okstra/core/domain/receipt";
import type { ReproductionRecord } from "@okstra/core/domain/execution";
import type { RosterEntry, RunManifest } from "@okstra/core/domain/run";
import { OkstraError } from "@okstra/core/errors";
import type { Phase } from "@okstra/core/phases/phase";
import type { QaCommand } from "@okstra/core/domain/project";
import type { CancelSignal, LaneOutcome } from "@okstra/core/ports";
import { allowedEnvironment, type App } from "../app.ts";
import { promptFor } from "./prepare-run.ts";
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
  readonly phase: Phase;
  readonly runDir: string;
  readonly entry: RosterEntry;
  readonly nonce: string;
  readonly signal: CancelSignal;
  readonly onActivity: (text: string) => void;
  /** Looks whether the lane changed the tree, after its worker ended; answers a reason when it did. */
  readonly checkTree: () => Promise<string | null>;
}

/** Runs one worker, judges what it left and writes its prompt, result and receipt. Only a defect of ours throws. */
export async function dispatchLane(app: App, options: LaneOptions): Promise<LaneRecord> {
  const { manifest, phase, entry } = options;
  const worker = app.workers.get(entry.kind);
  if (worker === undefined)
    throw new OkstraError("OKSTRA_PREPARE_WORKER_UNKNOWN", {
      message: `The worker kind ${entry.kind} cannot be started.`,
      details: { kind: entry.kind },
    });
  const laneDir = `${options.runDir}/workers/${entry.worker}`;
  await app.store.ensureDirectory(laneDir);
  await app.store.remove(`${laneDir}/result.json`);
  const prompt = await promptFor(phase, manifest, entry.worker, entry.deadlineMs, options.nonce);
  await app.store.writeText(`${options.runDir}/prompts/${entry.worker}.md`, prompt);
  const redact = createRedactor(await loadSecrets(app, [manifest.project.root, manifest.provision.path]));
  const startedAt = app.clock.now();
  const began = app.clock.monotonicMs();
  const outcome = await worker
    .run({
      runId: manifest.runId,
      taskKey: manifest.taskKey,
      phase: manifest.type,
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
      headCommit: manifest.commit,
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
  const judged = judge(phase, manifest, options.nonce, outcome);
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
    kind: entry.kind,
    family: entry.family,
    command: [...outcome.command],
    modelAsked: entry.model,
    modelServed: outcome.modelServed,
    sessionId: outcome.sessionId,
    nonce: options.nonce,
    commit: manifest.commit,
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
    findings: end === "ok" ? (judged.result?.findings.length ?? 0) : 0,
    receiptSha256: app.sha256(receiptText),
    resultSha256,
    reproductions: end === "ok" ? outcome.reproductions.map((record) => ({ ...record, command: redact(record.command) })) : [],
  };
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
  readonly result: ({ findings: readonly unknown[] } & Record<string, unknown>) | null;
};

/** The door that every result comes through: right nonce, right run, right shape, or the lane has failed. */
function judge(phase: Phase, manifest: RunManifest, nonce: string, outcome: LaneOutcome): Judged {
  if (outcome.end !== "ok") return { end: outcome.end, reason: outcome.reason, result: null };
  const failed = (reason: string): Judged => ({ end: "failed", reason, result: null });
  if (outcome.resultText === null) return failed("the worker ended without a result");
  let data: unknown;
  try {
    data = JSON.parse(outcome.resultText.replace(/^\uFEFF/, ""));
  } catch {
    return failed("the result is not JSON");
  }
  const given = data as { nonce?: unknown; runId?: unknown } | null;
  if (given?.nonce !== nonce) return failed("the result has another nonce: it is not this lane's");
  if (given.runId !== undefined && given.runId !== manifest.runId) return failed("the result names another run");
  const parsed = phase.resultSchema.safeParse(data);
  if (!parsed.success)
    return failed(
      `the result breaks its schema: ${z.prettifyError(parsed.error).split("\n").slice(0, 2).join(" ").replaceAll(/\s+/g, " ").slice(0, 300)}`,
    );
  const result = parsed.data as { findings: readonly unknown[] } & Record<string, unknown>;
  return { end: "ok", reason: null, result };
}
