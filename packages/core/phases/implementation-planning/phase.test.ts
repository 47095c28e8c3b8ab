import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { canonicalJson, planSchema, type Plan } from "../../domain/task-context.ts";
import { LANGUAGES } from "../../report/wording.ts";
import type { DecisionInput } from "../phase.ts";
import { findSubheadProblems } from "../requirements-discovery/fixtures/subhead-problems.ts";
import { cluster, context, convergence, decisionInput, lane, PLAN } from "../shared/fixtures/decision-input.ts";
import { planningBlocks } from "./blocks.ts";
import { implementationPlanning } from "./phase.ts";
import { buildPlanningSection, planningSectionSchema } from "./section.ts";
import { MAX_PLAN_MINUTES, MAX_PLAN_STEPS, PLAN_PROBLEMS } from "./validate-plan.ts";
import { SUBHEADS, WORDING } from "./wording.ts";

const { proposedBy: _, ...PROPOSED } = PLAN;
const INVALID = { ...PROPOSED, recommended: "O9" };
const QUESTION = { question: "Which list?", why: "There are two.", blocks: "approval" };

const plans = (worker: string, plan?: object, more: object = {}): DecisionInput["results"][number] => ({
  worker,
  result: { nonce: "n", findings: [], ...(plan === undefined ? {} : { plan }), ...more },
});

test.each<[string, Partial<DecisionInput>, string[]]>([
  ["a plan", { results: [plans("a", PROPOSED)] }, ["plan-not-approved"]],
  [
    "a plan of one family alone",
    { results: [plans("a", PROPOSED)], convergence: convergence({ kEff: 1, crossChecked: false }) },
    ["plan-not-approved", "no-cross-check"],
  ],
  ["the smallest valid result", { results: [plans("a")] }, ["no-plan"]],
  ["a plan that contradicts itself", { results: [plans("a", INVALID), plans("b")] }, ["plan-invalid"]],
  ["one valid plan is enough", { results: [plans("a", INVALID), plans("b", PROPOSED)] }, ["plan-not-approved"]],
  [
    "no lane was heard",
    { results: [plans("a", PROPOSED)], lanes: [lane("a", "acme", "quota")], convergence: convergence({ kEff: 0, crossChecked: false }) },
    ["no-lane-ok", "no-plan"],
  ],
  [
    "a question that blocks",
    { results: [plans("a", PROPOSED, { clarifications: [QUESTION] })] },
    ["plan-not-approved", "clarifications-open"],
  ],
  [
    "an old question that blocks",
    { results: [plans("a", PROPOSED)], context: context({ clarifications: [{ ...QUESTION, id: "Q1", raisedBy: [], answer: null }] }) },
    ["plan-not-approved", "clarifications-open"],
  ],
  [
    "findings and a changed tree",
    {
      results: [plans("a", PROPOSED)],
      convergence: convergence({ clusters: [cluster("C1", { disposition: "blocks" }), cluster("C2", { disposition: "held" })] }),
      treeChanges: [{ workers: ["a"], paths: ["x"] }],
    },
    ["plan-not-approved", "blocking-findings", "held-findings", "tree-changed"],
  ],
  [
    "an approval of an earlier run opens nothing",
    {
      results: [plans("a", PROPOSED)],
      context: context({ plan: PLAN, approval: { run: 1, planSha256: "x", by: "kim", at: "2026-11-02T09:30:00.000Z", kind: "approved" } }),
    },
    ["plan-not-approved"],
  ],
])("the gate never opens by itself: %s", (_name, more, reasons) => {
  expect(implementationPlanning.decide(decisionInput(more))).toEqual({
    verdict: "none",
    gate: { name: "approval", kind: "revision", open: false, reasons, override: null },
  });
});

