import * as fc from "fast-check";
import { expect, test } from "vitest";
import { PLAN } from "../shared/fixtures/decision-input.ts";
import { findWaves } from "./plan-waves.ts";
import { planningResultSchema, proposedPlanSchema, type ProposedPlan } from "./result-schema.ts";
import { MAX_PLAN_MINUTES, MAX_PLAN_STEPS, validatePlan } from "./validate-plan.ts";

type Stage = ProposedPlan["stages"][number];
type Step = Stage["steps"][number];

const step = (id: string, more: Partial<Step> = {}): Step => ({ id, text: "Do it.", minutes: 5, files: ["src/a.ts"], ...more });
const stage = (id: string, dependsOn: string[] = [], more: Partial<Stage> = {}): Stage => ({
  id,
  title: id,
  dependsOn,
  steps: [step(`${id}-S1`)],
  validation: ["npm test"],
  rollback: "git revert",
  ...more,
});
const plan = (...stages: readonly Stage[]): ProposedPlan => ({ ...PLAN, stages: [...stages] });
const withFiles = (...files: readonly string[]): ProposedPlan => plan(stage("G1", [], { steps: [step("S1", { files: [...files] })] }));
const [option = { id: "O1", title: "", summary: "", pros: [], cons: [] }] = PLAN.options;
const steps = (count: number, minutes: number): Step[] => Array.from({ length: count }, (_, at) => step(`S${at}`, { minutes }));

test.each<[string, ProposedPlan, string[]]>([
  ["a plan", PLAN, []],
  ["stages that wait in both orders of the list", plan(stage("G2", ["G1"]), stage("G1"), stage("G3", ["G1", "G2"])), []],
  ["paths and globs", withFiles("src/a.ts", "./test/**", "**/*.md", "a..b", ".github/x.yml", "src/[id].ts"), []],
  ["an id of two words", plan(stage("G 1", [], { steps: [step("S1")] })), ['id-malformed: "G 1"']],
  ["an empty id", plan(stage("G1", [], { steps: [step("")] })), ['id-malformed: ""']],
  ["an id that would end a commit's line", plan(stage("G1", [], { steps: [step("S1\nX: y")] })), ['id-malformed: "S1\\nX: y"']],
  ["two options with one id", { ...PLAN, options: [option, option] }, ["option-ids-repeat: O1"]],
  ["two stages with one id", plan(stage("G1"), stage("G1", [], { steps: [step("S9")] })), ["stage-ids-repeat: G1"]],
  [
    "two steps with one id in two stages",
    plan(stage("G1", [], { steps: [step("S1")] }), stage("G2", [], { steps: [step("S1")] })),
    ["step-ids-repeat: S1"],
  ],
  ["a recommended option that is not there", { ...PLAN, recommended: "O3" }, ["recommended-unknown: O3"]],
  ["a stage that is not there", plan(stage("G1", ["G9"])), ["depends-on-unknown: G1, G9"]],
  ["a stage that waits for itself", plan(stage("G1", ["G1"])), ["stages-wait-for-each-other: G1"]],
  [
    "a cycle behind a free stage",
    plan(stage("G0"), stage("G1", ["G3", "G0"]), stage("G2", ["G1"]), stage("G3", ["G2"])),
    ["stages-wait-for-each-other: G1, G2, G3"],
  ],
  ["no files", withFiles(), ["step-without-files: S1"]],
  ["blank files", withFiles(" ", ""), ["step-without-files: S1"]],
  [
    "files outside the tree",
    withFiles("../x", "/etc/passwd", "a/../../x", "~/x", "C:/x", "a\\b", ".git/hooks/x", "a\0b"),
    ["../x", "/etc/passwd", "a/../../x", "~/x", "C:/x", "a\\b", ".git/hooks/x", "a\0b"].map((file) => `file-outside-tree: S1, ${file}`),
  ],
  [
    "globs for everything",
    withFiles("*", "**", "**/*", "./**", ".", "**/*.*"),
    ["*", "**", "**/*", "./**", ".", "**/*.*"].map((file) => `file-names-everything: S1, ${file}`),
  ],
  [
    "blank text, validation and rollback",
    plan(
      stage("G1", [], { steps: [step("S1", { text: " " })] }),
      stage("G2", [], { validation: [" "] }),
      stage("G3", [], { rollback: " " }),
    ),
    ["S1", "G2", "G3"].map((id) => `text-missing: ${id}`),
  ],
  ["the most steps", plan(stage("G1", [], { steps: steps(MAX_PLAN_STEPS, 1) })), []],
  ["one step more", plan(stage("G1", [], { steps: steps(MAX_PLAN_STEPS + 1, 1) })), [`too-many-steps: ${MAX_PLAN_STEPS + 1}`]],
  ["the most minutes", plan(stage("G1", [], { steps: steps(MAX_PLAN_MINUTES / 60, 60) })), []],
  [
    "one minute more",
    plan(stage("G1", [], { steps: [...steps(MAX_PLAN_MINUTES / 60, 60), step("X", { minutes: 1 })] })),
    [`too-many-minutes: ${MAX_PLAN_MINUTES + 1}`],
  ],
])("%s", (_name, given, problems) => {
  expect(validatePlan(given)).toEqual(problems);
});

