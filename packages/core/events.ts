import * as z from "zod";
import { reproductionRecordSchema } from "./domain/execution.ts";
import { laneEndSchema } from "./domain/finding.ts";
import { gateSchema, verdictSchema } from "./domain/run.ts";

/**
 * What happens in a run. `events.jsonl` holds nothing else, and every view is a fold over it. Each line carries
 * the SHA-256 of the line before it (`prev`, empty on the first), so that a changed, dropped or inserted line
 * is noticed.
 */
const envelope = { seq: z.int().min(1), at: z.string(), prev: z.string() };
const hash = z.string().regex(/^[0-9a-f]{64}$/);

const bodies = [
  z.looseObject({
    type: z.literal("run-prepared"),
    runId: z.string(),
    taskKey: z.string(),
    taskType: z.string(),
    roster: z.array(z.string()).min(1),
    commit: z.string(),
    manifestSha256: hash,
  }),
  z.looseObject({ type: z.literal("run-started"), attempt: z.int().min(1), commit: z.string(), isolation: z.string() }),
  z.looseObject({ type: z.literal("lane-started"), worker: z.string(), attempt: z.int().min(1), nonce: z.string(), commit: z.string() }),
  z.looseObject({ type: z.literal("lane-activity"), worker: z.string(), text: z.string() }),
  z.looseObject({
    type: z.literal("lane-ended"),
    worker: z.string(),
    attempt: z.int().min(1),
    end: laneEndSchema,
    reason: z.string().nullable(),
    commit: z.string(),
    findings: z.int().min(0),
    receiptSha256: hash,
    resultSha256: hash.nullable(),
  }),
  z.looseObject({ type: z.literal("tree-changed"), workers: z.array(z.string()).min(1), paths: z.array(z.string()).min(1) }),
  z.looseObject({ type: z.literal("reproduction-executed"), worker: z.string(), record: reproductionRecordSchema }),
  z.looseObject({ type: z.literal("run-converged"), convergenceSha256: hash, clusters: z.int().min(0), kEff: z.int().min(0) }),
  z.looseObject({ type: z.literal("gate-decided"), verdict: verdictSchema, gate: gateSchema, commit: z.string() }),
  z.looseObject({ type: z.literal("report-writer-fallback"), reason: z.string() }),
  z.looseObject({ type: z.literal("report-written"), reportSha256: hash }),
  z.looseObject({ type: z.literal("run-validated"), ok: z.boolean(), broken: z.array(z.string()) }),
  z.looseObject({ type: z.literal("run-ended"), verdict: verdictSchema, gateOpen: z.boolean() }),
  z.looseObject({
    type: z.literal("gate-overridden"),
    gate: z.string(),
    reason: z.string().min(1),
    by: z.string(),
    until: z.string().nullable(),
    commit: z.string(),
  }),
  z.looseObject({ type: z.literal("run-interrupted"), signal: z.string() }),
  z.looseObject({ type: z.literal("run-failed"), code: z.string(), message: z.string() }),
  z.looseObject({ type: z.literal("run-cancelled"), by: z.string() }),
] as const;

export const runEventBodySchema = z.discriminatedUnion("type", bodies);
export type RunEventBody = z.infer<typeof runEventBodySchema>;

export const runEventSchema = runEventBodySchema.and(z.object(envelope));
export type RunEvent = RunEventBody & z.infer<z.ZodObject<typeof envelope>>;
