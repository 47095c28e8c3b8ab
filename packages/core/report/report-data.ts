import * as z from "zod";
import { clusterSchema } from "../convergence/cluster.ts";
import { executionSchema } from "../domain/execution.ts";
import { laneEndSchema, reproductionSchema } from "../domain/finding.ts";
import { isolationSchema } from "../domain/receipt.ts";
import { gateSchema, provisionSchema, verdictSchema } from "../domain/run.ts";

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
});

/** A finding as it was raised, kept word for word beside the clusters, so that none is ever lost. */
const reportRawFindingSchema = z.looseObject({
  id: z.string(),
  worker: z.string(),
  claim: z.string(),
  severity: z.string(),
  file: z.string().nullable(),
  startLine: z.int().nullable(),
  family: z.string().optional(),
  category: z.string().optional(),
  endLine: z.int().nullable().optional(),
  symbol: z.string().nullable().optional(),
  quote: z.string().nullable().optional(),
  fix: z.string().nullable().optional(),
  reproduction: reproductionSchema.nullable().optional(),
});

/** What an error-analysis says beside its findings. */
const errorAnalysisSectionSchema = z.looseObject({
  symptoms: z.array(z.looseObject({ worker: z.string(), text: z.string() })),
  hypotheses: z.array(
    z.looseObject({
      worker: z.string(),
      cause: z.string(),
      evidenceFor: z.array(z.string()),
      evidenceAgainst: z.array(z.string()),
      cluster: z.string().nullable().describe("Cluster id of the finding it rests on"),
      confirmed: z.boolean(),
    }),
  ),
  reproductions: z.array(
    z.looseObject({ findingId: z.string(), command: z.string(), executions: z.int(), failures: z.int(), confirmed: z.boolean() }),
  ),
});

/** What a final-verification says beside its findings: the checks that were executed at the commit. */
const finalVerificationSectionSchema = z.looseObject({
  checks: z.array(
    z.looseObject({
      worker: z.string(),
      command: z.string(),
      executions: z.int(),
      failures: z.int(),
      baseline: z.enum(["new", "already-there", "unknown", "passes"]),
    }),
  ),
  treeChangedBy: z.array(z.looseObject({ workers: z.array(z.string()), paths: z.array(z.string()) })),
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
  lanes: z.array(reportLaneSchema),
  clusters: z.array(clusterSchema),
  rawFindings: z.array(reportRawFindingSchema),
  totals: z.looseObject({
    findings: z.int().min(0),
    byClass: z.record(z.string(), z.int()),
    bySeverity: z.record(z.string(), z.int()),
  }),
  nextSteps: z.array(z.looseObject({ code: z.string(), command: z.string().nullable() })).describe("Stable codes, worded per language"),
  errorAnalysis: errorAnalysisSectionSchema.nullable(),
  finalVerification: finalVerificationSectionSchema.nullable(),
  executions: z.array(z.looseObject({ worker: z.string(), ...executionSchema.shape })),
  reportWriter: z.looseObject({
    summary: z.string().nullable(),
    fallback: z.string().nullable().describe("Reason of a report-writer-fallback"),
  }),
  /** Where links to source lines lead: the worktree for Markdown and HTML. */
  sourceRoot: z.string(),
});
export type Report = z.infer<typeof reportSchema>;
