import type { Verdict } from "../../domain/run.ts";
import { workerResultSchema } from "../../domain/worker-result.ts";
import type { DecisionInput, Phase } from "../phase.ts";
import { BRIEF_PART, COMMON_CONTRACT, READ_ONLY_PART } from "../shared/profile-parts.ts";

const PROFILE = `# Final verification

Say whether the work at the head commit may be released. Look at what the task changed since its base and at what that change touches.

1. Does it do what the brief asks? Name what is missing.
2. Is it correct: errors, edge cases, races, security, data that could be lost?
3. Do the project's own checks pass? Give a \`reproduction\` (a command that fails) with each defect where you can.

${BRIEF_PART}
${COMMON_CONTRACT}
${READ_ONLY_PART}`;

/** `accepted`, `conditional-accept` or `blocked`, for one commit. */
export const finalVerification: Phase = {
  type: "final-verification",
  profile: PROFILE,
  resultSchema: workerResultSchema,
  defaultRoster: ["checks"],
  readOnly: true,
  judgesCommit: true,
  reproduces: false,
  decide,
};

/**
 * Blocked by a confirmed P0/P1, by one that waits for a person, by a changed tree, or when no lane was heard.
 * Without a second family that checked, without a commit, or with a lane that was not heard, at best
 * conditional. Only `accepted` opens the gate.
 */
function decide(input: DecisionInput): ReturnType<Phase["decide"]> {
  const { clusters, crossChecked } = input.convergence;
  const blocking: string[] = [];
  if (!input.lanes.some((lane) => lane.end === "ok")) blocking.push("no-lane-ok");
  if (clusters.some((cluster) => cluster.disposition === "blocks")) blocking.push("blocking-findings");
  if (clusters.some((cluster) => cluster.disposition === "held")) blocking.push("held-findings");
  if (input.treeChanged) blocking.push("tree-changed");
  const conditions: string[] = [];
  if (!crossChecked && !blocking.includes("no-lane-ok")) conditions.push("no-cross-check");
  if (input.lanes.some((lane) => lane.end !== "ok")) conditions.push("lane-not-ok");
  if (input.commit === "") conditions.push("no-commit");
  const verdict: Verdict = blocking.length > 0 ? "blocked" : conditions.length > 0 ? "conditional-accept" : "accepted";
  const reasons = [...blocking, ...conditions];
  return {
    verdict,
    gate: {
      name: "verdict",
      kind: "escalation",
      open: verdict === "accepted",
      reasons: reasons.length > 0 ? reasons : ["all-clear"],
      override: null,
    },
  };
}
