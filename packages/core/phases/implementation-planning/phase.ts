import type { DecisionInput, Phase } from "../phase.ts";
import { countApprovalQuestions } from "../requirements-discovery/clarifications.ts";
import {
  ANSWERS_PART,
  BRIEF_PART,
  CAUSES_PART,
  COMMON_CONTRACT,
  CRITERIA_PART,
  OPEN_ITEMS_PART,
  PLAN_PART,
  READ_ONLY_PART,
} from "../shared/profile-parts.ts";
import { planningResultSchema } from "./result-schema.ts";
import { buildPlanningSection } from "./section.ts";
import { MAX_PLAN_MINUTES, MAX_PLAN_STEPS } from "./validate-plan.ts";

const PROFILE = `# Implementation planning

Plan the change that the brief asks for; a person approves the plan, and one worker then carries it out to the letter. Change nothing yourself.

1. \`plan.options\`: at least two ways, each with what speaks for it (\`pros\`) and against it (\`cons\`). \`recommended\` is the \`id\` of one of them, \`reason\` says why; the stages carry that one out.
2. \`plan.stages\`: parts that can be checked and taken back alone. \`dependsOn\` names the stages that must be done before; stages that do not wait for each other may run in parallel. Each has at least one \`validation\` (a command, or what to look at) and a \`rollback\`.
3. \`steps\` of a stage: each of 1 to 60 minutes, the test before the code. \`files\` names every file that the step may edit, tests too, as paths or globs inside the worktree; editing another file holds the work up, and a glob for the whole tree is refused.
4. An \`id\` is one word such as \`A\`, \`G1\` or \`S1\` (up to 32 letters, digits, \`.\`, \`_\` and \`-\`, the first a letter or digit); no two options, no two stages and no two steps have the same. At most ${MAX_PLAN_STEPS} steps and ${MAX_PLAN_MINUTES} minutes in all; what takes longer is more than one task: plan its first part and say so in \`reason\`.
5. \`clarifications\`: what only a person can answer. \`blocks\` is \`approval\` when the plan must not be approved without the answer, \`progress\` when the work can start but not end without it, \`none\` when it would merely help.
6. \`findings\`: what makes the task itself doubtful, such as criteria that contradict each other. A finding about the brief has no \`file\`; its \`quote\` is copied from the brief.

No plan is a valid answer: leave \`plan\` out.

${CRITERIA_PART}
${CAUSES_PART}
${OPEN_ITEMS_PART}
${ANSWERS_PART}
${PLAN_PART}
${BRIEF_PART}
${COMMON_CONTRACT}
${READ_ONLY_PART}`;

/** Options with trade-offs, stages, steps of minutes, validation and rollback; a person approves. */
export const implementationPlanning: Phase = {
  type: "implementation-planning",
  profile: PROFILE,
  executorProfile: null,
  resultSchema: planningResultSchema,
  defaultRoster: "configured",
  readOnly: true,
  judgesCommit: false,
  reproduces: false,
  executesCriteria: false,
  aboutText: true,
  decide,
};

/** Never open by itself: a person's approval of exactly this plan opens it later. The reasons say what that person should know. */
function decide(input: DecisionInput): ReturnType<Phase["decide"]> {
  const { clusters, crossChecked } = input.convergence;
  const section = buildPlanningSection(input);
  const heard = input.lanes.some((lane) => lane.end === "ok");
  const reasons: string[] = [];
  if (!heard) reasons.push("no-lane-ok");
  if (section.plan !== null) reasons.push("plan-not-approved");
  else reasons.push(section.invalid.length > 0 ? "plan-invalid" : "no-plan");
  if (countApprovalQuestions(section.clarifications, input.context.clarifications).open > 0) reasons.push("clarifications-open");
  if (clusters.some((cluster) => cluster.disposition === "blocks")) reasons.push("blocking-findings");
  if (clusters.some((cluster) => cluster.disposition === "held")) reasons.push("held-findings");
  if (input.treeChanges.length > 0) reasons.push("tree-changed");
  if (heard && !crossChecked) reasons.push("no-cross-check");
  return { verdict: "none", gate: { name: "approval", kind: "revision", open: false, reasons, override: null } };
}
