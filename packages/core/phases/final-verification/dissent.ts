import * as z from "zod";
import type { DecisionInput } from "../phase.ts";
import type { JudgedCriterion } from "./criteria.ts";

/** Something that two sides say differently, with each side kept; none is outvoted away. */
export const dissentSchema = z.looseObject({
  about: z.enum(["finding", "criterion"]),
  id: z.string().describe("Id of a cluster or of a criterion"),
  text: z.string(),
  sides: z
    .array(z.looseObject({ position: z.string().describe("Stable code, worded by the report"), by: z.string(), evidence: z.string() }))
    .min(1),
});
type Dissent = z.infer<typeof dissentSchema>;

export function collectDissent(input: DecisionInput, criteria: readonly JudgedCriterion[]): Dissent[] {
  return [...dissentOnFindings(input), ...criteria.filter(({ isDisputed }) => isDisputed).map(dissentOnCriterion)];
}

/** Contested clusters, and those on which the votes differ: who raised them with what severity, then who voted what. */
function dissentOnFindings({ convergence, findings }: DecisionInput): Dissent[] {
  return convergence.clusters.flatMap((cluster) => {
    const votes = convergence.votes.filter(({ findingId }) => cluster.members.includes(findingId));
    const differ = votes.some(({ answer }) => answer === "confirmed") && votes.some(({ answer }) => answer === "refuted");
    if (cluster.class !== "contested" && !differ) return [];
    const raised = findings
      .filter(({ id }) => cluster.members.includes(id))
      .map((finding) => ({ position: `raised-${finding.severity}`, by: finding.worker, evidence: finding.fix ?? finding.claim }));
    const voted = votes.map((vote) => ({ position: vote.answer, by: vote.worker, evidence: vote.text }));
    const sides = [...raised, ...voted];
    return sides.length === 0 ? [] : [{ about: "finding" as const, id: cluster.id, text: cluster.claim, sides }];
  });
}

function dissentOnCriterion({ criterion, execution, verdict, basis, words }: JudgedCriterion): Dissent {
  const executed = basis === "executed" && execution !== null ? [{ position: verdict, by: "okstra", evidence: execution.command }] : [];
  return {
    about: "criterion",
    id: criterion.id,
    text: criterion.text,
    sides: [...executed, ...words.map((word) => ({ position: word.verdict, by: word.worker, evidence: word.text }))],
  };
}
