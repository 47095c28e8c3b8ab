import * as z from "zod";
import { severitySchema } from "./finding.ts";

/** One thing that must hold for the task to be done, and how that is found out. */
export const criterionSchema = z.looseObject({
  id: z.string().describe("AC1, AC2 …"),
  text: z.string(),
  check: z.looseObject({
    kind: z.enum(["command", "inspection"]),
    command: z.string().nullable().describe("Shell command that passes (exit 0) when the criterion is met"),
    how: z.string(),
  }),
});
export type Criterion = z.infer<typeof criterionSchema>;

export const blocksSchema = z.enum(["approval", "progress", "none"]).describe("approval: no phase is passed before the answer");

/** A row of the task's one table of open questions. */
export const clarificationSchema = z.looseObject({
  id: z.string().describe("Q1, Q2 …; stable for the task"),
  question: z.string(),
  why: z.string(),
  blocks: blocksSchema,
  raisedBy: z.array(z.looseObject({ type: z.string(), run: z.int().min(1), worker: z.string() })),
  answer: z.looseObject({ text: z.string(), by: z.string(), at: z.string() }).nullable(),
});
export type Clarification = z.infer<typeof clarificationSchema>;

const planStepSchema = z.looseObject({
  id: z.string().describe("S1, S2 …; unique in the plan"),
  text: z.string(),
  minutes: z.int().min(1).max(60),
  files: z.array(z.string()).describe("Paths or globs that the step may edit"),
});
const planStageSchema = z.looseObject({
  id: z.string(),
  title: z.string(),
  dependsOn: z.array(z.string()).describe("Ids of stages; stages without a path between them may run in parallel"),
  steps: z.array(planStepSchema).min(1),
  validation: z.array(z.string()).min(1).describe("Commands or checks that show that the stage is done"),
  rollback: z.string().min(1),
});
export const planOptionSchema = z.looseObject({
  id: z.string(),
  title: z.string(),
  summary: z.string(),
  pros: z.array(z.string()),
  cons: z.array(z.string()),
});
/** A plan as it is approved: the approval is bound to the SHA-256 of this document as {@link canonicalJson} writes it. */
export const planSchema = z.looseObject({
  proposedBy: z.string().describe("Worker"),
  options: z.array(planOptionSchema).min(2),
  recommended: z.string().describe("Id of an option; the stages carry it out"),
  reason: z.string(),
  stages: z.array(planStageSchema).min(1),
});
export type Plan = z.infer<typeof planSchema>;

/** A person's word on a plan, for exactly this plan. */
export const approvalSchema = z.looseObject({
  run: z.int().min(1).describe("Number of the implementation-planning run"),
  planSha256: z.string(),
  by: z.string(),
  at: z.string(),
  kind: z.enum(["approved", "override"]),
});
export type Approval = z.infer<typeof approvalSchema>;

/** A failing check or a word of a reviewer, taken up from a pull request. All texts are the forge's: data, redacted and neutral. */
export const takenFeedbackSchema = z.looseObject({
  id: z.string(),
  identity: z.string().describe("The same whenever the forge is asked"),
  kind: z.enum(["check", "review", "comment"]),
  claim: z.string(),
  severity: severitySchema,
  file: z.string().nullable(),
  startLine: z.int().nullable(),
  quote: z.string().nullable().describe("The line at the commit that went out"),
  author: z.string().nullable(),
  text: z.string(),
  url: z.string().nullable(),
});
export type TakenFeedback = z.infer<typeof takenFeedbackSchema>;

/** What a run is given of the task's earlier runs and of the person's answers; frozen in run.json when it is prepared. */
export const taskContextSchema = z.looseObject({
  cycle: z.int().min(1).default(1).describe("1, and one more for each fix cycle after completion"),
  clarifications: z.array(clarificationSchema).default([]),
  criteria: z.array(criterionSchema).default([]),
  causes: z
    .array(z.looseObject({ claim: z.string(), file: z.string().nullable(), startLine: z.int().nullable(), command: z.string().nullable() }))
    .default([])
    .describe("Confirmed causes of the error analysis"),
  plan: planSchema.nullable().default(null).describe("The approved plan; null: none"),
  approval: approvalSchema.nullable().default(null),
  openFindings: z
    .array(
      z.looseObject({
        id: z.string(),
        claim: z.string(),
        severity: severitySchema,
        file: z.string().nullable(),
        startLine: z.int().nullable(),
        state: z.string(),
      }),
    )
    .default([])
    .describe("Open rows of the ledger, and what a pull request's reviewers and checks said"),
  ledgerFrom: z
    .looseObject({ type: z.string(), run: z.int().min(1), convergenceSha256: z.string() })
    .nullable()
    .default(null)
    .describe("Run whose convergence.json the ledger goes on from"),
});
export type TaskContext = z.infer<typeof taskContextSchema>;

export const EMPTY_CONTEXT: TaskContext = taskContextSchema.parse({});

/** JSON with members in the order of their names and no white space, so that equal documents have one hash. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sortMembers(value));
}

function sortMembers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortMembers);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, each]) => [key, sortMembers(each)]),
  );
}
