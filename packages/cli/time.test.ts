/** `okstra time` as a person sees it: figures, bars, and its document. Times and durations are made the same for every run. */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { TimesReport } from "@okstra/app/time/load-times";
import { openApp } from "@okstra/testkit/open-app";
import { createRunProject } from "@okstra/testkit/run-project";
import type { TestProject } from "@okstra/testkit/test-project";
import { countCells } from "./cells.ts";
import { drawBar } from "./commands/time/bar.ts";
import { showTime, type TimeView } from "./commands/time/show-time.ts";
import { run } from "./commands/time/time.ts";
import { openIndex } from "./open-index.ts";
import { createUi } from "./ui.ts";

let project: TestProject;
beforeEach(async () => {
  project = await createRunProject();
});
afterEach(() => project.remove());

type Flags = Parameters<typeof run>[1];

/** Runs the command in this process and answers what it wrote to standard output. */
async function time(flags: Partial<Flags> & { readonly json?: boolean } = {}, task?: string): Promise<string> {
  let stdout = "";
  const streams = { stdout: { write: (text: string) => void (stdout += text) }, stderr: { write: () => undefined } };
  const surroundings = { env: { ...process.env }, cwd: project.repo.root };
  const ui = createUi(streams as unknown as Parameters<typeof createUi>[0], {
    json: flags.json === true,
    events: "none",
    env: surroundings.env,
  });
  const context: Parameters<typeof run>[0] = {
    process: streams,
    openApp: () => openApp({ ...surroundings, emit: () => undefined }),
    openIndex: async () => openIndex(surroundings),
    ui,
    streams: { stdinIsTerminal: false, readStdin: async () => "", terminal: null },
    interrupted: new AbortController().signal,
  };
  const { json: _, ...own } = flags;
  await run(context, { all: false, bars: false, ...own }, task);
  return stdout;
}

/** Which worker took longer is left out: their rows stand by name. */
function normalise(text: string): string {
  return text
    .replaceAll(/(?:^(?:checks|silent) .*\n){2,}/gm, (rows) => `${rows.trimEnd().split("\n").toSorted().join("\n")}\n`)
    .replaceAll(project.repo.root, "<project>")
    .replaceAll(/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z/g, "<time>")
    .replaceAll(/("\w+Ms": )\d+/g, "$1<ms>")
    .replaceAll(/ *(?<= )(?:<1s|\d+s|\d+m \d+s|-)(?= |$|\))/gm, " <t>")
    .replaceAll(/\((?:<1s|\d+s|\d+m \d+s|-)\)/g, "(<t>)")
    .replaceAll(/[█░▒·]+ */g, "<bar> ");
}

async function playTask(): Promise<void> {
  for (const argv of [
    ["run", "bugs/login", "-t", "error-analysis", "--workers", "silent"],
    ["run", "bugs/login", "-t", "final-verification", "--workers", "checks,silent"],
    ["run", "bugs/other", "-t", "error-analysis", "--workers", "silent", "--prepare-only"],
  ])
    expect((await project.okstra(argv)).status).toBeLessThan(20);
}

test("tables of tasks, of one task's runs, of phases and of workers", async () => {
  await playTask();
  const shown = [
    await time({ by: "phase" }),
    await time({}, "bugs/login"),
    await time({ by: "worker" }, "bugs/login"),
    await time({ group: "bugs", phase: "final-verification", since: "2020-01-01", until: "2999-01-01" }),
  ];
  for (const line of shown.join("\n").split("\n")) expect(countCells(line)).toBeLessThanOrEqual(80);
  expect(shown.map(normalise).join("\n")).toMatchSnapshot();
  const rows = (await time()).split("\n").map((line) => line.split(" ")[0]);
  expect(rows.slice(1, 3).toSorted()).toEqual(["bugs/login", "bugs/other"]);
});

test("bars of runs and of workers", async () => {
  await playTask();
  const shown = [await time({ bars: true }, "bugs/login"), await time({ bars: true, by: "worker" }, "bugs/login")];
  for (const line of shown.join("\n").split("\n")) expect(countCells(line)).toBeLessThanOrEqual(80);
  expect(shown.map(normalise).join("\n")).toMatchSnapshot();
});

