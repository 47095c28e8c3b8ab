import type { DecisionInput, Phase } from "../phase.ts";
import {
  ANSWERS_PART,
  BRIEF_PART,
  CAUSES_PART,
  COMMON_CONTRACT,
  CRITERIA_PART,
  OPEN_ITEMS_PART,
  READ_ONLY_PART,
} from "../shared/profile-parts.ts";
import { countApprovalQuestions } from "./clarifications.ts";
import { requirementsResultSchema } from "./result-schema.ts";
import { buildRequirementsSection } from "./section.ts";

const PROFILE = `# Requirements discovery

Find out what the brief asks for, how one will see that it is done, and what is missing to begin. Read the code that it touches; propose no solution.

1. \`category\`, \`size\` and a \`summary\` of a few sentences. Without a category you have classified nothing.
2. \`criteria\`: what holds when the task is done, one statement each, and how it is checked. \`check.kind\` is \`command\` when a shell command in the worktree passes (exit 0) exactly when the criterion is met: give it as \`check.command\`, as narrow as you can (one test, not the whole suite); okstra executes it later. Else it is \`inspection\`. A task that is \`trivial\` needs none.
3. \`clarifications\`: what only a person can answer. \`blocks\` is \`approval\` when no phase may be passed without the answer, \`progress\` when the work can start but not end without it, \`none\` when it would merely help. Do not ask what the code, the brief or an answer below says.
4. \`nextPhase\`: \`error-analysis\` when the cause of a failure is not known, \`implementation-planning\` when there is more than one way, \`implementation\` when it is plain what to do.
5. \`skip\`: phases that this task does not need, and why; a fix of one line need not pass them all. \`final-verification\` is never skipped.
6. \`findings\`: contradictions and gaps of the brief and defects of the code that would make the task fail. A finding about the brief has no \`file\`; its \`quote\` is copied from the brief.

${CRITERIA_PART}
${CAUSES_PART}
${OPEN_ITEMS_PART}
${ANSWERS_PART}
${BRIEF_PART}
${COMMON_CONTRACT}
${READ_ONLY_PART}`;

/** Brief → kind and size of the work, acceptance criteria, questions, the next phase. */
export const requirementsDiscovery: Phase = {
  type: "requirements-discovery",
  profile: PROFILE,
  executorProfile: null,
  resultSchema: requirementsResultSchema,
  defaultRoster: "configured",
  readOnly: true,
  judgesCommit: false,
  reproduces: false,
  executesCriteria: false,
  aboutText: true,
  decide,
};

/**
 * Opens when the work was classified, every question that blocks an approval has its answer, and there is something to
 * hold the work against; only a trivial task may do without criteria. Grave findings wait for a person.
 */
function decide(input: DecisionInput): ReturnType<Phase["decide"]> {
  const { clusters, crossChecked } = input.convergence;
  const section = buildRequirementsSection(input);
  const questions = countApprovalQuestions(section.clarifications, input.context.clarifications);
  const heard = input.lanes.some((lane) => lane.end === "ok");
  const holding: string[] = [];
  if (!heard) holding.push("no-lane-ok");
  if (heard && section.category === null) holding.push("not-classified");
  if (questions.open > 0) holding.push("clarifications-open");
  if (heard && section.criteria.length === 0 && section.size !== "trivial") holding.push("no-criteria");
  if (clusters.some((cluster) => cluster.disposition === "blocks")) holding.push("blocking-findings");
  if (clusters.some((cluster) => cluster.disposition === "held")) holding.push("held-findings");
  if (input.treeChanges.length > 0) holding.push("tree-changed");
  const open = holding.length === 0;
  const reasons = [...holding];
  if (questions.open === 0 && questions.answered > 0) reasons.push("clarifications-answered");
  else if (open) reasons.push("all-clear");
  if (heard && !crossChecked) reasons.push("no-cross-check");
  return { verdict: "none", gate: { name: "clarifications", kind: "escalation", open, reasons, override: null } };
}
