import type { RunStanding, Wait } from "@okstra/core/domain/notice";
import { splitTaskKey } from "@okstra/core/domain/task-key";
import type { JournalOf } from "@okstra/core/journal-port";
import type { App } from "../app.ts";
import { isLed } from "../run/run-lock.ts";
import { statusOf, type TaskState, type TaskStatus } from "../status/load-status.ts";
import { currentRuns, loadTask, type TaskFacts } from "../task/load-task.ts";
import { loadTaskRun, type TaskRun } from "../task/load-task-run.ts";
import { decideNext } from "../task/next.ts";
import { formatRunNumber, runsDirectory } from "../run/run-paths.ts";
import { requireTaskType } from "@okstra/core/domain/work";

/** How a task stands now, as far as it is worth telling. */
export interface TaskStanding {
  readonly state: TaskState;
  /** What it waits for a person with; null when it does not. */
  readonly wait: Wait | null;
  /** The run that goes on, is paused or was left; null when there is none. */
  readonly going: RunStanding | null;
  /** Every run that can be relied on, as it stood at the same moment. */
  readonly runs: readonly RunStanding[];
}

/** Reads a task's records; one that cannot be read waits for a person too. Null for what is no task. */
export async function loadStanding(app: App, of: JournalOf, taskKey: string): Promise<TaskStanding | null> {
  const standing = await readStanding(app, of, taskKey);
  // A run that ended after its log was read and before its lock was looked at seems to be led by nobody: its log tells now.
  return standing?.runs.at(-1)?.state === "stopped" ? readStanding(app, of, taskKey) : standing;
}

async function readStanding(app: App, { project, root }: JournalOf, taskKey: string): Promise<TaskStanding | null> {
  let facts: TaskFacts;
  try {
    facts = await loadTask(app, { root, key: splitTaskKey(taskKey) });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const wait = {
      why,
      command: null,
      phase: null,
      run: null,
      since: null,
      reason: "damaged",
      keys: [`damaged ${taskKey} ${why}`],
    } as const;
    return { state: "damaged", wait, going: null, runs: [] };
  }
  if (!facts.known) return null;
  const status = await statusOf(app, project, facts);
  const { state } = status;
  const newest = facts.runs.at(-1);
  const isGoing = state === "running" || state === "paused" || state === "stopped";
  const going = isGoing && newest !== undefined && newest.attempt > 0 ? standingOf(newest, state === "running") : null;
  const runs = facts.runs.filter(({ damaged }) => damaged === null).map((run) => standingOf(run, state === "running"));
  switch (state) {
    case "waiting":
      return { state, wait: waitOf(facts, status), going, runs };
    case "damaged":
      return { state, wait: { ...waitFor(status), reason: state, keys: [`damaged ${taskKey} ${status.why}`] }, going, runs };
    default:
      return { state, wait: null, going, runs };
  }
}

function waitFor({ why, command, phase, run, since }: Omit<Wait, "reason" | "keys">): Omit<Wait, "reason" | "keys"> {
  return { why, command, phase, run, since };
}

function waitOf(facts: TaskFacts, status: TaskStatus): Wait {
  const { taskKey, cycle } = facts;
  const { blocked } = decideNext(facts);
  const newest = facts.runs.findLast((run) => run.type === status.phase && run.stage === "ended");
  const wait = waitFor({ ...status, run: newest?.run ?? null });
  const keys = [`wait ${taskKey} ${cycle.cycle} ${status.why}`];
  if (blocked === null) return { ...wait, reason: "hand-off", keys };
  if (blocked.gate.name === "clarifications") {
    // An answer to one of several questions makes no new wait of the others.
    const raisedHere = new Set(currentRuns(facts).map((each) => `${each.type} ${each.run}`));
    const open = facts.clarifications.filter(
      ({ answer, blocks, raisedBy }) =>
        answer === null && blocks !== "none" && raisedBy.some((by) => raisedHere.has(`${by.type} ${by.run}`)),
    );
    return { ...wait, reason: "question", keys: open.map(({ id }) => `question ${taskKey} ${cycle.cycle} ${id}`) };
  }
  const isPlan = blocked.gate.type === "implementation-planning" && blocked.command.startsWith("okstra approve ");
  return { ...wait, reason: isPlan ? "plan" : "gate", keys };
}

/** How a run that belongs to no task stands, from its own files and never from a list. Null when there is none. */
export async function loadRunStanding(
  app: App,
  { root }: JournalOf,
  { taskKey, type, run }: { readonly taskKey: string; readonly type: string; readonly run: number },
): Promise<RunStanding | null> {
  // Looked at before the log: what ended since then is in it.
  const led = await isLed(app, root, taskKey);
  const runDir = `${runsDirectory(root, splitTaskKey(taskKey), type)}/${formatRunNumber(run)}`;
  const read = await loadTaskRun(app, runDir, requireTaskType(type)).catch(() => null);
  return read === null || read.events.length === 0 ? null : standingOf(read, led);
}

/** @param led whether a live process leads it */
export function standingOf(run: TaskRun, led: boolean): RunStanding {
  const last = run.events.at(-1);
  const failed = last?.type === "run-failed" ? last.message : null;
  const interrupted = last?.type === "run-interrupted" ? "it was interrupted" : null;
  const ended = run.events.findLast((event) => event.type === "run-ended");
  return {
    type: run.type,
    run: run.run,
    runId: run.runId,
    state: stateOf(run, led),
    verdict: run.verdict,
    gateOpen: ended?.type === "run-ended" ? ended.gateOpen : null,
    attempt: run.attempt,
    why: run.waiting ?? failed ?? interrupted,
    at: run.endedAt ?? last?.at ?? run.createdAt,
  };
}

function stateOf({ stage, waiting, attempt, halted, lead }: TaskRun, led: boolean): RunStanding["state"] {
  if (stage === "ended" || stage === "cancelled") return stage;
  if (attempt === 0) return "prepared";
  if (waiting !== null) return "paused";
  // Nobody is called for what an agent leads: between two of its steps no process is at the run.
  return (led || lead === "agent") && !halted ? "running" : "stopped";
}