test("one document, of every project of the machine too", async () => {
  await playTask();
  const document = await time({ json: true }, "bugs/other");
  expect(normalise(document)).toMatchSnapshot();
  const all = JSON.parse(await time({ json: true, all: true })) as TimesReport;
  expect(all.tasks.map(({ taskKey }) => taskKey).toSorted()).toEqual(["sums/bugs/login", "sums/bugs/other"]);
  expect(all.totals.spanMs).toBe(all.tasks.reduce((sum, { spanMs }) => sum + spanMs, 0));
});

test("a damaged log is named below the table, and wrong words are refused", async () => {
  await playTask();
  const log = join(project.repo.root, ".project-docs/okstra/tasks/bugs/other/runs/error-analysis/001/events.jsonl");
  appendFileSync(log, "no event\n");
  const shown = await time();
  expect(shown).toContain(`logs that cannot be relied on, in no sum:\n  ${log}: line 2 is not JSON`);
  for (const flags of [{ since: "yesterday" }, { phase: "nothing" }, { since: "1d", until: "2d" }, { all: true, project: "sums" }])
    await expect(time(flags)).rejects.toMatchObject({ name: "OkstraError" });
  await expect(time({ group: "bugs" }, "bugs/login")).rejects.toMatchObject({ code: "OKSTRA_USAGE" });
});

const part = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 10 }), fc.integer({ min: 0, max: 10_000_000 }));

test("a bar never is longer than its cells, has each part that took time, and the longest has all cells", () => {
  fc.assert(
    fc.property(fc.tuple(part, part, part, part, part), part, fc.integer({ min: 5, max: 60 }), (parts, more, cells) => {
      const [workingMs, waitingForPersonMs, waitingForQuotaMs, stoppedMs, idleMs] = parts;
      const spanMs = parts.reduce((sum, each) => sum + each, 0);
      const bar = drawBar({ spanMs, workingMs, waitingForPersonMs, waitingForQuotaMs, stoppedMs, idleMs }, spanMs + more, cells);
      expect(countCells(bar)).toBeLessThanOrEqual(cells);
      for (const [index, mark] of [..."█░▒· "].entries()) expect(bar.includes(mark)).toBe((parts[index] ?? 0) > 0);
      if (more === 0 && spanMs > 0) expect(countCells(bar)).toBe(cells);
    }),
  );
});

const HOUR = 3_600_000;
const none = { spanMs: 0, workingMs: 0, waitingForPersonMs: 0, waitingForQuotaMs: 0, stoppedMs: 0, idleMs: 0 };
const lanes = { lanes: 3, laneMs: 3 * HOUR, busyMs: 2 * HOUR };

/** A task of some days, as no test can wait for. */
function longReport(): TimesReport {
  const parts = { workingMs: 2 * HOUR, waitingForPersonMs: 50 * HOUR, waitingForQuotaMs: 5 * HOUR, stoppedMs: HOUR, idleMs: 12 * HOUR };
  const split = { ...parts, spanMs: 70 * HOUR };
  const run = {
    ...split,
    ...lanes,
    type: "implementation-planning",
    run: 12,
    runDir: "/p",
    startedAt: "2026-01-01T00:00:00.000Z",
    endedAt: "2026-01-04T00:00:00.000Z",
    attempts: 1,
    wall: split,
    workers: [],
    laneTimes: [],
    gaps: [{ lane: "claude.votes", worker: "claude", startedAt: "2026-01-01T01:00:00.000Z", gapMs: 2 * HOUR }],
  };
  const task = {
    ...split,
    ...lanes,
    taskKey: "p/a-group-with-a-name-that-is-long/task",
    taskDir: "/p",
    startedAt: run.startedAt,
    endedAt: run.endedAt,
    current: "person" as const,
    runs: [run],
    phases: [],
    workers: [],
    between: none,
    segments: [],
    clockJumps: 1,
  };
  return {
    phase: null,
    since: null,
    until: null,
    tasks: [task],
    totals: { ...split, ...lanes },
    byPhase: [{ phase: "implementation-planning", runs: 1, ...split, ...lanes }],
    byWorker: [{ worker: "claude", ...lanes }],
    clockJumps: 1,
    damaged: [],
  };
}

test("days of work and of waits in figures and in bars, with silences and a clock that went back", () => {
  const views: readonly TimeView["by"][] = ["run", "task", "phase", "worker"];
  const shown = views.flatMap((by) => [false, true].map((bars) => showTime(longReport(), { by, bars, now: "2026-01-05T00:00:00.000Z" })));
  for (const line of shown.join("\n").split("\n")) expect(countCells(line)).toBeLessThanOrEqual(80);
  expect(shown.join("\n\n")).toMatchSnapshot();
});