test.each<[string, unknown, boolean]>([
  ["60 minutes", plan(stage("G1", [], { steps: [step("S1", { minutes: 60 })] })), true],
  ["61 minutes", plan(stage("G1", [], { steps: [step("S1", { minutes: 61 })] })), false],
  ["no minutes", plan(stage("G1", [], { steps: [step("S1", { minutes: 0 })] })), false],
  ["one option", { ...PLAN, options: [option] }, false],
  ["no validation", plan(stage("G1", [], { validation: [] })), false],
  ["no rollback", plan(stage("G1", [], { rollback: "" })), false],
  ["no stage", plan(), false],
])("the shape of a plan: %s", (_name, given, isValid) => {
  const { proposedBy: _, ...rest } = given as Record<string, unknown>;
  expect(planningResultSchema.safeParse({ nonce: "n", findings: [], plan: rest }).success).toBe(isValid);
});

test("a flood of problems is cut, with none of its subjects longer than a line", () => {
  const many = Array.from({ length: 100_000 }, () => `../${"x".repeat(300)}`);
  const problems = validatePlan({ ...withFiles(...many), recommended: "O3", stages: [stage("G1", many)] });
  expect(problems).toHaveLength(50);
  expect(Math.max(...problems.map(({ length }) => length))).toBeLessThan(250);
});

test("waves: the order of the plan in each, and each waits for those before it", () => {
  expect(findWaves([stage("G3", ["G1"]), stage("G1"), stage("G2"), stage("G4", ["G3", "G2"])])).toEqual({
    waves: [["G1", "G2"], ["G3"], ["G4"]],
    stuck: [],
  });
  expect(findWaves([])).toEqual({ waves: [], stuck: [] });
});

test("every stage of a plan without a cycle stands in exactly one wave, after all that it waits for", () => {
  const dependencies = fc.array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(dependencies, fc.boolean(), (lists, isReversed) => {
      // A stage waits only for those before it, so there is no cycle.
      const stages = lists.map((list, at) => stage(`G${at}`, at === 0 ? [] : list.map((n) => `G${n % at}`)));
      const { waves, stuck } = findWaves(isReversed ? stages.toReversed() : stages);
      expect(stuck).toEqual([]);
      expect(waves.flat().toSorted()).toEqual(stages.map(({ id }) => id).toSorted());
      const waveOf = new Map(waves.flatMap((wave, at) => wave.map((id) => [id, at] as const)));
      for (const { id, dependsOn } of stages) for (const other of dependsOn) expect(waveOf.get(other)).toBeLessThan(waveOf.get(id) ?? 0);
      expect(validatePlan(proposedPlanSchema.parse(plan(...stages)))).toEqual([]);
    }),
  );
});
