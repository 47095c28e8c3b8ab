import * as z from "zod";
import type { DecisionInput } from "../phase.ts";
import { judgeCriteria, type JudgedCriterion } from "./criteria.ts";
import { collectDissent, dissentSchema } from "./dissent.ts";
import { criterionVerdictSchema, finalVerificationResultSchema } from "./result.ts";

const criterionRowSchema = z.looseObject({
  id: z.string(),
  text: z.string(),
  verdict: criterionVerdictSchema,
  basis: z.enum(["executed", "agreement", "one-family", "split", "none"]).describe("What the verdict rests on"),
  execution: z
    .looseObject({ command: z.string(), exitCode: z.int().nullable(), timedOut: z.boolean() })
    .nullable()
    .describe("okstra's own execution of the criterion's command"),
  words: z.array(
    z.looseObject({
      worker: z.string(),
      family: z.string(),
      verdict: criterionVerdictSchema,
      text: z.string(),
      file: z.string().nullable(),
      startLine: z.int().nullable(),
      quote: z.string().nullable(),
      command: z.string().nullable(),
    }),
  ),
});

/** What a final-verification says beside its findings: criteria and checks at the commit, who differs, what is left. */
export const finalVerificationSectionSchema = z.looseObject({
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
  criteria: z.array(criterionRowSchema).default([]),
  coverage: z
    .looseObject({ covered: z.int().min(0), total: z.int().min(0) })
    .default({ covered: 0, total: 0 })
    .describe("Criteria that an execution or a worker says something about, of all"),
  dissent: z.array(dissentSchema).default([]),
  residualRisks: z.array(z.looseObject({ worker: z.string(), text: z.string() })).default([]),
});
export type FinalVerificationSection = z.infer<typeof finalVerificationSectionSchema>;

/** Whether something speaks for or against the criterion; that nobody knows is no evidence. */
const isCovered = ({ basis }: JudgedCriterion): boolean => basis !== "none";

/** @throws nothing; results that are not of this phase say nothing */
export function buildFinalVerificationSection(input: DecisionInput): FinalVerificationSection {
  const criteria = judgeCriteria(input);
  const heard = new Set(input.lanes.filter((lane) => lane.end === "ok").map(({ worker }) => worker));
  return {
    checks: collectChecks(input),
    treeChangedBy: input.treeChanges.map(({ workers, paths }) => ({ workers: [...workers], paths: [...paths] })),
    criteria: criteria.map(({ criterion, verdict, basis, execution, words }) => ({
      id: criterion.id,
      text: criterion.text,
      verdict,
      basis,
      execution: execution === null ? null : { command: execution.command, exitCode: execution.exitCode, timedOut: execution.timedOut },
      words: words.map((word) => ({ ...word })),
    })),
    coverage: { covered: criteria.filter(isCovered).length, total: criteria.length },
    dissent: collectDissent(input, criteria),
    residualRisks: input.results.flatMap(({ worker, result }) => {
      const said = finalVerificationResultSchema.safeParse(result);
      return said.success && heard.has(worker) ? said.data.residualRisks.map((text) => ({ worker, text })) : [];
    }),
  };
}

/** The project's own checks, one row for each command of a worker, and how they compare with the base. */
function collectChecks({ receipts, reproductions, commit }: DecisionInput): FinalVerificationSection["checks"] {
  return receipts.flatMap((receipt) =>
    [...new Set(receipt.executions.map((execution) => execution.command))].map((command) => {
      const all = receipt.executions.filter((execution) => execution.command === command);
      const atHead = all.filter((execution) => execution.commit === commit);
      const hasBase = all.some((execution) => execution.commit !== commit);
      const failures = atHead.filter((execution) => execution.exitCode !== 0).length;
      const records = reproductions.filter((record) => record.worker === receipt.worker && record.command === command);
      const compared = (["new", "already-there"] as const).find((each) => records.some((record) => record.baseline === each)) ?? "unknown";
      const baseline = failures === 0 ? "passes" : hasBase || compared !== "unknown" ? compared : "unknown";
      return { worker: receipt.worker, command, executions: atHead.length, failures, baseline };
    }),
  );
}
