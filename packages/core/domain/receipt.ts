import * as z from "zod";
import {
  attemptRecordSchema,
  budgetBreachSchema,
  costSchema,
  permissionRecordSchema,
  sandboxStateSchema,
  usageSchema,
} from "./agent-use.ts";
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
  family: z.string().describe("Of the model that served, where a model did; `unknown` agrees with nobody"),
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
  usage: usageSchema.nullable().catch(null),
  cost: costSchema.nullable().default(null).describe("Null: nobody can tell"),
  attempt: z.int().min(1).default(1).describe("Attempt of the run that the lane belongs to"),
  attempts: z.array(attemptRecordSchema).default([]).describe("Conversations with the agent; a second one after a passing failure"),
  permissions: z.array(permissionRecordSchema).default([]).describe("The first 200"),
  permissionCount: z.int().min(0).default(0),
  resultBy: z.enum(["door", "schema", "message", "file"]).nullable().default(null).describe("Which way the result came"),
  agentVersion: z.string().nullable().default(null),
  quotaResetsAt: z.string().nullable().default(null),
  breach: budgetBreachSchema.nullable().default(null).describe("The limit that ended the lane"),
  sandbox: sandboxStateSchema.default("off"),
  executions: z.array(executionSchema).default([]).describe("Commands that okstra itself executed in this lane"),
});
export type Receipt = z.infer<typeof receiptSchema>;
