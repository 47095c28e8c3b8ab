import { expect, test } from "vitest";
import type { DecisionInput } from "../phase.ts";
import { cluster, context, convergence, criterion, decisionInput, HEAD, lane } from "../shared/fixtures/decision-input.ts";
import { judgeCriteria } from "./criteria.ts";
import { finalVerification } from "./phase.ts";
import { buildFinalVerificationSection } from "./section.ts";

const executed = (id: string, exitCode: number | null, timedOut = false): DecisionInput["criterionExecutions"][number] => ({
  criterion: id,
  execution: {
    command: "npm test",
    commit: HEAD,
    exitCode,
    signal: null,
    timedOut,
    startedAt: "2026-11-02T09:30:00.000Z",
    durationMs: 5,
    outputSha256: "00",
    failureKeys: [],
  },
});

type Verdict = "met" | "not-met" | "unknown";
const says = (worker: string, verdicts: Record<string, Verdict>): DecisionInput["results"][number] => ({
  worker,
  result: {
    nonce: "n",
    findings: [],
    criteria: Object.entries(verdicts).map(([id, verdict]) => ({ id, verdict, evidence: { text: `${worker} looked at ${id}` } })),
  },
});

const decide = (more: Partial<DecisionInput>): { verdict: string; open: boolean; reasons: readonly string[] } => {
  const { verdict, gate } = finalVerification.decide(decisionInput(more));
  expect(gate.open).toBe(verdict === "accepted");
  return { verdict, open: gate.open, reasons: gate.reasons };
};

test.each<[string, Partial<DecisionInput>, string, string[]]>([
  ["nothing is wrong", {}, "accepted", ["all-clear"]],
  [
    "no lane was heard",
    { lanes: [lane("a", "acme", "failed")], convergence: convergence({ kEff: 0, crossChecked: false }) },
    "blocked",
    ["no-lane-ok", "lane-not-ok"],
  ],
  [
    "a finding blocks",
    { convergence: convergence({ clusters: [cluster("C1", { disposition: "blocks" })] }) },
    "blocked",
    ["blocking-findings"],
  ],
  ["a finding is held", { convergence: convergence({ clusters: [cluster("C1", { disposition: "held" })] }) }, "blocked", ["held-findings"]],
  ["the tree was changed", { treeChanges: [{ workers: ["a"], paths: ["x"] }] }, "blocked", ["tree-changed"]],
  ["one family alone", { convergence: convergence({ kEff: 1, crossChecked: false }) }, "conditional-accept", ["no-cross-check"]],
  [
    "a lane hit its quota (case 42)",
    { lanes: [lane("a", "acme"), lane("b", "north"), lane("c", "south", "quota")] },
    "conditional-accept",
    ["lane-not-ok"],
  ],
  ["there is no commit", { commit: "" }, "conditional-accept", ["no-commit"]],
])("%s: %#", (_name, more, verdict, reasons) => {
  expect(decide(more)).toMatchObject({ verdict, reasons });
});

const ONE = { context: context({ criteria: [criterion("AC1", "npm test")] }) };

