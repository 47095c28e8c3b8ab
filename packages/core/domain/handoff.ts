import * as z from "zod";

/** What a person can choose to happen with a task's commits (H1). */
export const HANDOFF_ACTIONS = ["commit", "pr", "skip"] as const;
export type HandoffAction = (typeof HANDOFF_ACTIONS)[number];

/** How the commits go out. */
export const COMMIT_MODES = ["as-is", "squash"] as const;
export type CommitMode = (typeof COMMIT_MODES)[number];

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const commit = z.string().regex(/^[0-9a-f]{40,64}$/);

export const outgoingCommitSchema = z.looseObject({
  sha: commit,
  subject: z.string(),
  author: z.string().describe("Name and address"),
  at: z.string().describe("Author date, RFC 3339"),
});
export type OutgoingCommit = z.infer<typeof outgoingCommitSchema>;

/** The pull request that is there or was opened. */
export const pullRequestSchema = z.looseObject({
  url: z.string(),
  number: z.int().min(1),
  state: z.enum(["open", "merged", "closed"]),
});

/** The final verification that a hand-off rests on. */
export const handoffSourceSchema = z.looseObject({
  run: z.int().min(1),
  runId: z.string(),
  verdict: z.string(),
  openedBy: z.enum(["decision", "override", "answers", "approval"]),
  override: z.looseObject({ reason: z.string(), by: z.string(), at: z.string(), until: z.string().nullable() }).nullable(),
  commit,
  reportSha256: hash,
  /** Of report.md, from the project's root. */
  reportPath: z.string(),
});

/**
 * All that a person chooses with one word: what goes out, where to, under which title and body, and what was seen of the
 * remote then. Its hash is the SHA-256 of its canonical JSON; the same facts and choices give the same plan, so that an
 * approval of the hash is one of all of this (case 59).
 */
export const handoffPlanSchema = z.looseObject({
  schema: z.literal(1),
  taskKey: z.string(),
  action: z.enum(HANDOFF_ACTIONS),
  branch: z.string(),
  ref: z.string().describe("refs/heads/<branch>, here and at the remote"),
  head: commit.describe("Verified commit of the branch"),
  source: handoffSourceSchema,
  base: z
    .looseObject({
      branch: z.string(),
      commit,
      from: z.enum(["remote", "local"]).describe("Whose branch it is"),
      mergeBase: commit,
      ahead: z.int().min(0),
      behind: z.int().min(0),
    })
    .nullable()
    .describe("Null for skip without a base"),
  commits: z.enum(COMMIT_MODES),
  outgoing: commit.describe("What is pushed: the head, or the one commit that all were squashed into"),
  list: z.array(outgoingCommitSchema).describe("The commits that go out, oldest first"),
  diffstat: z.looseObject({
    files: z.int().min(0),
    insertions: z.int().min(0),
    deletions: z.int().min(0),
    rows: z.array(z.looseObject({ path: z.string(), insertions: z.int().nullable(), deletions: z.int().nullable() })),
  }),
  remote: z
    .looseObject({
      name: z.string(),
      url: z.string().describe("As the repository names it, without a password"),
      pushUrl: z.string().describe("Where git really pushes to, without a password"),
      pushUrlSha256: hash.describe("Of that URL as it is, so that a password is bound and not shown"),
      branchCommit: commit.nullable().describe("What the remote's branch of the same name is at; null when it has none"),
    })
    .nullable(),
  forge: z
    .looseObject({
      kind: z.string(),
      host: z.string(),
      project: z.string(),
      program: z.string().nullable().describe("gh or glab when it is there; null: only the compare URL can be given"),
      compareUrl: z.string(),
    })
    .nullable()
    .describe("Null: nobody whom okstra could ask for a pull request"),
  message: z.enum(["as-is", "given"]).describe("Where title and body come from: the report, or the person"),
  title: z.string(),
  body: z.string(),
  secrets: z.looseObject({
    scanned: z.int().min(0).describe("Number of texts"),
    accepted: z.array(z.string()).describe("Fingerprints that a person called harmless"),
  }),
  notes: z.array(z.string()).describe("What a person should know and nothing hangs on, such as rewrites that do not count"),
});
export type HandoffPlan = z.infer<typeof handoffPlanSchema>;

/** A call of git or of a forge's program, for the argv log. */
export const handoffCallSchema = z.looseObject({
  argv: z.array(z.string()).min(1),
  exitCode: z.int().nullable(),
  ended: z.enum(["by-itself", "deadline", "cancelled", "not-found"]),
  startedAt: z.string(),
  durationMs: z.int().min(0),
});
export type HandoffCall = z.infer<typeof handoffCallSchema>;

/** What a person answered, word for word. `how`: at the keyboard, or as the value of a flag. */
export const handoffAnswerSchema = z.looseObject({
  question: z.enum(["H1", "H2", "H3"]),
  text: z.string(),
  how: z.enum(["terminal", "flag"]),
});
export type HandoffAnswer = z.infer<typeof handoffAnswerSchema>;

export const HANDOFF_OUTCOMES = ["handed-off", "committed", "skipped", "cancelled", "push-rejected"] as const;
export type HandoffOutcome = (typeof HANDOFF_OUTCOMES)[number];

/** Why there is no pull request, as a code that the report words. */
export const NO_PULL_REQUEST_REASONS = ["no-forge", "no-program", "not-asked-for", "not-pushed"] as const;
