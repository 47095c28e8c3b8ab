/**
 * What the dashboard's server answers and its page asks: every body under `/api/` is JSON of one of these shapes, an error
 * is an {@link ApiError}. Types only. Times are RFC 3339 UTC with milliseconds, durations integers in milliseconds.
 *
 * Every text may have been written by an agent or stand in a branch, a commit or a file: the page shows it as text. What
 * a terminal would obey (ESC, C1, bidi) was made visible by the server.
 */
import type { Cluster } from "../convergence/cluster.ts";
import type { LedgerRow } from "../convergence/ledger.ts";
import type { VoteRecord } from "../convergence/votes.ts";
import type { Gate } from "../domain/run.ts";
import type { Clarification, Plan } from "../domain/task-context.ts";

/** Any status from 400 on. 401: no or a wrong token; 403: foreign host or origin; 404; 409: not what it was bound to; 422: refused. */
export interface ApiError {
  readonly error: { readonly code: string; readonly message: string; readonly hint: string | null };
}

/** A task in addresses: `/api/tasks/<project>/<group>/<task>`. */
export interface TaskRef {
  readonly project: string;
  readonly group: string;
  readonly task: string;
}

// ---- GET /api/board?project=&group=&phase=&state=

export type BoardState = "waiting" | "running" | "paused" | "stopped" | "damaged" | "due" | "handed-off" | "done";

export interface BoardTask extends TaskRef {
  readonly taskKey: string;
  readonly state: BoardState;
  /** Column of the board: the phase that is due, held, going on or ended last. */
  readonly phase: string | null;
  readonly run: number | null;
  readonly cycle: number;
  readonly why: string;
  /** What goes on, as it is typed in a terminal; null when nothing is to be done. */
  readonly command: string | null;
  readonly since: string | null;
  readonly lanes: readonly { readonly lane: string; readonly worker: string; readonly role: string; readonly since: string }[];
}

export interface Board {
  readonly version: string;
  readonly at: string;
  readonly projects: readonly { readonly project: string; readonly root: string }[];
  /** Task types in the order of the phases. */
  readonly phases: readonly string[];
  /** What waits for a person first, then what runs, then the rest. */
  readonly tasks: readonly BoardTask[];
}

// ---- GET /api/tasks/:project/:group/:task

export interface RunOfTask {
  readonly type: string;
  readonly run: number;
  readonly runId: string | null;
  readonly cycle: number;
  readonly createdAt: string;
  readonly state: string;
  readonly verdict: string;
  readonly commit: string;
  readonly valid: boolean | null;
  readonly damaged: string | null;
  readonly hasReport: boolean;
  readonly gate:
    | (Gate & {
        /** As it stands now, with answers and overrides since. */
        readonly passed: boolean;
        /** What opened or holds it now, in words. */
        readonly by: string | null;
        /** What an override of it is bound to: the hash of the event that decided it; null when it cannot be overridden. */
        readonly boundTo: string | null;
      })
    | null;
  readonly lanes: readonly TimelineLane[];
}

/** A bar of the timeline. */
export interface TimelineLane {
  readonly lane: string;
  readonly worker: string;
  readonly role: string;
  readonly attempt: number;
  readonly startedAt: string;
  /** Null while it runs. */
  readonly endedAt: string | null;
  /** ok, partial, failed, quota …; null while it runs. */
  readonly end: string | null;
  readonly findings: number;
  readonly tokens: number | null;
  readonly cost: readonly { readonly amount: string; readonly currency: string }[];
  /** What it said that it does, newest; null when nothing was said. */
  readonly activity: string | null;
}

export interface TaskPage extends BoardTask {
  readonly category: string;
  /** Markdown. */
  readonly brief: string | null;
  readonly worktree: string | null;
  readonly branch: string;
  readonly head: string;
  /** Newest last. */
  readonly runs: readonly RunOfTask[];
  readonly clarifications: readonly (Clarification & {
    /** What an answer to it is bound to: SHA-256 of id, question, and the answer that it has already, if any. */
    readonly boundTo: string;
  })[];
  readonly plan: {
    readonly run: number;
    readonly state: "approved" | "override" | "rejected" | "stale" | "pending";
    /** What an approval is bound to. */
    readonly planSha256: string;
    readonly plan: Plan;
    readonly approval: { readonly by: string; readonly at: string } | null;
    readonly rejection: { readonly by: string; readonly at: string; readonly reason: string } | null;
  } | null;
  readonly openFindings: number;
  /** Stretches of the task's time, oldest first: working, waiting for a person, and so on. */
  readonly segments: readonly { readonly state: string; readonly startAt: string; readonly endAt: string }[];
}

// ---- GET /api/tasks/:project/:group/:task/findings[?type=&run=]   (no run: the ledger and the newest reports of all types)

