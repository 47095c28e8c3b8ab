import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TaskPage, TaskRef } from "@okstra/core/dashboard/api";
import { openApp } from "@okstra/testkit/open-app";
import { createPlayProject } from "@okstra/testkit/play-project";
import { runOkstra } from "@okstra/testkit/run-okstra";
import type { TestProject } from "@okstra/testkit/test-project";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { App } from "../app.ts";
import { createDashboardAnswers, type DashboardAnswers } from "./answers.ts";

const TASK = "bugs/sum";
const REF: TaskRef = { project: "plays", group: "bugs", task: "sum" };
const ALL = { project: null, group: null, phase: null, state: null };
const PHASES = ["requirements-discovery", "error-analysis", "implementation-planning", "implementation", "final-verification"];

let project: TestProject;
let app: App;
let dashboard: DashboardAnswers;

/** The document that the command line prints. */
async function printed(...argv: readonly string[]): Promise<Record<string, never>> {
  const answer = await project.okstra(argv);
  expect(answer.json, answer.stdout + answer.stderr).toBeDefined();
  return answer.json;
}
const taskEvents = (): Record<string, unknown>[] =>
  readFileSync(join(project.repo.root, ".project-docs/okstra/tasks", TASK, "events.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** What does not depend on when it was asked. */
const withoutNow = (document: object): object => ({ ...document, at: "", from: "", tasks: "tasks" in document ? document.tasks : [] });

describe("a task from its brief to its verification, with the dashboard's answers and approval", () => {
  const pages: Record<string, TaskPage> = {};

  beforeAll(async () => {
    project = await createPlayProject("plays");
    app = await openApp({ env: project.home.env, cwd: project.repo.root, emit: () => undefined });
    dashboard = createDashboardAnswers(app);
    await project.okstra(["task", "new", TASK, "--category", "bugfix"]);
    await project.okstra(["go", TASK]);
    pages["asked"] = await dashboard.task(REF);
    const [question] = pages["asked"].clarifications;
    pages["answered"] = await dashboard.answer(REF, { answers: [{ id: "Q1", text: " No. ", boundTo: question?.boundTo ?? "" }] });
    await project.okstra(["go", TASK]);
    pages["planned"] = await dashboard.task(REF);
    const { run = 0, planSha256 = "" } = pages["planned"].plan ?? {};
    pages["approved"] = await dashboard.approve(REF, { run, planSha256 });
    await project.okstra(["go", TASK]);
    pages["verified"] = await dashboard.task(REF);
  }, 120_000);
  afterAll(async () => {
    await dashboard.close();
    project.remove();
  });

  test("what waits for a person at each station, and the same events as the command line leaves", () => {
    expect(pages["asked"]).toMatchObject({ state: "waiting", phase: "requirements-discovery", command: `okstra answer ${TASK} Q1="…"` });
    expect(pages["asked"]?.clarifications).toMatchObject([{ id: "Q1", question: "May the signature change?", answer: null }]);
    const user = project.home.env["USER"] ?? project.home.env["LOGNAME"] ?? "unknown";
    expect(pages["answered"]?.clarifications).toMatchObject([{ id: "Q1", answer: { text: "No.", by: user } }]);
    expect(pages["planned"]).toMatchObject({ state: "waiting", phase: "implementation-planning", plan: { run: 1, state: "pending" } });
    expect(pages["approved"]?.plan).toMatchObject({ state: "approved", approval: { by: user } });
    expect(pages["verified"]).toMatchObject({ state: "waiting", phase: "release-handoff", category: "bugfix" });
    const words = taskEvents().filter(({ type }) => type === "answered" || type === "plan-approved");
    expect(words).toMatchObject([
      { type: "answered", id: "Q1", question: "May the signature change?", text: "No.", by: user },
      { type: "plan-approved", run: 1, planSha256: pages["planned"]?.plan?.planSha256, by: user },
    ]);
  });

  test("the validator finds nothing that a person's word in the dashboard broke", async () => {
    const answer = await project.okstra(["validate", TASK]);
    expect([answer.status, answer.json.ok], answer.stdout).toEqual([0, true]);
  });

  test("the board is what okstra status --all says", async () => {
    const board = await dashboard.board(ALL);
    const { tasks } = (await printed("status", "--all")) as unknown as { tasks: object[] };
    expect(board.tasks).toEqual(tasks.map((task) => ({ ...task, group: "bugs", task: "sum" })));
    expect(board.projects).toEqual([{ project: "plays", root: project.repo.root }]);
    expect(board.phases.slice(0, 5)).toEqual(PHASES);
    expect((await dashboard.board({ ...ALL, phase: "release-handoff", group: "bugs" })).tasks).toHaveLength(1);
    expect((await dashboard.board({ ...ALL, phase: "implementation" })).tasks).toEqual([]);
    expect((await dashboard.board({ ...ALL, project: "another" })).tasks).toEqual([]);
  });

  test("the page of a task is what okstra task show says of it", async () => {
    const page = await dashboard.task(REF);
    const shown = (await printed("task", "show", TASK)) as unknown as Record<string, unknown> & {
      cycles: { runs: { type: string; run: number; gate: { passed: boolean } | null; state: string; verdict: string }[] }[];
    };
    for (const part of ["taskKey", "category", "brief", "worktree", "head", "openFindings"] as const)
      expect(page[part], part).toEqual(shown[part]);
    expect(page.clarifications.map(({ boundTo: _bound, ...row }) => row)).toEqual(shown["clarifications"]);
    expect(page.clarifications.every(({ boundTo }) => /^[0-9a-f]{64}$/.test(boundTo))).toBe(true);
    expect(page.plan).toMatchObject({ planSha256: (shown["plan"] as unknown as { planSha256: string }).planSha256, state: "approved" });
    const runs = shown.cycles.flatMap((cycle) => cycle.runs);
    expect(page.runs.map(({ type, run, state, verdict, valid, gate }) => [type, run, state, verdict, valid, gate?.passed])).toEqual(
      runs.map(({ type, run, state, verdict, gate }) => [type, run, state, verdict, true, gate?.passed]),
    );
    expect(page.runs.map(({ type }) => type)).toEqual(PHASES);
    expect(page.runs.every(({ hasReport, damaged }) => hasReport && damaged === null)).toBe(true);
    expect(page.branch).toBe("fix-sum");
  });

  test("each lane is a bar with what it found and how it ended", () => {
    const analysis = pages["verified"]?.runs.find(({ type }) => type === "error-analysis");
    const lanes = analysis?.lanes.map(({ lane, role, end, attempt, findings }) => [lane, role, end, attempt, findings]).toSorted();
    expect(lanes).toEqual([
      ["anna", "review", "ok", 1, 1],
      ["anna.votes", "vote", "ok", 1, 0],
      ["ben", "review", "ok", 1, 1],
      ["ben.votes", "vote", "ok", 1, 0],
      ["checks", "review", "ok", 1, expect.any(Number)],
    ]);
    for (const { startedAt, endedAt } of analysis?.lanes ?? [])
      expect(Date.parse(endedAt ?? "")).toBeGreaterThanOrEqual(Date.parse(startedAt));
    const gates = pages["verified"]?.runs.map(({ type, gate }) => [type, gate?.passed, gate?.boundTo]);
    expect(gates).toEqual(PHASES.map((type) => [type, true, null]));
    expect(pages["verified"]?.runs[0]?.gate?.by).toBe("Its questions were answered.");
    expect(pages["verified"]?.runs[2]?.gate?.by).toMatch(/^Its plan was approved by /);
    const states = pages["verified"]?.segments.map(({ state }) => state);
    expect(states).toContain("working");
    expect(states).toContain("person");
  });

  test("time, cost and schedule are the documents of their commands", async () => {
    const query = { project: null, group: null, phase: null, since: null, until: null };
    expect(await dashboard.time(query)).toEqual(await printed("time", "--all"));
    expect(await dashboard.time({ ...query, phase: "implementation", since: "2020-01-01T00:00:00.000Z" })).toEqual(
      await printed("time", "--all", "--phase", "implementation", "--since", "2020-01-01"),
    );
    expect(await dashboard.cost({ project: "plays", group: null, since: null })).toEqual(await printed("cost", "--project", "plays"));
    const schedule = await dashboard.schedule({ project: null, group: "bugs", capacity: 2 });
    expect(withoutNow(schedule)).toEqual(withoutNow(await printed("schedule", "--all", "--group", "bugs", "--capacity", "2")));
  });

  test("findings have what was raised, voted and executed, and the ledger's ids", async () => {
    const { findings, unheard } = await dashboard.findings(REF, { type: null, run: null });
    const shown = (await printed("task", "show", TASK)) as unknown as { ledger: { id: string; claim: string; state: string }[] };
    expect(new Set(findings.filter(({ row }) => row !== null).map(({ id }) => id))).toEqual(new Set(shown.ledger.map(({ id }) => id)));
    expect(unheard).toEqual([]);
    const cause = findings.find(({ row, cluster }) => (row ?? cluster)?.claim.startsWith("sum subtracts") === true);
    expect(cause).toMatchObject({ type: "error-analysis", run: 1, row: { severity: "P1", file: "src/sum.js" } });
    expect(cause?.members.map(({ worker }) => worker)).toContain("anna");
    expect(cause?.commit).toMatch(/^[0-9a-f]{40}$/);
    expect(cause?.executions.map(({ outcome }) => outcome)).toContain("failed 2 of 2 times");
    const wrong = findings.find(({ members }) => members.some(({ worker, claim }) => worker === "ben" && claim.includes("not exported")));
    // It was last seen by those who verified the implementation.
    expect(wrong).toMatchObject({ type: "implementation", row: { state: "dismissed" } });
    const outcome = "failed 0 of 2 times, fails in an empty directory";
    expect(wrong?.votes.map(({ worker, answer }) => [worker, answer])).toEqual([
      ["anna", "refuted"],
      ["erik", "refuted"],
    ]);
    expect(wrong?.executions.map((each) => [each.worker, each.outcome])).toEqual([
      ["anna", outcome],
      ["erik", outcome],
    ]);
    const severities = findings.map(({ row, cluster }) => (row ?? cluster)?.severity ?? "");
    expect(severities).toEqual(severities.toSorted());

    const analysis = await dashboard.findings(REF, { type: "error-analysis", run: 1 });
    expect(analysis.findings.every(({ type, cluster }) => type === "error-analysis" && cluster !== null)).toBe(true);
    const report = JSON.parse(
      readFileSync(join(project.repo.root, `.project-docs/okstra/tasks/${TASK}/runs/error-analysis/001/report.json`), "utf8"),
    ) as { clusters: { id: string }[] };
    expect(analysis.findings.find(({ members }) => members.some(({ worker }) => worker === "ben"))?.votes).toMatchObject([
      { worker: "anna" },
    ]);
    expect(analysis.findings.map(({ cluster }) => cluster?.id).toSorted()).toEqual(report.clusters.map(({ id }) => id).toSorted());
    await expect(dashboard.findings(REF, { type: "error-analysis", run: 7 })).rejects.toMatchObject({ code: "OKSTRA_RUN_NOT_FOUND" });
  });

  test("a report is the Markdown that okstra report prints", async () => {
    for (const type of PHASES) {
      const report = await dashboard.report(REF, { type, run: 1 });
      const { stdout } = await runOkstra(["report", TASK, "-t", type, "--format", "md"], { cwd: project.repo.root });
      expect(report).toMatchObject({ type, run: 1, lang: "en", valid: true });
      expect(report.markdown.trimEnd()).toBe(stdout.trimEnd());
    }
    await expect(dashboard.report(REF, { type: "implementation", run: 2 })).rejects.toMatchObject({ code: "OKSTRA_RUN_NOT_FOUND" });
  });

  test("a transcript is what okstra logs prints", async () => {
    for (const worker of [null, "anna"]) {
      const argv = ["logs", TASK, "-t", "error-analysis", ...(worker === null ? [] : ["--worker", worker]), "--json"];
      const { stdout } = await project.okstra(argv);
      const lines = stdout
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as object);
      const transcript = await dashboard.transcript(REF, { type: "error-analysis", run: 1, worker, after: 0 });
      expect(transcript).toEqual({ lines, next: lines.length, isEnd: true });
    }
    await expect(dashboard.transcript(REF, { type: "error-analysis", run: 1, worker: "zoe", after: 0 })).rejects.toMatchObject({
      code: "OKSTRA_WORKER_NOT_IN_RUN",
    });
    await expect(dashboard.transcript(REF, { type: "error-analysis", run: 4, worker: null, after: 0 })).rejects.toMatchObject({
      code: "OKSTRA_RUN_NOT_FOUND",
    });
  });

  test("the code at the commit of a finding, and the diff of the branch", async () => {
    const { findings } = await dashboard.findings(REF, { type: "error-analysis", run: null });
    const at = findings.find(({ row }) => row?.file === "src/sum.js")?.commit ?? "";
    expect(await dashboard.code(REF, { commit: at, path: "src/sum.js" })).toEqual({
      commit: at,
      path: "src/sum.js",
      kind: "text",
      text: "export function sum(a, b) {\n  return a - b;\n}\n",
      bytes: 46,
    });
    const diff = await dashboard.diff(REF);
    const worktree = pages["verified"]?.worktree ?? "";
    expect(diff).toMatchObject({
      base: await project.repo.resolve("main"),
      head: await project.repo.resolve("HEAD", worktree),
      isCut: false,
    });
    expect(diff.text.trimEnd()).toBe(await project.repo.git(["diff", "--no-color", "main...fix-sum"]));
    expect(diff.files).toEqual([
      { path: "src/sum.js", added: 1, removed: 1 },
      { path: "test/adds.test.js", added: 6, removed: 0 },
    ]);
  });

  test("words are found in names and briefs of tasks, and in claims, files and ids of findings", async () => {
    const find = async (q: string, limit = 50) =>
      (await dashboard.search({ q, limit })).hits.map(({ what, id, task }) => [what, id ?? task]);
    expect(await find("BUGS sum")).toContainEqual(["task", "sum"]);
    expect((await find("Subtracts SUM.js")).map(([what]) => what)).toEqual(["finding"]);
    expect(await find("F1")).toContainEqual(["finding", "F1"]);
    expect(await find("subtracts nowhere")).toEqual([]);
    expect(await find("  ")).toEqual([]);
    expect((await dashboard.search({ q: "s", limit: 1 })).isCut).toBe(true);
    const [hit] = (await dashboard.search({ q: "subtracts", limit: 5 })).hits;
    expect(hit).toMatchObject({ ...REF, taskKey: "plays/bugs/sum", severity: "P1", file: "src/sum.js", line: 2 });
  });
});
