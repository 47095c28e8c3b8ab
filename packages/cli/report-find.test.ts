import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FoundReports } from "@okstra/app/report/find-reports";
import { findReports } from "@okstra/app/report/find-reports";
import { openApp } from "@okstra/testkit/open-app";
import { createPlayProject } from "@okstra/testkit/play-project";
import { createRunProject } from "@okstra/testkit/run-project";
import { runOkstra } from "@okstra/testkit/run-okstra";
import type { TestProject } from "@okstra/testkit/test-project";
import { countCells } from "./cells.ts";

const CLAIM_NFD = "The caf\u00e9 is closed".normalize("NFD");
/** A worker that raises one finding. A claim has no quotation mark in it. */
const finding = (claim: string): string => {
  const result = JSON.stringify({ nonce: "NONCE", findings: [{ claim, category: "correctness", severity: "P2", file: "src/sum.js" }] });
  return `printf '%s' '${result}' | sed "s/NONCE/$OKSTRA_NONCE/" > "$OKSTRA_RESULT"`;
};
const ACTING = "\u001B]8;;https://evil.test\u0007 \u202Eevil \u001B[2J".repeat(6).slice(0, 190);

let project: TestProject;
beforeEach(async () => {
  project = await createRunProject({ lines: { cafe: finding(CLAIM_NFD), hostile: finding(ACTING) } });
});
afterEach(() => project.remove());

async function find(...argv: readonly string[]): Promise<FoundReports> {
  const { status, stdout, json } = await runOkstra(["report", "find", ...argv, "--json"], { cwd: project.repo.root });
  expect(status, stdout).toBe(0);
  return json as FoundReports;
}

const names = ({ reports }: FoundReports): string[] =>
  reports.map(({ taskKey, type, run }) => `${taskKey.split("/").slice(1).join("/")} ${type} ${run}`);

async function verify(task: string, workers: string, type = "final-verification"): Promise<string> {
  return (await project.okstra(["run", task, "-t", type, "--workers", workers])).json.runDir;
}

test("words, in whatever letters, in all that a report is told by, and every filter", async () => {
  await verify("bugs/login", "checks,silent");
  await verify("bugs/login", "checks,reviewer");
  await verify("shop/cafe", "cafe", "error-analysis");

  expect(names(await find())).toEqual(["shop/cafe error-analysis 1", "bugs/login final-verification 2", "bugs/login final-verification 1"]);
  const [newest] = (await find("SUM", "wrong")).reports;
  expect(newest).toMatchObject({
    project: "sums",
    taskKey: "sums/bugs/login",
    verdict: "blocked",
    gateOpen: false,
    findings: 1,
    matching: 1,
    matches: [{ id: "C1", claim: "The sum is wrong", severity: "P1", file: "src/sum.js", startLine: 2 }],
  });
  for (const path of [newest?.md, newest?.html, newest?.json]) expect(readFileSync(path ?? "", "utf8")).not.toBe("");

  expect(names(await find("caf\u00c9"))).toEqual(["shop/cafe error-analysis 1"]);
  expect(names(await find("BUGS/login", "accepted"))).toEqual(["bugs/login final-verification 1"]);
  expect(names(await find("src/SUM.js", "blocked"))).toEqual(["bugs/login final-verification 2"]);
  expect(names(await find("sum", "café", "nowhere"))).toEqual([]);
  expect(names(await find("__proto__"))).toEqual([]);
  expect(names(await find("--group", "Shop"))).toEqual(["shop/cafe error-analysis 1"]);
  expect(names(await find("--phase", "error-analysis"))).toEqual(["shop/cafe error-analysis 1"]);
  expect(names(await find("--verdict", "accepted"))).toEqual(["bugs/login final-verification 1"]);
  const { generatedAt } = newest ?? { generatedAt: "" };
  expect(names(await find("--since", generatedAt))).toEqual(["shop/cafe error-analysis 1", "bugs/login final-verification 2"]);
  expect(names(await find("--until", generatedAt))).toEqual(["bugs/login final-verification 2", "bugs/login final-verification 1"]);
  expect(names(await find("--since", "1h"))).toHaveLength(3);
  const two = await find("--limit", "2");
  expect([names(two).length, two.more]).toEqual([2, true]);
  expect((await find("--limit", "3")).more).toBe(false);
});

test("what is found in a brief and after a whole task, newest first", async () => {
  const played = await createPlayProject("played", { home: project.home });
  writeFileSync(join(played.repo.root, "brief.md"), "2 + 2 gives Zero in the Till.\n");
  const { status, stderr } = await played.okstra([
    "go",
    "bugs/till",
    "--brief",
    "brief.md",
    "--category",
    "bugfix",
    "--until",
    "error-analysis",
  ]);
  expect([0, 10], stderr).toContain(status);
  const { json } = await runOkstra(["report", "find", "zero", "TILL", "--json"], { cwd: played.repo.root });
  const found = json as FoundReports;
  expect(found.reports.length).toBeGreaterThan(0);
  expect(found.reports.map(({ generatedAt }) => generatedAt)).toEqual(
    found.reports
      .map(({ generatedAt }) => generatedAt)
      .toSorted()
      .reverse(),
  );

  await verify("bugs/login", "checks,reviewer");
  const projectsOf = ({ reports }: FoundReports): string[] => [...new Set(reports.map((each) => each.project))].sort();
  expect(projectsOf(await find("--all"))).toEqual(["played", "sums"]);
  expect(projectsOf(await find("--project", "played"))).toEqual(["played"]);
  expect(projectsOf(await find())).toEqual(["sums"]);
});

