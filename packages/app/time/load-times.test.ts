import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { App } from "@okstra/app/app";
import { openApp } from "@okstra/testkit/open-app";
import { createRunProject, WORKER_LINES } from "@okstra/testkit/run-project";
import type { TestProject } from "@okstra/testkit/test-project";
import { resumeRun, runTask } from "../run/run-task.ts";
import { loadTimes, type RunTimes, type TaskTimes, type TimesReport, type TimesRequest } from "./load-times.ts";

let project: TestProject;
let app: App;
beforeEach(async () => {
  project = await createRunProject();
  app = await openApp({ env: project.home.env, cwd: project.repo.root, emit: () => undefined });
});
afterEach(() => project.remove());

const load = (more: Partial<TimesRequest> = {}): Promise<TimesReport> =>
  loadTimes(app, {
    projects: null,
    dir: project.repo.root,
    task: "g/t",
    group: null,
    phase: null,
    since: null,
    until: null,
    ...more,
  });

/** The one task of the report. */
async function loadOne(more: Partial<TimesRequest> = {}): Promise<TaskTimes> {
  const { tasks } = await load(more);
  expect(tasks).toHaveLength(1);
  return tasks[0] as TaskTimes;
}

const runDirectory = (type: string, run = 1): string =>
  join(project.repo.root, ".project-docs/okstra/tasks/g/t/runs", type, String(run).padStart(3, "0"));

interface Line {
  readonly type: string;
  readonly at: string;
  readonly lane?: string;
}

