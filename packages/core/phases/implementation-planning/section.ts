import * as z from "zod";
import { canonicalJson, planOptionSchema, planSchema } from "../../domain/task-context.ts";
import type { DecisionInput } from "../phase.ts";
import { askedClarificationSchema, mergeClarifications } from "../requirements-discovery/clarifications.ts";
import { heardResults } from "../requirements-discovery/heard.ts";
import { findWaves } from "./plan-waves.ts";
import { planningResultSchema, type ProposedPlan } from "./result-schema.ts";
import { countMinutes, validatePlan } from "./validate-plan.ts";

const alternativeSchema = z.looseObject({
  worker: z.string(),
  options: z.array(planOptionSchema),
  recommended: z.string(),
  reason: z.string(),
  stages: z.int().min(1),
  minutes: z.int().min(1),
});

/** What an implementation-planning says beside its findings. A person's approval is not here: it comes later. */
export const planningSectionSchema = z.looseObject({
  plan: planSchema.nullable().describe("Of the first worker in the roster with a valid plan"),
  planSha256: z.string().nullable().describe("What an approval is bound to: SHA-256 of the plan as canonical JSON"),
  waves: z.array(z.array(z.string())).describe("Ids of stages; each set waits for those before it, stages in a set may run in parallel"),
  minutes: z.int().min(0).describe("Of all steps of the plan"),
  alternatives: z.array(alternativeSchema).describe("Valid plans of the other workers"),
  invalid: z.array(z.looseObject({ worker: z.string(), problems: z.array(z.string()).min(1) })),
  clarifications: z.array(askedClarificationSchema),
});
export type PlanningSection = z.infer<typeof planningSectionSchema>;

/**
 * Who plans is decided by the roster, never by what a plan says: the first worker of the roster whose lane is ok and
 * whose plan is valid. The other plans are kept as alternatives, invalid ones with what is wrong.
 * @throws nothing; results that are not of this phase say nothing
 */
export function buildPlanningSection(input: DecisionInput): PlanningSection {
  const heard = heardResults(input, planningResultSchema);
  const proposed = heard.flatMap(({ worker, said: { plan } }) =>
    plan === undefined ? [] : [{ worker, plan, problems: validatePlan(plan) }],
  );
  const [chosen, ...others] = proposed.filter(({ problems }) => problems.length === 0);
  const plan = chosen === undefined ? null : { ...chosen.plan, proposedBy: chosen.worker };
  return {
    plan,
    planSha256: plan === null ? null : input.sha256(canonicalJson(plan)),
    waves: plan === null ? [] : findWaves(plan.stages).waves,
    minutes: plan === null ? 0 : countMinutes(plan),
    alternatives: others.map((other) => describeAlternative(other.worker, other.plan)),
    invalid: proposed.filter(({ problems }) => problems.length > 0).map(({ worker, problems }) => ({ worker, problems })),
    clarifications: mergeClarifications(heard),
  };
}

function describeAlternative(worker: string, plan: ProposedPlan): PlanningSection["alternatives"][number] {
  const { options, recommended, reason, stages } = plan;
  return { worker, options, recommended, reason, stages: stages.length, minutes: countMinutes(plan) };
}
