import type { RegistryRow } from "@okstra/core/domain/registry";
import { findBranchOwner, findRow, putRow } from "@okstra/core/domain/registry-change";
import { formatTaskKey, slugSegment } from "@okstra/core/domain/task-key";
import type { OlderRun } from "@okstra/core/domain/task-log";
import { categoryOfBranch, UNCLASSIFIED } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import type { OlderTask } from "@okstra/core/migrate-port";
import type { ForeignRegistry } from "@okstra/core/ports";
import type { App } from "../app.ts";
import { adoptOlderTask } from "../task/create-task.ts";
import { loadTask, olderRunsOf } from "../task/load-task.ts";
import { tellNotes } from "../worktree/place.ts";

export interface MigrateRequest {
  /** Home of the older okstra, absolute; null: this one's. */
  readonly from: string | null;
  /** Directory whose project is looked at too, if it is one. */
  readonly dir: string;
  /** Says what would be done and changes nothing. */
  readonly dryRun: boolean;
}

/** brought: it is here now; as-is: it was; skipped: it stays where it is, and why. */
type Action = "brought" | "as-is" | "skipped";

export interface MigratedTask {
  readonly taskKey: string;
  /** Null for a task that has records and no worktree. */
  readonly worktreePath: string | null;
  readonly branch: string | null;
  readonly action: Action;
  readonly reason: string | null;
}

export interface MigratedRun {
  readonly taskKey: string;
  readonly type: string;
  /** 0: files that have no number. */
  readonly run: number;
  readonly files: number;
  /** Absolute. */
  readonly report: string | null;
  readonly action: Action;
  readonly reason: string | null;
}

export interface Migration {
  readonly from: string;
  readonly dryRun: boolean;
  readonly tasks: readonly MigratedTask[];
  readonly runs: readonly MigratedRun[];
  /** What could not be read, or needs a person. */
  readonly problems: readonly { readonly path: string; readonly reason: string }[];
  /** The command that shows what came of it. */
  readonly nextStep: string;
}

interface Project {
  readonly root: string;
  readonly project: string;
}

/**
 * Brings what an older okstra left to this one: the rows of its registry, and the tasks that its records in the projects tell
 * of. It only adds: no file of the older one is changed, moved or removed, but for a registry in this okstra's own home, which
 * is kept as registry.v1.json. Runs of then are listed as evidence of then; they pass no gate and prove no verdict here.
 * @throws OKSTRA_DIRECTORY_NOT_FOUND, OKSTRA_MIGRATE_NO_HOME, OKSTRA_REGISTRY_READ_ONLY
 */
export async function migrate(app: App, request: MigrateRequest): Promise<Migration> {
  const from = request.from ?? app.surroundings.home;
  const old = await readHome(app, from, request.from !== null);
  const problems: { path: string; reason: string }[] = [];
  if (old.state === "unreadable") problems.push({ path: old.path, reason: `${old.reason}; nothing was taken from it` });
  const rows = await bringRows(app, old, from === app.surroundings.home, request.dryRun);
  const tasks = new Map(rows.map((row) => [row.taskKey, row]));
  const runs: MigratedRun[] = [];
  for (const each of await findProjects(app, old, request.dir, problems)) {
    const records = await app.readOlderRecords(each.root);
    problems.push(...records.problems);
    for (const task of records.tasks) {
      if (task.group === "verify") continue;
      const row = tasks.get(formatTaskKey({ project: each.project, group: task.group, task: task.task }));
      const brought = await bringTask(app, each, task, old, request.dryRun);
      if (brought === null) continue;
      runs.push(...brought.runs);
      // What the registry says of a task says where its worktree is; its records may still have been what was brought.
      const { taskKey, action, reason } = brought.task;
      if (row === undefined) tasks.set(taskKey, brought.task);
      else if (row.action === "as-is" && action !== "as-is") tasks.set(taskKey, { ...row, action, reason: reason ?? row.reason });
    }
    if (!request.dryRun) app.journals.know(each);
  }
  return {
    from,
    dryRun: request.dryRun,
    tasks: [...tasks.values()].sort((a, b) => (a.taskKey < b.taskKey ? -1 : 1)),
    runs,
    problems,
    nextStep: request.dryRun ? "okstra migrate" : "okstra status --all",
  };
}

async function readHome(app: App, from: string, isNamed: boolean): Promise<ForeignRegistry> {
  if (isNamed && !(await app.store.exists(from)))
    throw new OkstraError("OKSTRA_DIRECTORY_NOT_FOUND", { message: `${from} does not exist.`, details: { path: from } });
  const old = await app.registry.readOf(from);
  if (isNamed && old.state === "absent")
    throw new OkstraError("OKSTRA_MIGRATE_NO_HOME", {
      message: `${from} is no home of okstra: it has no worktrees/registry.json.`,
      details: { path: from },
    });
  return old;
}

