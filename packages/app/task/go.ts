import { UNCLASSIFIED, type TaskType } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import { PHASE_ORDER, type DuePhase, type NextPhase } from "@okstra/core/machine/next-phase";
import type { CancelSignal } from "@okstra/core/ports";
import type { App } from "../app.ts";
import { resumeRun, runTask, type RunAnswer } from "../run/run-task.ts";
import type { SettingsFlags } from "../run/settings.ts";
import { settleBrief } from "./create-task.ts";
import { loadTask, type TaskFacts } from "./load-task.ts";
import { decideNext } from "./next.ts";
import { changeTask, findTask, type TaskRequest } from "./open-task.ts";

export interface GoRequest extends TaskRequest, SettingsFlags {
  readonly brief: string | null;
  readonly category: string | null;
  /** Last phase that is run. */
  readonly until: TaskType | null;
}

export interface GoAnswer {
  readonly taskKey: string;
  /** done: finally verified; held: a person is needed; stopped: as far as it was asked for. */
  readonly state: "done" | "held" | "stopped";
  readonly runs: readonly RunAnswer[];
  readonly next: NextPhase;
  /** Exactly what answers the gate that holds; null when none does. */
  readonly answerWith: string | null;
}

/**
 * Runs what is due, phase after phase, until the work is verified or a gate needs a person. It keeps nothing of its own:
 * called again it goes on from the task's records, and its runs are the same as if they were started one by one.
 * @throws OKSTRA_USAGE, OKSTRA_TASK_BUSY, OKSTRA_INTERRUPTED, and what runs throw
 */
export async function goTask(app: App, request: GoRequest, signal: CancelSignal): Promise<GoAnswer> {
  const { until } = request;
  if (until !== null && !(PHASE_ORDER as readonly string[]).includes(until))
    throw new OkstraError("OKSTRA_USAGE", { message: `--until ${until}: a task goes through ${PHASE_ORDER.join(", ")}.` });
  const { opened, key } = await findTask(app, request);
  let facts = await changeTask(app, request, "a start", (each) => settleBrief(app, each, request));
  const runs: RunAnswer[] = [];
  let last: DuePhase | null = null;
  for (;;) {
    const next = decideNext(facts);
    const answer = (state: GoAnswer["state"], answerWith: string | null): GoAnswer => ({
      taskKey: facts.taskKey,
      state,
      runs,
      next,
      answerWith,
    });
    if (next.done) return answer("done", null);
    const { due, blocked } = next;
    if (due === null) return answer("held", blocked?.command ?? null);
    if (until !== null && orderOf(due.type) > orderOf(until)) return answer("stopped", null);
    // What was just run and is due again would be so for ever: a person looks.
    if (last?.type === due.type && (due.resume === null || due.resume === last.resume)) return answer("held", due.command);
    for (const { type, why } of next.skipped)
      app.emit({ type: "phase-skipped", text: `${type} is skipped: ${why}`, data: { phase: type, why } });
    app.emit({ type: "phase-due", text: `${due.type}: ${due.why}`, data: { phase: due.type, why: due.why } });
    const ran = await runDue(app, request, { facts, due, signal });
    runs.push(ran);
    last = due;
    facts = await loadTask(app, { root: opened.root, key });
    // Asking a worker again whose quota is used up would be so for ever as well.
    if (ran.waiting !== null)
      return { taskKey: facts.taskKey, state: "held", runs, next: decideNext(facts), answerWith: resumeCommand(ran) };
  }
}

function resumeCommand({ taskKey, type }: RunAnswer): string {
  return `okstra resume ${taskKey.split("/").slice(1).join("/")} --task-type ${type}`;
}

function orderOf(type: TaskType): number {
  return (PHASE_ORDER as readonly TaskType[]).indexOf(type);
}

async function runDue(
  app: App,
  request: GoRequest,
  { facts, due, signal }: { facts: TaskFacts; due: DuePhase; signal: CancelSignal },
): Promise<RunAnswer> {
  const { task, dir } = request;
  if (due.resume !== null) return resumeRun(app, { task, dir, taskType: due.type }, signal);
  // The category names the branch, which the first run makes.
  const category = request.category ?? (facts.category === UNCLASSIFIED ? null : facts.category);
  return runTask(
    app,
    {
      task,
      dir,
      taskType: due.type,
      category: facts.worktree === null ? category : null,
      baseRef: null,
      brief: request.brief ?? facts.brief,
      workers: request.workers,
      executor: request.executor ?? null,
      deadlineMs: request.deadlineMs,
      lang: request.lang,
      sandbox: request.sandbox ?? null,
      maxCost: request.maxCost ?? null,
      maxTokens: request.maxTokens ?? null,
    },
    { prepareOnly: false, signal },
  );
}
