import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { PhaseSample } from "./forecast.ts";
import { makeSchedule, type OpenTask, type Schedule } from "./make-schedule.ts";
import { renderCalendar } from "./render-calendar.ts";
import { renderMarkdown } from "./render.ts";

const task = (taskKey: string, more: Partial<OpenTask> = {}): OpenTask => ({
  taskKey,
  after: [],
  priority: 0,
  risk: 0,
  createdAt: "2026-01-01T00:00:00.000Z",
  category: "bugfix",
  cycle: 1,
  phases: ["implementation", "final-verification"],
  spentMs: 0,
  held: null,
  ...more,
});

const samplesOf = (phase: string, ...durations: readonly number[]): PhaseSample[] =>
  durations.map((durationMs) => ({ phase, category: "bugfix", durationMs }));
const MINUTE = 60_000;
const history = [
  ...samplesOf("implementation", 10 * MINUTE, 20 * MINUTE, 30 * MINUTE, 40 * MINUTE, 50 * MINUTE),
  ...samplesOf("final-verification", MINUTE, MINUTE, MINUTE, MINUTE, MINUTE),
];

const schedule = (tasks: readonly OpenTask[], samples = history, capacity = 1): Schedule =>
  makeSchedule({ tasks, samples, at: "2026-03-01T08:00:00.000Z", from: "2026-03-01T09:00:00.000Z", capacity });

/** Names as nobody should give them. */
const names = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.constantFrom(
    "p/g/a\nclick t1 call alert(1)",
    "p/g/section: x",
    "p/2026-01-01/x",
    "p/gantt/title",
    "p/g/<script>alert(1)</script>",
    "p/g/```\n# x",
    "p/g/a|b%%{init: {}}%%;#",
    "p/g/\r\nEND:VCALENDAR",
    'p/g/,;\\:"',
    "p/g/가나다라마바사아자차카타파하가나다라마바사아자차카타파하가나다라마바사아자차카타파하",
  ),
);

const LINES = [
  /^gantt$/,
  /^ {4}title Schedule \(UTC\)$/,
  /^ {4}dateFormat YYYY-MM-DDTHH:mm:ss$/,
  /^ {4}axisFormat %Y-%m-%d %H:%M$/,
  /^ {4}section (?:Lane \d+|Finish)$/,
  /^ {4}\d+\. [\p{L}\p{N}_/-]* :(?:crit, )?t\d+, \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d, \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/u,
  /^ {4}P[59]0 :milestone, p[59]0, \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d, 0d$/,
];

test("whatever tasks are called, each line of the chart is one of its grammar, and no name acts in the page", () => {
  fc.assert(
    fc.property(fc.uniqueArray(names, { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 3 }), (keys, capacity) => {
      const text = renderMarkdown(
        schedule(
          keys.map((key, index) => task(key, { after: keys.slice(0, index), held: index === 0 ? `okstra run ${key}` : null })),
          history,
          capacity,
        ),
      );
      const lines = text.split("\n");
      const [begin, end] = [lines.indexOf("```mermaid"), lines.lastIndexOf("```")];
      const chart = lines.slice(begin + 1, end);
      for (const line of chart)
        expect(
          LINES.some((each) => each.test(line)),
          line,
        ).toBe(true);
      expect(chart.filter((line) => / :(?:crit, )?t\d+,/.test(line))).toHaveLength(keys.length);
      expect(lines.filter((line) => line.startsWith("```"))).toHaveLength(2);
      expect(text).not.toMatch(/[<>&\r]/);
      for (const line of lines.filter((each) => each.startsWith("|"))) expect(line.split("|")).toHaveLength(11);
    }),
    { numRuns: 40 },
  );
});

/** Unfolds and splits a calendar by the rules of RFC 5545; fails where it breaks one. */
function parseCalendar(text: string): readonly { name: string; value: string }[] {
  expect(text.endsWith("\r\n")).toBe(true);
  expect(text.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
  for (const line of text.split("\r\n")) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75);
  const lines = text.replaceAll("\r\n ", "").split("\r\n").slice(0, -1);
  return lines.map((line) => {
    const [, name, value] = /^([A-Z-]+):([^\p{Cc}]*)$/u.exec(line) ?? [];
    expect(name, line).toBeDefined();
    return { name: name ?? "", value: value ?? "" };
  });
}

