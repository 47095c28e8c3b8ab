import * as z from "zod";
import type { Gate } from "../../domain/run.ts";
import { workerResultSchema } from "../../domain/worker-result.ts";
import { MAX_ROUNDS } from "../../events.ts";
import type { DecisionInput, Phase } from "../phase.ts";
import { listBreaches } from "./breaches.ts";
import { EXECUTOR_PROFILE, VERIFIER_PROFILE } from "./profiles.ts";

/** Of the executor and of the verifiers. What the executor says decides nothing: git does. */
const implementationResultSchema = workerResultSchema.extend({
  summary: z.string().max(4000).optional().describe("What was done, in a few sentences"),
});

/** One executor edits and commits; the others verify; it mends what they found, at most so often. */
export const implementation: Phase = {
  type: "implementation",
  profile: VERIFIER_PROFILE,
  executorProfile: EXECUTOR_PROFILE,
  resultSchema: implementationResultSchema,
  defaultRoster: "configured",
  readOnly: false,
  judgesCommit: false,
  reproduces: true,
  executesCriteria: false,
  aboutText: false,
  decide,
};

/** Breaches that no round of fixes undoes: the run ends and a person looks. */
const ABORTING = ["history-rewritten", "other-refs-changed", "main-checkout-changed"];

/**
 * Open only when the executor finished and left commits and nothing else, stayed inside the plan and the task's own
 * branch, every verifier was heard, and no finding blocks or waits for a person. Each thing that holds has its code.
 */
function decide(input: DecisionInput): ReturnType<Phase["decide"]> {
  const { work, executor, lanes, convergence, treeChanges } = input;
  const holding: string[] = [];
  if (executor?.end !== "ok") holding.push("executor-not-ok");
  if (input.commit === "") holding.push("no-commit");
  else if ((work?.commits.length ?? 0) === 0) holding.push("no-commits");
  if (input.executorFindings.some(({ severity }) => severity === "P0" || severity === "P1")) holding.push("executor-left-open");
  holding.push(...listBreaches(input).map(({ code }) => code));
  if (lanes.length === 0 || lanes.some((lane) => lane.end !== "ok")) holding.push("verifiers-missing");
  if (treeChanges.length > 0) holding.push("tree-changed");
  const blocks = convergence.clusters.some((cluster) => cluster.disposition === "blocks");
  const held = convergence.clusters.some((cluster) => cluster.disposition === "held");
  if (blocks) holding.push("blocking-findings");
  if (held) holding.push("held-findings");
  if (blocks || held) holding.push(...roundsOver(input));

  const open = holding.length === 0;
  const information: string[] = [];
  if (open) information.push("all-clear");
  if (input.context.plan === null) information.push("without-plan");
  if (!convergence.crossChecked && lanes.some((lane) => lane.end === "ok")) information.push("no-cross-check");
  const kind: Gate["kind"] = holding.some((code) => ABORTING.includes(code)) ? "abort" : "escalation";
  return {
    verdict: open ? "implemented" : "not-implemented",
    gate: { name: "work", kind, open, reasons: [...holding, ...information], override: null },
  };
}

/** Why there is no further round although findings are open: the last one mended nothing, or it was the last. */
function roundsOver({ blockersPerRound, round }: DecisionInput): string[] {
  const [before, now] = blockersPerRound.slice(-2);
  const isStalled = before !== undefined && now !== undefined && now > 0 && now >= before;
  return [...(isStalled ? ["stalled"] : []), ...(round >= MAX_ROUNDS ? ["rounds-exhausted"] : [])];
}
