import type { Board, BoardTask, TaskPage } from "@okstra/core/dashboard/api";
import { splitTaskKey } from "@okstra/core/domain/task-key";
import { TASK_TYPES } from "@okstra/core/domain/work";
import { findRow } from "@okstra/core/domain/registry-change";
import type { App } from "../app.ts";
import { loadStatus, type TaskStatus } from "../status/load-status.ts";
import { hashQuestion } from "../task/answer-questions.ts";
import { describeTask } from "../task/describe-task.ts";
import { loadTask, requireKnown, type TaskFacts } from "../task/load-task.ts";
import { decideNext } from "../task/next.ts";
import { loadTimes } from "../time/load-times.ts";
import type { Cleaners } from "./clean-texts.ts";
import { describeRuns } from "./describe-runs.ts";
import type { KnownProjects, KnownTask } from "./known-tasks.ts";

export interface BoardFilter {
  readonly project: string | null;
  readonly group: string | null;
  readonly phase: string | null;
  readonly state: string | null;
}

interface Parts {
  readonly app: App;
  readonly known: KnownProjects;
  readonly cleaners: Cleaners;
}

/** Every task of the projects that the filter lets through, as `okstra status --all` has them. */
export async function loadBoard({ app, known, cleaners }: Parts, { project, group, phase, state }: BoardFilter): Promise<Board> {
  const at = app.clock.now();
  const projects = await known.list();
  const asked = projects.filter((each) => project === null || each.project === project);
  const tasks = await loadStatus(app, asked, { group, phase, state });
  const cleaner = await cleaners.of(projects.map(({ root }) => root));
  return cleaner.document({ version: app.surroundings.version, at, projects, phases: [...TASK_TYPES], tasks: tasks.map(describeStatus) });
}

function describeStatus({ project, taskKey, ...rest }: TaskStatus): BoardTask {
  const { group, task } = splitTaskKey(taskKey);
  const { state, phase, run, cycle, why, command, since, lanes } = rest;
  return { project, group, task, taskKey, state, phase, run, cycle, why, command, since, lanes };
}

/**
 * All that is shown of a task.
 * @throws OKSTRA_TASK_NOT_FOUND, OKSTRA_TASK_LOG_CORRUPT
 */
export async function loadTaskPage({ app, cleaners }: Parts, asked: KnownTask): Promise<TaskPage> {
  const { of, key, taskKey } = asked;
  const { root } = of;
  const facts = requireKnown(await loadTask(app, { root, key }));
  const statuses = await loadStatus(app, [of], { group: key.group, phase: null, state: null });
  const status = statuses.find((each) => each.taskKey === taskKey);
  const description = await describeTask(app, facts);
  const { category, brief, worktree, head, clarifications, plan, openFindings } = description;
  const page: TaskPage = {
    ...(status === undefined ? describeUnrecorded(facts) : describeStatus(status)),
    category,
    brief,
    worktree,
    branch: await findBranch(app, facts),
    head,
    runs: await describeRuns(app, facts, description, status?.state === "running" ? { type: status.phase, run: status.run } : null),
    clarifications: clarifications.map((row) => ({ ...row, boundTo: hashQuestion(app, row) })),
    plan:
      plan === null || facts.plan === null
        ? null
        : {
            run: plan.run,
            state: plan.state,
            planSha256: plan.planSha256,
            plan: facts.plan.plan,
            approval: plan.approval === null ? null : { by: plan.approval.by, at: plan.approval.at },
            rejection: plan.rejection,
          },
    openFindings,
    segments: await loadSegments(app, asked),
  };
  const cleaner = await cleaners.of([root, ...(worktree === null ? [] : [worktree])]);
  return cleaner.document(page);
}

/** A task that has a worktree and nothing else is in no list of tasks. */
function describeUnrecorded(facts: TaskFacts): BoardTask {
  const { due } = decideNext(facts);
  return {
    ...facts.key,
    taskKey: facts.taskKey,
    state: "due",
    phase: due?.type ?? null,
    run: null,
    cycle: facts.cycle.cycle,
    why: due?.why ?? "",
    command: due?.command ?? null,
    since: null,
    lanes: [],
  };
}

async function findBranch(app: App, { manifest, taskKey }: TaskFacts): Promise<string> {
  const own = manifest["branch"];
  if (typeof own === "string") return own;
  return findRow((await app.registry.peek()).registry, taskKey)?.branch ?? "";
}

async function loadSegments(app: App, { of, name }: KnownTask): Promise<TaskPage["segments"]> {
  const request = { projects: [of], dir: of.root, task: name, group: null, phase: null, since: null, until: null };
  const report = await loadTimes(app, request).catch(() => null);
  return (report?.tasks[0]?.segments ?? []).map(({ state, startedAt, durationMs }) => ({
    state,
    startAt: startedAt,
    endAt: new Date(Date.parse(startedAt) + durationMs).toISOString(),
  }));
}
