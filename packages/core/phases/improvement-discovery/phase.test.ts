import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Cluster } from "../../convergence/cluster.ts";
import { LANGUAGES } from "../../report/wording.ts";
import type { DecisionInput } from "../phase.ts";
import { findSubheadProblems } from "../requirements-discovery/fixtures/subhead-problems.ts";
import { cluster, convergence, decisionInput, lane } from "../shared/fixtures/decision-input.ts";
import { improvementsBlocks } from "./blocks.ts";
import { improvementDiscovery } from "./phase.ts";
import { buildImprovementsSection, improvementsSectionSchema } from "./section.ts";
import { SUBHEADS } from "./wording.ts";

test.each<[string, Partial<DecisionInput>, boolean, string[]]>([
  ["a lane was heard", {}, true, ["nothing-held"]],
  [
    "a grave finding holds nothing",
    { convergence: convergence({ clusters: [cluster("C1", { severity: "P0", disposition: "blocks" })] }) },
    true,
    ["nothing-held"],
  ],
  ["a changed tree is named", { treeChanges: [{ workers: ["a"], paths: ["x"] }] }, true, ["nothing-held", "tree-changed"]],
  ["no lane was heard", { lanes: [lane("a", "acme", "failed")] }, false, ["no-lane-ok"]],
])("the gate: %s", (_name, more, open, reasons) => {
  expect(improvementDiscovery.decide(decisionInput(more))).toEqual({
    verdict: "none",
    gate: { name: "none", kind: "escalation", open, reasons, override: null },
  });
});

type Rated = readonly [finding: number, benefit: string, effort: string, nextPhase?: string, why?: string];

const rates = (worker: string, ...ratings: readonly Rated[]): DecisionInput["results"][number] => ({
  worker,
  result: {
    nonce: "n",
    findings: [],
    improvements: ratings.map(([finding, benefit, effort, nextPhase = "implementation", why = "Simpler."]) => ({
      finding,
      benefit,
      effort,
      nextPhase,
      why,
    })),
  },
});
const improvement = (id: string, members: string[], more: Partial<Cluster> = {}): Cluster =>
  cluster(id, { members, claim: `Claim of ${id}.`, severity: "P3", support: 1, ...more });

const LANES = [lane("a", "acme"), lane("b", "north"), lane("c", "south"), lane("d", "acme", "timeout")];
const section = (clusters: Cluster[], results: DecisionInput["results"], lanes = LANES): ReturnType<typeof buildImprovementsSection> => {
  const built = buildImprovementsSection(decisionInput({ convergence: convergence({ clusters }), results, lanes }));
  expect(improvementsSectionSchema.parse(built)).toEqual(built);
  return built;
};
const ranked = (clusters: Cluster[], results: DecisionInput["results"] = []): string[] =>
  section(clusters, results).improvements.map((each) => each.cluster);

test("the rank: support, class, severity, benefit, effort, then what it says", () => {
  const results = [rates("a", [1, "low", "small"], [2, "high", "large"], [3, "high", "small"], [4, "high", "small"])];
  expect(
    ranked(
      [
        improvement("C1", ["a#1"]),
        improvement("C2", ["a#2"]),
        improvement("C3", ["a#3"], { startLine: 9 }),
        improvement("C4", ["a#4"], { startLine: 2 }),
        improvement("C5", ["a#5"]),
        improvement("C6", ["a#6"], { severity: "P2" }),
        improvement("C7", ["a#7", "b#1"], { support: 2, class: "contested" }),
        improvement("C8", ["a#8", "b#2"], { support: 2, class: "consensus" }),
        improvement("C9", ["c#1"], { support: 0, class: "ungrounded", severity: "P0" }),
      ],
      results,
    ),
  ).toEqual(["C8", "C7", "C6", "C4", "C3", "C2", "C1", "C5", "C9"]);
});

