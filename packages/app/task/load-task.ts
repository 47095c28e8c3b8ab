import { foldClarifications } from "@okstra/core/domain/clarifications";
import { findRow } from "@okstra/core/domain/registry-change";
import {
  approvalSchema,
  canonicalJson,
  planSchema,
  type Approval,
  type Clarification,
  type Plan,
  type TakenFeedback,
} from "@okstra/core/domain/task-context";
import type { OlderRun, TaskEvent, TaskOrigin } from "@okstra/core/domain/task-log";
import { formatTaskKey, type TaskKey } from "@okstra/core/domain/task-key";
import { categoryOfBranch, TASK_TYPES, UNCLASSIFIED, type TaskType } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import * as z from "zod";
import type { App } from "../app.ts";
import { listPreparedRuns, taskDirectory } from "../run/run-paths.ts";
import { currentOverride, effectiveGate, type EffectiveGate } from "./effective-gate.ts";
import { loadTaskRun, parseJson, type TaskRun } from "./load-task-run.ts";
import { openTaskLog, type TaskLog } from "./task-log.ts";

/** A run with its gate as it stands now. */
export interface RunFacts extends TaskRun {
  readonly effective: EffectiveGate;
}

/** A fix cycle of a task; the first one is the task itself. */
export interface Cycle {
  readonly cycle: number;
  readonly brief: string | null;
  readonly reason: string | null;
  readonly category: string | null;
  readonly startedAt: string | null;
  /** What the cycle takes up of a pull request; empty for every other cycle. */
  readonly feedback: readonly TakenFeedback[];
}

/** A plan and what a person said to it. */
export interface PlanFacts {
  readonly run: number;
  readonly runDir: string;
  readonly plan: Plan;
  readonly planSha256: string;
  /** stale: another plan of this cycle was approved, and this one is not. */
  readonly state: "approved" | "override" | "rejected" | "stale" | "pending";
  readonly approval: Approval | null;
  /** Of a rejected plan. */
  readonly rejection: { readonly reason: string; readonly by: string; readonly at: string } | null;
}

/** What requirements-discovery says of the task. */
export interface DiscoveryFacts {
  readonly run: number;
  readonly category: string | null;
  readonly size: string | null;
  readonly nextPhase: TaskType | null;
  readonly skip: readonly { readonly type: TaskType; readonly why: string }[];
}

/** All that is known of a task, read from its records. */
export interface TaskFacts {
  readonly root: string;
  readonly key: TaskKey;
  readonly taskKey: string;
  readonly taskDir: string;
  /** Whether the task has any record, or a worktree. */
  readonly known: boolean;
  /** task.json as data; empty when there is none. */
  readonly manifest: Readonly<Record<string, unknown>>;
  readonly log: TaskLog;
  readonly cycles: readonly Cycle[];
  readonly cycle: Cycle;
  readonly category: string;
  /** What is asked for in the current cycle, as it was last said. */
  readonly brief: string | null;
  /** The finding of another task that this one was made from. */
  readonly from: TaskOrigin | null;
  /** All runs in the order of their creation, the damaged ones too. */
  readonly runs: readonly RunFacts[];
  readonly clarifications: readonly Clarification[];
  /** Of the newest planning run that ended in this cycle; null too when that run is damaged. */
  readonly plan: PlanFacts | null;
  readonly discovery: DiscoveryFacts | null;
  readonly worktree: string | null;
  /** Head commit of the worktree or of its branch; empty without git, or where there is neither yet. */
  readonly head: string;
}

/**
 * Reads a task: its log, every run, its table of questions, its plan, its head. Changes nothing.
 * @throws OKSTRA_TASK_LOG_CORRUPT
 */
export async function loadTask(app: App, { root, key }: { root: string; key: TaskKey }): Promise<TaskFacts> {
  const taskDir = taskDirectory(root, key);
  const taskKey = formatTaskKey(key);
  const log = await openTaskLog(app, taskDir, taskKey);
  const manifestText = await app.store.readText(`${taskDir}/task.json`);
  const parsed = z.looseObject({}).safeParse(parseJson(manifestText));
  const manifest = parsed.success ? parsed.data : {};
  const read = await loadRuns(app, root, key);
  const clarifications = foldClarifications(
    byEnd(read).map(({ questions }) => questions),
    log.events.flatMap((event) => (event.type === "answered" ? [event] : [])),
  );
  const cycles = foldCycles(log.events);
  const cycle = cycles.at(-1) ?? FIRST_CYCLE;
  const runs = read.map((run) => ({ ...run, effective: judgeGate(app, run, { read, clarifications, events: log.events }) }));
  const newestPlan = runs.findLast(
    (run) => run.type === "implementation-planning" && run.cycle === cycle.cycle && (run.stage === "ended" || run.damaged !== null),
  );
  const plan = newestPlan === undefined || newestPlan.damaged !== null ? null : judgePlan(app, newestPlan, log.events);
  const created = log.events.find((event) => event.type === "task-created");
  const row = findRow((await app.registry.load()).registry, taskKey);
  const discovery = findDiscovery(runs, cycle.cycle);
  const ownRuns = runs.filter((run) => run.cycle === cycle.cycle && run.damaged === null);
  const branch = typeof manifest["branch"] === "string" ? manifest["branch"] : (row?.branch ?? "");
  return {
    root,
    key,
    taskKey,
    taskDir,
    known: manifestText !== null || log.events.length > 0 || runs.length > 0 || row !== null,
    manifest,
    log,
    cycles,
    cycle,
    category: discovery?.category ?? cycle.category ?? (cycle.cycle > 1 ? "bugfix" : categoryOf(manifest, branch)),
    brief: ownRuns.findLast((run) => run.brief !== null)?.brief ?? cycle.brief,
    from: created?.type === "task-created" && created.from !== null ? created.from : null,
    runs,
    clarifications,
    plan,
    discovery,
    ...(await findHead(app, root, row?.worktree_path ?? null, manifest, branch)),
  };
}