test.each<[string, Partial<DecisionInput>, string, string[]]>([
  ["executed, exit 0", { criterionExecutions: [executed("AC1", 0)] }, "accepted", ["all-clear", "criteria-met"]],
  ["executed, exit 1", { criterionExecutions: [executed("AC1", 1)] }, "blocked", ["criteria-not-met"]],
  ["one of two executions failed", { criterionExecutions: [executed("AC1", 0), executed("AC1", 1)] }, "blocked", ["criteria-not-met"]],
  ["126 says nothing", { criterionExecutions: [executed("AC1", 126)] }, "conditional-accept", ["criteria-uncovered"]],
  ["127 says nothing", { criterionExecutions: [executed("AC1", 127)] }, "conditional-accept", ["criteria-uncovered"]],
  ["a time-out says nothing", { criterionExecutions: [executed("AC1", null, true)] }, "conditional-accept", ["criteria-uncovered"]],
  ["nobody says anything", {}, "conditional-accept", ["criteria-uncovered"]],
  [
    "all say unknown",
    { results: [says("a", { AC1: "unknown" }), says("b", { AC1: "unknown" })] },
    "conditional-accept",
    ["criteria-uncovered"],
  ],
  ["two families agree", { results: [says("a", { AC1: "met" }), says("b", { AC1: "met" })] }, "accepted", ["all-clear", "criteria-met"]],
  [
    "two families say not met",
    { results: [says("a", { AC1: "not-met" }), says("b", { AC1: "not-met" })] },
    "blocked",
    ["criteria-not-met"],
  ],
  ["half of the families is no majority", { results: [says("a", { AC1: "not-met" })] }, "conditional-accept", ["criteria-split"]],
  [
    "two families differ",
    { results: [says("a", { AC1: "met" }), says("b", { AC1: "not-met" })] },
    "conditional-accept",
    ["criteria-split"],
  ],
  [
    "an execution that passes outranks two words",
    { criterionExecutions: [executed("AC1", 0)], results: [says("a", { AC1: "not-met" }), says("b", { AC1: "not-met" })] },
    "accepted",
    ["all-clear", "criteria-met"],
  ],
  [
    "an execution that fails outranks two words",
    { criterionExecutions: [executed("AC1", 2)], results: [says("a", { AC1: "met" }), says("b", { AC1: "met" })] },
    "blocked",
    ["criteria-not-met"],
  ],
  [
    "two workers of one family are one voice",
    {
      lanes: [lane("a", "acme"), lane("a2", "acme"), lane("b", "north")],
      results: [says("a", { AC1: "not-met" }), says("a2", { AC1: "not-met" })],
    },
    "conditional-accept",
    ["criteria-split"],
  ],
  [
    "a lane that is not ok has said nothing",
    { lanes: [lane("a", "acme"), lane("b", "north"), lane("c", "south", "failed")], results: [says("c", { AC1: "met" })] },
    "conditional-accept",
    ["lane-not-ok", "criteria-uncovered"],
  ],
  ["a word on a criterion that is not there", { results: [says("a", { AC9: "not-met" })] }, "conditional-accept", ["criteria-uncovered"]],
])("one criterion: %s", (_name, more, verdict, reasons) => {
  expect(decide({ ...ONE, ...more })).toMatchObject({ verdict, reasons });
});

test("the section has each criterion with its evidence, the coverage, each side of the dissent and the risks", () => {
  const criteria = [criterion("AC1", "npm test"), criterion("AC2"), criterion("AC3"), criterion("AC4")];
  const input = decisionInput({
    context: context({ criteria }),
    criterionExecutions: [executed("AC1", 0)],
    results: [
      { worker: "a", result: { ...says("a", { AC1: "not-met", AC2: "met", AC3: "met" }).result, residualRisks: ["Load was not tried."] } },
      says("b", { AC2: "not-met", AC3: "met" }),
    ],
    findings: [
      { id: "a#1", worker: "a", family: "acme", claim: "Races.", category: "race", severity: "P0" },
      { id: "b#1", worker: "b", family: "north", claim: "Harmless race.", category: "race", severity: "P3" },
    ],
    convergence: convergence({
      clusters: [cluster("C1", { class: "contested", members: ["a#1", "b#1"], claim: "Races." }), cluster("C2", { members: ["a#2"] })],
      votes: [
        {
          item: "V1",
          findingId: "a#1",
          worker: "c",
          family: "south",
          answer: "refuted",
          evidence: "quoted-code",
          claimedEvidence: "quoted-code",
          text: "It holds the lock.",
          file: "src/a.ts",
          quote: "x",
          command: null,
          grounded: true,
        },
      ],
    }),
  });
  const section = buildFinalVerificationSection(input);
  expect(section.criteria.map(({ id, verdict, basis }) => [id, verdict, basis])).toEqual([
    ["AC1", "met", "executed"],
    ["AC2", "unknown", "split"],
    ["AC3", "met", "agreement"],
    ["AC4", "unknown", "none"],
  ]);
  expect(section.coverage).toEqual({ covered: 3, total: 4 });
  expect(section.dissent.map(({ about, id, sides }) => [about, id, sides.map(({ position, by }) => `${by} ${position}`)])).toEqual([
    ["finding", "C1", ["a raised-P0", "b raised-P3", "c refuted"]],
    ["criterion", "AC1", ["okstra met", "a not-met"]],
    ["criterion", "AC2", ["a met", "b not-met"]],
  ]);
  expect(section.residualRisks).toEqual([{ worker: "a", text: "Load was not tried." }]);
});

test("the order of workers has no effect on a verdict", () => {
  const words = [says("a", { AC1: "met" }), says("b", { AC1: "unknown" }), says("c", { AC1: "met" })];
  const lanes = [lane("a", "acme"), lane("b", "north"), lane("c", "south")];
  const [first] = judgeCriteria(decisionInput({ ...ONE, lanes, results: words }));
  const [second] = judgeCriteria(decisionInput({ ...ONE, lanes: lanes.toReversed(), results: words.toReversed() }));
  expect([first?.verdict, first?.basis]).toEqual(["met", "agreement"]);
  expect([second?.verdict, second?.basis]).toEqual(["met", "agreement"]);
});
