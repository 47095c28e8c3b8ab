import * as z from "zod";
import { clarificationSchema, criterionSchema } from "../../domain/task-context.ts";
import { TASK_TYPES } from "../../domain/work.ts";
import { workerResultSchema } from "../../domain/worker-result.ts";

/** In the order that settles a tie. */
export const CATEGORIES = ["bugfix", "feature", "refactor", "ops", "improvement"] as const;
export const SIZES = ["trivial", "small", "normal", "large"] as const;

/** Goes to a shell, which takes no NUL. */
const commandSchema = z
  .string()
  .max(4000)
  .refine((command) => !command.includes("\0"), "a command has no NUL");

const proposedCriterionSchema = z.looseObject({
  text: criterionSchema.shape.text.min(1).max(1000).describe("One thing that holds when the task is done, as a statement"),
  check: z.looseObject({
    kind: criterionSchema.shape.check.shape.kind,
    command: commandSchema.nullish().describe("For the kind command: exit 0 when the criterion is met"),
    how: z.string().min(1).max(2000).describe("How one finds out whether it holds"),
  }),
});

/** A question as a worker asks it; it gets its id in the task's table. */
export const proposedClarificationSchema = z.looseObject({
  question: z.string().min(1).max(1000),
  why: z.string().min(1).max(2000).describe("What depends on the answer"),
  blocks: clarificationSchema.shape.blocks,
});
export type ProposedClarification = z.infer<typeof proposedClarificationSchema>;

/** What a worker says of the task beside its findings; one that leaves all of it out classified nothing. */
export const requirementsResultSchema = workerResultSchema.extend({
  summary: z.string().max(4000).optional(),
  category: z.enum(CATEGORIES).optional(),
  size: z.enum(SIZES).optional().describe("trivial: one line, nothing to decide; large: several days"),
  criteria: z.array(proposedCriterionSchema).max(200).default([]),
  clarifications: z.array(proposedClarificationSchema).max(100).default([]),
  nextPhase: z.enum(TASK_TYPES).optional(),
  skip: z
    .array(z.looseObject({ phase: z.enum(TASK_TYPES), why: z.string().min(1).max(1000) }))
    .max(20)
    .default([])
    .describe("Phases that this task does not need"),
});
export type RequirementsResult = z.infer<typeof requirementsResultSchema>;
