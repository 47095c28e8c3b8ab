import { expect, test } from "vitest";
import { workRecordSchema, type WorkRecord } from "../../domain/work-record.ts";
import type { DecisionInput } from "../phase.ts";
import { cluster, context, convergence, decisionInput, HEAD, lane, PLAN } from "../shared/fixtures/decision-input.ts";
import { implementation } from "./phase.ts";
import { buildImplementationSection, implementationSectionSchema } from "./section.ts";

const BASE = "a41d0c9e77b2358f6610de4b92c5f7308ad1e6bb";

function work(more: Partial<WorkRecord> = {}): WorkRecord {
  return workRecordSchema.parse({
    before: BASE,
    head: HEAD,
    branch: "fix-discount",
    commits: [{ sha: HEAD, subject: "Compare with >=", authoredAt: "2026-11-02T09:30:00Z", steps: ["S2"], files: [] }],
    diffstat: { files: 1, insertions: 1, deletions: 1 },
    files: [{ path: "src/discount.ts", status: "M", insertions: 1, deletions: 1 }],
    stepMap: [
      { step: "S1", commits: [] },
      { step: "S2", commits: [HEAD] },
    ],
    unmapped: [],
    outsidePlan: [],
    otherRefs: [],
    mainCheckout: [],
    rewritten: false,
    uncommitted: [],
    agentSettings: [],
    testFirst: [],
    ...more,
  });
}

const input = (more: Partial<DecisionInput> = {}): DecisionInput =>
  decisionInput({ work: work(), executor: lane("writer", "acme"), context: context({ plan: PLAN }), ...more });

const WITHOUT_PLAN = { context: context() };
const blocking = (disposition: "blocks" | "held"): Partial<DecisionInput> => ({
  convergence: convergence({ clusters: [cluster("C1", { disposition })] }),
});

test.each<[string, Partial<DecisionInput>, string[], "escalation" | "abort"]>([
  ["the work is done", {}, ["all-clear"], "escalation"],
  ["there was no plan", { ...WITHOUT_PLAN, work: work({ outsidePlan: ["x"] }) }, ["all-clear", "without-plan"], "escalation"],
  [
    "one family alone verified",
    { convergence: convergence({ kEff: 1, crossChecked: false }) },
    ["all-clear", "no-cross-check"],
    "escalation",
  ],
  ["the executor failed", { executor: lane("writer", "acme", "failed") }, ["executor-not-ok"], "escalation"],
  ["case 42: the executor is out of quota", { executor: lane("writer", "acme", "quota") }, ["executor-not-ok"], "escalation"],
  ["no executor ran", { executor: null, work: null }, ["executor-not-ok", "no-commits"], "escalation"],
  ["it committed nothing", { work: work({ commits: [] }) }, ["no-commits"], "escalation"],
  ["work without git", { work: null, commit: "" }, ["no-commit"], "escalation"],
  ["it left changes uncommitted", { work: work({ uncommitted: ["src/a.ts"] }) }, ["uncommitted-work"], "escalation"],
  ["case 41: it edited outside the plan", { work: work({ outsidePlan: ["src/b.ts"] }) }, ["outside-plan"], "escalation"],
  [
    "case 41: it committed on another branch",
    { work: work({ otherRefs: [{ ref: "refs/heads/main", from: BASE, to: HEAD }] }) },
    ["other-refs-changed"],
    "abort",
  ],
  ["case 41: it edited the main checkout", { work: work({ mainCheckout: ["src/a.ts"] }) }, ["main-checkout-changed"], "abort"],
  ["case 41: it rewrote history", { work: work({ rewritten: true }) }, ["history-rewritten"], "abort"],
  ["case 13: it changed settings of agents", { work: work({ agentSettings: [".mcp.json"] }) }, ["agent-settings-changed"], "escalation"],
  ["a verifier crashed", { lanes: [lane("a", "acme"), lane("b", "north", "failed")] }, ["verifiers-missing"], "escalation"],
  [
    "the executor says that something grave is not done",
    {
      executorFindings: [
        { id: "writer.execute#1", worker: "writer", family: "acme", claim: "S2 is not done", category: "scope", severity: "P1" },
      ],
    },
    ["executor-left-open"],
    "escalation",
  ],
  ["nobody verified", { lanes: [] }, ["verifiers-missing"], "escalation"],
  ["a verifier changed the tree", { treeChanges: [{ workers: ["a"], paths: ["x"] }] }, ["tree-changed"], "escalation"],
  ["a finding blocks", { ...blocking("blocks"), blockersPerRound: [1] }, ["blocking-findings"], "escalation"],
  ["a finding waits for a person", { ...blocking("held"), blockersPerRound: [1] }, ["held-findings"], "escalation"],
  [
    "the second round mended nothing",
    { ...blocking("blocks"), round: 2, blockersPerRound: [1, 1] },
    ["blocking-findings", "stalled"],
    "escalation",
  ],
  ["the second round mended something", { ...blocking("blocks"), round: 2, blockersPerRound: [2, 1] }, ["blocking-findings"], "escalation"],
  [
    "the third round was the last",
    { ...blocking("blocks"), round: 3, blockersPerRound: [3, 2, 1] },
    ["blocking-findings", "rounds-exhausted"],
    "escalation",
  ],
  ["the third round mended all", { round: 3, blockersPerRound: [3, 1, 0] }, ["all-clear"], "escalation"],
  [
    "many things at once, each named",
    { executor: lane("writer", "acme", "timeout"), work: work({ rewritten: true, uncommitted: ["a"], outsidePlan: ["b"] }), lanes: [] },
    ["executor-not-ok", "history-rewritten", "outside-plan", "uncommitted-work", "verifiers-missing"],
    "abort",
  ],
])("%s", (_name, more, reasons, kind) => {
  const { verdict, gate } = implementation.decide(input(more));
  const open = reasons[0] === "all-clear";
  expect(gate).toEqual({ name: "work", kind, open, reasons, override: null });
  expect(verdict).toBe(open ? "implemented" : "not-implemented");
});

