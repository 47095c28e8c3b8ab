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
import { requireTaskType } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import type { CancelSignal } from "@okstra/core/ports";
import type { App } from "../app.ts";
import { sumCost } from "../cost/sum-cost.ts";
import { overrideGate } from "../run/override-gate.ts";
import { loadSchedule } from "../schedule/load-schedule.ts";
import { answerQuestions } from "../task/answer-questions.ts";
import { approvePlan, rejectPlan } from "../task/decide-plan.ts";
import { loadTask, requireKnown, type TaskFacts } from "../task/load-task.ts";
import { personOf } from "../task/person.ts";
import { loadTimes } from "../time/load-times.ts";
import { createCleaners } from "./clean-texts.ts";
import { createFeed } from "./feed.ts";
import { loadFindings } from "./findings.ts";
import { createKnownProjects, type KnownTask } from "./known-tasks.ts";
import { loadCode, loadDiff } from "./repository.ts";
import { loadReportText } from "./report-text.ts";
import { createSearch } from "./search.ts";
import { loadBoard, loadTaskPage, type BoardFilter } from "./task-page.ts";
import { createTranscripts, type TranscriptQuery } from "./transcript.ts";

export interface DashboardAnswers {
  board(filter: BoardFilter): Promise<Board>;
  task(ref: TaskRef): Promise<TaskPage>;
  findings(ref: TaskRef, query: { readonly type: string | null; readonly run: number | null }): Promise<Findings>;
  code(ref: TaskRef, query: { readonly commit: string; readonly path: string }): Promise<Code>;
  diff(ref: TaskRef): Promise<BranchDiff>;
  report(ref: TaskRef, query: { readonly type: string; readonly run: number }): Promise<ReportText>;
  transcript(ref: TaskRef, query: TranscriptQuery): Promise<Transcript>;
  /** Null for `project`: every project that okstra knows; likewise below. */
  schedule(query: { readonly project: string | null; readonly group: string | null; readonly capacity: number | null }): Promise<object>;
  /** @param query.since RFC 3339, and so `until` */
  time(query: {
    readonly project: string | null;
    readonly group: string | null;
    readonly phase: string | null;
    readonly since: string | null;
    readonly until: string | null;
  }): Promise<object>;
  cost(query: { readonly project: string | null; readonly group: string | null; readonly since: string | null }): Promise<object>;
  search(query: { readonly q: string; readonly limit: number }): Promise<SearchAnswer>;
  answer(ref: TaskRef, body: AnswersBody): Promise<TaskPage>;
  approve(ref: TaskRef, body: ApprovalBody): Promise<TaskPage>;
  reject(ref: TaskRef, body: RejectionBody): Promise<TaskPage>;
  override(ref: TaskRef, body: OverrideBody): Promise<TaskPage>;
  feed(after: string | null, signal: CancelSignal): AsyncIterable<{ readonly id: string; readonly message: StreamMessage }>;
  /** Ends every feed. */
  close(): Promise<void>;
}

/**
 * What the dashboard shows and does. Every task is one of a project that okstra knows on this machine, every text is
 * redacted and neutral, and an action is done only while what it is about is what the person saw.
 */
export function createDashboardAnswers(app: App): DashboardAnswers {
  const known = createKnownProjects(app);
  const cleaners = createCleaners(app);
  const parts = { app, known, cleaners };
  const feed = createFeed(app, known, cleaners);
  const search = createSearch(app, known, cleaners);
  const transcripts = createTranscripts(app, cleaners);

  /** A document of a task, safe to show. */
  const ofTask = async <T>(ref: TaskRef, load: (facts: TaskFacts) => Promise<T>): Promise<T> => {
    const { of, key } = await known.find(ref);
    const facts = requireKnown(await loadTask(app, { root: of.root, key }));
    const cleaner = await cleaners.of([of.root, ...(facts.worktree === null ? [] : [facts.worktree])]);
    return cleaner.document(await load(facts));
  };
  /** A document of projects, safe to show. */
  const ofProjects = async (project: string | null, load: (projects: Awaited<ReturnType<typeof known.list>>) => Promise<object>) => {
    const projects = await known.pick(project);
    const cleaner = await cleaners.of(projects.map(({ root }) => root));
    return cleaner.document(await load(projects));
  };
  /** Acts for the person as the command line does, in the task's own project. */
  const act = async (ref: TaskRef, change: (request: { task: string; dir: string; by: string }) => Promise<unknown>): Promise<TaskPage> => {
    const by = personOf(app);
    const task: KnownTask = await known.find(ref);
    await change({ task: task.name, dir: task.of.root, by });
    return loadTaskPage(parts, task);
  };

  return {
    board: (filter) => loadBoard(parts, filter),
    task: async (ref) => loadTaskPage(parts, await known.find(ref)),
    findings: (ref, query) => ofTask(ref, (facts) => loadFindings(app, facts, query)),
    code: (ref, query) => ofTask(ref, (facts) => loadCode(app, facts, query)),
    diff: (ref) => ofTask(ref, (facts) => loadDiff(app, facts)),
    report: (ref, query) => ofTask(ref, async (facts) => loadReportText(facts, query)),
    transcript: async (ref, query) => transcripts(await known.find(ref), query),
    schedule: ({ project, group, capacity }) =>
      ofProjects(project, async (projects) => {
        const { report } = await loadSchedule(app, { projects, group, capacity: capacity ?? 1, from: null });
        return { ...report, saved: null };
      }),
    time: ({ project, group, phase, since, until }) =>
      ofProjects(project, (projects) =>
        loadTimes(app, {
          projects,
          dir: app.surroundings.cwd,
          task: null,
          group,
          phase: phase === null ? null : requireTaskType(phase),
          since,
          until,
        }),
      ),
    cost: ({ project, group, since }) =>
      ofProjects(project, (projects) =>
        sumCost(app, { projects, dir: app.surroundings.cwd, task: null, group, phase: null, since, until: null }),
      ),
    search,
    answer: (ref, { answers }) =>
      act(ref, (request) =>
        answerQuestions(app, {
          ...request,
          answers: answers.map(({ id, text, boundTo }) => ({ id, text: text.trim(), expected: boundTo })),
        }),
      ),
    approve: (ref, { run, planSha256 }) =>
      act(ref, (request) => approvePlan(app, { ...request, run: null, expected: { run, planSha256 } })),
    reject: (ref, { run, planSha256, reason }) =>
      act(ref, (request) =>
        rejectPlan(app, { ...request, run: null, reason: requireWords(reason, "A rejection"), expected: { run, planSha256 } }),
      ),
    override: (ref, { type, run, gate, reason, until, boundTo }) =>
      act(ref, (request) =>
        overrideGate(app, {
          ...request,
          taskType: requireTaskType(type),
          gate,
          reason: requireWords(reason, "An override"),
          until: until === null ? null : requireTime(until),
          expected: { run, decision: boundTo },
        }),
      ),
    feed: (after, signal) => feed.listen(after, signal),
    async close() {
      feed.close();
    },
  };
}

/** @throws OKSTRA_USAGE */
function requireWords(reason: string, what: string): string {
  if (reason.trim() !== "") return reason;
  throw new OkstraError("OKSTRA_USAGE", { message: `The reason is empty; ${what.toLowerCase()} says why.` });
}

/** @throws OKSTRA_USAGE */
function requireTime(text: string): string {
  const time = new Date(text);
  if (!Number.isNaN(time.getTime())) return time.toISOString();
  throw new OkstraError("OKSTRA_USAGE", { message: `"${text.slice(0, 40)}" is no date; say for example 2026-12-31.` });
}
