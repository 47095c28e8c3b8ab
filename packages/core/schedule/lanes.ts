/** A task with how long it takes, in milliseconds. */
export interface LaneTask {
  readonly taskKey: string;
  /** Keys of tasks that end before it begins; those that are not among the tasks are passed over. */
  readonly after: readonly string[];
  readonly durationMs: number;
}

/** A task at its place: in a lane, from 1, and in milliseconds since the beginning. */
export interface PlacedTask {
  readonly taskKey: string;
  readonly lane: number;
  readonly startMs: number;
  readonly endMs: number;
}

/**
 * List scheduling: whenever a lane is free, the first task of the list begins there whose dependencies have ended. A task
 * stays in its lane from its first phase to its last. A dependency that stands later in the list (a circle that was cut)
 * is passed over.
 * @param tasks in an order that respects the dependencies
 * @param capacity lanes, at least 1
 * @returns the tasks in the order given
 */
export function planLanes(tasks: readonly LaneTask[], capacity: number): readonly PlacedTask[] {
  const placeOf = new Map(tasks.map(({ taskKey }, index) => [taskKey, index]));
  const before = tasks.map(({ after }, index) => after.flatMap((key) => placeOf.get(key) ?? []).filter((each) => each < index));
  return placeAll(
    tasks.map(({ durationMs }) => durationMs),
    before,
    capacity,
  ).map(({ lane, startMs, endMs }, index) => ({ taskKey: tasks[index]?.taskKey ?? "", lane: lane + 1, startMs, endMs }));
}

interface Place {
  readonly lane: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** Like {@link planLanes} by places instead of keys, for who plans often. */
export function placeAll(durations: readonly number[], before: readonly (readonly number[])[], capacity: number): readonly Place[] {
  const free = Array.from({ length: Math.max(1, Math.min(capacity, durations.length)) }, () => 0);
  const placed: Place[] = Array.from({ length: durations.length });
  const left = durations.map((_, index) => index);
  /** When all that it waits for has ended; infinite while something of that is not placed. */
  const readyAt = (task: number): number =>
    (before[task] ?? []).reduce((ready, each) => Math.max(ready, placed[each]?.endMs ?? Number.POSITIVE_INFINITY), 0);
  while (left.length > 0) {
    const now = Math.min(...free);
    let at = -1;
    let soonest = Number.POSITIVE_INFINITY;
    for (const [index, task] of left.entries()) {
      const ready = readyAt(task);
      soonest = Math.min(soonest, ready);
      if (ready > now) continue;
      at = index;
      break;
    }
    if (at < 0) {
      // Nothing can begin before something ends: free lanes wait for it.
      for (const [lane, ms] of free.entries()) free[lane] = Math.max(ms, soonest);
      continue;
    }
    const [task = 0] = left.splice(at, 1);
    const lane = free.indexOf(now);
    const endMs = now + (durations[task] ?? 0);
    free[lane] = endMs;
    placed[task] = { lane, startMs: now, endMs };
  }
  return placed;
}
