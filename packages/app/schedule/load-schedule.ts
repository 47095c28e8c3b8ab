import { openRows } from "@okstra/core/convergence/ledger";
import { accountTime } from "@okstra/core/domain/time-account";
import { parseTaskName, slugSegment } from "@okstra/core/domain/task-key";
import type { JournalOf } from "@okstra/core/journal-port";
import type { PhaseSample } from "@okstra/core/schedule/forecast";
import { gatherWaits } from "@okstra/core/schedule/links";
import { makeSchedule, type OpenTask, type Schedule } from "@okstra/core/schedule/make-schedule";
import { measureRisk } from "@okstra/core/schedule/order";
import { listRemaining } from "@okstra/core/schedule/remaining";
import type { App } from "../app.ts";
import { loadLinks } from "../task/link-tasks.ts";
import { loadLedger } from "../task/load-context.ts";
import { currentRuns, loadTask, type RunFacts, type TaskFacts } from "../task/load-task.ts";
import { decideNext } from "../task/next.ts";

export interface ScheduleRequest {
  readonly projects: readonly JournalOf[];
  /** Null: every task. With a group its tasks are scheduled, and those that they wait for. */
  readonly group: string | null;
  readonly capacity: number;
  /** RFC 3339 UTC; null: now. */
  readonly from: string | null;
}

/** What `okstra schedule --json` prints. */
export interface ScheduleReport extends Schedule {
  readonly projects: readonly string[];
  readonly group: string | null;
  /** Relations to tasks that are not there, or whose records cannot be read: nothing waits for those. */
  readonly missing: readonly { readonly taskKey: string; readonly after: string }[];
  /** Tasks and runs that cannot be relied on; they are in no number. */
  readonly damaged: readonly { readonly taskKey: string; readonly reason: string }[];
}

export interface LoadedSchedule {
  readonly report: ScheduleReport;
  /** For each task that is not open any more when it was verified, RFC 3339 UTC; null: nobody knows. */
  readonly finished: ReadonlyMap<string, string | null>;
}

/** The schedule of the open tasks of some projects, from their records. Changes nothing. */
export async function loadSchedule(app: App, request: ScheduleRequest): Promise<LoadedSchedule> {
  const open = new Map<string, OpenTask>();
  const finished = new Map<string, string | null>();
  const samples: PhaseSample[] = [];
  const damaged: { taskKey: string; reason: string }[] = [];
  const missing: { taskKey: string; after: string }[] = [];
  for (const { project, root } of request.projects) {
    const { links, damaged: logs } = await loadLinks(app, project, root);
    damaged.push(...logs);
    const waits = gatherWaits(links);
    const known = new Map<string, TaskFacts>();
    for (const taskKey of links.keys()) {
      const key = parseTaskName(taskKey.split("/").slice(1).join("/"), project, app.sha256);
      const facts = await loadTask(app, { root, key }).catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
      if (typeof facts === "string") damaged.push({ taskKey, reason: facts });
      else if (open.has(taskKey) || finished.has(taskKey)) damaged.push({ taskKey, reason: `${root} has a task of the same key` });
      else if (facts.known) known.set(taskKey, facts);
    }
    for (const [taskKey, facts] of known) {
      samples.push(...takeSamples(facts));
      for (const { type, run, damaged: reason } of facts.runs)
        if (reason !== null) damaged.push({ taskKey, reason: `${type} run ${run}: ${reason}` });
      const after = waits.get(taskKey) ?? [];
      missing.push(...after.filter((each) => !known.has(each)).map((each) => ({ taskKey, after: each })));
      const task = await openTaskOf(app, facts, after, links.get(taskKey)?.priority ?? 0);
      if (task === null) finished.set(taskKey, verifiedAt(facts));
      else open.set(taskKey, task);
    }
  }
  const group = request.group === null ? null : slugSegment(request.group, app.sha256);
  const now = app.clock.now();
  const schedule = makeSchedule({
    tasks: group === null ? [...open.values()] : pickGroup(open, group),
    samples,
    at: now,
    from: request.from ?? now,
    capacity: request.capacity,
  });
  const projects = request.projects.map(({ project }) => project);
  return { report: { ...schedule, projects, group, missing, damaged }, finished };
}

async function openTaskOf(app: App, facts: TaskFacts, after: readonly string[], priority: number): Promise<OpenTask | null> {
  const next = decideNext(facts);
  const { category, discovery, cycle } = facts;
  const phases = listRemaining(
    { category, hasBrief: facts.brief !== null, startAt: cycle.cycle === 1 ? (facts.from?.startAt ?? null) : null, discovery },
    next,
  );
  if (phases.length === 0) return null;
  const { due } = next;
  const going =
    due === null || due.resume === null ? undefined : facts.runs.find(({ type, run }) => type === due.type && run === due.resume);
  const severities = openRows((await loadLedger(app, facts))?.rows ?? []).map(({ severity }) => severity);
  return {
    taskKey: facts.taskKey,
    after,
    priority,
    risk: measureRisk({ severities, category, cycle: cycle.cycle }),
    createdAt: firstTime(facts),
    category,
    cycle: cycle.cycle,
    phases,
    spentMs: going === undefined ? 0 : measureWork(going),
    held: next.blocked?.command ?? null,
  };
}

/** The tasks of a group, and what they wait for in whatever group. */
function pickGroup(open: ReadonlyMap<string, OpenTask>, group: string): readonly OpenTask[] {
  const picked = new Map<string, OpenTask>();
  const pick = (taskKey: string): void => {
    const task = open.get(taskKey);
    if (task === undefined || picked.has(taskKey)) return;
    picked.set(taskKey, task);
    for (const each of task.after) pick(each);
  };
  for (const taskKey of open.keys()) if (taskKey.split("/")[1] === group) pick(taskKey);
  return [...picked.values()];
}

/** How long the runs of a task worked that ended, whatever their gates said. */
function takeSamples({ runs, category }: TaskFacts): readonly PhaseSample[] {
  return runs
    .filter((run) => run.stage === "ended" && run.damaged === null)
    .map((run) => ({ phase: run.type, category, durationMs: measureWork(run) }));
}

function measureWork({ type, run, events }: RunFacts): number {
  return accountTime({ runs: [{ type, run, events }], taskEvents: [] }).workingMs;
}

function verifiedAt(facts: TaskFacts): string | null {
  return (
    currentRuns(facts).findLast(({ type, stage, effective }) => type === "final-verification" && stage === "ended" && effective.open)
      ?.endedAt ?? null
  );
}

function firstTime({ log, runs, manifest }: TaskFacts): string {
  const made = manifest["createdAt"];
  const times = [typeof made === "string" ? made : "", log.events[0]?.at ?? "", runs[0]?.createdAt ?? ""].filter((at) => at !== "");
  return times.sort()[0] ?? "";
}
