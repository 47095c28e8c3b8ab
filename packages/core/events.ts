import * as z from "zod";
import { executedVoteSchema, executionSchema, reproductionRecordSchema } from "./domain/execution.ts";
import { laneEndSchema } from "./domain/finding.ts";
import { handoffAnswerSchema, handoffCallSchema, HANDOFF_ACTIONS, HANDOFF_OUTCOMES, pullRequestSchema } from "./domain/handoff.ts";
import { gateSchema, verdictSchema } from "./domain/run.ts";

/** An implementation mends what its verifiers found at most so often (docs: convergence, step 7). */
export const MAX_ROUNDS = 3;

/**
 * What happens in a run. `events.jsonl` holds nothing else, and every view is a fold over it. Each line carries
 * the SHA-256 of the line before it (`prev`, empty on the first), so that a changed, dropped or inserted line
 * is noticed, and a seal (HMAC-SHA-256 of the line without it) under the machine's own key, so that a line that
 * somebody else wrote is noticed even when the chain was computed again.
 */
const envelope = { seq: z.int().min(1), at: z.string(), prev: z.string(), keyId: z.string(), seal: z.string() };
const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** A lane's name in the run's files: `workers/<lane>/`, `prompts/<lane>.md`. A worker's first review has the worker's own name. */
const laneName = z.string().regex(/^[a-z0-9][a-z0-9_-]*(?:\.(?:execute|votes))?(?:\.r\d+)?$/);

