import * as z from "zod";

/**
 * One execution of a command by okstra itself (never one that a worker only reports).
 * `failureKeys` are the identities of what failed in it, so that two executions can be compared without
 * their line numbers and times.
 */
export const executionSchema = z.looseObject({
  command: z.string(),
  commit: z.string().describe("Commit the tree was at; empty without git"),
  exitCode: z.int().nullable().describe("null: ended by a signal or a time-out"),
  signal: z.string().nullable().default(null),
  timedOut: z.boolean().default(false),
  startedAt: z.string(),
  durationMs: z.int().min(0),
  outputSha256: z.string(),
  failureKeys: z.array(z.string()).default([]),
});
export type Execution = z.infer<typeof executionSchema>;

/**
 * okstra's own attempt to reproduce a finding: it counts as an executed reproduction when at least two
 * executions at the head commit fail, and as flaky when only some do.
 */
export const reproductionRecordSchema = z.looseObject({
  findingId: z.string(),
  command: z.string(),
  commit: z.string(),
  executions: z.int().min(1),
  failures: z.int().min(0),
  baseline: z.enum(["new", "already-there", "unknown"]),
});
export type ReproductionRecord = z.infer<typeof reproductionRecordSchema>;

/**
 * okstra's own execution of the command that a blind verifier gives as evidence. One that is to confirm must fail each
 * time; one that is to refute must pass each time, and must fail in an empty directory: what passes there too
 * says nothing about this tree.
 */
export const executedVoteSchema = z.looseObject({
  item: z.string(),
  worker: z.string(),
  command: z.string(),
  commit: z.string(),
  executions: z.int().min(1),
  failures: z.int().min(0),
  failsInEmptyDirectory: z.boolean().nullable(),
});
export type ExecutedVote = z.infer<typeof executedVoteSchema>;