const LANES = [lane("a", "acme"), lane("b", "north"), lane("c", "south", "failed")];
const section = (...results: readonly DecisionInput["results"][number][]): ReturnType<typeof buildPlanningSection> => {
  const built = buildPlanningSection(
    decisionInput({ results, lanes: LANES, sha256: (text) => createHash("sha256").update(text).digest("hex") }),
  );
  expect(planningSectionSchema.parse(built)).toEqual(built);
  return built;
};

test("the first of the roster that was heard and has a valid plan plans; the others' are kept", () => {
  const other = { ...PROPOSED, recommended: "O2", reason: "The list is wrong." };
  const built = section(plans("c", PROPOSED), plans("a", INVALID), plans("b", other));
  expect(built.plan).toEqual({ ...other, proposedBy: "b" });
  expect(built.invalid).toEqual([{ worker: "a", problems: ["recommended-unknown: O9"] }]);

  const both = section(plans("b", other), plans("a", PROPOSED));
  expect(both.plan?.proposedBy).toBe("b");
  expect(both.alternatives).toEqual([
    { worker: "a", options: PLAN.options, recommended: "O1", reason: PLAN.reason, stages: 1, minutes: 10 },
  ]);
  expect(both).toMatchObject({ minutes: 10, waves: [["G1"]], invalid: [] });
});

test("the hash binds every part of the plan, who proposed it too, and not the order of members", () => {
  const hashOf = (plan: object, worker = "a"): string | null => section(plans(worker, plan)).planSha256;
  const hash = hashOf(PROPOSED);
  expect(hash).toBe(
    createHash("sha256")
      .update(canonicalJson({ ...PLAN, proposedBy: "a" } satisfies Plan))
      .digest("hex"),
  );
  expect(hashOf(Object.fromEntries(Object.entries(PROPOSED).toReversed()))).toBe(hash);
  const stages = PROPOSED.stages.map((stage) => ({ ...stage, rollback: "git revert HEAD" }));
  expect(new Set([hash, hashOf(PROPOSED, "b"), hashOf({ ...PROPOSED, stages }), hashOf({ ...PROPOSED, more: 1 })]).size).toBe(4);
  expect(hashOf({ ...PROPOSED, proposedBy: "kim" })).toBe(hash);
  expect(planSchema.parse(section(plans("a", PROPOSED)).plan)).toEqual({ ...PLAN, proposedBy: "a" });
});

test("the limits that the prompt names are those of the validator", () => {
  for (const told of ["at least two ways", "1 to 60 minutes", `At most ${MAX_PLAN_STEPS} steps and ${MAX_PLAN_MINUTES} minutes`])
    expect(implementationPlanning.profile).toContain(told);
});

const FULL = section(
  plans(
    "a",
    {
      ...PROPOSED,
      stages: [
        ...PROPOSED.stages,
        { ...PROPOSED.stages[0], id: "G2", steps: [{ id: "S3", text: "Say it", minutes: 2, files: ["docs/**"] }] },
      ],
    },
    { clarifications: [QUESTION] },
  ),
  plans("b", { ...PROPOSED, recommended: "O2" }),
);

test.each(LANGUAGES)("%s: all parts of section 4", (lang) => {
  expect(
    planningBlocks({ ...FULL, invalid: [{ worker: "d", problems: ["recommended-unknown: O9", "moon-phase: full"] }] }, lang),
  ).toMatchSnapshot();
});

test.each(LANGUAGES)("%s: every part stands under a known heading, an empty one says so, and each problem has its words", (lang) => {
  for (const given of [section(), FULL]) expect(findSubheadProblems(planningBlocks(given, lang), SUBHEADS[lang])).toEqual([]);
  expect(planningBlocks(section(), lang).map(({ kind }) => kind)).toEqual(SUBHEADS[lang].flatMap(() => ["subhead", "empty"]));
  const { problems } = WORDING[lang];
  expect(new Set(PLAN_PROBLEMS.map((code) => problems[code])).size).toBe(PLAN_PROBLEMS.length);
});
