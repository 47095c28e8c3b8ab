import { expect, test } from "vitest";
import { TASK_TYPES } from "../domain/work.ts";
import { LANGUAGES } from "../report/wording.ts";
import { WORDING as FINAL_VERIFICATION } from "./final-verification/wording.ts";
import { WORDING as IMPLEMENTATION } from "./implementation/wording.ts";
import { PHASES, requirePhase } from "./index.ts";
import { buildSections } from "./sections.ts";
import { decisionInput } from "./shared/fixtures/decision-input.ts";

test("every task type but the hand-off can be run, each once", () => {
  const types = PHASES.map(({ type }) => type);
  expect(new Set(types).size).toBe(types.length);
  for (const type of TASK_TYPES) {
    if (type === "release-handoff")
      expect(() => requirePhase(type)).toThrow(expect.objectContaining({ code: "OKSTRA_PHASE_NOT_AVAILABLE" }));
    else expect(requirePhase(type).type).toBe(type);
  }
});

test("a run has its own phase's section and no other", () => {
  const names: Record<string, string> = {
    "requirements-discovery": "requirementsDiscovery",
    "error-analysis": "errorAnalysis",
    "implementation-planning": "implementationPlanning",
    implementation: "implementation",
    "final-verification": "finalVerification",
    "improvement-discovery": "improvementDiscovery",
  };
  for (const type of TASK_TYPES) {
    const filled = Object.entries(buildSections(type, decisionInput(), "g/t")).filter(([, section]) => section !== null);
    expect(filled.map(([name]) => name)).toEqual(type === "release-handoff" ? [] : [names[type]]);
  }
});

test("every phase decides from an empty run without a verdict that opens a gate of work", () => {
  const nothing = decisionInput({ lanes: [], commit: "" });
  for (const phase of PHASES) {
    const { gate } = phase.decide(nothing);
    expect([phase.type, gate.open]).toEqual([phase.type, false]);
    expect(gate.override).toBeNull();
  }
});

test.each([
  ["implementation", IMPLEMENTATION],
  ["final-verification", FINAL_VERIFICATION],
])("%s: Korean has every phrase of English, and none is left empty or in English", (_name, wording) => {
  const leaves = (value: unknown, path = ""): [string, string][] =>
    typeof value === "string"
      ? [[path, value]]
      : typeof value === "object" && value !== null
        ? Object.entries(value).flatMap(([key, item]) => leaves(item, `${path}.${key}`))
        : [];
  const english = new Map(leaves(wording.en));
  const korean = leaves(wording.ko);
  expect(LANGUAGES).toEqual(["en", "ko"]);
  expect(korean.map(([path]) => path)).toEqual([...english.keys()]);
  expect(korean.filter(([path, phrase]) => phrase.trim() === "" || phrase === english.get(path))).toEqual([]);
});
