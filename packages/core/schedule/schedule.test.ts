import * as fc from "fast-check";
import { expect, test } from "vitest";
import { findCriticalPath } from "./critical-path.ts";
import { judgeBasis, pickHistory, simulateFinish, sumPhases } from "./forecast.ts";
import { planLanes, type LaneTask } from "./lanes.ts";
import { findCycle, measureRisk, orderTasks, type OrderedTask } from "./order.ts";

/** Tasks whose dependencies lead back only, so that there is no circle; their order in the list is arbitrary. */
const graphs = (longest = 12): fc.Arbitrary<(OrderedTask & LaneTask)[]> =>
  fc
    .array(
      fc.record({
        before: fc.array(fc.nat(longest), { maxLength: 3 }),
        priority: fc.integer({ min: -2, max: 2 }),
        risk: fc.nat(5),
        createdAt: fc.constantFrom("", "2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"),
        durationMs: fc.nat(1000),
      }),
      { maxLength: longest },
    )
    .chain((rows) => {
      const tasks = rows.map(({ before, ...row }, index) => ({
        ...row,
        taskKey: `p/g/t${index}`,
        after: [...new Set(before.filter((each) => each < index).map((each) => `p/g/t${each}`))],
      }));
      return fc.shuffledSubarray(tasks, { minLength: tasks.length });
    });

const capacities = fc.integer({ min: 1, max: 4 });

test("an order has every task once, after all that it waits for", () => {
  fc.assert(
    fc.property(graphs(), (given) => {
      const { tasks, cycles } = orderTasks(given);
      expect(cycles).toEqual([]);
      expect(tasks.map(({ taskKey }) => taskKey).toSorted()).toEqual(given.map(({ taskKey }) => taskKey).toSorted());
      const placeOf = new Map(tasks.map(({ taskKey }, index) => [taskKey, index]));
      for (const [index, { after }] of tasks.entries()) for (const key of after) expect(placeOf.get(key)).toBeLessThan(index);
      expect(orderTasks(given.toReversed()).tasks).toEqual(tasks);
    }),
  );
});

test("of free tasks the priority decides, then the risk, then the age; what an urgent task waits for is as urgent", () => {
  const task = (name: string, more: Partial<OrderedTask> = {}): OrderedTask => ({
    taskKey: name,
    after: [],
    priority: 0,
    risk: 1,
    createdAt: "2026-01-02T00:00:00.000Z",
    ...more,
  });
  const { tasks } = orderTasks([
    task("young"),
    task("old", { createdAt: "2026-01-01T00:00:00.000Z" }),
    task("risky", { risk: 9 }),
    task("late", { priority: -1, risk: 99 }),
    task("urgent", { priority: 5, after: ["needed"] }),
    task("needed", { priority: -5 }),
    task("lost", { after: ["nowhere"], createdAt: "" }),
  ]);
  expect(tasks.map(({ taskKey }) => taskKey)).toEqual(["needed", "urgent", "risky", "old", "young", "lost", "late"]);
});

test("risk is a sum over open findings, the category and the fix cycles", () => {
  expect(measureRisk({ severities: ["P0", "P1", "P2", "P3", "P3"], category: "bugfix", cycle: 3 })).toBe(8 + 4 + 2 + 1 + 1 + 3 + 4);
  expect(measureRisk({ severities: [], category: "anything", cycle: 1 })).toBe(1);
});

