import * as z from "zod";
import { compareText } from "../../convergence/content.ts";
import { criterionSchema } from "../../domain/task-context.ts";
import { TASK_TYPES, type TaskType } from "../../domain/work.ts";
import type { DecisionInput } from "../phase.ts";
import { chooseByFamilies, type Choice } from "./choose.ts";
import { askedClarificationSchema, mergeClarifications } from "./clarifications.ts";
import { countFamilies, heardResults, type Heard } from "./heard.ts";
import { mergeCriteria } from "./merge-criteria.ts";
import { CATEGORIES, requirementsResultSchema, SIZES, type RequirementsResult } from "./result-schema.ts";

const taskTypeSchema = z.enum(TASK_TYPES);
const CHOICES = ["category", "size", "nextPhase"] as const;

/** What a requirements-discovery says beside its findings. */
export const requirementsSectionSchema = z.looseObject({
  category: z.enum(CATEGORIES).nullable().describe("What most families say; null: no worker classified the work"),
  size: z.enum(SIZES).nullable(),
  nextPhase: taskTypeSchema.nullable(),
  notes: z
    .array(z.looseObject({ note: z.literal("tie"), about: z.enum(CHOICES), between: z.array(z.string()) }))
    .describe("tie: as many families say one thing as another"),
  classifications: z
    .array(
      z.looseObject({
        worker: z.string(),
        family: z.string(),
        category: z.enum(CATEGORIES).nullable(),
        size: z.enum(SIZES).nullable(),
        nextPhase: taskTypeSchema.nullable(),
        summary: z.string().nullable(),
      }),
    )
    .describe("What each worker that was heard says"),
  criteria: z.array(
    z.looseObject({
      ...criterionSchema.shape,
      workers: z.array(z.string()).min(1),
      otherTexts: z.array(z.string()).describe("How others put it"),
      otherCommands: z.array(z.string()).describe("What others would run"),
    }),
  ),
  clarifications: z.array(askedClarificationSchema),
  skip: z
    .array(z.looseObject({ phase: taskTypeSchema, reasons: z.array(z.looseObject({ worker: z.string(), why: z.string() })) }))
    .describe("Phases that more than half of the families that were heard call unnecessary"),
});
export type RequirementsSection = z.infer<typeof requirementsSectionSchema>;

const LARGEST_FIRST = SIZES.toReversed();
/** This phase is done, and what hands off comes after a verification whatever a worker says. */
const MAY_BE_NEXT = TASK_TYPES.filter((type) => type !== "requirements-discovery" && type !== "release-handoff");
const MAY_BE_SKIPPED = TASK_TYPES.filter((type) => type !== "requirements-discovery" && type !== "final-verification");

/**
 * What the workers say about the task, as one. Neither the order of workers nor of lanes has an effect.
 * @throws nothing; results that are not of this phase say nothing
 */
export function buildRequirementsSection(input: DecisionInput): RequirementsSection {
  const heard = heardResults(input, requirementsResultSchema).toSorted((a, b) => compareText(a.worker, b.worker));
  const category = chooseByFamilies(
    collect(heard, ({ said }) => said.category),
    CATEGORIES,
  );
  const size = chooseByFamilies(
    collect(heard, ({ said }) => said.size),
    LARGEST_FIRST,
  );
  const nextPhase = chooseByFamilies<TaskType>(
    collect(heard, ({ said }) => said.nextPhase),
    MAY_BE_NEXT,
  );
  return {
    category: category.value,
    size: size.value,
    nextPhase: nextPhase.value,
    notes: [...noteTie("category", category), ...noteTie("size", size), ...noteTie("nextPhase", nextPhase)],
    classifications: heard.map(({ worker, family, said }) => ({
      worker,
      family,
      category: said.category ?? null,
      size: said.size ?? null,
      nextPhase: said.nextPhase ?? null,
      summary: said.summary ?? null,
    })),
    criteria: mergeCriteria(heard).map((each) => ({
      ...each,
      workers: [...each.workers],
      otherTexts: [...each.otherTexts],
      otherCommands: [...each.otherCommands],
    })),
    clarifications: mergeClarifications(heard),
    skip: collectSkips(heard, countFamilies(input)),
  };
}

function collect<T>(
  heard: readonly Heard<RequirementsResult>[],
  pick: (each: Heard<RequirementsResult>) => T | undefined,
): { family: string; value: T }[] {
  return heard.flatMap((each) => {
    const value = pick(each);
    return value === undefined ? [] : [{ family: each.family, value }];
  });
}

function noteTie(about: (typeof CHOICES)[number], { tied }: Choice<string>): RequirementsSection["notes"] {
  return tied.length === 0 ? [] : [{ note: "tie", about, between: [...tied] }];
}

/** @param families number of families that were heard, those that did not speak of skipping included */
function collectSkips(heard: readonly Heard<RequirementsResult>[], families: number): RequirementsSection["skip"] {
  return MAY_BE_SKIPPED.flatMap((phase) => {
    const wanting = heard.filter(({ said }) => said.skip.some((each) => each.phase === phase));
    if (new Set(wanting.map(({ family }) => family)).size * 2 <= families) return [];
    const reasons = wanting.flatMap(({ worker, said }) =>
      said.skip.filter((each) => each.phase === phase).map(({ why }) => ({ worker, why })),
    );
    return [{ phase, reasons }];
  });
}
