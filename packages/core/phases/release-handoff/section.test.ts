import { expect, test } from "vitest";
import { HANDOFF_OUTCOMES } from "../../domain/handoff.ts";
import { NEW_HANDOFF } from "../../machine/handoff-machine.ts";
import { HANDOFFS, handoffPlan, handoffRecord, HEAD, planOf, TASK, type HandoffName } from "./fixtures/handoffs.ts";
import { buildHandoffSection, decideHandoff, handoffSectionSchema, type HandoffSection } from "./section.ts";

const sectionOf = (name: HandoffName): HandoffSection => buildHandoffSection(handoffRecord(name), TASK);

test.each(HANDOFFS)("%s: the section is what its schema says, and says the same of the same record", (name) => {
  const section = sectionOf(name);
  expect(handoffSectionSchema.parse(JSON.parse(JSON.stringify(section)))).toEqual(section);
  expect(sectionOf(name)).toEqual(section);
});

test.each<[HandoffName, HandoffSection["outcome"], boolean, string, string]>([
  ["opened", "handed-off", true, "wait-for-merge", "okstra task done orders/fix-totals"],
  ["found", "handed-off", true, "wait-for-merge", "okstra task done orders/fix-totals"],
  ["no-forge", "handed-off", true, "open-by-hand", "okstra task done orders/fix-totals"],
  ["no-program", "handed-off", true, "open-by-hand", "okstra task done orders/fix-totals"],
  ["squashed-out", "handed-off", true, "wait-for-merge", "okstra task done orders/fix-totals"],
  ["committed", "committed", true, "commits-stay", "okstra task done orders/fix-totals"],
  ["squashed", "committed", true, "commits-stay", "okstra task done orders/fix-totals"],
  ["push-rejected", "push-rejected", false, "update-and-retry", "okstra worktree update orders/fix-totals"],
  ["skipped", "skipped", true, "take-up-again", "okstra handoff orders/fix-totals"],
  ["cancelled", "cancelled", false, "take-up-again", "okstra handoff orders/fix-totals"],
])("%s: %s, gate open: %s, then %s", (name, outcome, isOpen, code, command) => {
  const section = sectionOf(name);
  expect(section.outcome).toBe(outcome);
  expect(section.routing).toEqual({ code, command });
  const { verdict, gate } = decideHandoff(handoffRecord(name).state);
  expect(verdict).toBe(outcome);
  expect(gate.open).toBe(isOpen);
  expect(gate.override).toBeNull();
});

test("each outcome has one reason, and a state without an outcome counts as cancelled", () => {
  const reasons = HANDOFF_OUTCOMES.map((outcome) => decideHandoff({ outcome }).gate.reasons);
  expect(reasons).toEqual([["person-chose"], ["person-chose"], ["person-chose"], ["nothing-chosen"], ["push-rejected"]]);
  expect(decideHandoff(NEW_HANDOFF).verdict).toBe("cancelled");
});

test("a pull request is opened, found or none, and none says why", () => {
  const kinds = HANDOFFS.map((name) => {
    const { kind, reason } = sectionOf(name).pullRequest;
    return `${name}: ${kind}${reason === null ? "" : `, ${reason}`}`;
  });
  expect(kinds).toEqual([
    "opened: opened",
    "found: found",
    "no-forge: none, no-forge",
    "no-program: none, no-program",
    "committed: none, not-asked-for",
    "squashed: none, not-asked-for",
    "squashed-out: opened",
    "push-rejected: none, not-pushed",
    "skipped: none, not-asked-for",
    "cancelled: none, not-asked-for",
  ]);
  expect(sectionOf("opened").pullRequest).toMatchObject({ number: 128, state: "open", title: planOf("opened").title });
  expect(sectionOf("no-program").pullRequest.compareUrl).toMatch(/^https:\/\/github\.com\/acme\/shop\/compare\//);
});

test.each(["skipped", "cancelled"] as const)("%s: the answers are there, and nothing that was executed, sent or opened", (name) => {
  const section = sectionOf(name);
  expect(section.selections.length).toBeGreaterThan(0);
  expect(section.choice === null).toBe(name === "cancelled");
  expect(section).toMatchObject({ calls: [], commits: [], outgoing: null, moved: null, push: null });
  expect(section.pullRequest).toMatchObject({ kind: "none", url: null, title: null, body: null, compareUrl: null });
});

test("a plan to skip measured nothing; what was looked at before the questions stays", () => {
  const { state } = sectionOf("skipped");
  expect(state).toMatchObject({ head: HEAD, base: null, diffstat: null, secretsScanned: null, notes: [] });
  expect(state.remote).toMatchObject({ name: "origin" });
});

test("what went out is the plan's commit, and after a rejection nothing", () => {
  expect(sectionOf("opened")).toMatchObject({ outgoing: HEAD, moved: null, push: { end: "pushed", reason: null } });
  const squashed = sectionOf("squashed-out");
  expect(squashed.outgoing).toBe(planOf("squashed-out").outgoing);
  expect(squashed.moved).toMatchObject({ from: HEAD, to: squashed.outgoing });
  expect(sectionOf("push-rejected")).toMatchObject({ outgoing: null, push: { end: "rejected" } });
  expect(sectionOf("push-rejected").commits).toHaveLength(2);
});

test("a hand-off that was cancelled before a plan still has its verification", () => {
  const { source } = handoffPlan();
  const record = { ...handoffRecord("cancelled"), plan: null, planSha256: null, answers: [] };
  expect(buildHandoffSection(record, TASK)).toMatchObject({ source, selections: [], choice: null, state: { base: null, notes: [] } });
});