describe("as text", () => {
  const show = async (...argv: readonly string[]): Promise<string> =>
    (await runOkstra(["report", "find", ...argv], { cwd: project.repo.root })).stdout;

  test("a report is a line, its matching claims and its path", async () => {
    expect(await show()).toBe("no reports\n");
    await verify("bugs/login", "checks,reviewer,dreamer");
    expect((await show("sum")).replaceAll(/\d{4}-\d{2}-\d{2} \d{2}:\d{2}/g, "<time>")).toMatchSnapshot();
  });

  test("text that would act is shown, and nothing is wider than 80 cells", async () => {
    await verify("bugs/login", "hostile");
    const [found] = (await find("evil")).reports;
    expect(found?.matches.map(({ claim }) => claim)).toEqual([ACTING]);
    const text = await show("evil");
    expect(text).toContain("\\u{1b}]8;;https://evil.test");
    // eslint-disable-next-line no-control-regex -- it is what must not be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202A-\u202E]/);
    for (const line of text.split("\n")) expect(countCells(line)).toBeLessThanOrEqual(80);
  });
});

test("what is no report is named with its reason, and the others are found", async () => {
  const runDir = await verify("bugs/login", "checks,reviewer");
  const runs = join(runDir, "..");
  const good = readFileSync(join(runDir, "report.json"), "utf8");
  const plant = (name: string, text: string): string => {
    mkdirSync(join(runs, name));
    writeFileSync(join(runs, name, "report.json"), text);
    return join(runs, name, "report.json");
  };
  const planted: readonly (readonly [string, RegExp])[] = [
    [plant("002", "{"), /not a report/],
    [plant("003", JSON.stringify({ ...JSON.parse(good), clusters: 7 })), /not a report/],
    [plant("004", good), /says that it is of sums\/bugs\/login, final-verification 1/],
    [plant("005", JSON.stringify({ ...JSON.parse(good), run: 5, generatedAt: "soon" })), /its time/],
    [plant("006", "null"), /not a report/],
    [plant("007", ""), /at most/],
    [plant("008", ""), /./],
    [plant("009", ""), /./],
  ];
  truncateSync(planted[5]?.[0] ?? "", 33 * 1024 * 1024);
  for (const at of [6, 7]) rmSync(planted[at]?.[0] ?? "");
  symlinkSync(join(runDir, "report.json"), planted[6]?.[0] ?? "");
  mkdirSync(planted[7]?.[0] ?? "");
  // Neither a run that has no report yet nor what is no run is damaged.
  mkdirSync(join(runs, "010"));
  cpSync(runDir, join(runs, "001.old"), { recursive: true });
  writeFileSync(join(runs, "../../../note.txt"), "a file among the tasks");

  const found = await find("sum");
  expect(names(found)).toEqual(["bugs/login final-verification 1"]);
  expect(found.damaged.map(({ path }) => path)).toEqual(planted.map(([path]) => path));
  for (const [at, [, reason]] of planted.entries()) expect(found.damaged[at]?.reason).toMatch(reason);
  const { stdout } = await runOkstra(["report", "find"], { cwd: project.repo.root });
  expect(stdout.match(/^damaged: /gm)).toHaveLength(planted.length);
});

test("reports are read one at a time, and only as many are kept as are wanted", async () => {
  const runDir = await verify("bugs/login", "checks,reviewer");
  const good = JSON.parse(readFileSync(join(runDir, "report.json"), "utf8"));
  for (let run = 2; run <= 60; run += 1) {
    const directory = join(runDir, "..", String(run).padStart(3, "0"));
    mkdirSync(directory);
    // The run that is found last is neither the oldest nor the newest.
    const generatedAt = new Date(Date.UTC(2030, 0, 1 + ((run * 7) % 61))).toISOString();
    writeFileSync(join(directory, "report.json"), JSON.stringify({ ...good, run, generatedAt }));
  }
  const app = await openApp({
    env: { HOME: project.home.root, OKSTRA_HOME: project.home.okstraHome },
    cwd: project.repo.root,
    emit: () => {},
  });
  let [reading, most, reads] = [0, 0, 0];
  const readText: typeof app.store.readText = async (path, options) => {
    reading += 1;
    reads += 1;
    most = Math.max(most, reading);
    expect(options).toMatchObject({ regularFileOnly: true, maxBytes: 32 * 1024 * 1024 });
    const text = await app.store.readText(path, options);
    reading -= 1;
    return text;
  };
  const query = { words: [], group: null, phase: null, verdict: null, since: null, until: null };
  const projects = [{ project: "sums", root: project.repo.root }];
  const found = await findReports({ ...app, store: { ...app.store, readText } }, projects, query, 5);
  expect([most, reads, found.more]).toEqual([1, 60, true]);
  expect(found.reports.map(({ generatedAt }) => Date.parse(generatedAt))).toEqual(
    Array.from({ length: 60 }, (_, at) => Date.UTC(2030, 0, 1 + (((at + 1) * 7) % 61)))
      .filter((_, at) => at > 0)
      .toSorted((a, b) => b - a)
      .slice(0, 5),
  );
});
