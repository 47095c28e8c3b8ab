import * as z from "zod";
import {
  handoffAnswerSchema,
  handoffCallSchema,
  handoffPlanSchema,
  HANDOFF_OUTCOMES,
  NO_PULL_REQUEST_REASONS,
  outgoingCommitSchema,
  type HandoffCall,
  type HandoffPlan,
} from "../../domain/handoff.ts";
import type { Gate, HandoffBasis, Verdict } from "../../domain/run.ts";
import type { HandoffState } from "../../machine/handoff-machine.ts";

/** All that is on disk of a hand-off; what the report says of it follows from this and from nothing else. */
export interface HandoffRecord {
  readonly state: HandoffState;
  /** What was looked at before the first question, from run.json. */
  readonly basis: HandoffBasis;
  /** The chosen plan, else the last one that was shown; null when there was none. */
  readonly plan: HandoffPlan | null;
  readonly planSha256: string | null;
  /** Answers word for word, with who gave them and when. */
  readonly answers: readonly z.infer<typeof selectionSchema>[];
  readonly chosenAt: string | null;
  /** The argv log since the choice. */
  readonly calls: readonly HandoffCall[];
}

const selectionSchema = z.looseObject({ ...handoffAnswerSchema.shape, by: z.string(), at: z.string() });

/** What a person does after a hand-off, as a code that the report words. */
const HANDOFF_ROUTES = ["wait-for-merge", "open-by-hand", "commits-stay", "take-up-again", "update-and-retry"] as const;

/** Section 4.6 of a release-handoff's report, part by part. */
export const handoffSectionSchema = z.looseObject({
  outcome: z.enum(HANDOFF_OUTCOMES),
  /** 4.6.1 */
  source: handoffPlanSchema.shape.source,
  /** 4.6.2 */
  state: z.looseObject({
    branch: z.string(),
    head: z.string(),
    worktree: z.string(),
    base: handoffPlanSchema.shape.base,
    remote: z.looseObject({ name: z.string(), url: z.string(), pushUrl: z.string(), branchCommit: z.string().nullable() }).nullable(),
    diffstat: handoffPlanSchema.shape.diffstat.nullable(),
    secretsScanned: z.int().min(0).nullable(),
    secretsAccepted: z.array(z.string()),
    notes: z.array(z.string()),
  }),
  /** 4.6.3 */
  selections: z.array(selectionSchema),
  choice: z
    .looseObject({ planSha256: z.string(), how: z.enum(["terminal", "hash"]), by: z.string(), at: z.string() })
    .nullable()
    .describe("Null: nothing was chosen"),
  /** 4.6.4 */
  calls: z.array(handoffCallSchema),
  /** 4.6.5 */
  commits: z.array(outgoingCommitSchema),
  outgoing: z.string().nullable().describe("The commit that went out or that the branch is at; null when nothing did"),
  moved: z.looseObject({ from: z.string(), to: z.string(), recoveryRef: z.string() }).nullable(),
  push: z.looseObject({ end: z.enum(["pushed", "rejected"]), ref: z.string(), reason: z.string().nullable() }).nullable(),
  /** 4.6.6 */
  pullRequest: z.looseObject({
    kind: z.enum(["opened", "found", "none"]),
    reason: z.enum(NO_PULL_REQUEST_REASONS).nullable(),
    url: z.string().nullable(),
    state: z.string().nullable().default(null).describe("As the forge said it: open, merged or closed"),
    number: z.int().nullable(),
    title: z.string().nullable(),
    body: z.string().nullable(),
    compareUrl: z.string().nullable(),
  }),
  /** 4.6.7 */
  routing: z.looseObject({ code: z.enum(HANDOFF_ROUTES), command: z.string().nullable() }),
});
export type HandoffSection = z.infer<typeof handoffSectionSchema>;

/** @param task `<group>/<task>`, for commands */
export function buildHandoffSection(record: HandoffRecord, task: string): HandoffSection {
  const { state, basis, plan } = record;
  // A plan that does nothing looked at nothing.
  const seen = plan === null || plan.action === "skip" ? null : plan;
  const outcome = state.outcome ?? "cancelled";
  const isDone = outcome === "handed-off" || outcome === "committed" || outcome === "push-rejected";
  const push = state.push === "pushed" || state.push === "rejected" ? state.push : null;
  return {
    outcome,
    source: basis.source,
    state: {
      branch: basis.branch,
      head: basis.source.commit,
      worktree: basis.worktree,
      base: seen?.base ?? null,
      remote: seen?.remote ?? basis.remote,
      diffstat: seen?.diffstat ?? null,
      secretsScanned: seen?.secrets.scanned ?? null,
      secretsAccepted: [...(seen?.secrets.accepted ?? [])],
      notes: [...(seen?.notes ?? [])],
    },
    selections: [...record.answers],
    choice:
      state.chosen === null
        ? null
        : { planSha256: state.chosen.planSha256, how: state.chosen.how, by: state.chosen.by, at: record.chosenAt ?? "" },
    calls: isDone ? [...record.calls] : [],
    commits: isDone ? (plan?.list ?? []) : [],
    outgoing: isDone && outcome !== "push-rejected" ? (plan?.outgoing ?? null) : null,
    moved: state.moved,
    push: push === null || plan === null ? null : { end: push, ref: plan.ref, reason: state.rejection },
    pullRequest: describePullRequest(outcome, state, plan),
    routing: route(outcome, state, task),
  };
}

function describePullRequest(
  outcome: HandoffSection["outcome"],
  { pullRequest }: HandoffState,
  plan: HandoffPlan | null,
): HandoffSection["pullRequest"] {
  const none = { kind: "none" as const, url: null, state: null, number: null, title: null, body: null, compareUrl: null };
  if (outcome === "push-rejected") return { ...none, reason: "not-pushed" };
  if (outcome !== "handed-off" || plan === null) return { ...none, reason: "not-asked-for" };
  const { title, body, forge } = plan;
  if (pullRequest !== null) {
    const { url, state, number, opened } = pullRequest;
    return { kind: opened ? "opened" : "found", reason: null, url, state, number, title, body, compareUrl: forge?.compareUrl ?? null };
  }
  return { ...none, reason: forge === null ? "no-forge" : "no-program", title, body, compareUrl: forge?.compareUrl ?? null };
}

function route(outcome: HandoffSection["outcome"], { pullRequest }: HandoffState, task: string): HandoffSection["routing"] {
  if (outcome === "handed-off")
    return { code: pullRequest === null ? "open-by-hand" : "wait-for-merge", command: `okstra task done ${task}` };
  if (outcome === "committed") return { code: "commits-stay", command: `okstra task done ${task}` };
  if (outcome === "push-rejected") return { code: "update-and-retry", command: `okstra worktree update ${task}` };
  return { code: "take-up-again", command: `okstra handoff ${task}` };
}

/** A person chose, for this commit; what came of it is the verdict. */
export function decideHandoff({ outcome }: Pick<HandoffState, "outcome">): { readonly verdict: Verdict; readonly gate: Gate } {
  const verdict = outcome ?? "cancelled";
  const open = verdict === "handed-off" || verdict === "committed" || verdict === "skipped";
  return {
    verdict,
    gate: {
      name: "release-handoff",
      kind: "escalation",
      open,
      reasons: [open ? "person-chose" : verdict === "push-rejected" ? "push-rejected" : "nothing-chosen"],
      override: null,
    },
  };
}