const bodies = [
  z.looseObject({
    type: z.literal("run-prepared"),
    runId: z.string(),
    taskKey: z.string(),
    taskType: z.string(),
    roster: z.array(z.string()).describe("Empty for a release-handoff only"),
    commit: z.string(),
    executor: z.string().nullable().default(null).describe("Worker that edits; the first lane is then its own"),
    manifestSha256: hash,
    lead: z.enum(["code", "agent"]).optional().describe("Who leads; absent: okstra's own code"),
  }),
  z.looseObject({
    type: z.literal("run-started"),
    attempt: z.int().min(1),
    commit: z.string(),
    isolation: z.string(),
    withoutQuota: z.boolean().default(false).describe("A person goes on without the lanes whose quota is used up"),
  }),
  z.looseObject({
    type: z.literal("lanes-planned"),
    round: z.int().min(1).max(MAX_ROUNDS),
    role: z.enum(["execute", "review", "vote"]),
    lanes: z.array(z.looseObject({ lane: laneName, worker: z.string() })).min(1),
    commit: z.string(),
  }),
  z.looseObject({
    type: z.literal("lane-started"),
    worker: z.string(),
    lane: laneName,
    attempt: z.int().min(1),
    nonce: z.string(),
    commit: z.string(),
    outside: z
      .looseObject({ treeSha256: hash.nullable() })
      .optional()
      .describe(
        "The agent that leads performs the lane itself: no process of okstra's runs it, so that it outlives one. treeSha256: of tree.json, what the tree was like then; null where nothing is compared",
      ),
  }),
  z
    .looseObject({
      type: z.literal("interactive-session"),
      agent: z.string(),
      sessionId: z.string().nullable().describe("Null: the agent has no way to be started with one"),
      worktree: z.string(),
      isResumed: z.boolean(),
    })
    .describe("An agent was started on the person's terminal to lead the run"),
  z.looseObject({ type: z.literal("lane-activity"), worker: z.string(), text: z.string() }),
  z.looseObject({
    type: z.literal("lane-ended"),
    worker: z.string(),
    lane: laneName,
    attempt: z.int().min(1),
    end: laneEndSchema,
    reason: z.string().nullable(),
    commit: z.string(),
    findings: z.int().min(0),
    receiptSha256: hash,
    resultSha256: hash.nullable(),
    family: z.string().nullable().default(null).describe("Of the model that served; null: the roster's"),
    resumeAt: z.string().nullable().default(null).describe("When a quota that is used up is filled again"),
  }),
  z.looseObject({ type: z.literal("lane-retried"), worker: z.string(), lane: laneName, reason: z.string(), resumed: z.boolean() }),
  z
    .looseObject({ type: z.literal("model-substituted"), worker: z.string(), lane: laneName, asked: z.string(), served: z.string() })
    .describe("Another model answered than was asked for"),
  z
    .looseObject({ type: z.literal("sandbox-missing"), workers: z.array(z.string()).min(1), reason: z.string() })
    .describe("Workers run without a sandbox although it is wanted where it is possible"),
  z
    .looseObject({
      type: z.literal("run-paused"),
      reason: z.literal("quota"),
      lanes: z.array(laneName).min(1),
      until: z.string().nullable(),
    })
    .describe("Nothing more can be done until a quota is filled; the run waits for `okstra resume`"),
  z.looseObject({ type: z.literal("tree-changed"), workers: z.array(z.string()).min(1), paths: z.array(z.string()).min(1) }),
  z.looseObject({ type: z.literal("reproduction-executed"), worker: z.string(), record: reproductionRecordSchema }),
  z.looseObject({ type: z.literal("vote-executed"), record: executedVoteSchema }),
  z.looseObject({ type: z.literal("criterion-executed"), criterion: z.string(), execution: executionSchema }),
  z
    .looseObject({ type: z.literal("executor-prepared"), surroundingsSha256: hash })
    .describe("What stood before the executor first started: the hash of surroundings.json, which the executor could write to"),
  z
    .looseObject({ type: z.literal("work-inspected"), round: z.int().min(1), workSha256: hash, from: z.string(), head: z.string() })
    .describe("What git saw of the executor's work; from here on the run judges this head"),
  z.looseObject({
    type: z.literal("run-converged"),
    round: z.int().min(1).default(1),
    convergenceSha256: hash,
    clusters: z.int().min(0),
    blockers: z.int().min(0).default(0),
    kEff: z.int().min(0),
  }),
  z
    .looseObject({ type: z.literal("handoff-answered"), ...handoffAnswerSchema.shape, by: z.string() })
    .describe("A person's answer, word for word"),
  z
    .looseObject({
      type: z.literal("handoff-planned"),
      planSha256: hash,
      action: z.enum(HANDOFF_ACTIONS),
      head: z.string(),
      outgoing: z.string(),
      ref: z.string(),
      pushUrl: z.string().nullable(),
      opensPullRequest: z.boolean().describe("Whether there is a forge with a program that can be asked for one"),
      calls: z.array(handoffCallSchema).default([]).describe("What was looked at to make the plan"),
    })
    .describe("A plan as it stands in plans/<planSha256>.json; nothing is chosen by it"),
  z
    .looseObject({ type: z.literal("handoff-chosen"), planSha256: hash, how: z.enum(["terminal", "hash"]), by: z.string() })
    .describe("A person's word: from here on exactly this plan is done"),
  z
    .looseObject({ type: z.literal("handoff-refused"), planSha256: hash, changed: z.array(z.string()).min(1) })
    .describe("The facts are no longer those of the plan, so that it was not done"),
  z.looseObject({ type: z.literal("handoff-cancelled"), by: z.string() }).describe("A person chose to do nothing"),
  z.looseObject({ type: z.literal("handoff-called"), ...handoffCallSchema.shape }).describe("A call of git or of a forge's program"),
  z.looseObject({ type: z.literal("remote-asked"), ref: z.string(), commit: z.string().nullable() }),
  z.looseObject({ type: z.literal("push-started"), ref: z.string(), commit: z.string() }),
  z.looseObject({
    type: z.literal("push-ended"),
    commit: z.string(),
    end: z.enum(["pushed", "rejected"]),
    reason: z.string().nullable().describe("In the remote's words; null when it was pushed"),
  }),
  z
    .looseObject({ type: z.literal("branch-moved"), from: z.string(), to: z.string(), recoveryRef: z.string() })
    .describe("The task's branch is at the squashed commit; what it was at is kept"),
  z.looseObject({ type: z.literal("pull-request-asked"), found: pullRequestSchema.nullable() }),
  z.looseObject({ type: z.literal("pull-request-started") }),
  z.looseObject({ type: z.literal("pull-request-opened"), pullRequest: pullRequestSchema }),
  z.looseObject({ type: z.literal("handoff-settled"), outcome: z.enum(HANDOFF_OUTCOMES) }),
  z.looseObject({
    type: z.literal("gate-decided"),
    verdict: verdictSchema,
    gate: gateSchema,
    commit: z.string(),
    looked: z.looseObject({}).default({}).describe("What the gate looked at: hashes, lanes, findings that hold it"),
  }),
  z.looseObject({ type: z.literal("report-writer-fallback"), reason: z.string() }),
  z.looseObject({ type: z.literal("report-written"), reportSha256: hash }),
  z.looseObject({ type: z.literal("run-validated"), ok: z.boolean(), broken: z.array(z.string()) }),
  z.looseObject({ type: z.literal("run-ended"), verdict: verdictSchema, gateOpen: z.boolean() }),
  z.looseObject({
    type: z.literal("gate-overridden"),
    gate: z.string(),
    reason: z.string().min(1),
    by: z.string(),
    until: z.string().nullable(),
    commit: z.string(),
  }),
  z.looseObject({ type: z.literal("run-interrupted"), signal: z.string() }),
  z.looseObject({ type: z.literal("run-failed"), code: z.string(), message: z.string() }),
  z.looseObject({ type: z.literal("run-cancelled"), by: z.string() }),
] as const;

export const runEventBodySchema = z.discriminatedUnion("type", bodies);
export type RunEventBody = z.infer<typeof runEventBodySchema>;

export const runEventSchema = runEventBodySchema.and(z.object(envelope));
export type RunEvent = RunEventBody & z.infer<z.ZodObject<typeof envelope>>;
