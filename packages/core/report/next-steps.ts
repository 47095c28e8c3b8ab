import type { Gate, Verdict } from "../domain/run.ts";
import type { Clarification } from "../domain/task-context.ts";
import type { HandoffSection } from "../phases/release-handoff/section.ts";
import type { NextStepCode } from "./codes.ts";
import { quoteForShell } from "./shell-words.ts";

/** What of a run decides what a person would do now. */
export interface NextStepFacts {
  /** `<project>/<group>/<task>`. */
  readonly taskKey: string;
  /** Task type. */
  readonly type: string;
  /** Null before it was decided. */
  readonly gate: Gate | null;
  readonly verdict: Verdict | null;
  readonly clusters: readonly { readonly id: string }[];
  /** A run of `okstra verify`, which has no task that could be answered, approved or overridden. */
  readonly isVerify: boolean;
  /** The tree that the run worked in. */
  readonly worktree: string;
  /** The task's questions after this run, the answered ones too; absent: none are known by their ids. */
  readonly clarifications?: readonly Pick<Clarification, "id" | "blocks" | "answer">[];
  /** What section 4.6.7 says; of a release-handoff only. */
  readonly routing?: HandoffSection["routing"] | null;
}

export interface NextStep {
  readonly code: NextStepCode;
  /** Exactly what to type; null when there is no one command for it. */
  readonly command: string | null;
}

const BREACHES = [
  "uncommitted-work",
  "outside-plan",
  "other-refs-changed",
  "main-checkout-changed",
  "history-rewritten",
  "agent-settings-changed",
  "protected-paths-changed",
];

/** What a person would do now, most urgent first; each with the command that does it. */
export function nextSteps(facts: NextStepFacts): NextStep[] {
  const { type, gate, isVerify } = facts;
  if (gate === null) return [];
  // It is not passed by a reason, and not run again by its type: a person takes it up, or what went out is waited for.
  if (type === "release-handoff") return facts.routing === undefined || facts.routing === null ? [] : [facts.routing];
  if (gate.override !== null) return isVerify ? [] : [goOn(facts)];
  const steps = [...blockersOf(facts), ...(isVerify ? [] : waysOn(facts))];
  if (facts.verdict === "accepted") steps.push({ code: "merge-ready", command: null });
  const asksOtherwise = gate.reasons.some((reason) => reason === "clarifications-open" || reason === "plan-not-approved");
  if (!gate.open && !isVerify && !asksOtherwise && !steps.some(({ command }) => command?.startsWith("okstra override") === true))
    steps.push({ code: "override", command: `okstra override ${taskOf(facts)} ${type} --reason "…"` });
  return steps;
}

function taskOf({ taskKey }: NextStepFacts): string {
  return taskKey.split("/").slice(1).join("/");
}

function runCommand(facts: NextStepFacts, type: string): string {
  return `okstra run ${taskOf(facts)} --task-type ${type}`;
}

function goOn(facts: NextStepFacts): NextStep {
  return { code: "go-on", command: `okstra next ${taskOf(facts)}` };
}

/** What stands in the way, whatever the phase. */
function blockersOf(facts: NextStepFacts): NextStep[] {
  const { type, gate, verdict, isVerify } = facts;
  const has = (...codes: readonly string[]): boolean => codes.some((code) => gate?.reasons.includes(code) === true);
  const again = isVerify ? "okstra verify" : runCommand(facts, type);
  const steps: NextStep[] = [];
  if (has("tree-changed")) steps.push({ code: "restore-tree", command: `git -C ${quoteForShell(facts.worktree)} status` });
  if (has("clarifications-open")) steps.push({ code: "answer-questions", command: answerCommand(facts) });
  if (has(...BREACHES)) steps.push({ code: "look-at-work", command: `git -C ${quoteForShell(facts.worktree)} log --stat` });
  if (type === "implementation") {
    if (has("blocking-findings", "no-commits", "executor-not-ok", "executor-left-open", "uncommitted-work"))
      steps.push({ code: "fix-round", command: again });
  } else if (type === "requirements-discovery" || type === "implementation-planning") {
    if (has("blocking-findings")) steps.push({ code: "run-again", command: again });
  } else if (has("blocking-findings", "criteria-not-met")) {
    steps.push({ code: "fix-blocking", command: isVerify ? null : runCommand(facts, "implementation") });
  }
  if (has("held-findings"))
    steps.push({ code: "answer-held", command: isVerify ? null : `okstra override ${taskOf(facts)} ${type} --reason "…"` });
  if (has("no-lane-ok", "lane-not-ok", "verifiers-missing")) steps.push({ code: "rerun-lanes", command: again });
  if (has("not-classified", "no-criteria") && !has("no-lane-ok")) steps.push({ code: "configure-workers", command: null });
  const wantsCrossCheck = type === "final-verification" || type === "error-analysis" || type === "implementation";
  if (wantsCrossCheck && has("no-cross-check") && verdict !== "blocked")
    steps.push({ code: "add-worker", command: `${again} --workers checks,<another>` });
  return steps;
}

/** What the phase leads to. */
function waysOn(facts: NextStepFacts): NextStep[] {
  const { type, gate, verdict } = facts;
  const has = (code: string): boolean => gate?.reasons.includes(code) === true;
  switch (type) {
    case "requirements-discovery":
      return gate?.open === true ? [goOn(facts)] : [];
    case "error-analysis":
      if (gate?.open === true) return [{ code: "plan-implementation", command: runCommand(facts, "implementation-planning") }];
      if (verdict === "reproduced") return [];
      return [{ code: facts.clusters.length > 0 ? "reproduce" : "find-cause", command: runCommand(facts, type) }];
    case "implementation-planning":
      if (gate?.open === true) return [{ code: "implement", command: runCommand(facts, "implementation") }];
      if (has("plan-not-approved"))
        return [
          { code: "approve-plan", command: `okstra approve ${taskOf(facts)}` },
          { code: "reject-plan", command: `okstra reject ${taskOf(facts)} --reason "…"` },
        ];
      return has("plan-rejected") || has("plan-invalid") || has("no-plan")
        ? [{ code: "plan-again", command: runCommand(facts, type) }]
        : [];
    case "implementation":
      return verdict === "implemented" ? [{ code: "verify-work", command: runCommand(facts, "final-verification") }] : [];
    case "improvement-discovery":
      return facts.clusters.length > 0
        ? [
            {
              code: "take-up-improvement",
              command: `okstra task new <group>/<task> --from ${taskOf(facts)}#${facts.clusters[0]?.id ?? "C1"}`,
            },
          ]
        : [];
    default:
      return has("earlier-gate-holds") ? [goOn(facts)] : [];
  }
}

/** `okstra answer <task> Q1="…" Q2="…"`, with each question that holds something up. */
function answerCommand(facts: NextStepFacts): string {
  const open = (facts.clarifications ?? []).filter(({ answer, blocks }) => answer === null && blocks !== "none");
  return [`okstra answer ${taskOf(facts)}`, ...open.map(({ id }) => `${id}="…"`)].join(" ");
}
