import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { DecisionInput } from "../phase.ts";
import { cluster, context, convergence, decisionInput, lane } from "../shared/fixtures/decision-input.ts";
import { requirementsDiscovery } from "./phase.ts";
import { requirementsResultSchema } from "./result-schema.ts";
import { buildRequirementsSection, requirementsSectionSchema } from "./section.ts";

const CRITERION = {
  text: "Exactly 50.00 earns five per cent.",
  check: { kind: "command", command: "npm test -- -t limit", how: "It passes." },
};
const QUESTION = { question: "Before shipping?", why: "It decides the sum.", blocks: "approval" };

const says = (worker: string, more: object = {}): DecisionInput["results"][number] => ({
  worker,
  result: { nonce: "n", findings: [], category: "bugfix", size: "small", criteria: [CRITERION], ...more },
});
const table = (answer: string | null): Partial<DecisionInput> => ({
  context: context({
    clarifications: [
      { ...QUESTION, id: "Q1", raisedBy: [], answer: answer === null ? null : { text: answer, by: "kim", at: "2026-11-02T09:30:00.000Z" } },
    ],
  }),
});

test.each<[string, Partial<DecisionInput>, boolean, string[]]>([
  ["classified, nothing asked", { results: [says("a")] }, true, ["all-clear"]],
  [
    "one family alone",
    { results: [says("a")], convergence: convergence({ kEff: 1, crossChecked: false }) },
    true,
    ["all-clear", "no-cross-check"],
  ],
  [
    "no lane was heard",
    { results: [says("a")], lanes: [lane("a", "acme", "failed")], convergence: convergence({ kEff: 0, crossChecked: false }) },
    false,
    ["no-lane-ok"],
  ],
  [
    "only a failed lane classified",
    { results: [says("a")], lanes: [lane("a", "acme", "timeout"), lane("b", "north")] },
    false,
    ["not-classified", "no-criteria"],
  ],
  [
    "the smallest valid result",
    { results: [{ worker: "a", result: { nonce: "n", findings: [] } }] },
    false,
    ["not-classified", "no-criteria"],
  ],
  ["no criterion", { results: [says("a", { criteria: [] })] }, false, ["no-criteria"]],
  ["no criterion and no size", { results: [says("a", { criteria: [], size: undefined })] }, false, ["no-criteria"]],
  ["a trivial task needs none", { results: [says("a", { criteria: [], size: "trivial" })] }, true, ["all-clear"]],
  ["a question that blocks", { results: [says("a", { clarifications: [QUESTION] })] }, false, ["clarifications-open"]],
  ["a question that does not", { results: [says("a", { clarifications: [{ ...QUESTION, blocks: "progress" }] })] }, true, ["all-clear"]],
  ["it was answered before", { results: [says("a", { clarifications: [QUESTION] })], ...table("Yes.") }, true, ["clarifications-answered"]],
  ["an old question is still open", { results: [says("a")], ...table(null) }, false, ["clarifications-open"]],
  [
    "a finding blocks",
    { results: [says("a")], convergence: convergence({ clusters: [cluster("C1", { disposition: "blocks" })] }) },
    false,
    ["blocking-findings"],
  ],
  [
    "a finding is held",
    { results: [says("a")], convergence: convergence({ clusters: [cluster("C1", { disposition: "held" })] }) },
    false,
    ["held-findings"],
  ],
  ["the tree was changed", { results: [says("a")], treeChanges: [{ workers: ["a"], paths: ["x"] }] }, false, ["tree-changed"]],
])("the gate: %s", (_name, more, open, reasons) => {
  expect(requirementsDiscovery.decide(decisionInput(more))).toEqual({
    verdict: "none",
    gate: { name: "clarifications", kind: "escalation", open, reasons, override: null },
  });
});

const LANES = [lane("a", "acme"), lane("b", "north"), lane("c", "south"), lane("d", "acme")];
const section = (results: DecisionInput["results"], lanes = LANES): ReturnType<typeof buildRequirementsSection> => {
  const built = buildRequirementsSection(decisionInput({ results, lanes }));
  expect(requirementsSectionSchema.parse(built)).toEqual(built);
  return built;
};

