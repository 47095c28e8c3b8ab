import * as z from "zod";
import { laneEndSchema } from "../../domain/finding.ts";
import type { DecisionInput } from "../phase.ts";
import { listBreaches } from "./breaches.ts";

const commitSchema = z.looseObject({ id: z.string(), subject: z.string() });
const executionSchema = z.looseObject({ exitCode: z.int().nullable(), failed: z.boolean() });
const testFirstOutcomeSchema = z.enum(["shown", "not-shown"]);
export type TestFirstOutcome = z.infer<typeof testFirstOutcomeSchema>;

/** Section 4.5: what git saw of the executor's work, and what okstra executed. Nothing in it is the executor's word. */
export const implementationSectionSchema = z.looseObject({
  executor: z.looseObject({ worker: z.string(), family: z.string(), end: laneEndSchema }).nullable(),
  rounds: z.array(z.looseObject({ round: z.int().min(1), blockers: z.int().min(0) })),
  commits: z.array(commitSchema).describe("Oldest first"),
  diffstat: z.looseObject({ files: z.int().min(0), insertions: z.int().min(0), deletions: z.int().min(0) }),
  files: z
    .array(z.looseObject({ path: z.string(), status: z.string(), insertions: z.int().nullable(), deletions: z.int().nullable() }))
    .describe("null: binary"),
  hasPlan: z.boolean(),
  steps: z.array(z.looseObject({ id: z.string(), text: z.string(), commits: z.array(z.string()) })).describe("Each step of the plan"),
  unmapped: z.array(z.string()).describe("Commits that name no step of the plan"),
  testFirst: z.array(
    z.looseObject({
      command: z.string(),
      testFiles: z.array(z.string()),
      before: executionSchema,
      after: executionSchema,
      outcome: testFirstOutcomeSchema,
      note: z.string(),
    }),
  ),
  breaches: z.array(z.looseObject({ code: z.string().describe("Code of a gate's reason"), details: z.array(z.string()) })),
});
export type ImplementationSection = z.infer<typeof implementationSectionSchema>;

/** @throws nothing; without git, or before the executor ended, the record is empty */
export function buildImplementationSection(input: DecisionInput): ImplementationSection {
  const { work, executor, context } = input;
  const steps = context.plan?.stages.flatMap((stage) => stage.steps) ?? [];
  const commitsOf = new Map((work?.stepMap ?? []).map(({ step, commits }) => [step, commits]));
  return {
    executor: executor === null ? null : { worker: executor.worker, family: executor.family, end: executor.end },
    rounds: input.blockersPerRound.map((blockers, at) => ({ round: at + 1, blockers })),
    commits: (work?.commits ?? []).map(({ sha, subject }) => ({ id: sha, subject })),
    diffstat: {
      files: work?.diffstat.files ?? 0,
      insertions: work?.diffstat.insertions ?? 0,
      deletions: work?.diffstat.deletions ?? 0,
    },
    files: (work?.files ?? []).map(({ path, status, insertions, deletions }) => ({ path, status, insertions, deletions })),
    hasPlan: context.plan !== null,
    steps: steps.map(({ id, text }) => ({ id, text, commits: [...(commitsOf.get(id) ?? [])] })),
    unmapped: [...(work?.unmapped ?? [])],
    testFirst: (work?.testFirst ?? []).map(({ command, testFiles, before, after, shown, note }) => ({
      command,
      testFiles: [...testFiles],
      before: { exitCode: before.exitCode, failed: before.failed },
      after: { exitCode: after.exitCode, failed: after.failed },
      outcome: shown ? "shown" : "not-shown",
      note,
    })),
    breaches: listBreaches(input).map(({ code, details }) => ({ code, details: [...details] })),
  };
}