test("an advisory finding does not hold", () => {
  const clusters = [cluster("C1", { severity: "P2" }), cluster("C2", { class: "dismissed" })];
  expect(implementation.decide(input({ convergence: convergence({ clusters }) })).gate.open).toBe(true);
});

test("what a worker says of its work decides nothing", () => {
  const results = [
    { worker: "writer", result: { nonce: "n", findings: [], summary: "All is committed.", gate: "open", verdict: "implemented" } },
  ];
  expect(implementation.decide(input({ results, work: work({ commits: [] }) })).gate.open).toBe(false);
});

test("the section maps steps to commits and names what is outside the limits", () => {
  const section = buildImplementationSection(
    input({
      blockersPerRound: [2, 0],
      round: 2,
      work: work({
        unmapped: [BASE],
        outsidePlan: ["src/b.ts"],
        otherRefs: [{ ref: "refs/tags/v1", from: null, to: HEAD }],
        testFirst: [
          {
            command: "npx vitest run",
            testFiles: ["test/basket.test.ts"],
            before: { commit: BASE, exitCode: 1, failed: true },
            after: { commit: HEAD, exitCode: 0, failed: false },
            shown: true,
            note: "",
          },
        ],
      }),
    }),
  );
  expect(implementationSectionSchema.parse(section)).toEqual(section);
  expect(section).toMatchObject({
    executor: { worker: "writer", end: "ok" },
    rounds: [
      { round: 1, blockers: 2 },
      { round: 2, blockers: 0 },
    ],
    commits: [{ id: HEAD, subject: "Compare with >=" }],
    hasPlan: true,
    steps: [
      { id: "S1", text: "Test the limit", commits: [] },
      { id: "S2", text: "Compare with >=", commits: [HEAD] },
    ],
    unmapped: [BASE],
    testFirst: [{ outcome: "shown", before: { exitCode: 1 } }],
    breaches: [
      { code: "other-refs-changed", details: [`refs/tags/v1: none → ${HEAD.slice(0, 12)}`] },
      { code: "outside-plan", details: ["src/b.ts"] },
    ],
  });
});

test("without git the record is empty", () => {
  const section = buildImplementationSection(input({ work: null, commit: "", executor: null, context: context(), blockersPerRound: [] }));
  expect(section).toEqual({
    executor: null,
    rounds: [],
    commits: [],
    diffstat: { files: 0, insertions: 0, deletions: 0 },
    files: [],
    hasPlan: false,
    steps: [],
    unmapped: [],
    testFirst: [],
    breaches: [],
  });
});
