import { expect, test } from "vitest";
import { nextPhase, type NextFacts, type NextRun } from "../machine/next-phase.ts";
import { listRemaining } from "./remaining.ts";

const facts = (more: Partial<NextFacts> = {}): NextFacts => ({
  task: "g/t",
  category: "feature",
  hasBrief: true,
  startAt: null,
  head: "abc",
  runs: [],
  discovery: null,
  plan: null,
  questions: [],
  ...more,
});
const run = (type: NextRun["type"], more: Partial<NextRun> = {}): NextRun => ({
  type,
  run: 1,
  stage: "ended",
  resumable: false,
  verdict: "accepted",
  gate: null,
  open: true,
  commit: "abc",
  valid: true,
  ...more,
});
const remaining = (more: Partial<NextFacts> = {}): readonly string[] => {
  const all = facts(more);
  return listRemaining(all, nextPhase(all));
};

test("a new task has all phases that its category and its brief ask for", () => {
  expect(remaining()).toEqual(["requirements-discovery", "implementation-planning", "implementation", "final-verification"]);
  expect(remaining({ category: "bugfix" })).toEqual(["error-analysis", "implementation-planning", "implementation", "final-verification"]);
  expect(remaining({ category: "bugfix", hasBrief: false })).toHaveLength(5);
  expect(remaining({ startAt: "implementation" })).toEqual(["implementation", "final-verification"]);
});

test("what passed is left out, and what discovery calls unnecessary", () => {
  const discovery = { size: "trivial", nextPhase: null, skip: [] } as const;
  expect(remaining({ runs: [run("requirements-discovery")], discovery })).toEqual(["implementation", "final-verification"]);
  expect(remaining({ runs: [run("requirements-discovery"), run("implementation-planning"), run("implementation")] })).toEqual([
    "final-verification",
  ]);
});

test("a run that was begun counts, what is verified has nothing left", () => {
  expect(remaining({ runs: [run("implementation", { stage: "running", resumable: true, open: false })] })).toEqual([
    "implementation",
    "final-verification",
  ]);
  expect(remaining({ runs: [run("final-verification")] })).toEqual([]);
});

test("a held gate: a person's word lets it pass, or the phase that answers it is run again", () => {
  const waiting = run("implementation-planning", {
    open: false,
    gate: { name: "plan", kind: "escalation", reasons: ["plan-not-approved"] },
  });
  expect(remaining({ runs: [run("requirements-discovery"), waiting] })).toEqual(["implementation", "final-verification"]);
  const bad = run("final-verification", { open: false, gate: { name: "verdict", kind: "abort", reasons: ["blocking-findings"] } });
  expect(remaining({ runs: [bad] })).toEqual(["implementation", "final-verification"]);
  const unheard = run("final-verification", { open: false, gate: { name: "verdict", kind: "abort", reasons: ["no-lane-ok"] } });
  expect(remaining({ runs: [unheard] })).toEqual(["final-verification"]);
});
