import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RunSummary } from "@okstra/core/domain/run-summary";
import { createJournals } from "./journals.ts";
import { nameIndexOf } from "./name-index.ts";

let home: string;
beforeEach(() => void (home = mkdtempSync(join(tmpdir(), "okstra-index-"))));
afterEach(() => rmSync(home, { recursive: true }));

const OF = { project: "sums", root: "/projects/sums" };

function summaryOf(run: number, state = "ended"): RunSummary {
  return {
    runId: String(run),
    taskKey: "sums/g/t",
    type: "final-verification",
    run,
    runDir: `/projects/sums/.project-docs/okstra/tasks/g/t/runs/final-verification/${run}`,
    state,
    verdict: null,
    gateOpen: null,
    reasons: [],
    valid: null,
    commit: "",
    createdAt: "2026-01-01T00:00:00.000Z",
    startedAt: null,
    endedAt: null,
    at: "2026-01-01T00:00:00.000Z",
    lanes: [],
    findings: 0,
    blockers: 0,
  };
}

function read(of = OF): { state: string; runs: readonly string[] } {
  const runs: string[] = [];
  const state = createJournals(home).scanBack(of, ({ run, state: each }) => (runs.push(`${run} ${each}`), true));
  return { state, runs };
}

test("what is noted while a journal is made anew is kept", () => {
  const journals = createJournals(home);
  expect([journals.size(OF), read()]).toEqual([0, { state: "absent", runs: [] }]);
  journals.replace(OF, [summaryOf(1)], journals.size(OF));
  const since = journals.size(OF);
  journals.note(OF, summaryOf(2, "running"));
  journals.replace(OF, [summaryOf(1), summaryOf(2, "prepared")], since);
  expect(read()).toEqual({ state: "whole", runs: ["2 running", "2 prepared", "1 ended"] });
  // Its first line came meanwhile as well: that one is no run's.
  rmSync(join(home, "index"), { recursive: true });
  journals.note(OF, summaryOf(3, "running"));
  expect(read().state).toBe("damaged");
  journals.replace(OF, [summaryOf(3, "prepared")], 0);
  expect(read()).toEqual({ state: "whole", runs: ["3 running", "3 prepared"] });
});

test("projects of the same id have journals of their own, and one under a wrong name is nobody's", () => {
  const journals = createJournals(home);
  const other = { ...OF, root: "/elsewhere/sums" };
  journals.replace(OF, [summaryOf(1)], 0);
  journals.replace(other, [], 0);
  expect(journals.list()).toHaveLength(2);
  const path = (of: typeof OF): string => join(home, "index", `${nameIndexOf(of)}.jsonl`);
  copyFileSync(path(OF), join(home, "index", "sums-0123.jsonl"));
  expect(journals.list()).toHaveLength(2);
  copyFileSync(path(OF), path(other));
  expect(read(other).state).toBe("damaged");
  expect(journals.list()).toEqual([OF]);
});

test("a stamp changes with every file that a task's standing comes from, whatever time a file says", () => {
  const { tasks } = createJournals(home);
  const taskDir = join(home, "task");
  const runDir = join(taskDir, "runs/final-verification/001");
  const files = [
    join(taskDir, "events.jsonl"),
    join(taskDir, "task.json"),
    ...["events.jsonl", "run.json", "report.json", "workers/anna/result.json"].map((name) => join(runDir, name)),
  ];
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };
  for (const path of files) write(path, "{}");
  const look = () => tasks.stamp(taskDir, null);
  expect(look()?.lanes).toEqual(["anna"]);
  for (const path of files) {
    const before = look();
    expect(tasks.stamp(taskDir, ["anna"])).toEqual(before);
    rmSync(path);
    const without = look();
    write(path, "[]");
    utimesSync(path, 1, 1);
    const after = look();
    expect(new Set([before?.text, without?.text, after?.text]).size, path).toBe(3);
    expect(after?.changedMs).toBe(statSync(path).ctimeMs);
  }
  mkdirSync(join(taskDir, "runs/final-verification/002"));
  expect(look()?.text).toContain("/runs/final-verification/002");
});

test("what is kept of tasks is private, replaced as a whole, and no error where there is no room for it", () => {
  const { tasks } = createJournals(home);
  expect(tasks.load(OF)).toBe(null);
  tasks.replace(OF, { some: "thing" });
  expect(tasks.load(OF)).toEqual({ some: "thing" });
  const directory = join(home, "index", "tasks");
  const [name = "", ...others] = readdirSync(directory);
  expect([others, statSync(join(directory, name)).mode & 0o777]).toEqual([[], 0o600]);
  writeFileSync(join(directory, name), '{"some":');
  expect(tasks.load(OF)).toBe(null);
  writeFileSync(join(home, "a-file"), "");
  const nowhere = createJournals(join(home, "a-file")).tasks;
  nowhere.replace(OF, {});
  expect(nowhere.load(OF)).toBe(null);
});
