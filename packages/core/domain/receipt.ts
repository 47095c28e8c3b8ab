import * as z from "zod";
import { executionSchema } from "./execution.ts";
import { laneEndSchema, laneRoleSchema } from "./finding.ts";

/** How a worker's process tree was held: a PID namespace leaves no child behind, a process group may miss `setsid` ones. */
export const isolationSchema = z.enum(["pid-namespace", "process-group", "in-process"]);
export type Isolation = z.infer<typeof isolationSchema>;

/** Proof of a lane: `workers/<lane>/receipt.json`. Durations in milliseconds, times RFC 3339 UTC. */
export const receiptSchema = z.looseObject({
  schema: z.literal(1),
  runId: z.string(),
  worker: z.string(),
  lane: z.string(),
  role: laneRoleSchema,
  round: z.int().min(1),
  kind: z.string(),
  family: z.string(),
  command: z.array(z.string()).describe("What was started; empty for a worker inside okstra"),
  modelAsked: z.string().nullable(),
  modelServed: z.string().nullable(),
  sessionId: z.string().nullable(),
  nonce: z.string(),
  commit: z.string().describe("Head commit the lane worked on; empty without git"),
  startedAt: z.string(),
  endedAt: z.string(),
  durationMs: z.int().min(0),
  exitCode: z.int().nullable(),
  signal: z.string().nullable(),
  end: laneEndSchema,
  reason: z.string().nullable().describe("Why the lane is not ok, one line"),
  isolation: isolationSchema,
  stdoutBytes: z.int().min(0),
  stderrBytes: z.int().min(0),
  resultSha256: z.string().nullable(),
  promptSha256: z.string().describe("Of prompts/<lane>.md, as the lane was given it"),
  usage: z.looseObject({}).nullable(),
  executions: z.array(executionSchema).default([]).describe("Commands that okstra itself executed in this lane"),
});
export type Receipt = z.infer<typeof receiptSchema>;
