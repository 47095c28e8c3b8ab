import { expect, test } from "vitest";
import { NEXT_STEPS } from "./codes.ts";
import { nextSteps, type NextStepFacts } from "./next-steps.ts";

const gate = (reasons: readonly string[], open = false): NonNullable<NextStepFacts["gate"]> => ({
  name: "gate",
  kind: "escalation",
  open,
  reasons: [...reasons],
  override: null,
});

const steps = (more: Partial<NextStepFacts>): string[] => {
  const found = nextSteps({
    taskKey: "shop/orders/fix-totals",
    type: "final-verification",
    gate: gate([]),
    verdict: "none",
    clusters: [],
    isVerify: false,
    worktree: "/w/fix totals",
    ...more,
  });
  for (const { code } of found) expect(NEXT_STEPS).toContain(code);
  return found.map(({ code, command }) => (command === null ? code : `${code}: ${command}`));
};

const question = (
  id: string,
  blocks: "approval" | "progress" | "none",
  isAnswered = false,
): NonNullable<NextStepFacts["clarifications"]>[number] => ({
  id,
  blocks,
  answer: isAnswered ? { text: "Yes.", by: "dana", at: "2026-11-02T09:30:00.000Z" } : null,
});

const OVERRIDE = (type: string): string => `override: okstra override orders/fix-totals ${type} --reason "…"`;

test.each<[string, Partial<NextStepFacts>, string[]]>([
  [
    "requirements with open questions",
    {
      type: "requirements-discovery",
      gate: gate(["clarifications-open"]),
      clarifications: [question("Q1", "approval"), question("Q2", "none"), question("Q3", "progress", true), question("Q4", "progress")],
    },
    ['answer-questions: okstra answer orders/fix-totals Q1="…" Q4="…"'],
  ],
  ["open questions of unknown ids", { gate: gate(["clarifications-open"]) }, ["answer-questions: okstra answer orders/fix-totals"]],
  ["requirements that are clear", { type: "requirements-discovery", gate: gate([], true) }, ["go-on: okstra next orders/fix-totals"]],
  [
    "requirements that nobody classified",
    { type: "requirements-discovery", gate: gate(["not-classified"]) },
    ["configure-workers", OVERRIDE("requirements-discovery")],
  ],
  [
    "a confirmed cause",
    { type: "error-analysis", verdict: "reproduced", gate: gate(["cause-confirmed"], true) },
    ["plan-implementation: okstra run orders/fix-totals --task-type implementation-planning"],
  ],
  [
    "no cause",
    { type: "error-analysis", verdict: "not-reproduced", gate: gate(["no-reproduction"]) },
    ["find-cause: okstra run orders/fix-totals --task-type error-analysis", OVERRIDE("error-analysis")],
  ],
  [
    "a plan to approve",
    { type: "implementation-planning", gate: gate(["plan-not-approved"]) },
    ["approve-plan: okstra approve orders/fix-totals", 'reject-plan: okstra reject orders/fix-totals --reason "…"'],
  ],
  [
    "a rejected plan",
    { type: "implementation-planning", gate: gate(["plan-rejected"]) },
    ["plan-again: okstra run orders/fix-totals --task-type implementation-planning", OVERRIDE("implementation-planning")],
  ],
  [
    "a plan with findings that block",
    { type: "implementation-planning", gate: gate(["plan-not-approved", "blocking-findings"]) },
    [
      "run-again: okstra run orders/fix-totals --task-type implementation-planning",
      "approve-plan: okstra approve orders/fix-totals",
      'reject-plan: okstra reject orders/fix-totals --reason "…"',
    ],
  ],
  [
    "an approved plan",
    { type: "implementation-planning", gate: gate(["plan-approved"], true) },
    ["implement: okstra run orders/fix-totals --task-type implementation"],
  ],
  [
    "work that is done",
    { type: "implementation", verdict: "implemented", gate: gate(["all-clear"], true) },
    ["verify-work: okstra run orders/fix-totals --task-type final-verification"],
  ],
  [
    "work outside its limits",
    { type: "implementation", verdict: "not-implemented", gate: gate(["other-refs-changed", "blocking-findings", "verifiers-missing"]) },
    [
      "look-at-work: git -C '/w/fix totals' log --stat",
      "fix-round: okstra run orders/fix-totals --task-type implementation",
      "rerun-lanes: okstra run orders/fix-totals --task-type implementation",
      OVERRIDE("implementation"),
    ],
  ],
  ["an accepted commit", { verdict: "accepted", gate: gate(["all-clear"], true) }, ["merge-ready"]],
  [
    "a held finding: the override is named once",
    { verdict: "blocked", gate: gate(["held-findings"]) },
    ['answer-held: okstra override orders/fix-totals final-verification --reason "…"'],
  ],
  [
    "a criterion that is not met",
    { verdict: "blocked", gate: gate(["criteria-not-met"]) },
    ["fix-blocking: okstra run orders/fix-totals --task-type implementation", OVERRIDE("final-verification")],
  ],
  [
    "one family alone",
    { verdict: "conditional-accept", gate: gate(["no-cross-check"]) },
    ["add-worker: okstra run orders/fix-totals --task-type final-verification --workers checks,<another>", OVERRIDE("final-verification")],
  ],
  [
    "improvements",
    { type: "improvement-discovery", gate: gate(["nothing-held"], true), clusters: [{ id: "C1" }] },
    ["take-up-improvement: okstra task new <group>/<task> --from orders/fix-totals#C1"],
  ],
  [
    "a verify run names no task",
    { isVerify: true, taskKey: "shop/verify/abc", verdict: "blocked", gate: gate(["blocking-findings", "held-findings", "lane-not-ok"]) },
    ["fix-blocking", "answer-held", "rerun-lanes: okstra verify"],
  ],
  [
    "a hand-off: the one step that its report routes to",
    {
      type: "release-handoff",
      verdict: "push-rejected",
      gate: gate(["push-rejected"]),
      routing: { code: "update-and-retry", command: "okstra worktree update orders/fix-totals" },
    },
    ["update-and-retry: okstra worktree update orders/fix-totals"],
  ],
  ["a hand-off without a section: neither an override nor a run", { type: "release-handoff", gate: gate(["nothing-chosen"]) }, []],
  ["nothing was decided", { gate: null }, []],
])("%s", (_name, facts, expected) => {
  expect(steps(facts)).toEqual(expected);
});

test("a gate that a person passed leads on; of a verify run nothing is left", () => {
  const override = { reason: "It is late.", by: "dana", at: "2026-11-02T09:30:00.000Z", until: null };
  const passed = { ...gate(["override"], true), override };
  expect(steps({ gate: passed })).toEqual(["go-on: okstra next orders/fix-totals"]);
  expect(steps({ gate: passed, isVerify: true })).toEqual([]);
});