/** Runs that an older okstra left, as the migration found them: files of then, which prove nothing now. */
export function olderRunsOf(events: readonly TaskEvent[]): readonly OlderRun[] {
  return events.flatMap((event) => (event.type === "migrated" ? event.runs : []));
}

/** @throws OKSTRA_TASK_NOT_FOUND */
export function requireKnown(facts: TaskFacts): TaskFacts {
  if (facts.known) return facts;
  throw new OkstraError("OKSTRA_TASK_NOT_FOUND", {
    message: `${facts.taskKey} is no task of this project.`,
    hint: "List the tasks: okstra task list",
    details: { taskKey: facts.taskKey },
  });
}

/** Runs of the current cycle that can be relied on, in the order of their creation. */
export function currentRuns(facts: TaskFacts): readonly RunFacts[] {
  return facts.runs.filter((run) => run.cycle === facts.cycle.cycle && run.damaged === null && run.stage !== "cancelled");
}

/** The final verification that passed for the head commit, in this cycle; null when there is none. */
export function findVerified(facts: TaskFacts): RunFacts | null {
  const newest = currentRuns(facts).findLast((run) => run.type === "final-verification" && run.stage === "ended");
  return newest !== undefined && newest.effective.open && newest.commit === facts.head ? newest : null;
}

async function loadRuns(app: App, root: string, key: TaskKey): Promise<readonly TaskRun[]> {
  const runs: TaskRun[] = [];
  for (const type of TASK_TYPES)
    for (const runDir of await listPreparedRuns(app, root, key, type)) runs.push(await loadTaskRun(app, runDir, type));
  const order = (run: TaskRun): string => run.createdAt;
  return runs.toSorted((a, b) => (order(a) < order(b) ? -1 : order(a) > order(b) ? 1 : 0));
}

/** Runs as they ended, so that a run that is resumed later does not change the ids of questions that are known. */
function byEnd(runs: readonly TaskRun[]): readonly TaskRun[] {
  return runs
    .filter((run) => run.endedAt !== null && run.damaged === null)
    .toSorted((a, b) => ((a.endedAt ?? "") < (b.endedAt ?? "") ? -1 : (a.endedAt ?? "") > (b.endedAt ?? "") ? 1 : 0));
}

const FIRST_CYCLE: Cycle = { cycle: 1, brief: null, reason: null, category: null, startedAt: null, feedback: [] };

function foldCycles(events: readonly TaskEvent[]): readonly Cycle[] {
  const created = events.find((event) => event.type === "task-created");
  const first =
    created?.type === "task-created"
      ? { ...FIRST_CYCLE, brief: created.brief, category: created.category, startedAt: created.at }
      : FIRST_CYCLE;
  return [
    first,
    ...events.flatMap((event) =>
      event.type === "cycle-started"
        ? [
            {
              cycle: event.cycle,
              brief: event.brief,
              reason: event.reason,
              category: event.category,
              startedAt: event.at,
              feedback: event.feedback ?? [],
            },
          ]
        : [],
    ),
  ];
}

/** What was said about the task in one of its cycles. */
export function eventsOfCycle(events: readonly TaskEvent[], cycle: number): readonly TaskEvent[] {
  const startOf = (number: number): number => events.findIndex((event) => event.type === "cycle-started" && event.cycle === number);
  const end = startOf(cycle + 1);
  return events.slice(Math.max(0, startOf(cycle)), end < 0 ? undefined : end);
}

