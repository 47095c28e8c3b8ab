import { formatTaskKey, parseTaskName, type TaskKey } from "@okstra/core/domain/task-key";
import type { App } from "../app.ts";
import { openProject, type OpenProject } from "../project/open-project.ts";
import { takeRunLock } from "../run/run-lock.ts";
import { loadTask, requireKnown, type TaskFacts } from "./load-task.ts";

/** A task as a person names it. */
export interface TaskRequest {
  readonly task: string;
  readonly dir: string;
}

/** @throws what {@link openProject} and parseTaskName throw */
export async function findTask(app: App, { task, dir }: TaskRequest): Promise<{ opened: OpenProject; key: TaskKey }> {
  const opened = await openProject(app, dir);
  return { opened, key: parseTaskName(task, opened.project.projectId, app.sha256) };
}

/** A task that is known, read. @throws OKSTRA_TASK_NOT_FOUND, OKSTRA_TASK_LOG_CORRUPT */
export async function openTask(app: App, request: TaskRequest): Promise<TaskFacts> {
  const { opened, key } = await findTask(app, request);
  return requireKnown(await loadTask(app, { root: opened.root, key }));
}

/**
 * Reads a task and changes its log while no run of it goes on.
 * @throws OKSTRA_TASK_BUSY
 */
export async function changeTask<T>(app: App, request: TaskRequest, what: string, change: (facts: TaskFacts) => Promise<T>): Promise<T> {
  const { opened, key } = await findTask(app, request);
  const lease = await takeRunLock(app, opened.root, formatTaskKey(key), what);
  try {
    return await change(await loadTask(app, { root: opened.root, key }));
  } finally {
    await lease.release();
  }
}
