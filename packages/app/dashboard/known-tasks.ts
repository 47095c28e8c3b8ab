import type { TaskRef } from "@okstra/core/dashboard/api";
import { findRow } from "@okstra/core/domain/registry-change";
import { formatTaskKey, slugSegment, type TaskKey } from "@okstra/core/domain/task-key";
import { OkstraError } from "@okstra/core/errors";
import type { JournalOf } from "@okstra/core/journal-port";
import type { App } from "../app.ts";
import { openProject } from "../project/open-project.ts";
import { taskDirectory } from "../run/run-paths.ts";

/** Runs of `okstra verify` have no task. */
export const NO_TASKS = "verify";

/** A task that was asked for, in a project that okstra knows. */
export interface KnownTask {
  readonly of: JournalOf;
  readonly key: TaskKey;
  readonly taskKey: string;
  /** `<group>/<task>`. */
  readonly name: string;
}

export interface KnownProjects {
  /** The projects of this machine's journals and registry, and the one that the dashboard was started in. */
  list(): Promise<readonly JournalOf[]>;
  /** The one that okstra was started in; null when it is none that is set up. */
  here(): Promise<JournalOf | null>;
  /** Those of one id, or all of them. */
  pick(project: string | null): Promise<readonly JournalOf[]>;
  /** @throws OKSTRA_TASK_NOT_FOUND for every name that is none of a task of a known project */
  find(ref: TaskRef): Promise<KnownTask>;
}

export function createKnownProjects(app: App): KnownProjects {
  const here = findHere(app);
  const list: KnownProjects["list"] = async () => {
    const found: JournalOf[] = [];
    for (const each of [...app.journals.list(), ...(await here)]) {
      const isThere = found.some(({ project, root }) => project === each.project && root === each.root);
      if (!isThere && (await isStill(app, each))) found.push({ project: each.project, root: each.root });
    }
    return found;
  };
  return {
    list,
    here: async () => (await here)[0] ?? null,
    async pick(project) {
      return (await list()).filter((each) => project === null || each.project === project);
    },
    async find({ project, group, task }) {
      const key = { project, group, task };
      const name = `${group}/${task}`;
      const taskKey = formatTaskKey(key);
      if ([project, group, task].every((segment) => isSegment(app, segment)))
        for (const of of await list()) {
          if (of.project !== project) continue;
          if ((await app.store.exists(taskDirectory(of.root, key))) || (await hasWorktree(app, of, taskKey)))
            return { of, key, taskKey, name };
        }
      throw new OkstraError("OKSTRA_TASK_NOT_FOUND", {
        message: `${JSON.stringify(taskKey.slice(0, 200))} is no task of a project that okstra knows here.`,
        hint: "List the tasks: okstra status --all",
        details: { taskKey: taskKey.slice(0, 300) },
      });
    },
  };
}

/** A name that is a directory's own, and leads nowhere else. */
function isSegment(app: App, text: string): boolean {
  return text.length <= 100 && slugSegment(text, app.sha256) === text;
}

async function findHere(app: App): Promise<readonly JournalOf[]> {
  try {
    const { root, project, setUp } = await openProject(app, app.surroundings.cwd);
    return setUp ? [{ project: project.projectId, root }] : [];
  } catch {
    return [];
  }
}

/** Whether the directory is still the project's. One whose settings cannot be read is: its records can. */
async function isStill(app: App, { project, root }: JournalOf): Promise<boolean> {
  try {
    return (await app.projects.loadProject(root))?.projectId === project;
  } catch {
    return true;
  }
}

/** A task that has a worktree and no records yet. */
async function hasWorktree(app: App, { root }: JournalOf, taskKey: string): Promise<boolean> {
  const row = findRow((await app.registry.peek()).registry, taskKey);
  if (row === null) return false;
  return row.repository === (await app.git.locate(root).catch(() => null))?.commonDir;
}

/** Every task that has records in the projects, by the names of directories; those of `okstra verify` are none. */
export async function* listTasks(app: App, projects: readonly JournalOf[]): AsyncGenerator<KnownTask> {
  for (const of of projects) {
    const tasks = `${of.root}/.project-docs/okstra/tasks`;
    for (const group of await app.store.listDirectory(tasks).catch(() => [])) {
      if (group === NO_TASKS || !isSegment(app, group)) continue;
      for (const task of await app.store.listDirectory(`${tasks}/${group}`).catch(() => [])) {
        if (!isSegment(app, task)) continue;
        const key = { project: of.project, group, task };
        yield { of, key, taskKey: formatTaskKey(key), name: `${group}/${task}` };
      }
    }
  }
}
