import type { RunEvent } from "@okstra/core/events";
import { expect, test } from "vitest";
import { effectiveGate } from "./effective-gate.ts";

const NOW = "2026-06-01T12:00:00.000Z";
const LINE = { at: NOW, prev: "", keyId: "", seal: "" };

function decided(name: string, open: boolean, reasons: string[]): RunEvent {
  const gate = { name, kind: "escalation" as const, open, reasons, override: null };
  return { ...LINE, seq: 1, type: "gate-decided", verdict: "none", gate, commit: "c", looked: {} };
}
function overridden(name: string, until: string | null): RunEvent {
  return { ...LINE, seq: 2, type: "gate-overridden", gate: name, reason: "known", by: "ann", until, commit: "c" };
}
const look = (events: RunEvent[], part: Partial<Parameters<typeof effectiveGate>[0]> = {}) =>
  effectiveGate({ events, ended: true, valid: true, clarifications: [], planApproved: false, now: NOW, ...part });
const ANSWER = { text: "yes", by: "ann", at: NOW };

test("a gate that was decided open is open, once the run has ended and is valid", () => {
  expect(look([decided("cause", true, ["cause-confirmed"])])).toMatchObject({ open: true, by: "decision" });
  expect(look([decided("cause", true, [])], { ended: false }).open).toBe(false);
  expect(look([decided("cause", true, [])], { valid: false }).open).toBe(false);
  expect(look([decided("cause", true, [])], { valid: null }).open).toBe(false);
  expect(look([]).open).toBe(false);
});

test("an override counts until its end, and for ever without one; one of another gate does not", () => {
  const held = decided("verdict", false, ["no-cross-check"]);
  expect(look([held, overridden("verdict", null)])).toMatchObject({ open: true, by: "override", override: { reason: "known", by: "ann" } });
  expect(look([held, overridden("verdict", "2026-06-01T12:00:00.001Z")]).open).toBe(true);
  expect(look([held, overridden("verdict", NOW)]).open).toBe(false);
  expect(look([held, overridden("verdict", "2020-01-01T00:00:00.000Z")]).open).toBe(false);
  expect(look([held, overridden("cause", null)]).open).toBe(false);
  expect(look([held, overridden("verdict", null)], { valid: false }).open).toBe(false);
});

test("questions that are answered lift what only they held", () => {
  const held = decided("clarifications", false, ["clarifications-open", "no-cross-check"]);
  const open = { blocks: "approval" as const, answer: null };
  expect(
    look([held], {
      clarifications: [
        { ...open, answer: ANSWER },
        { blocks: "progress", answer: null },
      ],
    }),
  ).toMatchObject({ open: true, by: "answers" });
  expect(look([held], { clarifications: [{ ...open, answer: ANSWER }, open] }).open).toBe(false);
  expect(look([decided("clarifications", false, ["clarifications-open", "no-criteria"])], { clarifications: [] }).open).toBe(false);
});

test("an approval lifts what only the plan's waiting held, and answers what they held", () => {
  const held = decided("approval", false, ["plan-not-approved", "no-cross-check"]);
  expect(look([held], { planApproved: true })).toMatchObject({ open: true, by: "approval" });
  expect(look([held]).open).toBe(false);
  expect(look([decided("approval", false, ["plan-not-approved", "held-findings"])], { planApproved: true }).open).toBe(false);
  const both = decided("approval", false, ["plan-not-approved", "clarifications-open"]);
  expect(look([both], { planApproved: true, clarifications: [{ blocks: "approval", answer: null }] }).open).toBe(false);
  expect(look([both], { planApproved: true, clarifications: [{ blocks: "approval", answer: ANSWER }] }).open).toBe(true);
});

test("nothing that holds without a reason is lifted", () => {
  expect(look([decided("approval", false, [])], { planApproved: true }).open).toBe(false);
  expect(look([decided("approval", false, ["no-cross-check"])], { planApproved: true }).open).toBe(false);
});