const unescape = (text: string): string =>
  text.replaceAll(/\\([\\;,nN])/g, (_, char: string) => (char === "n" || char === "N" ? "\n" : char));

test("a calendar reads back line by line, with each task once, whatever it is called", () => {
  fc.assert(
    fc.property(fc.uniqueArray(names, { maxLength: 5 }), fc.boolean(), (keys, isDated) => {
      const lines = parseCalendar(
        renderCalendar(
          schedule(
            keys.map((key) => task(key)),
            isDated ? history : [],
          ),
        ),
      );
      const kind = isDated && keys.length > 0 ? "VEVENT" : "VTODO";
      const open: string[] = [];
      for (const { name, value } of lines) {
        if (name === "BEGIN") open.push(value);
        if (name === "END") expect(open.pop()).toBe(value);
        if (name !== "BEGIN" && name !== "END") expect(open.length).toBeGreaterThan(0);
        if (name === "SUMMARY" || name === "DESCRIPTION" || name === "UID") expect(value).not.toMatch(/(?<!\\)(?:\\\\)*[;,]/);
      }
      expect(open).toEqual([]);
      expect(lines.filter(({ name, value }) => name === "BEGIN" && value === kind)).toHaveLength(Math.max(1, keys.length));
      const uids = lines.filter(({ name }) => name === "UID").map(({ value }) => unescape(value));
      const bare = keys.map((key) => `${key.replaceAll(/\r\n|\n|\r/g, "\n").replaceAll(/(?!\n)[\p{Cc}\p{Cs}]/gu, "")}@okstra`);
      expect(uids.toSorted()).toEqual(keys.length === 0 ? ["nothing@okstra"] : bare.toSorted());
      expect(lines.filter(({ name }) => name === "DTSTAMP").every(({ value }) => value === "20260301T080000Z")).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test("a calendar, as it is", () => {
  expect(
    renderCalendar(schedule([task("p/g/a"), task("p/g/b", { after: ["p/g/a"], held: "okstra approve g/b", risk: 9 })])).replaceAll(
      "\r\n",
      "\n",
    ),
  ).toMatchSnapshot();
});

test("Markdown, as it is: with a history, with a thin one, with none, with nothing open", () => {
  const tasks = [task("p/g/a"), task("p/g/b", { after: ["p/g/a"], held: "okstra approve g/b" }), task("p/g/c", { priority: 3 })];
  expect(
    [
      renderMarkdown(schedule(tasks, history, 2)),
      renderMarkdown(schedule(tasks, history.slice(3))),
      renderMarkdown(schedule(tasks, [])),
      renderMarkdown(schedule([])),
    ].join("\n---\n"),
  ).toMatchSnapshot();
});

test("where a phase was never run there are no dates at all, only the order; a thin history says so", () => {
  const tasks = [task("p/g/a", { phases: ["error-analysis", "implementation"] }), task("p/g/b", { after: ["p/g/a"] })];
  const none = schedule(tasks);
  expect(none).toMatchObject({ basis: "none", samples: 0, finish: { plannedAt: null, p50At: null, p90At: null } });
  expect(none.words).toBe("There are no dates: no run of error-analysis has ended yet. Only the order can be told.");
  expect(none.criticalPath).toEqual({ taskKeys: ["p/g/a", "p/g/b"], durationMs: null });
  for (const each of none.tasks)
    expect([each.lane, each.startAt, each.endAt, each.p50At, each.p90At]).toEqual([null, null, null, null, null]);
  expect(none.tasks.map(({ basis }) => basis)).toEqual(["none", "history"]);
  const thin = schedule([task("p/g/a")], history.slice(3));
  expect(thin.basis).toBe("thin");
  expect(thin.words).toMatch(/^The history is too thin to tell: of implementation no more than 2 runs ended where 5 would be needed\./);
  expect(thin.tasks[0]?.p90At).not.toBeNull();
});
