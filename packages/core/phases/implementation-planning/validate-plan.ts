import type { ProposedPlan } from "./result-schema.ts";
import { findWaves } from "./plan-waves.ts";

/** What can be wrong with a plan whose shape is right; worded by the report. */
export const PLAN_PROBLEMS = [
  "id-malformed",
  "option-ids-repeat",
  "stage-ids-repeat",
  "step-ids-repeat",
  "recommended-unknown",
  "depends-on-unknown",
  "stages-wait-for-each-other",
  "step-without-files",
  "file-outside-tree",
  "file-names-everything",
  "text-missing",
  "too-many-steps",
  "too-many-minutes",
] as const;
export type PlanProblem = (typeof PLAN_PROBLEMS)[number];

export const MAX_PLAN_STEPS = 200;
/** A working week; what takes longer is more than one task. */
export const MAX_PLAN_MINUTES = 2400;

/** So many problems are named at most. */
const MAX_PROBLEMS = 50;
const MAX_SUBJECT = 200;

/** One word, because commits name the step that they carry out by it. */
const ID = /^[A-Za-z0-9][\w.-]{0,31}$/u;
/** Absolute, upwards, in git's own directory, or not a path with forward slashes. */
const OUTSIDE = /^(?:\/|~(?:\/|$)|[A-Za-z]:)|(?:^|\/)(?:\.\.|\.git)(?:\/|$)|\\|\0/u;
const EVERYTHING = /^[*?/.]+$/u;

/** Number of minutes that all steps take together. */
export function countMinutes({ stages }: Pick<ProposedPlan, "stages">): number {
  return stages.reduce((sum, { steps }) => sum + steps.reduce((all, { minutes }) => all + minutes, 0), 0);
}

/**
 * What is wrong with a plan beyond its shape. Pure.
 * @returns one line each, the code from {@link PLAN_PROBLEMS}, `: ` and what it is about, 50 lines at most; empty for a
 * valid plan
 */
export function validatePlan(plan: ProposedPlan): string[] {
  const { options, stages, recommended } = plan;
  const steps = stages.flatMap((stage) => stage.steps);
  const problems: string[] = [];
  const report = (code: PlanProblem, subjects: Iterable<string>): void => {
    for (const subject of subjects) if (problems.length < MAX_PROBLEMS) problems.push(`${code}: ${subject.slice(0, MAX_SUBJECT)}`);
  };
  // What is far too long is not looked at further.
  if (steps.length > MAX_PLAN_STEPS) {
    report("too-many-steps", [String(steps.length)]);
    return problems;
  }

  const ids = { option: options.map(({ id }) => id), stage: stages.map(({ id }) => id), step: steps.map(({ id }) => id) };
  const malformed = [...ids.option, ...ids.stage, ...ids.step].filter((id) => !ID.test(id));
  report("id-malformed", new Set(malformed.map((id) => JSON.stringify(id))));
  report("option-ids-repeat", repeated(ids.option));
  report("stage-ids-repeat", repeated(ids.stage));
  report("step-ids-repeat", repeated(ids.step));
  report("recommended-unknown", ids.option.includes(recommended) ? [] : [recommended]);

  const known = new Set(ids.stage);
  const unknown = stages.flatMap(({ id, dependsOn }) => dependsOn.filter((other) => !known.has(other)).map((other) => `${id}, ${other}`));
  report("depends-on-unknown", unknown);
  const { stuck } = findWaves(stages.map(({ id, dependsOn }) => ({ id, dependsOn: dependsOn.filter((other) => known.has(other)) })));
  report("stages-wait-for-each-other", stuck.length > 0 ? [stuck.join(", ")] : []);

  const named = steps.flatMap(({ id, files }) => files.filter((file) => !isBlank(file)).map((file) => ({ id, file: file.trim() })));
  const placed = new Set(named.map(({ id }) => id));
  const nameFile = ({ id, file }: (typeof named)[number]): string => `${id}, ${file}`;
  report(
    "step-without-files",
    ids.step.filter((id) => !placed.has(id)),
  );
  report("file-outside-tree", named.filter(({ file }) => OUTSIDE.test(file)).map(nameFile));
  report("file-names-everything", named.filter(({ file }) => !OUTSIDE.test(file) && EVERYTHING.test(file)).map(nameFile));

  const silent = stages.filter(({ validation, rollback }) => isBlank(rollback) || validation.every(isBlank));
  report(
    "text-missing",
    [...steps.filter(({ text }) => isBlank(text)), ...silent].map(({ id }) => id),
  );
  const minutes = countMinutes(plan);
  report("too-many-minutes", minutes > MAX_PLAN_MINUTES ? [String(minutes)] : []);
  return problems;
}

const isBlank = (text: string): boolean => text.trim() === "";

function repeated(ids: readonly string[]): string[] {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const id of ids) (seen.has(id) ? twice : seen).add(id);
  return [...twice];
}