test("what was dismissed is no improvement; everything else is one, rated or not", () => {
  const { improvements } = section(
    [improvement("C1", ["a#1"], { class: "dismissed" }), improvement("C2", ["a#2"], { file: null, startLine: null, quote: null })],
    [],
  );
  expect(improvements).toEqual([
    {
      cluster: "C2",
      claim: "Claim of C2.",
      severity: "P3",
      class: "unique",
      support: 1,
      benefit: null,
      effort: null,
      nextPhase: "requirements-discovery",
      evidence: { file: null, startLine: null, quote: null, reproducedBy: [] },
      reasons: [],
    },
  ]);
});

test("families rate together, and what ties is rated with caution", () => {
  const clusters = [improvement("C1", ["a#1", "b#1", "c#2"])];
  const three = section(clusters, [rates("a", [1, "high", "small"]), rates("b", [1, "high", "small"]), rates("c", [2, "low", "large"])]);
  expect(three.improvements).toMatchObject([{ benefit: "high", effort: "small", nextPhase: "implementation" }]);
  const two = section(clusters, [
    rates("a", [1, "high", "small"]),
    rates("b", [1, "low", "large", "implementation-planning", "Fewer bugs."]),
  ]);
  expect(two.improvements).toMatchObject([
    {
      benefit: "low",
      effort: "large",
      nextPhase: "implementation-planning",
      reasons: [
        { worker: "a", why: "Simpler." },
        { worker: "b", why: "Fewer bugs." },
      ],
    },
  ]);
});

test("a task does not begin with a hand-off, a lane that is not ok rates nothing, and a number too high is named", () => {
  const { improvements, unplaced } = section(
    [improvement("C1", ["a#1"])],
    [
      rates("a", [1, "high", "small", "release-handoff"], [7, "low", "small", "implementation", "Faster."]),
      rates("d", [1, "low", "large"]),
    ],
  );
  expect(improvements).toMatchObject([{ benefit: "high", nextPhase: "requirements-discovery", reasons: [{ worker: "a" }] }]);
  expect(unplaced).toEqual([{ worker: "a", finding: 7, why: "Faster." }]);
});

test("neither the order of lanes, results nor clusters changes the section", () => {
  const clusters = [
    improvement("C1", ["a#1", "b#1"], { support: 2 }),
    improvement("C2", ["a#2", "c#1"], { support: 2 }),
    improvement("C3", ["b#2"]),
  ];
  const rated = fc.tuple(fc.constantFrom(1, 2, 3), fc.constantFrom("high", "medium", "low"), fc.constantFrom("small", "medium", "large"));
  const three = { minLength: 3, maxLength: 3 };
  fc.assert(
    fc.property(
      fc.array(fc.array(rated, { maxLength: 3 }), three),
      fc.shuffledSubarray([0, 1, 2], three),
      fc.shuffledSubarray(clusters, three),
      (lists, order, otherClusters) => {
        const results = lists.map((list, at) => rates(LANES[at]?.worker ?? "", ...list));
        const other = order.flatMap((at) => results[at] ?? []);
        expect(section(otherClusters, other, LANES.toReversed())).toEqual(section(clusters, results));
      },
    ),
  );
});

const FULL = section(
  [
    improvement("C1", ["a#1", "b#1"], { support: 2, class: "consensus", reproducedBy: ["npm test"] }),
    improvement("C2", ["c#1"], { file: null, quote: null }),
  ],
  [rates("a", [1, "high", "small"], [9, "low", "small"]), rates("b", [1, "high", "large"])],
);

test.each(LANGUAGES)("%s: all parts of section 4", (lang) => {
  expect(improvementsBlocks(FULL, lang)).toMatchSnapshot();
});

test.each(LANGUAGES)("%s: every part stands under a known heading, and without improvements it says so", (lang) => {
  for (const given of [section([], []), FULL]) expect(findSubheadProblems(improvementsBlocks(given, lang), SUBHEADS[lang])).toEqual([]);
  expect(improvementsBlocks(section([], []), lang).map(({ kind }) => kind)).toEqual(["subhead", "empty"]);
});
