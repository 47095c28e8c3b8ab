/** A task as far as its place in the order goes. */
export interface OrderedTask {
  readonly taskKey: string;
  /** Keys of tasks that come first; those that are not among the tasks are passed over. */
  readonly after: readonly string[];
  /** The larger goes first. */
  readonly priority: number;
  /** See {@link measureRisk}; the larger goes first, so that what may go wrong is found out early. */
  readonly risk: number;
  /** RFC 3339 UTC; the older goes first. Empty: unknown, and last. */
  readonly createdAt: string;
}

export interface TaskOrder<T> {
  readonly tasks: readonly T[];
  /** Circles of tasks that wait for each other: each was cut where the order had to go on. Each key is after the one that follows it. */
  readonly cycles: readonly (readonly string[])[];
}

/**
 * Puts tasks into an order in which each comes after all that it waits for. Of those that could come next: the one with
 * the highest priority, its own or that of a task that waits for it; then the one with the most risk; then the oldest;
 * then by key.
 */
export function orderTasks<T extends OrderedTask>(given: readonly T[]): TaskOrder<T> {
  const tasks = new Map(given.map((task) => [task.taskKey, task]));
  const urgency = inheritPriority(tasks);
  const left = [...tasks.values()].toSorted(
    (a, b) =>
      (urgency.get(b.taskKey) ?? 0) - (urgency.get(a.taskKey) ?? 0) ||
      b.risk - a.risk ||
      compare(a.createdAt || "9", b.createdAt || "9") ||
      compare(a.taskKey, b.taskKey),
  );
  const placed = new Set<string>();
  const order: T[] = [];
  const cycles: (readonly string[])[] = [];
  while (left.length > 0) {
    const isFree = ({ after }: T): boolean => after.every((key) => placed.has(key) || !tasks.has(key));
    let at = left.findIndex(isFree);
    if (at < 0) {
      const waits = new Map(left.map(({ taskKey, after }) => [taskKey, after.filter((key) => !placed.has(key) && tasks.has(key))]));
      const cycle = left.map(({ taskKey }) => findCycle(waits, taskKey)).find((each) => each !== null) ?? [];
      cycles.push(cycle);
      at = left.findIndex(({ taskKey }) => cycle.includes(taskKey));
    }
    const [next] = left.splice(Math.max(0, at), 1);
    if (next === undefined) break;
    placed.add(next.taskKey);
    order.push(next);
  }
  return { tasks: order, cycles };
}

/** A task is as urgent as the most urgent one that waits for it. */
function inheritPriority(tasks: ReadonlyMap<string, OrderedTask>): ReadonlyMap<string, number> {
  const urgency = new Map([...tasks.values()].map(({ taskKey, priority }) => [taskKey, priority]));
  const hand = (task: OrderedTask, priority: number): void => {
    for (const key of task.after) {
      const before = tasks.get(key);
      if (before === undefined || (urgency.get(key) ?? 0) >= priority) continue;
      urgency.set(key, priority);
      hand(before, priority);
    }
  };
  for (const task of [...tasks.values()].toSorted((a, b) => b.priority - a.priority)) hand(task, urgency.get(task.taskKey) ?? 0);
  return urgency;
}

/**
 * A way from a task back to itself.
 * @param waits for each task the tasks that it comes after
 * @returns keys, each after the one that follows it and the last after the first; null when there is none
 */
export function findCycle(waits: ReadonlyMap<string, readonly string[]>, from: string): readonly string[] | null {
  const cameFrom = new Map<string, string>();
  const queue = [from];
  for (let key = queue.shift(); key !== undefined; key = queue.shift()) {
    for (const next of waits.get(key) ?? []) {
      if (next === from) {
        const way = [key];
        for (let at = cameFrom.get(key); at !== undefined; at = cameFrom.get(at)) way.unshift(at);
        return way;
      }
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, key);
      queue.push(next);
    }
  }
  return null;
}

const SEVERITY_RISK: Readonly<Record<string, number>> = { P0: 8, P1: 4, P2: 2, P3: 1 };
const CATEGORY_RISK: Readonly<Record<string, number>> = { bugfix: 3, feature: 2, ops: 2, refactor: 1, improvement: 1 };

/**
 * How much may go wrong with a task, as a number that only puts tasks into an order: 8, 4, 2 and 1 for each open finding of
 * P0, P1, P2 and P3; 3 for a bugfix, 2 for a feature or ops, 1 for any other category; 2 for each fix cycle after the first.
 * @param cycle 1: the task itself
 */
export function measureRisk(task: { readonly severities: readonly string[]; readonly category: string; readonly cycle: number }): number {
  const findings = task.severities.reduce((sum, severity) => sum + (SEVERITY_RISK[severity] ?? 1), 0);
  return findings + (CATEGORY_RISK[task.category] ?? 1) + 2 * Math.max(0, task.cycle - 1);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