/** A run's gate as it stands now. Questions of a later cycle are not its own. */
function judgeGate(
  app: App,
  run: TaskRun,
  task: { read: readonly TaskRun[]; clarifications: readonly Clarification[]; events: readonly TaskEvent[] },
): EffectiveGate {
  const plan = run.type === "implementation-planning" ? judgePlan(app, run, task.events) : null;
  // A later rejection outweighs what opened the gate before it.
  if (plan?.state === "rejected") return { open: false, by: null, override: null };
  const before = new Set(task.read.filter(({ cycle }) => cycle <= run.cycle).map((each) => `${each.type} ${each.run}`));
  return effectiveGate({
    events: run.events,
    ended: run.stage === "ended" && run.damaged === null,
    valid: run.valid,
    clarifications: task.clarifications.filter(({ raisedBy }) => raisedBy.some((each) => before.has(`${each.type} ${each.run}`))),
    planApproved: plan?.state === "approved",
    now: app.clock.now(),
  });
}

function categoryOf(manifest: Readonly<Record<string, unknown>>, branch: string): string {
  const own = manifest["category"];
  return typeof own === "string" ? own : branch === "" ? UNCLASSIFIED : categoryOfBranch(branch).category;
}

const planningSchema = z.looseObject({ plan: planSchema, planSha256: z.string() });

/** The plan of a planning run, with what was said to it in its cycle; null when it has none. */
function judgePlan(app: App, planning: TaskRun, all: readonly TaskEvent[]): PlanFacts | null {
  const section = planningSchema.safeParse(planning.report?.["implementationPlanning"]);
  if (!section.success) return null;
  const events = eventsOfCycle(all, planning.cycle);
  const { plan, planSha256 } = section.data;
  if (app.sha256(canonicalJson(plan)) !== planSha256) return null;
  const { run, runDir } = planning;
  const facts = { run, runDir, plan, planSha256, approval: null, rejection: null };
  const words = events.flatMap((event) => (event.type === "plan-approved" || event.type === "plan-rejected" ? [event] : []));
  const word = words.findLast((event) => event.planSha256 === planSha256);
  const override = currentOverride(planning.events, planning.gate?.name ?? "", app.clock.now());
  if (word?.type === "plan-approved") {
    const approval = approvalSchema.parse({ run: word.run, planSha256, by: word.by, at: word.at, kind: "approved" });
    return { ...facts, state: "approved", approval };
  }
  // Of a rejection and an override the later one counts.
  const rejected = word?.run === run ? word : null;
  if (override !== null && planning.valid === true && (rejected === null || override.at > rejected.at)) {
    const approval = approvalSchema.parse({ run, planSha256, by: override.by, at: override.at, kind: "override" });
    return { ...facts, state: "override", approval };
  }
  if (rejected !== null) return { ...facts, state: "rejected", rejection: { reason: rejected.reason, by: rejected.by, at: rejected.at } };
  return { ...facts, state: words.some((event) => event.type === "plan-approved") ? "stale" : "pending" };
}

const discoverySchema = z.looseObject({
  category: z.string().nullable().catch(null),
  size: z.string().nullable().catch(null),
  nextPhase: z.enum(TASK_TYPES).nullable().catch(null),
  skip: z.array(z.unknown()).catch([]),
});
const skipSchema = z.looseObject({ phase: z.enum(TASK_TYPES), reasons: z.array(z.looseObject({ why: z.string() })) });

function findDiscovery(runs: readonly RunFacts[], cycle: number): DiscoveryFacts | null {
  const run = runs.findLast((each) => each.type === "requirements-discovery" && each.cycle === cycle && each.effective.open);
  const section = discoverySchema.safeParse(run?.report?.["requirementsDiscovery"]);
  if (run === undefined || !section.success) return null;
  const { category, size, nextPhase } = section.data;
  const skip = section.data.skip.flatMap((each) => {
    const parsed = skipSchema.safeParse(each);
    return parsed.success
      ? [{ type: parsed.data.phase, why: parsed.data.reasons[0]?.why ?? "requirements-discovery calls it unnecessary" }]
      : [];
  });
  return { run: run.run, category, size, nextPhase, skip };
}

/** The worktree that the task works in, and the commit that it is at. */
async function findHead(
  app: App,
  root: string,
  registered: string | null,
  manifest: Readonly<Record<string, unknown>>,
  branch: string,
): Promise<Pick<TaskFacts, "worktree" | "head">> {
  const named = typeof manifest["worktree"] === "string" ? manifest["worktree"] : null;
  const worktree = registered ?? named;
  if (worktree === null) return { worktree: null, head: "" };
  // What is registered is looked at by reading files before git is asked anything there.
  const isThere = registered === null ? await app.store.exists(worktree) : (await app.files.inspect(registered)).kind === "worktree";
  if (isThere) return { worktree, head: (await app.git.locate(worktree))?.head ?? "" };
  if (branch === "" || (await app.git.locate(root)) === null) return { worktree, head: "" };
  return { worktree, head: (await app.git.resolveCommits(root, [`refs/heads/${branch}`]))[0] ?? "" };
}
