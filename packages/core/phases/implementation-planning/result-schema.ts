import * as z from "zod";
import { planSchema } from "../../domain/task-context.ts";
import { workerResultSchema } from "../../domain/worker-result.ts";
import { proposedClarificationSchema } from "../requirements-discovery/result-schema.ts";

/** A plan as a worker writes it; who proposes it is okstra's to say. */
export const proposedPlanSchema = planSchema.omit({ proposedBy: true });
export type ProposedPlan = z.infer<typeof proposedPlanSchema>;

/** What a worker plans beside its findings. */
export const planningResultSchema = workerResultSchema.extend({
  plan: proposedPlanSchema.optional(),
  clarifications: z.array(proposedClarificationSchema).max(100).default([]),
});