const lines = (type: string, run = 1): readonly Line[] =>
  readFileSync(join(runDirectory(type, run), "events.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);

/** Milliseconds of the first event of a type after the place `from`. */
function timeOf(events: readonly Line[], type: string, from = 0): number {
  const found = events.slice(from).find((event) => event.type === type);
  expect(found, type).toBeDefined();
  return Date.parse(found?.at ?? "");
}

const firstMs = (events: readonly Line[]): number => Date.parse(events[0]?.at ?? "");
const lastMs = (events: readonly Line[]): number => Date.parse(events.at(-1)?.at ?? "");

async function runPhase(type: string, workers: string, ...flags: readonly string[]): Promise<void> {
  const { status, stdout } = await project.okstra(["run", "g/t", "-t", type, "--workers", workers, ...flags]);
  expect([0, 10, 11, 12], stdout).toContain(status);
}

/** Lanes of the log: from lane-started to the lane-ended that follows. */
function measureLanes(events: readonly Line[]): readonly (readonly [string, number])[] {
  return events.flatMap((event, index) => {
    if (event.type !== "lane-started") return [];
    const end = events.slice(index).find((each) => each.type === "lane-ended" && each.lane === event.lane);
    return [[event.lane ?? "", Date.parse(end?.at ?? "") - Date.parse(event.at)] as const];
  });
}

function sumParts(time: Omit<RunTimes | TaskTimes, "runs">): number {
  return time.workingMs + time.waitingForPersonMs + time.waitingForQuotaMs + time.stoppedMs + time.idleMs;
}

test("a task's times are those of its logs to the millisecond: a wait to start, lanes side by side, a held gate and its override", async () => {
  await runPhase("error-analysis", "silent", "--prepare-only");
  expect((await project.okstra(["resume", "g/t"])).status).toBeLessThan(20);
  await runPhase("final-verification", "checks,reviewer,crash");
  await project.okstra(["override", "g/t", "final-verification.verdict", "--reason", "known"]);

  const [analysis, verification] = [lines("error-analysis"), lines("final-verification")];
  const time = await loadOne();
  expect(sumParts(time)).toBe(time.spanMs);
  expect(time.spanMs).toBe(Date.parse(time.endedAt ?? "") - Date.parse(time.startedAt ?? ""));

  const working = [analysis, verification].map((events) => timeOf(events, "run-ended") - timeOf(events, "run-started"));
  expect(time.runs.map(({ workingMs }) => workingMs)).toEqual(working);
  expect(time.runs.map(({ startedAt }) => startedAt)).toEqual([analysis[0]?.at, verification[0]?.at]);
  expect(time.runs.map(({ endedAt }) => endedAt)).toEqual([analysis.at(-1)?.at, verification.at(-1)?.at]);
  for (const [index, events] of [analysis, verification].entries()) {
    const run = time.runs[index];
    expect(run?.wall.spanMs).toBe(lastMs(events) - firstMs(events));
    expect(run?.laneTimes.map(({ lane, laneMs }) => [lane, laneMs])).toEqual(measureLanes(events));
    expect(run?.busyMs).toBeLessThanOrEqual(run?.workingMs ?? 0);
  }
  const [first, second] = time.runs;
  // The gate of the verification holds until the override; then the task waits to be handed off.
  expect(second?.wall.waitingForPersonMs).toBe(
    timeOf(verification, "run-started") - firstMs(verification) + lastMs(verification) - timeOf(verification, "run-ended"),
  );
  const isHeld = (analysis.at(-1) as { gateOpen?: boolean }).gateOpen === false;
  expect(first?.waitingForPersonMs).toBe(
    timeOf(analysis, "run-started") - firstMs(analysis) + (isHeld ? firstMs(verification) - timeOf(analysis, "run-ended") : 0),
  );
  expect(time.current).toBe("person");
  expect(time.clockJumps).toBe(0);
});

test("an interrupted run is stopped until it is resumed", async () => {
  const stop = new AbortController();
  const leading = await openApp({
    env: project.home.env,
    cwd: project.repo.root,
    emit: ({ type }) => {
      if (type === "lane-started") stop.abort();
    },
  });
  const request: Parameters<typeof runTask>[1] = {
    task: "g/t",
    dir: project.repo.root,
    taskType: "error-analysis",
    category: null,
    baseRef: null,
    brief: null,
    workers: ["hang"],
    deadlineMs: null,
    lang: null,
  };
  await expect(runTask(leading, request, { prepareOnly: false, signal: stop.signal })).rejects.toThrow(/interrupted/);
  const again = new AbortController();
  const ending = await openApp({
    env: project.home.env,
    cwd: project.repo.root,
    emit: ({ type }) => {
      if (type === "lane-started") again.abort();
    },
  });
  await expect(resumeRun(ending, { task: "g/t", dir: project.repo.root, taskType: null }, again.signal)).rejects.toThrow(/interrupted/);

  const events = lines("error-analysis");
  const second = events.findLastIndex(({ type }) => type === "run-started");
  const time = await loadOne();
  expect(time.stoppedMs).toBe(Date.parse(events[second]?.at ?? "") - timeOf(events, "run-interrupted"));
  expect(time.workingMs).toBe(
    timeOf(events, "run-interrupted") - timeOf(events, "run-started") + lastMs(events) - Date.parse(events[second]?.at ?? ""),
  );
  expect(time.runs[0]).toMatchObject({ attempts: 2, lanes: 2 });
  expect(time.current).toBe("stopped");
});

/** Milliseconds covered by spans, counted between their boundaries. */
function measureCover(spans: readonly (readonly [number, number])[]): number {
  const marks = [...new Set(spans.flat())].toSorted((a, b) => a - b);
  return marks.slice(1).reduce((sum, mark, index) => {
    const from = marks[index] ?? mark;
    return sum + (spans.some(([start, end]) => start <= from && end >= mark) ? mark - from : 0);
  }, 0);
}

test("a suspend in lanes that overlap and a clock that is set back: the times are still those of the log", async () => {
  const hour = 3_600_000;
  // Each lane lasts until both have started.
  const go = join(project.home.directory("signals"), "go");
  const wait = (line: string): string => `until [ -e "${go}" ]; do sleep 0.02; done; ${line}`;
  const path = join(project.repo.root, ".project-docs/okstra/project.json");
  const workers = Object.fromEntries(
    (["silent", "reviewer"] as const).map((name) => [name, { kind: "command", command: ["sh", "-c", wait(WORKER_LINES[name])] }]),
  );
  writeFileSync(path, JSON.stringify({ schema: 1, projectId: "sums", workers }));
  let offsetMs = 0;
  let lanesStarted = 0;
  const leading = await openApp({
    env: project.home.env,
    cwd: project.repo.root,
    emit: ({ type, level }) => {
      if (level !== "record") return;
      if (type === "lane-started" && (lanesStarted += 1) === 2) {
        offsetMs += 3 * hour;
        writeFileSync(go, "");
      }
      if (type === "run-converged") offsetMs -= 20 * 60_000;
      if (type === "report-written") offsetMs += hour;
    },
  });
  const now = (): string => new Date(Date.now() + offsetMs).toISOString();
  await runTask(
    { ...leading, clock: { ...leading.clock, now } },
    {
      task: "g/t",
      dir: project.repo.root,
      taskType: "error-analysis",
      category: null,
      baseRef: null,
      brief: null,
      workers: ["silent", "reviewer"],
      deadlineMs: null,
      lang: null,
    },
    { prepareOnly: false, signal: new AbortController().signal },
  );
  const events = lines("error-analysis");
  let reached = 0;
  const times = events.map(({ at }) => (reached = Math.max(reached, Date.parse(at))));
  const msOf = (type: string): number => times[events.findIndex((event) => event.type === type)] ?? Number.NaN;
  const spans = events.flatMap((event, index) => {
    if (event.type !== "lane-started") return [];
    const end = events.findIndex((each, place) => place > index && each.type === "lane-ended" && each.lane === event.lane);
    return [[times[index] ?? 0, times[end] ?? 0] as const];
  });

  const time = await loadOne();
  expect(time.clockJumps).toBe(1);
  expect(time.workingMs).toBe(msOf("run-ended") - msOf("run-started"));
  expect(time.waitingForPersonMs).toBe(msOf("run-started") - msOf("run-prepared"));
  expect(time.spanMs).toBe((times.at(-1) ?? 0) - (times[0] ?? 0));
  expect(time.spanMs).toBeGreaterThan(3 * hour);
  expect(time.laneMs).toBe(spans.reduce((sum, [start, end]) => sum + end - start, 0));
  expect(time.busyMs).toBe(measureCover(spans));
  expect(time.laneMs).toBeGreaterThan(time.busyMs);
  // Both lanes slept, and it counts as theirs.
  expect(time.runs[0]?.gaps.map(({ lane }) => lane).toSorted()).toEqual(["reviewer", "silent"]);
});

test("windows, phases and groups cut the times; their parts make the whole", async () => {
  await runPhase("error-analysis", "silent");
  await runPhase("final-verification", "checks,silent");
  const whole = await loadOne();
  const cut = new Date(Date.parse(whole.startedAt ?? "") + Math.floor(whole.spanMs / 2)).toISOString();
  const [before, after] = [await loadOne({ until: cut }), await loadOne({ since: cut })];
  expect(before.spanMs + after.spanMs).toBe(whole.spanMs);
  expect(before.workingMs + after.workingMs).toBe(whole.workingMs);
  expect(before.laneMs + after.laneMs).toBe(whole.laneMs);

  const verification = await load({ phase: "final-verification" });
  expect(verification.byPhase.map(({ phase }) => phase)).toEqual(["final-verification"]);
  expect(verification.totals.spanMs).toBe(whole.runs[1]?.spanMs);
  expect((await load({ task: null, group: "g" })).tasks.map(({ taskKey }) => taskKey)).toEqual(["sums/g/t"]);
  expect((await load({ task: null, group: "another" })).tasks).toEqual([]);
  expect((await load({ task: null, since: "2999-01-01T00:00:00.000Z" })).tasks).toEqual([]);
  await expect(load({ task: "g/unknown" })).rejects.toMatchObject({ code: "OKSTRA_TASK_NOT_FOUND" });
});

test("a log that was changed is named and in no number, and the others are told", async () => {
  await runPhase("error-analysis", "silent");
  await runPhase("final-verification", "checks,silent");
  appendFileSync(join(runDirectory("error-analysis"), "events.jsonl"), "no event\n");
  appendFileSync(join(project.repo.root, ".project-docs/okstra/tasks/g/t/events.jsonl"), "no event\n");
  const { tasks, damaged } = await load({ task: null });
  expect(damaged.map(({ path }) => path)).toEqual([
    join(runDirectory("error-analysis"), "events.jsonl"),
    join(project.repo.root, ".project-docs/okstra/tasks/g/t/events.jsonl"),
  ]);
  expect(damaged[0]?.reason).toMatch(/^line \d+ is not JSON$/);
  expect(tasks[0]?.runs.map(({ type }) => type)).toEqual(["final-verification"]);
});
