import type { Verdict } from "../../domain/run.ts";
import type { DecisionInput, Phase } from "../phase.ts";
import {
  ANSWERS_PART,
  BRIEF_PART,
  COMMON_CONTRACT,
  CRITERIA_PART,
  OPEN_ITEMS_PART,
  PLAN_PART,
  READ_ONLY_PART,
} from "../shared/profile-parts.ts";
import { judgeCriteria } from "./criteria.ts";
import { finalVerificationResultSchema } from "./result.ts";

const PROFILE = `# Final verification

Say whether the work at the head commit may be released. Look at what the task changed since its base and at what that change touches.

1. Does it do what the brief asks? Name what is missing.
2. Is it correct: errors, edge cases, races, security, data that could be lost?
3. Do the project's own checks pass? Give a \`reproduction\` (a command that fails) with each defect where you can.
4. \`criteria\`: of each acceptance criterion below whether it is \`met\`, \`not-met\` or \`unknown\`, with what shows it. okstra executes the commands of the criteria itself; what it sees outranks what you say. No criteria below: an empty list.
5. \`residualRisks\`: what may still go wrong although no finding says so.

${CRITERIA_PART}
${OPEN_ITEMS_PART}
${PLAN_PART}
${ANSWERS_PART}
${BRIEF_PART}
${COMMON_CONTRACT}
${READ_ONLY_PART}`;

/** `accepted`, `conditional-accept` or `blocked`, for one commit. */
export const finalVerification: Phase = {
  type: "final-verification",
  profile: PROFILE,
  executorProfile: null,
  resultSchema: finalVerificationResultSchema,
  defaultRoster: ["checks"],
  readOnly: true,
  judgesCommit: true,
  reproduces: true,
  executesCriteria: true,
  aboutText: false,
  decide,
};

/**
 * Blocked by a confirmed P0/P1, by one that waits for a person, by a criterion that is not met, by a changed tree, or
 * when no lane was heard. Without a second family that checked, without a commit, with a lane that was not heard, or
 * with a criterion that is not settled, at best conditional. Only `accepted` opens the gate.
 */
function decide(input: DecisionInput): ReturnType<Phase["decide"]> {
  const { clusters, crossChecked } = input.convergence;
  const criteria = judgeCriteria(input);
  const blocking: string[] = [];
  if (!input.lanes.some((lane) => lane.end === "ok")) blocking.push("no-lane-ok");
  if (clusters.some((cluster) => cluster.disposition === "blocks")) blocking.push("blocking-findings");
  if (clusters.some((cluster) => cluster.disposition === "held")) blocking.push("held-findings");
  if (criteria.some(({ verdict }) => verdict === "not-met")) blocking.push("criteria-not-met");
  if (input.treeChanges.length > 0) blocking.push("tree-changed");
  const conditions: string[] = [];
  if (!crossChecked && !blocking.includes("no-lane-ok")) conditions.push("no-cross-check");
  if (input.lanes.some((lane) => lane.end !== "ok")) conditions.push("lane-not-ok");
  if (criteria.some(({ basis }) => basis === "none")) conditions.push("criteria-uncovered");
  if (criteria.some(({ basis }) => basis === "split")) conditions.push("criteria-split");
  if (input.commit === "") conditions.push("no-commit");
  const verdict: Verdict = blocking.length > 0 ? "blocked" : conditions.length > 0 ? "conditional-accept" : "accepted";
  const reasons = [...blocking, ...conditions];
  if (reasons.length === 0) reasons.push("all-clear");
  if (criteria.length > 0 && criteria.every((each) => each.verdict === "met")) reasons.push("criteria-met");
  return { verdict, gate: { name: "verdict", kind: "escalation", open: verdict === "accepted", reasons, override: null } };
}