async function bringRows(app: App, old: ForeignRegistry, isOwnHome: boolean, dryRun: boolean): Promise<readonly MigratedTask[]> {
  const rows = Object.entries(old.rows);
  const describe = async (taskKey: string, row: RegistryRow, action: Action, reason: string | null): Promise<MigratedTask> => ({
    taskKey,
    worktreePath: row.worktree_path,
    branch: row.branch,
    action,
    reason: reason ?? ((await app.store.exists(row.worktree_path)) ? null : "its worktree is not there: okstra worktree repair"),
  });
  if (isOwnHome) {
    if (old.state === "old" && !dryRun) tellNotes(app, (await app.registry.load()).notes);
    return Promise.all(rows.map(([key, row]) => describe(key, row, old.state === "old" ? "brought" : "as-is", null)));
  }
  const judged = new Map<string, { action: Action; reason: string | null }>();
  const judge = (registry: Parameters<Parameters<typeof app.registry.update>[0]>[0]): typeof registry => {
    let next = registry;
    for (const [key, row] of rows) {
      const known = findRow(next, key);
      const owner = row.status === "released" || row.branch === "" ? null : findBranchOwner(next, row.repository, row.branch);
      if (known !== null && known.worktree_path === row.worktree_path) judged.set(key, { action: "as-is", reason: null });
      else if (known !== null) judged.set(key, { action: "skipped", reason: `the key is a task here already, in ${known.worktree_path}` });
      else if (owner !== null) judged.set(key, { action: "skipped", reason: `its branch ${row.branch} belongs to ${owner} here` });
      else {
        judged.set(key, { action: "brought", reason: null });
        next = putRow(next, key, row);
      }
    }
    return next;
  };
  if (dryRun) {
    const here = await app.registry.readOf(app.surroundings.home);
    judge({ schema: 2, tasks: here.rows, branches: (await app.registry.peek()).registry.branches });
  } else if (rows.length > 0) {
    const { notes } = await app.registry.update((registry) => ({ registry: judge(registry), result: null }));
    tellNotes(app, notes);
  }
  return Promise.all(
    rows.map(([key, row]) => {
      const { action, reason } = judged.get(key) ?? { action: "skipped" as const, reason: "it was not looked at" };
      return describe(key, row, action, reason);
    }),
  );
}

/** The main worktrees that the rows lead to, and the project of the directory. */
async function findProjects(
  app: App,
  old: ForeignRegistry,
  dir: string,
  problems: { path: string; reason: string }[],
): Promise<readonly Project[]> {
  const repositories = [...new Set(Object.values(old.rows).map((row) => row.repository))].filter((path) => path !== "");
  const roots = new Set<string>();
  for (const path of [...repositories.map((repository) => repository.replace(/[\\/]\.git$/, "")), dir]) {
    const location = await app.git.locate(path).catch(() => null);
    if (location !== null) roots.add(location.mainRoot ?? location.topLevel);
    else if (path !== dir) problems.push({ path, reason: "it is no repository any more" });
  }
  const projects: Project[] = [];
  for (const root of [...roots].sort()) {
    const hasRecords = (await app.readOlderRecords(root)).tasks.length > 0;
    try {
      const project = await app.projects.loadProject(root);
      if (project !== null) projects.push({ root, project: project.projectId });
      else if (hasRecords) problems.push({ path: root, reason: "it has tasks and no setup; run `okstra setup` there, then migrate again" });
    } catch (error) {
      const why = error instanceof OkstraError ? error.message : String(error);
      problems.push({ path: root, reason: `its settings cannot be read (${why}); run \`okstra setup --yes\` there, then migrate again` });
    }
  }
  return projects;
}

/** @returns null for a task that this okstra made */
async function bringTask(
  app: App,
  { root, project }: Project,
  older: OlderTask,
  old: ForeignRegistry,
  dryRun: boolean,
): Promise<{ readonly task: MigratedTask; readonly runs: readonly MigratedRun[] } | null> {
  const key = { project, group: older.group, task: older.task };
  const taskKey = formatTaskKey(key);
  const row = findRow({ schema: 2, tasks: old.rows, branches: {} }, taskKey);
  const answer = (action: Action, reason: string | null, runs: readonly OlderRun[]) => ({
    task: { taskKey, worktreePath: row?.worktree_path ?? null, branch: row?.branch ?? null, action, reason },
    runs: runs.map((run) => ({
      taskKey,
      ...run,
      report: run.report === null ? null : `${root}/.project-docs/okstra/tasks/${older.group}/${older.task}/${run.report}`,
      action,
      reason,
    })),
  });
  if ([older.group, older.task].some((segment) => slugSegment(segment, app.sha256) !== segment))
    return answer("skipped", "its directory's name is none of a task: rename it to lower case, digits and hyphens", older.runs);
  try {
    const facts = await loadTask(app, { root, key });
    const isOwn = facts.runs.length > 0 || facts.manifest["taskKey"] === taskKey;
    const isEmpty = older.brief === null && Object.keys(older.manifest).length === 0;
    if (older.runs.length === 0 && (isOwn || isEmpty)) return null;
    const known = olderRunsOf(facts.log.events);
    const isNew = (run: OlderRun): boolean => known.every(({ type, run: number }) => type !== run.type || number !== run.run);
    const added = older.runs.filter(isNew);
    if (facts.log.events.length > 0 && added.length === 0) {
      if (known.length === 0) return null;
      return answer("as-is", null, older.runs);
    }
    if (!dryRun) {
      const category = readCategory(older, row);
      await adoptOlderTask(app, { task: `${older.group}/${older.task}`, dir: root }, { brief: older.brief, category, runs: added });
    }
    const brought = answer("brought", null, added);
    return {
      ...brought,
      runs: [
        ...brought.runs,
        ...answer(
          "as-is",
          null,
          older.runs.filter((run) => !isNew(run)),
        ).runs,
      ],
    };
  } catch (error) {
    if (error instanceof OkstraError) return answer("skipped", error.message, older.runs);
    throw error;
  }
}

function readCategory({ manifest }: OlderTask, row: RegistryRow | null): string | null {
  for (const name of ["category", "workCategory", "work_category"]) {
    const value = manifest[name];
    if (typeof value === "string" && /^[a-z]{1,40}$/.test(value)) return value;
  }
  const { category } = categoryOfBranch(row?.branch ?? "");
  return category === UNCLASSIFIED ? null : category;
}