export interface FindingOfTask {
  /** F1 … of the task's ledger, or the cluster's id within its run when the ledger has no row for it. */
  readonly id: string;
  /** Where it was last seen. */
  readonly type: string;
  readonly run: number;
  /** Commit at which the code is to be shown; empty without git. */
  readonly commit: string;
  readonly row: LedgerRow | null;
  readonly cluster: Cluster | null;
  /** The findings as they were raised, word for word. */
  readonly members: readonly {
    readonly id: string;
    readonly worker: string;
    readonly claim: string;
    readonly severity: string;
    readonly file: string | null;
    readonly startLine: number | null;
    readonly endLine: number | null;
    readonly quote: string | null;
    readonly fix: string | null;
  }[];
  readonly votes: readonly VoteRecord[];
  /** Commands that okstra executed for or against it. */
  readonly executions: readonly { readonly worker: string; readonly command: string; readonly outcome: string }[];
}

export interface Findings {
  /** Gravest first. */
  readonly findings: readonly FindingOfTask[];
  /** Ids of raised findings of lanes that did not end ok. */
  readonly unheard: readonly string[];
}

// ---- GET /api/tasks/:project/:group/:task/code?commit=<40 hex>&path=<path in the repository>

export interface Code {
  readonly commit: string;
  readonly path: string;
  /** binary, too-large (over 2 MiB), absent, link, submodule: no text. */
  readonly kind: "text" | "binary" | "too-large" | "absent" | "link" | "submodule";
  readonly text: string | null;
  readonly bytes: number | null;
}

// ---- GET /api/tasks/:project/:group/:task/diff

export interface BranchDiff {
  readonly base: string;
  readonly head: string;
  /** Unified diff of git from the merge base to the branch; cut at 4 MiB at the end of a line. */
  readonly text: string;
  readonly isCut: boolean;
  readonly files: readonly { readonly path: string; readonly added: number | null; readonly removed: number | null }[];
}

// ---- GET /api/tasks/:project/:group/:task/runs/:type/:run/report

export interface ReportText {
  readonly type: string;
  readonly run: number;
  readonly lang: string;
  readonly verdict: string;
  readonly valid: boolean | null;
  readonly generatedAt: string;
  readonly markdown: string;
}

// ---- GET /api/tasks/:project/:group/:task/runs/:type/:run/transcript[?worker=&after=N]   at most 500 lines from the Nth on

export interface Transcript {
  readonly lines: readonly {
    readonly lane: string;
    readonly worker: string;
    readonly at: string | null;
    readonly kind: string;
    readonly text: string;
  }[];
  /** What to ask next as `after`. */
  readonly next: number;
  readonly isEnd: boolean;
}

// ---- GET /api/schedule?project=&group=&capacity=    the document of `okstra schedule --json`
// ---- GET /api/time?project=&group=&phase=&since=&until=    the document of `okstra time --json`
// ---- GET /api/cost?project=&group=&since=    the document of `okstra cost --json`

// ---- GET /api/search?q=&limit=    over names and briefs of tasks, claims, files and ids of findings; every word must occur

export interface SearchHit extends TaskRef {
  readonly what: "task" | "finding";
  readonly taskKey: string;
  /** Of a finding; null for a task. */
  readonly id: string | null;
  readonly title: string;
  readonly severity: string | null;
  readonly state: string | null;
  readonly file: string | null;
  readonly line: number | null;
}
export interface SearchAnswer {
  readonly hits: readonly SearchHit[];
  readonly isCut: boolean;
}

// ---- POST, with `Content-Type: application/json` and the header `X-Okstra: 1`; answers 200 with the TaskPage after it.
// Each is bound: what it names must still be what the person saw, else 409 and nothing is done.

/** POST /api/tasks/:project/:group/:task/answers */
export interface AnswersBody {
  readonly answers: readonly { readonly id: string; readonly text: string; readonly boundTo: string }[];
}
/** POST /api/tasks/:project/:group/:task/approval */
export interface ApprovalBody {
  readonly run: number;
  readonly planSha256: string;
}
/** POST /api/tasks/:project/:group/:task/rejection */
export interface RejectionBody extends ApprovalBody {
  readonly reason: string;
}
/** POST /api/tasks/:project/:group/:task/override */
export interface OverrideBody {
  readonly type: string;
  readonly run: number;
  /** Name of the gate. */
  readonly gate: string;
  readonly reason: string;
  /** RFC 3339 or YYYY-MM-DD; null: as `okstra override` without `--until`. */
  readonly until: string | null;
  readonly boundTo: string;
}

// ---- GET /api/stream    text/event-stream; the id of each message is what `Last-Event-ID` (or ?after=) goes on from

/**
 * `change`: something of a task is another than it was; `event`: an event of a run; `reset`: what was missed is not known
 * any more (another server, or too long ago), ask for everything again. The first message of a stream that goes on from
 * nothing is a `reset`. A comment line comes every 15 s.
 */
export type StreamMessage =
  | ({ readonly kind: "change"; readonly taskKey: string; readonly state: BoardState } & TaskRef)
  | ({
      readonly kind: "event";
      readonly taskKey: string;
      readonly type: string;
      readonly run: number;
      /** The event of `events.jsonl` without `prev` and `seal`, neutralised and redacted. */
      readonly event: { readonly seq: number; readonly at: string; readonly type: string; readonly [field: string]: unknown };
    } & TaskRef)
  | { readonly kind: "reset" };
