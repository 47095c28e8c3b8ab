import * as z from "zod";
import { isProof } from "../../convergence/proof.ts";
import { workerResultSchema } from "../../domain/worker-result.ts";
import type { DecisionInput, Phase } from "../phase.ts";
import { ANSWERS_PART, BRIEF_PART, COMMON_CONTRACT, CRITERIA_PART, OPEN_ITEMS_PART, READ_ONLY_PART } from "../shared/profile-parts.ts";

const hypothesisSchema = z.looseObject({
  cause: z.string().min(1).max(400).describe("What is wrong and where, in one or two sentences"),
  evidenceFor: z.array(z.string().max(2000)).default([]),
  evidenceAgainst: z.array(z.string().max(2000)).default([]),
  finding: z
    .int()
    .min(1)
    .optional()
    .describe("Number (from 1) of the finding in this result that locates the cause; its reproduction is executed by okstra"),
});

export const errorAnalysisResultSchema = workerResultSchema.extend({
  symptoms: z.array(z.string().min(1).max(2000)).default([]).describe("What one sees: messages, wrong values, which test fails"),
  hypotheses: z.array(hypothesisSchema).max(50).default([]),
});

const PROFILE = `# Error analysis

Find the cause of the failure that the brief describes, or of the failures that the project's own checks show.

1. Symptoms: what fails, with the message as it is printed.
2. Hypotheses: for each possible cause the evidence for and against it. Locate it with a finding (file, lines, quote).
3. Reproduction: give that finding a \`reproduction\` with a shell command that fails in the worktree while the defect is there. okstra runs it twice itself; only what fails both times is confirmed, and one confirmed cause passes this phase.

${CRITERIA_PART}
${OPEN_ITEMS_PART}
${ANSWERS_PART}
${BRIEF_PART}
${COMMON_CONTRACT}
${READ_ONLY_PART}`;

/** Brief → symptoms → hypotheses → a reproduction that fails. */
export const errorAnalysis: Phase = {
  type: "error-analysis",
  profile: PROFILE,
  executorProfile: null,
  resultSchema: errorAnalysisResultSchema,
  defaultRoster: ["checks"],
  readOnly: true,
  judgesCommit: false,
  reproduces: true,
  executesCriteria: false,
  aboutText: false,
  decide,
};

/** The gate opens by one grounded cause whose reproduction okstra saw fail; a person may accept otherwise. */
function decide(input: DecisionInput): ReturnType<Phase["decide"]> {
  const heard = input.lanes.some((lane) => lane.end === "ok");
  const treeChanged = input.treeChanges.length > 0;
  const confirmed = input.convergence.clusters.some((cluster) => cluster.class !== "ungrounded" && cluster.verification === "confirmed");
  const reasons: string[] = [];
  if (!heard) reasons.push("no-lane-ok");
  if (treeChanged) reasons.push("tree-changed");
  reasons.push(confirmed ? "cause-confirmed" : input.reproductions.some(isProof) ? "cause-not-located" : "no-reproduction");
  if (heard && !input.convergence.crossChecked) reasons.push("no-cross-check");
  const open = heard && confirmed && !treeChanged;
  return {
    verdict: confirmed ? "reproduced" : "not-reproduced",
    gate: { name: "cause", kind: "escalation", open, reasons, override: null },
  };
}
