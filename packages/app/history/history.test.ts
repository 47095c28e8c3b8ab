import { appendFileSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { createRunProject } from "@okstra/testkit/run-project";
import type { TestProject } from "@okstra/testkit/test-project";

let project: TestProject;
afterEach(() => project.remove());

const history = async (...flags: readonly string[]) => (await project.okstra(["history", ...flags])).json.runs;
const namesOf = (runs: readonly { taskKey: string; type: string; run: number }[]): readonly string[] =>
  runs.map(({ taskKey, type, run }) => `${taskKey} ${type} ${run}`);
const indexFile = (): string => {
  const directory = join(project.home.okstraHome, "index");
  return join(directory, readdirSync(directory).find((name) => name.endsWith(".jsonl")) ?? "");
};

async function start(): Promise<void> {
  project = await createRunProject();
  for (const [task, phase] of [
    ["bugs/one", "error-analysis"],
    ["bugs/two", "final-verification"],
    ["ideas/three", "final-verification"],
    ["bugs/two", "final-verification"],
  ] as const)
    await project.okstra(["run", task, "-t", phase, "--workers", "silent"]);
}

test("runs are listed the newest first, as their logs say, and filters hold", async () => {
  await start();
  const all = await history();
  expect(namesOf(all)).toEqual([
    "sums/bugs/two final-verification 2",
    "sums/ideas/three final-verification 1",
    "sums/bugs/two final-verification 1",
    "sums/bugs/one error-analysis 1",
  ]);
  expect(all[0]).toMatchObject({
    project: "sums",
    state: "ended",
    verdict: "conditional-accept",
    valid: true,
    lanes: [{ worker: "silent", end: "ok" }],
  });
  const events = readFileSync(join(all[0].runDir, "events.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect([all[0].createdAt, all[0].endedAt]).toEqual([events[0].at, events.at(-1).at]);
  expect(namesOf(await history("--group", "ideas"))).toEqual(["sums/ideas/three final-verification 1"]);
  expect(namesOf(await history("--phase", "error-analysis"))).toEqual(["sums/bugs/one error-analysis 1"]);
  expect(namesOf(await history("--task", "bugs/two", "--limit", "1"))).toEqual(["sums/bugs/two final-verification 2"]);
  expect(await history("--until", "2020-01-01")).toEqual([]);
  expect((await history("--since", "1h", "--state", "ended")).length).toBe(4);
  expect((await project.okstra(["history", "--limit", "2"])).json.more).toBe(true);
  expect((await project.okstra(["history"], { cwd: (await project.okstra(["path", "bugs/two"])).json.path })).json.runs.length).toBe(4);
  expect(statSync(indexFile()).mode & 0o777).toBe(0o600);
});

test("the list is derived: missing, damaged or cut, it heals itself and says so", async () => {
  await start();
  const whole = await history();
  const harms: readonly (() => void)[] = [
    () => rmSync(join(project.home.okstraHome, "index"), { recursive: true }),
    () => writeFileSync(indexFile(), "garbage\n"),
    () => writeFileSync(indexFile(), ""),
    () => appendFileSync(indexFile(), '{"runId":1}\n'),
    () => truncateSync(indexFile(), readFileSync(indexFile(), "utf8").trimEnd().lastIndexOf("\n") + 1),
    () => truncateSync(indexFile(), 10),
  ];
  for (const harm of harms) {
    harm();
    expect(await history()).toEqual(whole);
    harm();
    // Nobody in the project asks: the registry knows of it.
    const { json } = await project.okstra(["history", "--all"], { cwd: project.home.directory("elsewhere") });
    expect(json.runs).toEqual(whole);
    expect(await history()).toEqual(whole);
  }
  // A line that was being written when okstra died never happened.
  appendFileSync(indexFile(), '{"runId":"torn');
  expect(await history()).toEqual(whole);
  const rebuilt = await project.okstra(["index", "rebuild", "--all"]);
  expect(rebuilt.json.projects).toMatchObject([{ project: "sums", runs: 4, damaged: [] }]);
  expect(await history()).toEqual(whole);
});

test("a run whose log cannot be read is named by a rebuild; the others are listed", async () => {
  await start();
  const [newest] = await history();
  writeFileSync(join(newest.runDir, "events.jsonl"), "no json\n");
  const rebuilt = await project.okstra(["index", "rebuild"]);
  expect(rebuilt.json.projects).toMatchObject([{ runs: 3, damaged: [newest.runDir] }]);
  expect((await history()).length).toBe(3);
});

test("what is asked for wrongly is said", async () => {
  project = await createRunProject();
  for (const argv of [
    ["--limit", "0"],
    ["--since", "yesterday"],
    ["--project", "nobody"],
    ["--all", "--project", "sums"],
  ]) {
    const { status, json } = await project.okstra(["history", ...argv]);
    expect([status, json.error.code], argv.join(" ")).toEqual([2, "OKSTRA_USAGE"]);
  }
  expect((await project.okstra(["history"], { cwd: project.home.directory("elsewhere") })).json.error.code).toBe(
    "OKSTRA_PROJECT_NOT_SET_UP",
  );
  expect(await history()).toEqual([]);
});
