import * as z from "zod";
import { clusterSchema } from "../convergence/cluster.ts";
import { ledgerSchema } from "../convergence/ledger.ts";
import { voteRecordSchema } from "../convergence/votes.ts";
import { executionSchema } from "../domain/execution.ts";
import { laneEndSchema, laneRoleSchema, reproductionSchema } from "../domain/finding.ts";
import { costSchema, sandboxStateSchema, usageSchema } from "../domain/agent-use.ts";
import { isolationSchema } from "../domain/receipt.ts";
import { gateSchema, provisionSchema, verdictSchema } from "../domain/run.ts";
import { clarificationSchema } from "../domain/task-context.ts";
import { errorAnalysisSectionSchema } from "../phases/error-analysis/section.ts";
import { finalVerificationSectionSchema } from "../phases/final-verification/section.ts";
import { implementationSectionSchema } from "../phases/implementation/section.ts";
import { planningSectionSchema } from "../phases/implementation-planning/section.ts";
import { improvementsSectionSchema } from "../phases/improvement-discovery/section.ts";
import { handoffSectionSchema } from "../phases/release-handoff/section.ts";
import { requirementsSectionSchema } from "../phases/requirements-discovery/section.ts";

const reportLaneSchema = z.looseObject({
  worker: z.string(),
  kind: z.string(),
  family: z.string(),
  end: laneEndSchema,
  reason: z.string().nullable(),
  findings: z.int().min(0),
  durationMs: z.int().min(0),
  modelAsked: z.string().nullable(),
  modelServed: z.string().nullable(),
  exitCode: z.int().nullable(),
  isolation: isolationSchema,
  sandbox: sandboxStateSchema.optional(),
  sessionId: z.string().nullable().optional(),
  usage: usageSchema.nullable().optional(),
  cost: costSchema.nullable().optional(),
  lane: z.string().optional().describe("Name in the run's files; absent: the worker's own"),
  role: laneRoleSchema.default("review"),
  round: z.int().min(1).default(1),
});

/** A finding as it was raised, kept word for word beside the clusters, so that none is ever lost. */
const reportRawFindingSchema = z.looseObject({
  id: z.string(),
  worker: z.string(),
  claim: z.string(),
  severity: z.string(),
  file: z.string().nullable(),
  startLine: z.int().nullable(),
  round: z.int().min(1).default(1),
  family: z.string().optional(),
  category: z.string().optional(),
  endLine: z.int().nullable().optional(),
  symbol: z.string().nullable().optional(),
  quote: z.string().nullable().optional(),
  fix: z.string().nullable().optional(),
  reproduction: reproductionSchema.nullable().optional(),
});

/** A gate that was decided, with what it looked at. */
const reportGateSchema = z.looseObject({
  name: z.string(),
  kind: gateSchema.shape.kind,
  open: z.boolean(),
  reasons: z.array(z.string()),
  looked: z.looseObject({}).default({}),
});

/**
 * `report.json`: everything the rendered reports say; numbers, classes and verdicts come from code only.
 * Markdown, HTML and SARIF are pure functions of this document.
 */
export const reportSchema = z.looseObject({
  schema: z.literal(1),
  okstraVersion: z.string(),
  runId: z.string(),
  taskKey: z.string(),
  type: z.string(),
  run: z.int().min(1),
  lang: z.enum(["en", "ko"]),
  generatedAt: z.string(),
  project: z.looseObject({ id: z.string(), root: z.string() }),
  provision: provisionSchema,
  commit: z.string(),
  baseCommit: z.string().nullable(),
  brief: z.string().nullable(),
  verdict: verdictSchema,
  gate: gateSchema,
  kEff: z.int().min(0),
  crossChecked: z.boolean(),
  cycle: z.int().min(1).default(1).describe("1, and one more for each fix cycle after completion"),
  gates: z.array(reportGateSchema).default([]),
  lanes: z.array(reportLaneSchema),
  clusters: z.array(clusterSchema),
  votes: z.array(voteRecordSchema).default([]),
  ledger: ledgerSchema.default([]),
  unheard: z.array(z.string()).default([]).describe("Ids of findings of lanes that did not end ok"),
  rounds: z.array(z.looseObject({ round: z.int().min(1), commit: z.string(), blockers: z.int().min(0) })).default([]),
  clarifications: z.array(clarificationSchema).default([]),
  rawFindings: z.array(reportRawFindingSchema),
  totals: z.looseObject({
    findings: z.int().min(0),
    byClass: z.record(z.string(), z.int()),
    bySeverity: z.record(z.string(), z.int()),
  }),
  nextSteps: z.array(z.looseObject({ code: z.string(), command: z.string().nullable() })).describe("Stable codes, worded per language"),
  errorAnalysis: errorAnalysisSectionSchema.nullable().default(null),
  finalVerification: finalVerificationSectionSchema.nullable().default(null),
  requirementsDiscovery: requirementsSectionSchema.nullable().default(null),
  implementationPlanning: planningSectionSchema.nullable().default(null),
  implementation: implementationSectionSchema.nullable().default(null),
  improvementDiscovery: improvementsSectionSchema.nullable().default(null),
  releaseHandoff: handoffSectionSchema.nullable().default(null),
  executions: z.array(z.looseObject({ worker: z.string(), ...executionSchema.shape })),
  reportWriter: z.looseObject({
    summary: z.string().nullable(),
    fallback: z.string().nullable().describe("Reason of a report-writer-fallback"),
  }),
  /** Where links to source lines lead: the worktree for Markdown and HTML. */
  sourceRoot: z.string(),
});
export type Report = z.infer<typeof reportSchema>;
