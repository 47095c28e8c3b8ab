import type { App } from "@okstra/app/app";
import { loadStatus, TASK_STATES } from "@okstra/app/status/load-status";
import { OkstraError } from "@okstra/core/errors";
import type { JournalOf } from "@okstra/core/journal-port";

/** @throws OKSTRA_USAGE for a state that no task can have */
export function requireTaskState(state: string): void {
  if (!(TASK_STATES as readonly string[]).includes(state))
    throw new OkstraError("OKSTRA_USAGE", { message: `--state ${state.slice(0, 40)}: a task is ${TASK_STATES.join(", ")}.` });
}

/**
 * Keys of the tasks that are in a state now; undefined when none is asked for.
 * @throws OKSTRA_USAGE
 */
export async function findTasksInState(
  app: App,
  projects: readonly JournalOf[],
  state: string | undefined,
): Promise<ReadonlySet<string> | undefined> {
  if (state === undefined) return undefined;
  requireTaskState(state);
  const tasks = await loadStatus(app, projects, { group: null, phase: null, state });
  return new Set(tasks.map(({ taskKey }) => taskKey));
}
