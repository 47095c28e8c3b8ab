import { expect, test } from "vitest";
import { compareSchedules } from "./compare-schedules.ts";
import { makeSchedule, type OpenTask, type Schedule } from "./make-schedule.ts";

const HOUR = 3_600_000;
const samples = Array.from({ length: 5 }, () => ({ phase: "final-verification", category: "task", durationMs: HOUR }));
const open = (name: string, after: readonly string[] = []): OpenTask => ({
  taskKey: `p/g/${name}`,
  after: after.map((each) => `p/g/${each}`),
  priority: 0,
  risk: 0,
  createdAt: `2026-01-01T00:00:00.000Z`,
  category: "task",
  cycle: 1,
  phases: ["final-verification"],
  spentMs: 0,
  held: null,
});
const at = (hour: number, minute = 0): string => new Date(Date.UTC(2026, 2, 1, hour, minute)).toISOString();
const schedule = (from: string, ...tasks: readonly OpenTask[]): Schedule => makeSchedule({ tasks, samples, at: from, from, capacity: 1 });
const kept = (): Parameters<typeof compareSchedules>[0] => {
  const { tasks, finish } = schedule(at(0), open("a"), open("b"), open("c", ["b"]), open("d"));
  return { tasks: tasks.map((task) => ({ ...task, after: [...task.after] })), finish };
};
// a, b and d end at 1, 2 and 4 o'clock with the key as the last word, c after b at 3.

test("what was kept and is asked again at once is on course", () => {
  const same = compareSchedules(kept(), schedule(at(0), open("a"), open("b"), open("c", ["b"]), open("d")), new Map());
  expect(same.tasks.map(({ kind }) => kind)).toEqual(["on-course", "on-course", "on-course", "on-course"]);
  expect(same).toMatchObject({ slipped: 0, finish: { byMs: 0 } });
});

test("each slip is told with how much: finished late, overdue, later; new and gone tasks; relations that changed", () => {
  const now = schedule(at(2, 30), open("b"), open("c", ["e"]), open("e"));
  const { tasks, slipped, finish } = compareSchedules(kept(), now, new Map([["p/g/a", at(1, 5)]]));
  expect(tasks.map(({ taskKey, kind, byMs }) => [taskKey, kind, byMs])).toEqual([
    ["p/g/b", "overdue", HOUR / 2],
    ["p/g/a", "finished-late", HOUR / 12],
    ["p/g/c", "later", 2.5 * HOUR],
    ["p/g/e", "new", null],
    ["p/g/d", "gone", null],
  ]);
  expect(tasks[2]).toMatchObject({ afterAdded: ["p/g/e"], afterRemoved: ["p/g/b"], p90At: at(3), nowP90At: at(5, 30) });
  expect(tasks[1]).toMatchObject({ finishedAt: at(1, 5), nowP90At: null });
  expect(slipped).toBe(2);
  expect(finish.byMs).toBe(1.5 * HOUR);
});

test("what ended by its P90 is finished, and what has no dates is untold", () => {
  const dates = kept();
  const finished = new Map([
    ["p/g/a", at(0, 59)],
    ["p/g/b", null],
  ]);
  const none = makeSchedule({ tasks: [open("c"), open("d")], samples: [], at: at(0, 59), from: at(0, 59), capacity: 1 });
  const { tasks, slipped, finish } = compareSchedules(dates, none, finished);
  expect(tasks.map(({ taskKey, kind, byMs }) => [taskKey, kind, byMs])).toEqual([
    ["p/g/c", "untold", null],
    ["p/g/d", "untold", null],
    ["p/g/b", "finished", null],
    ["p/g/a", "finished", -HOUR / 60],
  ]);
  // What c came after is finished, so that nothing changed.
  expect(tasks[0]?.afterRemoved).toEqual([]);
  expect({ slipped, byMs: finish.byMs }).toEqual({ slipped: 0, byMs: null });
});
