import type { LaneTask } from "./lanes.ts";

export interface CriticalPath {
  /** From the first task to the last; empty without tasks. */
  readonly taskKeys: readonly string[];
  readonly durationMs: number;
}

/**
 * The longest chain of tasks that wait for one another: with any number of lanes the whole takes no less. Of chains that
 * are as long the one that comes first in the order.
 * @param tasks in an order that respects the dependencies; a dependency that stands later is passed over
 */
export function findCriticalPath(tasks: readonly LaneTask[]): CriticalPath {
  const chains = new Map<string, { durationMs: number; before: string | null }>();
  let last: string | null = null;
  for (const { taskKey, after, durationMs } of tasks) {
    let before: string | null = null;
    let longest = 0;
    for (const key of after) {
      const chain = chains.get(key);
      if (chain === undefined || (before !== null && chain.durationMs <= longest)) continue;
      before = key;
      longest = chain.durationMs;
    }
    chains.set(taskKey, { durationMs: longest + durationMs, before });
    if (last === null || longest + durationMs > (chains.get(last)?.durationMs ?? 0)) last = taskKey;
  }
  const taskKeys: string[] = [];
  for (let key = last; key !== null; key = chains.get(key)?.before ?? null) taskKeys.unshift(key);
  return { taskKeys, durationMs: last === null ? 0 : (chains.get(last)?.durationMs ?? 0) };
}
