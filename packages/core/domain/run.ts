import * as z from "zod";
import { budgetSchema, sandboxSettingSchema } from "./agent-use.ts";
import { handoffSourceSchema } from "./handoff.ts";
import { EMPTY_CONTEXT, taskContextSchema } from "./task-context.ts";

/** How a task's tree came to be there; the manifest and the status view show the note. */
export const provisionStatusSchema = z.enum(["created", "reused", "skipped-in-worktree", "skipped-not-git"]);
export type ProvisionStatus = z.infer<typeof provisionStatusSchema>;

export const provisionSchema = z.looseObject({
  status: provisionStatusSchema,
  path: z.string(),
  branch: z.string().describe("Empty when the task has no branch of its own"),
  baseRef: z.string().describe("Commit the branch started from; empty when there is none"),
  taskKey: z.string(),
  note: z.string(),
});
export type Provision = z.infer<typeof provisionSchema>;

export const rosterEntrySchema = z.looseObject({
  worker: z.string(),
  kind: z.string(),
  family: z.string(),
  command: z.array(z.string()),
  model: z.string().nullable(),
  deadlineMs: z.int().min(0),
  preset: z.string().nullable().default(null),
  env: z.array(z.string()).default([]).describe("Names of the variables that it may see"),
  budget: budgetSchema.nullable().default(null),
  sandbox: sandboxSettingSchema.nullable().default(null).describe("Null: not set for this worker"),
  role: z
    .enum(["reviewer", "executor", "report-writer"])
    .default("reviewer")
    .describe("The executor reviews too, in a session of its own; the report writer does nothing else"),
});
export type RosterEntry = z.infer<typeof rosterEntrySchema>;

/** What a release-handoff looks at before anything is asked. */
const handoffBasisSchema = z.looseObject({
  source: handoffSourceSchema,
  branch: z.string(),
  worktree: z.string(),
  remote: z.looseObject({ name: z.string(), url: z.string(), pushUrl: z.string(), branchCommit: z.string().nullable() }).nullable(),
});
export type HandoffBasis = z.infer<typeof handoffBasisSchema>;

/** `run.json`: who and what a run is, and its settings as they were resolved. Written once. */
export const runManifestSchema = z.looseObject({
  schema: z.literal(1),
  okstraVersion: z.string(),
  runId: z.string(),
  taskKey: z.string(),
  type: z.string().describe("Task type"),
  run: z.int().min(1),
  createdAt: z.string(),
  project: z.looseObject({ id: z.string(), root: z.string() }),
  provision: provisionSchema,
  commit: z.string().describe("Head commit that the run is bound to; empty without git"),
  baseCommit: z.string().nullable(),
  onlyNewBlocks: z.boolean().describe("True for `verify --base`: failures that the base has too do not block"),
  inPlace: z.boolean().describe("True when the workers use the person's own checkout"),
  sourceRoot: z.string().describe("Tree that the report's links lead into; the throw-away checkout of a run may be gone"),
  brief: z.string().nullable(),
  lang: z.enum(["en", "ko"]),
  roster: z.array(rosterEntrySchema),
  writer: rosterEntrySchema.nullable().default(null).describe("Worker of the report-writer role"),
  settings: z.looseObject({}),
  context: taskContextSchema.default(EMPTY_CONTEXT),
  handoff: handoffBasisSchema.nullable().default(null).describe("Of a release-handoff; null for every other type"),
  workflow: z.looseObject({}).describe("The phase's definition as it was: profile hash, gates, result schema name"),
});
export type RunManifest = z.infer<typeof runManifestSchema>;

/** What the run is bound to decide. `none`: the phase has no verdict of its own. */
export const verdictSchema = z.enum([
  "accepted",
  "conditional-accept",
  "blocked",
  "reproduced",
  "not-reproduced",
  "implemented",
  "not-implemented",
  "handed-off",
  "committed",
  "skipped",
  "cancelled",
  "push-rejected",
  "none",
]);
export type Verdict = z.infer<typeof verdictSchema>;

export const gateSchema = z.looseObject({
  name: z.string(),
  kind: z.enum(["pre-flight", "revision", "escalation", "abort"]),
  open: z.boolean(),
  reasons: z.array(z.string()).describe("Stable codes, worded by the report, e.g. no-cross-check"),
  override: z.looseObject({ reason: z.string(), by: z.string(), at: z.string(), until: z.string().nullable() }).nullable(),
});
export type Gate = z.infer<typeof gateSchema>;
