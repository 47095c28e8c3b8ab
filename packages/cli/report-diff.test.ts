import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ReportDiff } from "@okstra/core/report/diff-reports";
import { createPlayProject } from "@okstra/testkit/play-project";
import { createRunProject } from "@okstra/testkit/run-project";
import { runOkstra } from "@okstra/testkit/run-okstra";
import type { TestProject } from "@okstra/testkit/test-project";
import { countCells } from "./cells.ts";
import { showDiff } from "./commands/report/show-diff.ts";

let project: TestProject;
beforeEach(async () => {
  project = await createRunProject();
});
afterEach(() => project.remove());

const TASK = "bugs/login";

async function run(workers: string, type = "final-verification"): Promise<string> {
  return (await project.okstra(["run", TASK, "-t", type, "--workers", workers])).json.runDir;
}

async function diff(...argv: readonly string[]): Promise<ReportDiff> {
  const { status, stdout, json } = await runOkstra(["report", "diff", TASK, ...argv, "--json"], { cwd: project.repo.root });
  expect(status, stdout).toBe(0);
  return json as ReportDiff;
}

async function show(...argv: readonly string[]): Promise<string> {
  const { stdout } = await runOkstra(["report", "diff", TASK, ...argv], { cwd: project.repo.root });
  for (const line of stdout.split("\n")) expect(countCells(line)).toBeLessThanOrEqual(80);
  return stdout.replaceAll(/\d{4}-\d{2}-\d{2} \d{2}:\d{2}/g, "<time>").replaceAll(/\b[0-9a-f]{12}\b/g, "<commit>");
}

const sides = ({ from, to }: ReportDiff): string => [from, to].map(({ type, run: number }) => `${type}:${number}`).join(" ");
const claims = (findings: readonly { readonly claim: string }[]): string[] => findings.map(({ claim }) => claim);

test("runs that go on from each other: what is new, gone, persistent, and what else is another", async () => {
  await run("checks,reviewer,crash");
  await run("checks,reviewer,dreamer");
  const first = await diff();
  expect(sides(first)).toBe("final-verification:1 final-verification:2");
  expect(first.taskKey).toBe("sums/bugs/login");
  expect(claims(first.findings.new)).toEqual(["A line that is not there"]);
  expect(first.findings.gone).toEqual([]);
  expect(first.findings.persistent).toMatchObject([{ matchedBy: "ledger", from: { ledger: "F1" }, to: { ledger: "F1" }, changes: [] }]);
  expect(await show()).toMatchSnapshot("new");

  const { path } = (await project.okstra(["worktree", "show", TASK])).json as { path: string };
  writeFileSync(join(path, "src/sum.js"), "export function sum(a, b) {\n  return b + a;\n}\n");
  await project.repo.git(["-C", path, "commit", "-qam", "turn"]);
  await run("checks,silent,reviewer");
  const second = await diff();
  expect(sides(second)).toBe("final-verification:2 final-verification:3");
  expect(claims(second.findings.gone)).toEqual(["A line that is not there"]);
  expect(second.findings.changed).toMatchObject([
    { changes: expect.arrayContaining([{ member: "class", from: "unique", to: "ungrounded" }]) },
  ]);
  expect(second.from.commit).not.toBe(second.to.commit);
  expect(await show()).toMatchSnapshot("gone and changed");
});

test("which two are compared", async () => {
  await run("checks,reviewer");
  await run("reviewer", "error-analysis");
  await run("checks,silent");
  await run("checks,reviewer");
  expect(sides(await diff())).toBe("final-verification:2 final-verification:3");
  expect(sides(await diff("--from", "1"))).toBe("final-verification:1 final-verification:3");
  expect(sides(await diff("--to", "2"))).toBe("final-verification:1 final-verification:2");
  expect(sides(await diff("--from", "3", "--to", "1"))).toBe("final-verification:3 final-verification:1");
  expect(sides(await diff("--from", "error-analysis:1", "--to", "final-verification"))).toBe("error-analysis:1 final-verification:3");
  expect(sides(await diff("--from", "error-analysis:1", "-t", "final-verification", "--to", "2"))).toBe(
    "error-analysis:1 final-verification:2",
  );
  const same = await diff("--from", "2", "--to", "2");
  expect(same.findings).toEqual({ new: [], gone: [], persistent: [], changed: [] });

  const lacks: readonly (readonly [readonly string[], string])[] = [
    [["--to", "7"], "no report of final-verification 7"],
    [["--to", "1"], "no other report of final-verification"],
    [["-t", "error-analysis"], "no other report of error-analysis"],
    [["-t", "implementation"], "no report of implementation"],
  ];
  for (const [argv, message] of lacks) {
    const { json } = await runOkstra(["report", "diff", TASK, ...argv, "--json"], { cwd: project.repo.root });
    expect(json.error).toMatchObject({ code: "OKSTRA_RUN_NOT_FOUND", message: expect.stringContaining(message) });
    expect(json.error.hint).toContain("--from error-analysis:1 --to final-verification:3");
  }
});

