import type {
  AnswersBody,
  ApprovalBody,
  Board,
  BranchDiff,
  Code,
  Findings,
  OverrideBody,
  RejectionBody,
  ReportText,
  SearchAnswer,
  StreamMessage,
  TaskPage,
  TaskRef,
  Transcript,
} from "@okstra/core/dashboard/api";

/** Null: not asked for. */
type Asked<T> = T | null;

export interface FeedItem {
  /** What a stream goes on from: at most 128 of `A-Z a-z 0-9 . _ : -`. */
  readonly id: string;
  readonly message: StreamMessage;
}

/**
 * What stands behind the dashboard's server: one function for each address under `/api`. What they get has passed the
 * schemas of `schemas.ts`; whether the task, run, commit or path is there is theirs to say, by an OkstraError.
 */
export interface DashboardAnswers {
  board(filter: {
    readonly project: Asked<string>;
    readonly group: Asked<string>;
    readonly phase: Asked<string>;
    readonly state: Asked<string>;
  }): Promise<Board>;
  task(ref: TaskRef): Promise<TaskPage>;
  findings(ref: TaskRef, query: { readonly type: Asked<string>; readonly run: Asked<number> }): Promise<Findings>;
  code(ref: TaskRef, query: { readonly commit: string; readonly path: string }): Promise<Code>;
  diff(ref: TaskRef): Promise<BranchDiff>;
  report(ref: TaskRef, query: { readonly type: string; readonly run: number }): Promise<ReportText>;
  transcript(
    ref: TaskRef,
    query: { readonly type: string; readonly run: number; readonly worker: Asked<string>; readonly after: number },
  ): Promise<Transcript>;
  /** The document of `okstra schedule --json`; `time` and `cost` likewise. */
  schedule(query: { readonly project: Asked<string>; readonly group: Asked<string>; readonly capacity: Asked<number> }): Promise<object>;
  time(query: {
    readonly project: Asked<string>;
    readonly group: Asked<string>;
    readonly phase: Asked<string>;
    readonly since: Asked<string>;
    readonly until: Asked<string>;
  }): Promise<object>;
  cost(query: { readonly project: Asked<string>; readonly group: Asked<string>; readonly since: Asked<string> }): Promise<object>;
  search(query: { readonly q: string; readonly limit: number }): Promise<SearchAnswer>;
  answer(ref: TaskRef, body: AnswersBody): Promise<TaskPage>;
  approve(ref: TaskRef, body: ApprovalBody): Promise<TaskPage>;
  reject(ref: TaskRef, body: RejectionBody): Promise<TaskPage>;
  override(ref: TaskRef, body: OverrideBody): Promise<TaskPage>;
  /**
   * What happens from now on, or after the message with an id. Ends when the signal fires. Null, or an id that is not
   * known any more: the first message is a `reset`.
   */
  feed(afterId: string | null, signal: AbortSignal): AsyncIterable<FeedItem>;
  close(): Promise<void>;
}
