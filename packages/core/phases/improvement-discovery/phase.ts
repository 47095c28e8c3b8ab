import type { DecisionInput, Phase } from "../phase.ts";
import { ANSWERS_PART, BRIEF_PART, COMMON_CONTRACT, OPEN_ITEMS_PART, READ_ONLY_PART } from "../shared/profile-parts.ts";
import { improvementsResultSchema } from "./result-schema.ts";

const PROFILE = `# Improvement discovery

Find what is worth improving in this tree: what makes it slower, harder to change, less safe or easier to use wrongly than it need be. The brief may say where to look.

1. \`findings\`: one for each improvement, with the place and the quote that show that it is needed. A matter of taste is not one.
2. \`improvements\`: of each finding its number in your list (\`finding\`, from 1), \`benefit\`, \`effort\`, and \`why\`: what becomes better. \`nextPhase\` is where a task that takes it up begins: \`requirements-discovery\`, \`error-analysis\` when something fails and the cause is not known, \`implementation-planning\`, or \`implementation\` when it is plain what to do.
3. When something fails, give the finding a \`reproduction\`: a shell command that fails in the worktree while the defect is there. okstra executes it itself.

Few and true is better than many. Nothing that is worth it: both lists empty.

${OPEN_ITEMS_PART}
${ANSWERS_PART}
${BRIEF_PART}
${COMMON_CONTRACT}
${READ_ONLY_PART}`;

/** Ranked improvements, each with evidence and a next phase. */
export const improvementDiscovery: Phase = {
  type: "improvement-discovery",
  profile: PROFILE,
  executorProfile: null,
  resultSchema: improvementsResultSchema,
  defaultRoster: "configured",
  readOnly: true,
  judgesCommit: false,
  reproduces: true,
  executesCriteria: false,
  aboutText: false,
  decide,
};

/** Holds nothing back: an improvement is an offer. Only a run in which nobody was heard has not done its work. */
function decide(input: DecisionInput): ReturnType<Phase["decide"]> {
  const heard = input.lanes.some((lane) => lane.end === "ok");
  const reasons = [heard ? "nothing-held" : "no-lane-ok"];
  if (input.treeChanges.length > 0) reasons.push("tree-changed");
  return { verdict: "none", gate: { name: "none", kind: "escalation", open: heard, reasons, override: null } };
}