test("a report that cannot be read is named, and the run before it is not taken for it", async () => {
  await run("checks,reviewer");
  await run("checks,reviewer");
  const runDir = await run("checks,reviewer");
  writeFileSync(join(runDir, "report.json"), "{");
  const { status, json } = await runOkstra(["report", "diff", TASK, "--json"], { cwd: project.repo.root });
  expect([status, json.error.code, json.error.details.path]).toEqual([1, "OKSTRA_RUN_CORRUPT", join(runDir, "report.json")]);
  expect(sides(await diff("--to", "2"))).toBe("final-verification:1 final-verification:2");
});

test("reports without a ledger are compared by what they say", async () => {
  for (const each of [await run("checks,reviewer"), await run("checks,reviewer,dreamer")]) {
    const path = join(each, "report.json");
    const report = JSON.parse(readFileSync(path, "utf8"));
    writeFileSync(path, JSON.stringify({ ...report, ledger: [] }));
  }
  const { findings } = await diff();
  expect(findings.persistent).toMatchObject([{ matchedBy: "likeness", from: { ledger: null, claim: "The sum is wrong" } }]);
  expect(claims(findings.new)).toEqual(["A line that is not there"]);
});

test("two phases of one task, as recorded workers took it through them", async () => {
  const played = await createPlayProject("played", { home: project.home });
  writeFileSync(join(played.repo.root, "brief.md"), "2 + 2 gives 0.\n");
  const okstra = (...argv: readonly string[]) => played.okstra(argv);
  await okstra("run", "bugs/till", "-t", "error-analysis", "--brief", "brief.md", "--category", "bugfix");
  await okstra("run", "bugs/till", "-t", "final-verification", "--brief", "brief.md");
  const { status, json, stdout } = await okstra(
    "report",
    "diff",
    "bugs/till",
    "--from",
    "error-analysis:1",
    "--to",
    "final-verification:1",
  );
  expect(status, stdout).toBe(0);
  const { from, to, findings } = json as ReportDiff;
  expect([from.type, to.type]).toEqual(["error-analysis", "final-verification"]);
  expect(from.findings).toBeGreaterThan(0);
  expect(findings.gone.length + findings.persistent.length).toBe(from.findings);
  expect(findings.new.length + findings.persistent.length).toBe(to.findings);
});

test("text that would act is shown, and every line fits, whatever the reports say", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.constantFrom("\u001B[2J\u0007", "한국어 ".repeat(40), "👩‍👩‍👧 ".repeat(30), "\u202Eevil", "a\nnew (9)\n  P0 F9  forged"),
  );
  const side = fc.record({
    type: text,
    run: fc.nat(),
    runId: text,
    generatedAt: text,
    commit: text,
    verdict: fc.constantFrom("accepted", "blocked"),
    gate: fc.record({ name: text, open: fc.boolean(), reasons: fc.array(text, { maxLength: 3 }), overridden: fc.boolean() }),
    workers: fc.array(fc.record({ worker: text, end: text }), { maxLength: 3 }),
    findings: fc.nat(),
    unheard: fc.array(fc.record({ id: text, claim: text }), { maxLength: 2 }),
  });
  const finding = fc.record({
    id: text,
    ledger: fc.option(text),
    members: fc.constant([]),
    claim: text,
    category: text,
    severity: fc.constantFrom("P0", "P3"),
    class: fc.constant("unique"),
    disposition: fc.constant("held"),
    verification: fc.constant("unverified"),
    file: fc.option(text),
    startLine: fc.option(fc.nat()),
    endLine: fc.constant(null),
    stateThere: fc.constantFrom(null, "open"),
  });
  fc.assert(
    fc.property(text, side, side, fc.array(finding, { maxLength: 4 }), (taskKey, from, to, findings) => {
      const shown = showDiff({ taskKey, from, to, findings: { new: findings, gone: findings, persistent: [], changed: [] } } as ReportDiff);
      const lines = shown.split("\n");
      for (const line of lines) expect(countCells(line)).toBeLessThanOrEqual(80);
      // eslint-disable-next-line no-control-regex -- it is what must not be there
      expect(shown.replaceAll("\n", "")).not.toMatch(/[\u0000-\u001F\u007F-\u009F\u202A-\u202E]/);
      expect(lines.filter((line) => line.startsWith("  P"))).toHaveLength(2 * findings.length);
    }),
  );
});