test("circles are named and cut, and nothing is lost", () => {
  const waits = fc.array(fc.array(fc.nat(7), { maxLength: 3 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(waits, (rows) => {
      const given = rows.map((after, index) => ({
        taskKey: `t${index}`,
        after: after.map((each) => `t${each}`),
        priority: index % 3,
        risk: 0,
        createdAt: "",
      }));
      const { tasks, cycles } = orderTasks(given);
      expect(tasks).toHaveLength(given.length);
      const waitsOf = new Map(given.map(({ taskKey, after }) => [taskKey, after]));
      expect(cycles.length > 0).toBe(given.some(({ taskKey }) => findCycle(waitsOf, taskKey) !== null));
      for (const cycle of cycles)
        for (const [index, key] of cycle.entries()) expect(waitsOf.get(key)).toContain(cycle[(index + 1) % cycle.length]);
      // Lanes and paths go on with what is left of the relations.
      const lanes = tasks.map((task) => ({ ...task, durationMs: 10 }));
      expect(planLanes(lanes, 2)).toHaveLength(given.length);
      expect(findCriticalPath(lanes).durationMs).toBeGreaterThanOrEqual(10);
    }),
  );
});

test("lanes: no two tasks of one overlap, none begins before what it waits for has ended, the capacity is kept, no lane is idle for nothing", () => {
  fc.assert(
    fc.property(graphs(), capacities, (given, capacity) => {
      const { tasks } = orderTasks(given);
      const placed = planLanes(tasks, capacity);
      expect(placed.map(({ taskKey }) => taskKey)).toEqual(tasks.map(({ taskKey }) => taskKey));
      const endOf = new Map(placed.map(({ taskKey, endMs }) => [taskKey, endMs]));
      for (const [index, { lane, startMs, endMs }] of placed.entries()) {
        expect(lane).toBeGreaterThanOrEqual(1);
        expect(lane).toBeLessThanOrEqual(capacity);
        expect(endMs - startMs).toBe(tasks[index]?.durationMs);
        for (const key of tasks[index]?.after ?? []) expect(endOf.get(key)).toBeLessThanOrEqual(startMs);
      }
      for (let lane = 1; lane <= capacity; lane += 1) {
        const own = placed.filter((each) => each.lane === lane).toSorted((a, b) => a.startMs - b.startMs || a.endMs - b.endMs);
        for (const [index, each] of own.entries()) expect(each.endMs).toBeLessThanOrEqual(own[index + 1]?.startMs ?? each.endMs);
      }
      const longest = Math.max(0, ...placed.map(({ endMs }) => endMs));
      const work = tasks.reduce((sum, { durationMs }) => sum + durationMs, 0);
      // Graham's bound for list scheduling.
      expect(longest).toBeLessThanOrEqual(work / capacity + findCriticalPath(tasks).durationMs);
      expect(longest).toBeGreaterThanOrEqual(findCriticalPath(tasks).durationMs);
      if (capacity === 1) expect(longest).toBe(work);
    }),
  );
});

test("more lanes never take longer for tasks that wait for nothing", () => {
  fc.assert(
    fc.property(graphs(), capacities, (given, capacity) => {
      const free = given.map((task) => ({ ...task, after: [] }));
      const makespan = (lanes: number): number => Math.max(0, ...planLanes(free, lanes).map(({ endMs }) => endMs));
      expect(makespan(capacity + 1)).toBeLessThanOrEqual(makespan(capacity));
    }),
  );
});

test("the critical path is the longest chain", () => {
  const chainsFrom = (tasks: readonly LaneTask[], task: LaneTask): number =>
    task.durationMs + Math.max(0, ...tasks.filter(({ taskKey }) => task.after.includes(taskKey)).map((each) => chainsFrom(tasks, each)));
  fc.assert(
    fc.property(graphs(9), (given) => {
      const { tasks } = orderTasks(given);
      const { taskKeys, durationMs } = findCriticalPath(tasks);
      expect(durationMs).toBe(Math.max(0, ...tasks.map((task) => chainsFrom(tasks, task))));
      const path = taskKeys.map((key) => tasks.find(({ taskKey }) => taskKey === key));
      expect(path.reduce((sum, task) => sum + (task?.durationMs ?? 0), 0)).toBe(durationMs);
      for (const [index, task] of path.entries()) if (index > 0) expect(task?.after).toContain(taskKeys[index - 1]);
    }),
  );
});

const forecasts = graphs(6).chain((given) =>
  fc.tuple(
    ...orderTasks(given).tasks.map((task) =>
      fc.record({
        taskKey: fc.constant(task.taskKey),
        after: fc.constant(task.after),
        spentMs: fc.nat(200),
        phases: fc.array(fc.record({ samples: fc.array(fc.nat(1000), { minLength: 1, maxLength: 6 }) }), { minLength: 1, maxLength: 3 }),
      }),
    ),
  ),
);

test("P50 is never after P90, the same seed has the same answer, and no simulation leaves what the samples allow", () => {
  fc.assert(
    fc.property(forecasts, capacities, fc.integer(), (tasks, capacity, seed) => {
      const options = { seed, simulations: 60 };
      const finish = simulateFinish(tasks, capacity, options);
      expect(simulateFinish(tasks, capacity, options)).toEqual(finish);
      const most = tasks.reduce(
        (sum, { phases }) =>
          sum +
          sumPhases(
            phases.map(({ samples }) => Math.max(...samples)),
            0,
          ),
        0,
      );
      for (const [index, { p50Ms, p90Ms }] of [...finish.tasks, finish.whole].entries()) {
        expect(p50Ms).toBeLessThanOrEqual(p90Ms);
        expect(p90Ms).toBeLessThanOrEqual(most);
        const own = tasks[index];
        if (own === undefined) continue;
        expect(p50Ms).toBeGreaterThanOrEqual(
          sumPhases(
            own.phases.map(({ samples }) => Math.min(...samples)),
            own.spentMs,
          ),
        );
        expect(p90Ms).toBeLessThanOrEqual(finish.whole.p90Ms);
      }
    }),
    { numRuns: 60 },
  );
});

test("a forecast of one phase is that of its samples", () => {
  const samples = Array.from({ length: 100 }, (_, index) => index + 1);
  const { whole } = simulateFinish([{ taskKey: "t", after: [], phases: [{ samples }], spentMs: 0 }], 1);
  expect(Math.abs(whole.p50Ms - 50)).toBeLessThanOrEqual(5);
  expect(Math.abs(whole.p90Ms - 90)).toBeLessThanOrEqual(5);
  // What was spent comes off, and a phase that took longer than ever is about to end.
  expect(simulateFinish([{ taskKey: "t", after: [], phases: [{ samples: [40] }, { samples: [7] }], spentMs: 30 }], 1).whole.p90Ms).toBe(17);
  expect(simulateFinish([{ taskKey: "t", after: [], phases: [{ samples: [40] }, { samples: [7] }], spentMs: 90 }], 1).whole.p90Ms).toBe(7);
});

test("samples are of the category when they are enough, else of the phase; fewer than five are thin, none is none", () => {
  const of = (category: string, ...durations: readonly number[]) =>
    durations.map((durationMs) => ({ phase: "implementation", category, durationMs }));
  const other = [{ phase: "final-verification", category: "bugfix", durationMs: 1 }];
  const all = [...of("bugfix", 5, 3, 1, 4, 2), ...of("feature", 60, 70), ...other];
  expect(pickHistory(all, "implementation", "bugfix")).toEqual({
    phase: "implementation",
    like: "category",
    samples: [1, 2, 3, 4, 5],
    medianMs: 3,
  });
  expect(pickHistory(all, "implementation", "feature")).toMatchObject({ like: "phase", samples: [1, 2, 3, 4, 5, 60, 70], medianMs: 4 });
  expect(pickHistory(all, "error-analysis", "bugfix")).toMatchObject({ samples: [], medianMs: null });
  expect([0, 1, 4, 5, 50].map(judgeBasis)).toEqual(["none", "thin", "thin", "history", "history"]);
});
