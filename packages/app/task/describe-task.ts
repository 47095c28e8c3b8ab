import { openRows, type LedgerRow } from "@okstra/core/convergence/ledger";
import type { Gate } from "@okstra/core/domain/run";
import type { Clarification } from "@okstra/core/domain/task-context";
import type { OlderRun } from "@okstra/core/domain/task-log";
import { formatTaskKey, parseTaskName } from "@okstra/core/domain/task-key";
import type { NextPhase } from "@okstra/core/machine/next-phase";
import type { App } from "../app.ts";
import { openProject } from "../project/open-project.ts";
import { loadLedger } from "./load-context.ts";
import { loadTask, olderRunsOf, type Cycle, type PlanFacts, type RunFacts, type TaskFacts } from "./load-task.ts";
import { decideNext } from "./next.ts";

/** A run as the views show it. */
export interface RunView {
  readonly type: string;
  readonly run: number;
  readonly runDir: string;
  readonly createdAt: string;
  readonly state: string;
  readonly verdict: string;
  readonly commit: string;
  readonly valid: boolean | null;
  readonly gate: (Gate & { readonly passed: boolean; readonly by: RunFacts["effective"]["by"] }) | null;
  readonly damaged: string | null;
}

/** What `okstra task show --json` prints. */
export interface TaskDescription {
  readonly taskKey: string;
  readonly category: string;
  readonly brief: string | null;
  readonly from: TaskFacts["from"];
  readonly worktree: string | null;
  readonly head: string;
  readonly cycles: readonly (Cycle & { readonly runs: readonly RunView[] })[];
  /** Runs that an older okstra left: files of then. */
  readonly older: readonly OlderRun[];
  readonly clarifications: readonly Clarification[];
  readonly plan: Pick<PlanFacts, "run" | "planSha256" | "state" | "approval" | "rejection"> | null;
  readonly ledger: readonly Pick<LedgerRow, "id" | "state" | "severity" | "claim" | "file" | "startLine">[];
  readonly openFindings: number;
  readonly next: NextPhase;
}

export async function describeTask(app: App, facts: TaskFacts): Promise<TaskDescription> {
  const { taskKey, category, brief, from, worktree, head, clarifications, plan } = facts;
  const rows = (await loadLedger(app, facts))?.rows ?? [];
  return {
    taskKey,
    category,
    brief,
    from,
    worktree,
    head,
    cycles: facts.cycles.map((cycle) => ({
      ...cycle,
      runs: facts.runs.filter((run) => run.cycle === cycle.cycle).map(viewRun),
    })),
    older: olderRunsOf(facts.log.events),
    clarifications,
    plan:
      plan === null
        ? null
        : { run: plan.run, planSha256: plan.planSha256, state: plan.state, approval: plan.approval, rejection: plan.rejection },
    ledger: rows.map(({ id, state, severity, claim, file, startLine }) => ({ id, state, severity, claim, file, startLine })),
    openFindings: openRows(rows).length,
    next: decideNext(facts),
  };
}

function viewRun(run: RunFacts): RunView {
  const { type, runDir, createdAt, stage, halted, waiting, verdict, commit, valid, gate, effective, damaged } = run;
  return {
    type,
    run: run.run,
    runDir,
    createdAt,
    state: damaged !== null ? "damaged" : waiting !== null ? "paused" : halted ? "halted" : stage,
    verdict: verdict ?? "none",
    commit,
    valid,
    gate: gate === null ? null : { ...gate, passed: effective.open, by: effective.by },
    damaged,
  };
}

/** A task in the list. */
export interface TaskRow {
  readonly taskKey: string;
  readonly category: string;
  readonly cycle: number;
  readonly runs: number;
  readonly state: "done" | "due" | "held" | "damaged";
  /** What is due, or what answers what holds; why it cannot be read. */
  readonly next: string;
}

/** Every task that has records in the project, by name; the runs of `okstra verify` have no task. */
export async function listProjectTasks(app: App, { dir }: { dir: string }): Promise<readonly TaskRow[]> {
  const { root, project } = await openProject(app, dir);
  const tasks = `${root}/.project-docs/okstra/tasks`;
  const rows: TaskRow[] = [];
  for (const group of await app.store.listDirectory(tasks)) {
    if (group === "verify" || group.startsWith(".")) continue;
    for (const task of await app.store.listDirectory(`${tasks}/${group}`).catch(() => [])) {
      const key = parseTaskName(`${group}/${task}`, project.projectId, app.sha256);
      const facts = await loadTask(app, { root, key }).catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
      if (typeof facts === "string")
        rows.push({ taskKey: formatTaskKey(key), category: "", cycle: 0, runs: 0, state: "damaged", next: facts });
      else if (facts.known) rows.push(rowOf(facts));
    }
  }
  return rows;
}

function rowOf(facts: TaskFacts): TaskRow {
  const { due, done, blocked } = decideNext(facts);
  return {
    taskKey: facts.taskKey,
    category: facts.category,
    cycle: facts.cycle.cycle,
    runs: facts.runs.length,
    state: done ? "done" : blocked === null ? "due" : "held",
    next: blocked?.command ?? due?.type ?? "",
  };
}