test("category, size and next phase are what most families say, not most workers", () => {
  const built = section([
    says("a", { category: "feature", size: "large", nextPhase: "implementation" }),
    says("d", { category: "feature", size: "large", nextPhase: "implementation" }),
    says("b", { nextPhase: "error-analysis" }),
    says("c", { nextPhase: "error-analysis" }),
  ]);
  expect(built).toMatchObject({ category: "bugfix", size: "small", nextPhase: "error-analysis", notes: [] });
});

test("a tie takes the first category, the larger size and the earlier phase, and is noted", () => {
  const built = section([
    says("a", { category: "refactor", size: "small", nextPhase: "implementation" }),
    says("b", { category: "feature", size: "normal", nextPhase: "implementation-planning" }),
  ]);
  expect(built).toMatchObject({ category: "feature", size: "normal", nextPhase: "implementation-planning" });
  expect(built.notes).toEqual([
    { note: "tie", about: "category", between: ["feature", "refactor"] },
    { note: "tie", about: "size", between: ["normal", "small"] },
    { note: "tie", about: "nextPhase", between: ["implementation-planning", "implementation"] },
  ]);
});

test("the next phase is neither this one nor the hand-off", () => {
  const built = section([says("a", { nextPhase: "release-handoff" }), says("b", { nextPhase: "requirements-discovery" })]);
  expect(built.nextPhase).toBeNull();
});

test("a phase is skipped when more than half of the heard families want it, and final-verification never", () => {
  const skip = (...phases: readonly string[]): object => ({ skip: phases.map((phase) => ({ phase, why: `${phase} is not needed` })) });
  const wanting = [
    says("a", skip("error-analysis", "final-verification")),
    says("b", skip("error-analysis", "final-verification", "implementation-planning")),
  ];
  expect(section([...wanting, says("c", skip("final-verification"))]).skip).toEqual([
    {
      phase: "error-analysis",
      reasons: [
        { worker: "a", why: "error-analysis is not needed" },
        { worker: "b", why: "error-analysis is not needed" },
      ],
    },
  ]);
  expect(section([wanting[0] ?? says("a"), says("d", skip("error-analysis"))]).skip).toEqual([]);
});

test("neither the order of lanes nor of results changes the section", () => {
  const said = fc.record(
    {
      category: fc.constantFrom("bugfix", "feature", "ops"),
      size: fc.constantFrom("trivial", "small", "large"),
      nextPhase: fc.constantFrom("error-analysis", "implementation"),
      skip: fc.array(fc.record({ phase: fc.constantFrom("error-analysis", "implementation-planning"), why: fc.constantFrom("x", "y") }), {
        maxLength: 2,
      }),
      clarifications: fc.array(fc.constantFrom(QUESTION, { ...QUESTION, blocks: "none", question: "before shipping" }), { maxLength: 2 }),
    },
    { requiredKeys: [] },
  );
  const everything = { minLength: LANES.length, maxLength: LANES.length };
  fc.assert(
    fc.property(
      fc.array(said, everything),
      fc.shuffledSubarray([0, 1, 2, 3], everything),
      fc.shuffledSubarray(LANES, everything),
      (words, order, lanes) => {
        const results = words.map((each, at) => says(LANES[at]?.worker ?? "", each));
        expect(
          section(
            order.flatMap((at) => results[at] ?? []),
            lanes,
          ),
        ).toEqual(section(results));
      },
    ),
  );
});

test("a result of the wrong shape says nothing, and a command with a NUL is of the wrong shape", () => {
  expect(section([{ worker: "a", result: { category: "bugfix" } }]).classifications).toEqual([]);
  const withNul = { ...CRITERION, check: { ...CRITERION.check, command: "npm\0test" } };
  expect(requirementsResultSchema.safeParse(says("a", { criteria: [withNul] }).result).success).toBe(false);
  expect(requirementsResultSchema.safeParse(says("a").result).success).toBe(true);
});
