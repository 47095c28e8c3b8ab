import * as z from "zod";
import { gateSchema } from "./run.ts";
import { takenFeedbackSchema } from "./task-context.ts";
import { TASK_TYPES } from "./work.ts";

/**
 * What happens to a task outside its runs: `events.jsonl` beside `task.json` holds nothing else. Each line carries the
 * SHA-256 of the line before it (`prev`, empty on the first), the key of its task, so that a line of another task is
 * none of this one, and a seal: the HMAC-SHA-256 of the line without it under the machine's own key.
 */
const envelope = { seq: z.int().min(1), at: z.string(), prev: z.string(), taskKey: z.string(), keyId: z.string(), seal: z.string() };
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const run = z.int().min(1).describe("Number of the implementation-planning run");

const originSchema = z
  .looseObject({
    taskKey: z.string(),
    type: z.string().describe("Task type of the run that has it"),
    run: z.int().min(1),
    finding: z.string().describe("C1 …: a cluster; F1 …: a row of the ledger"),
    startAt: z.enum(TASK_TYPES).nullable().describe("Phase that an improvement begins with"),
  })
  .describe("Finding of another task's run that this task takes up");
export type TaskOrigin = z.infer<typeof originSchema>;

/** How work got into its base branch: the very commits, one commit for all, each again, or as only the forge says. */
const MERGE_WAYS = ["merged", "squashed", "rebased", "merged-by-forge"] as const;
export type MergeWay = (typeof MERGE_WAYS)[number];
const commit = z.string().regex(/^[0-9a-f]{40,64}$/);

export const olderRunSchema = z.looseObject({
  type: z.string().describe("Name of the directory below runs/"),
  run: z.int().min(0).describe("Its number; 0: files without one"),
  files: z.int().min(1),
  report: z.string().nullable().describe("Path of its report, relative to the task's directory"),
});
/** A run that an older okstra left. */
export type OlderRun = z.infer<typeof olderRunSchema>;

const bodies = [
  z.looseObject({
    type: z.literal("task-created"),
    brief: z.string().nullable(),
    category: z.string().nullable(),
    from: originSchema.nullable(),
  }),
  z.looseObject({
    type: z.literal("cycle-started"),
    cycle: z.int().min(2),
    brief: z.string().nullable(),
    reason: z.string(),
    category: z.string().nullable().default(null).describe("Null: a fix"),
    feedback: z.array(takenFeedbackSchema).default([]).describe("What the cycle takes up of a pull request"),
  }),
  z.looseObject({ type: z.literal("plan-approved"), run, planSha256: hash, by: z.string() }),
  z.looseObject({ type: z.literal("plan-rejected"), run, planSha256: hash, by: z.string(), reason: z.string().min(1) }),
  z.looseObject({ type: z.literal("answered"), id: z.string(), question: z.string(), text: z.string().min(1), by: z.string() }),
  z.looseObject({
    type: z.literal("gate-checked"),
    gate: gateSchema.omit({ override: true }),
    phase: z.string().describe("Task type that was to start"),
    looked: z.looseObject({}).describe("What the gate looked at: runs, hashes, answers"),
  }),
  z
    .looseObject({
      type: z.literal("task-done"),
      how: z.enum(MERGE_WAYS),
      base: z.string().describe("Branch that has the work"),
      baseCommit: commit.describe("What that branch was at then"),
      commit: commit.describe("Commit whose work it has"),
      branch: z.string().describe("The task's own"),
      head: commit.nullable().describe("What that branch was at then; null when it was gone"),
      pullRequest: z.string().nullable().describe("Its page"),
      by: z.string(),
    })
    .describe("The work is in the base branch, as the remote showed"),
  z
    .looseObject({
      type: z.literal("linked"),
      after: z.array(z.string()).describe("Keys of tasks of the project that come before this one"),
      blocks: z.array(z.string()).describe("Keys of tasks of the project that come after this one"),
      priority: z.int().nullable().describe("The larger goes first; null: nobody said, which counts as 0"),
      by: z.string(),
    })
    .describe("All that this log says of the task's relations, instead of what it said before"),
  z
    .looseObject({ type: z.literal("migrated"), runs: z.array(olderRunSchema) })
    .describe("The task was made by an older okstra; its runs of then are kept as files, and prove nothing here"),
] as const;

export const taskEventBodySchema = z.discriminatedUnion("type", bodies);
export type TaskEventBody = z.infer<typeof taskEventBodySchema>;

export const taskEventSchema = taskEventBodySchema.and(z.object(envelope));
export type TaskEvent = TaskEventBody & z.infer<z.ZodObject<typeof envelope>>;
