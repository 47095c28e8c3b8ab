import * as z from "zod";
import { workerResultSchema } from "../../domain/worker-result.ts";

export const criterionVerdictSchema = z
  .enum(["met", "not-met", "unknown"])
  .describe("unknown: the tree does not tell, or it was not looked at; an honest answer");
export type CriterionVerdict = z.infer<typeof criterionVerdictSchema>;

const judgedCriterionSchema = z.looseObject({
  id: z.string().min(1).max(64).describe("Id of an acceptance criterion, as the task gives it"),
  verdict: criterionVerdictSchema,
  evidence: z.looseObject({
    text: z.string().min(1).max(2000).describe("What shows it"),
    file: z.string().max(4096).optional(),
    startLine: z.int().min(1).optional(),
    quote: z.string().max(4000).optional(),
    command: z.string().max(4000).optional(),
  }),
});

/** What a verifier says beside its findings. */
export const finalVerificationResultSchema = workerResultSchema.extend({
  criteria: z.array(judgedCriterionSchema).max(200).default([]).describe("One for each acceptance criterion that was looked at"),
  residualRisks: z.array(z.string().min(1).max(2000)).max(100).default([]).describe("What may still go wrong although no finding says so"),
});
