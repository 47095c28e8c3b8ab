import type { Board, StreamMessage, TaskPage, TaskRef } from "@okstra/core/dashboard/api";
import { OkstraError } from "@okstra/core/errors";
import type { DashboardAnswers, FeedItem } from "@okstra/server/answers";

export const SHA = "a".repeat(64);
export const COMMIT = "b".repeat(40);

export interface SampleAnswers extends DashboardAnswers {
  /** Names of what was asked, in order; `close` too. */
  readonly calls: readonly { readonly name: string; readonly parts: readonly unknown[] }[];
  /** To every open feed, and kept for those that go on. */
  send(message: StreamMessage): void;
  /** Feeds that somebody listens to. */
  openFeeds(): number;
}

/** Answers of one task, `proj/bugs/login`, from memory; `title` is part of several of them. */
export function createSampleAnswers({ title = "login fails" }: { title?: string } = {}): SampleAnswers {
  const calls: { name: string; parts: readonly unknown[] }[] = [];
  const kept: FeedItem[] = [];
  const waiting = new Set<() => void>();
  let feeds = 0;

  const page = (ref: TaskRef): TaskPage => {
    if (ref.task !== "login")
      throw new OkstraError("OKSTRA_TASK_NOT_FOUND", { message: `No task ${ref.project}/${ref.group}/${ref.task} is registered.` });
    return {
      ...ref,
      taskKey: `${ref.project}/${ref.group}/${ref.task}`,
      state: "waiting",
      phase: "implementation-planning",
      run: 1,
      cycle: 1,
      why: title,
      command: null,
      since: null,
      lanes: [],
      category: "bugfix",
      brief: title,
      worktree: null,
      branch: "fix/login",
      head: COMMIT,
      runs: [],
      clarifications: [],
      plan: null,
      openFindings: 0,
      segments: [],
    };
  };
  const board: Board = { version: "0", at: "2026-01-01T00:00:00.000Z", projects: [], phases: [], tasks: [] };
  const answer =
    <P extends readonly unknown[], T>(name: string, make: (...parts: P) => T) =>
    async (...parts: P): Promise<T> => {
      calls.push({ name, parts });
      return make(...parts);
    };
  const bound = (ref: TaskRef, given: string): TaskPage => {
    if (given !== SHA) throw new OkstraError("OKSTRA_PLAN_SUPERSEDED", { message: "It is not what the page showed." });
    return page(ref);
  };

  return {
    calls,
    board: answer("board", () => ({ ...board, tasks: [page({ project: "proj", group: "bugs", task: "login" })] })),
    task: answer("task", page),
    findings: answer("findings", () => ({ findings: [], unheard: [] })),
    code: answer("code", (_, { commit, path }) => ({ commit, path, kind: "text" as const, text: `${title}\n`, bytes: 1 })),
    diff: answer("diff", () => ({ base: COMMIT, head: COMMIT, text: "", isCut: false, files: [] })),
    report: answer("report", (_, run) => ({ ...run, lang: "en", verdict: "ok", valid: true, generatedAt: board.at, markdown: title })),
    transcript: answer("transcript", (_, { after }) => ({ lines: [], next: after, isEnd: true })),
    schedule: answer("schedule", () => ({})),
    time: answer("time", () => ({})),
    cost: answer("cost", () => ({})),
    search: answer("search", () => ({ hits: [], isCut: false })),
    answer: answer("answer", (ref, { answers }) => bound(ref, answers[0]?.boundTo ?? "")),
    approve: answer("approve", (ref, { planSha256 }) => bound(ref, planSha256)),
    reject: answer("reject", (ref, { planSha256 }) => bound(ref, planSha256)),
    override: answer("override", (ref, { boundTo }) => bound(ref, boundTo)),
    async *feed(afterId, signal) {
      calls.push({ name: "feed", parts: [afterId] });
      feeds += 1;
      let wake = (): void => undefined;
      signal.addEventListener("abort", () => wake());
      try {
        const known = afterId === null ? -1 : kept.findIndex(({ id }) => id === afterId);
        if (known < 0) yield { id: String(kept.length), message: { kind: "reset" } };
        for (let next = known < 0 ? kept.length : known + 1; !signal.aborted; next += 1) {
          while (kept[next] === undefined && !signal.aborted)
            await new Promise<void>((resolve) => {
              wake = resolve;
              waiting.add(resolve);
            });
          const item = kept[next];
          if (item !== undefined) yield item;
        }
      } finally {
        feeds -= 1;
      }
    },
    send(message) {
      kept.push({ id: String(kept.length + 1), message });
      for (const wake of waiting) wake();
      waiting.clear();
    },
    openFeeds: () => feeds,
    close: answer("close", () => undefined),
  };
}
