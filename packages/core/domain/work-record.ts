import * as z from "zod";

/** A file of `git status`, with what tells two states of it apart. */
const statusEntrySchema = z.looseObject({
  code: z.string().describe("Two letters as in porcelain v1"),
  path: z.string(),
  stamp: z.string().describe("Differs when the file's content may have changed; empty when it is gone"),
});
export type StampedEntry = z.infer<typeof statusEntrySchema>;

const hashesSchema = z.record(z.string(), z.string());

/** `surroundings.json`: what stood before the executor started. */
export const surroundingsSchema = z.looseObject({
  repository: z.string().describe("Real path of the common git directory"),
  worktree: z.string().describe("Top of the tree that the executor works in"),
  branch: z.string().describe("Branch that is checked out there; empty when detached"),
  head: z.string().describe("Commit that is checked out there"),
  refs: z.record(z.string(), z.string()).describe("Ref -> object; without remote-tracking refs of other branches"),
  otherTasks: z.array(z.string()).describe("Branches of other tasks of this repository"),
  entries: z.array(statusEntrySchema).describe("What differed from the commit already"),
  agentSettings: hashesSchema.describe("Path -> SHA-256 of what agents obey in the tree"),
  bookkeeping: hashesSchema.describe("The repository's own configuration and hooks: path -> hash"),
  main: z
    .looseObject({
      root: z.string(),
      head: z.string(),
      branch: z.string(),
      entries: z.array(statusEntrySchema),
      settings: hashesSchema.describe("Agents' settings and okstra's project.json: path -> SHA-256"),
    })
    .nullable()
    .describe("The main checkout; null when the executor works in it, or when the repository has none"),
});
export type Surroundings = z.infer<typeof surroundingsSchema>;

const lineCountSchema = z.int().min(0).nullable().describe("null: git calls the file binary");

const changedFileSchema = z.looseObject({
  path: z.string(),
  status: z.enum(["A", "M", "D", "T"]).describe("Added, modified, deleted, or of another type; a rename is D and A"),
  insertions: lineCountSchema,
  deletions: lineCountSchema,
});
export type ChangedFile = z.infer<typeof changedFileSchema>;

const workCommitSchema = z.looseObject({
  sha: z.string(),
  subject: z.string(),
  authoredAt: z.string().describe("Author date, ISO 8601 with its offset"),
  steps: z.array(z.string()).describe("Values of its `Step:` lines"),
  files: z.array(changedFileSchema).describe("Against its first parent"),
});
export type WorkCommit = z.infer<typeof workCommitSchema>;

const testExecutionSchema = z.looseObject({
  commit: z.string(),
  exitCode: z.int().nullable().describe("null: a signal, a deadline, or it was not executed"),
  failed: z.boolean().describe("It ran and did not pass; a command that is not found or out of time has shown nothing"),
});
export type TestExecution = z.infer<typeof testExecutionSchema>;

/** okstra's own executions of a command: at the old commit with only the new tests laid over it, and at the new one. */
export const testFirstSchema = z.looseObject({
  command: z.string(),
  testFiles: z.array(z.string()),
  before: testExecutionSchema,
  after: testExecutionSchema,
  shown: z.boolean().describe("Failed before and passed after"),
  note: z.string(),
});
export type TestFirst = z.infer<typeof testFirstSchema>;

/** `work.json`: what git and the file system prove about an executor's work; nothing in it is the executor's word. */
export const workRecordSchema = z.looseObject({
  before: z.string(),
  head: z.string().describe("Commit that is checked out now; empty when there is none (an orphan branch)"),
  branch: z.string().describe("Branch that is checked out now; empty when detached"),
  commits: z.array(workCommitSchema).describe("before..head, oldest first"),
  diffstat: z.looseObject({ files: z.int().min(0), insertions: z.int().min(0), deletions: z.int().min(0) }),
  files: z.array(changedFileSchema).describe("Net difference of before and head"),
  stepMap: z.array(z.looseObject({ step: z.string(), commits: z.array(z.string()) })).describe("Each step of the plan"),
  unmapped: z.array(z.string()).describe("Commits that name no step of the plan; empty without a plan"),
  outsidePlan: z.array(z.string()).describe("Changed paths that the plan does not name; empty without a plan"),
  otherRefs: z
    .array(z.looseObject({ ref: z.string(), from: z.string().nullable(), to: z.string().nullable() }))
    .describe("Refs that are not this work's to change"),
  mainCheckout: z.array(z.string()).describe("Changed paths of the main checkout, or HEAD"),
  rewritten: z.boolean().describe("`before` is no ancestor of `head`, or another branch is checked out"),
  uncommitted: z.array(z.string()),
  agentSettings: z.array(z.string()).describe("Settings that agents obey which this work made or changed"),
  protectedPaths: z.array(z.string()).default([]).describe("Changed paths that the project protects"),
  testFirst: z.array(testFirstSchema),
});
export type WorkRecord = z.infer<typeof workRecordSchema>;

const STEP_LINE = /^(?:okstra-)?step:[ \t]*(.*\S)[ \t]*$/is;

/**
 * The steps that a commit's message names in lines of their own: `Step: S1`, `Okstra-Step: S1`, or several ids with
 * commas. The line counts wherever it stands, because what programs append (`Co-authored-by:`) makes a last paragraph
 * of its own, and git's rule for trailers would then pass over it. A value that is one of `known` is never split.
 */
export function readSteps(message: string, known: readonly string[]): string[] {
  const steps = new Set<string>();
  for (const line of message.split(/\r?\n/)) {
    const value = STEP_LINE.exec(line)?.[1];
    if (value === undefined) continue;
    const parts = known.includes(value) ? [value] : value.split(",").map((part) => part.trim());
    for (const part of parts) if (part !== "") steps.add(part);
  }
  return [...steps];
}

/** Which commits carry out each step of a plan, and which name none of them. */
export function mapSteps(
  commits: readonly Pick<WorkCommit, "sha" | "steps">[],
  steps: readonly string[],
): { stepMap: { step: string; commits: string[] }[]; unmapped: string[] } {
  return {
    stepMap: steps.map((step) => ({ step, commits: commits.filter((commit) => commit.steps.includes(step)).map(({ sha }) => sha) })),
    unmapped: commits.filter((commit) => !commit.steps.some((step) => steps.includes(step))).map(({ sha }) => sha),
  };
}

/** Sums of a list of changed files; what is binary has no lines. */
export function sumChanges(files: readonly ChangedFile[]): WorkRecord["diffstat"] {
  const sum = (counts: readonly (number | null)[]): number => counts.reduce<number>((total, count) => total + (count ?? 0), 0);
  return {
    files: files.length,
    insertions: sum(files.map(({ insertions }) => insertions)),
    deletions: sum(files.map(({ deletions }) => deletions)),
  };
}
