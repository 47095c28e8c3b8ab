import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TaskPage, TaskRef } from "@okstra/core/dashboard/api";
import { openApp } from "@okstra/testkit/open-app";
import { createRunProject } from "@okstra/testkit/run-project";
import type { TestProject } from "@okstra/testkit/test-project";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { App } from "../app.ts";
import { takeRunLock } from "../run/run-lock.ts";
import { createDashboardAnswers, type DashboardAnswers } from "./answers.ts";

const TASK = "g/t";
const REF: TaskRef = { project: "sums", group: "g", task: "t" };
const CHANGED = { code: "OKSTRA_DASHBOARD_CHANGED", kind: "conflict" };
/** Says what the test wrote down for this phase and step, else nothing. */
const SCRIPTED = `f="$(dirname "$0")/said/$OKSTRA_PHASE.$OKSTRA_STEP.json"; [ -f "$f" ] || f="$(dirname "$0")/said/nothing.json"; sed "s/NONCE/$OKSTRA_NONCE/" "$f" > "$OKSTRA_RESULT"`;
const PLAN = {
  options: [
    { id: "A", title: "Multiply", summary: "Use *.", pros: ["short"], cons: ["none"] },
    { id: "B", title: "Add often", summary: "Use +.", pros: ["none"], cons: ["slow"] },
  ],
  recommended: "A",
  reason: "It is plain.",
  stages: [
    {
      id: "G1",
      title: "Multiply",
      dependsOn: [],
      steps: [{ id: "S1", text: "Write it.", minutes: 5, files: ["src/mul.js"] }],
      validation: ["node --test"],
      rollback: "git revert",
    },
  ],
};
const REQUIREMENTS = {
  category: "feature",
  size: "small",
  criteria: [{ text: "There is a mul.", check: { kind: "command", command: "test -f src/mul.js", how: "It is there." } }],
  clarifications: [
    { question: "May it be slow?", why: "There are two ways.", blocks: "approval" },
    { question: "With decimals?", why: "It matters.", blocks: "none" },
  ],
  nextPhase: "implementation-planning",
};

let project: TestProject;
let app: App;
let dashboard: DashboardAnswers;
beforeEach(async () => {
  project = await createRunProject();
  const tools = project.home.directory("tools");
  mkdirSync(join(tools, "said"));
  writeFileSync(join(tools, "said/nothing.json"), '{"nonce":"NONCE","findings":[]}');
  const worker = { kind: "command", command: ["sh", "-c", SCRIPTED, join(tools, "one")] };
  writeFileSync(
    join(project.repo.root, ".project-docs/okstra/project.json"),
    JSON.stringify({
      schema: 1,
      projectId: "sums",
      workers: { one: worker, two: { ...worker, family: "two" } },
      roster: Object.fromEntries(
        ["requirements-discovery", "error-analysis", "implementation-planning", "final-verification"].map((type) => [type, ["one", "two"]]),
      ),
    }),
  );
  say("requirements-discovery", REQUIREMENTS);
  say("implementation-planning", { plan: PLAN });
  app = await openApp({ env: project.home.env, cwd: project.repo.root, emit: () => undefined });
  dashboard = createDashboardAnswers(app);
});
afterEach(async () => {
  await dashboard.close();
  project.remove();
});

function say(phase: string, result: Readonly<Record<string, unknown>>): void {
  writeFileSync(join(project.home.root, `tools/said/${phase}.review.json`), JSON.stringify({ nonce: "NONCE", findings: [], ...result }));
}

async function okstra(...argv: readonly string[]): Promise<Record<string, never>> {
  const { json, stdout, stderr, status } = await project.okstra(argv);
  expect([0, 10], stdout + stderr).toContain(status);
  return json;
}

const wordsOfPersons = (): object[] =>
  readFileSync(join(project.repo.root, ".project-docs/okstra/tasks", TASK, "events.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { type: string })
    .filter(({ type }) => ["answered", "plan-approved", "plan-rejected"].includes(type));

async function plan(): Promise<{ run: number; planSha256: string }> {
  await okstra("run", TASK, "-t", "implementation-planning");
  const page = await dashboard.task(REF);
  expect(page.plan?.state).toBe("pending");
  return { run: page.plan?.run ?? 0, planSha256: page.plan?.planSha256 ?? "" };
}

describe("an answer", () => {
  const boundTo = (page: TaskPage, id: string): string => page.clarifications.find((row) => row.id === id)?.boundTo ?? "";

  beforeEach(async () => {
    await okstra("task", "new", TASK, "--category", "feature");
    await okstra("run", TASK, "-t", "requirements-discovery");
  });

  test("is refused when the question was answered meanwhile, and the others with it", async () => {
    const seen = await dashboard.task(REF);
    await okstra("answer", TASK, "Q1=Yes.");
    const both = {
      answers: [
        { id: "Q2", text: "No.", boundTo: boundTo(seen, "Q2") },
        { id: "Q1", text: "No.", boundTo: boundTo(seen, "Q1") },
      ],
    };
    await expect(dashboard.answer(REF, both)).rejects.toMatchObject({ ...CHANGED, details: { changed: ["Q1"] } });
    expect(wordsOfPersons()).toHaveLength(1);
    // Who saw the answer may replace it, as on the command line.
    const again = await dashboard.task(REF);
    const page = await dashboard.answer(REF, { answers: [{ id: "Q1", text: "No.", boundTo: boundTo(again, "Q1") }] });
    expect(page.clarifications[0]).toMatchObject({ id: "Q1", answer: { text: "No." } });
  });

  test("is refused for a question of other words, for one that there is none of, without words, and while the task is busy", async () => {
    const seen = await dashboard.task(REF);
    const answer = (id: string, text: string, bound: string) => dashboard.answer(REF, { answers: [{ id, text, boundTo: bound }] });
    await expect(answer("Q1", "Yes.", boundTo(seen, "Q2"))).rejects.toMatchObject(CHANGED);
    await expect(answer("Q9", "Yes.", boundTo(seen, "Q1"))).rejects.toMatchObject({ code: "OKSTRA_CLARIFICATION_UNKNOWN" });
    await expect(answer("Q1", "  ", boundTo(seen, "Q1"))).rejects.toMatchObject({ code: "OKSTRA_USAGE" });
    const lease = await takeRunLock(app, project.repo.root, "sums/g/t", "a test");
    await expect(answer("Q1", "Yes.", boundTo(seen, "Q1"))).rejects.toMatchObject({ code: "OKSTRA_TASK_BUSY" });
    await lease.release();
    expect(wordsOfPersons()).toEqual([]);
  });

  test("of something that a run started is nobody's", async () => {
    const seen = await dashboard.task(REF);
    const inside = createDashboardAnswers(
      await openApp({ env: { ...project.home.env, OKSTRA_RUN_ID: "abc" }, cwd: project.repo.root, emit: () => undefined }),
    );
    await expect(inside.answer(REF, { answers: [{ id: "Q1", text: "Yes.", boundTo: boundTo(seen, "Q1") }] })).rejects.toMatchObject({
      code: "OKSTRA_GATE_HOLDS",
    });
    expect(wordsOfPersons()).toEqual([]);
  });
});

describe("a decision about a plan", () => {
  beforeEach(async () => {
    say("requirements-discovery", { ...REQUIREMENTS, clarifications: [] });
    await okstra("task", "new", TASK, "--category", "feature");
    await okstra("run", TASK, "-t", "requirements-discovery");
  });

  test("is refused when another plan has taken its place, though it says the same", async () => {
    const first = await plan();
    await okstra("reject", TASK, "--reason", "Too plain.");
    const again = await plan();
    expect(again.run).toBe(2);
    const reason = "No.";
    await expect(dashboard.approve(REF, first)).rejects.toMatchObject({ ...CHANGED, details: { expected: first, run: 2 } });
    await expect(dashboard.reject(REF, { ...first, reason })).rejects.toMatchObject(CHANGED);
    await expect(dashboard.approve(REF, { ...again, planSha256: "0".repeat(64) })).rejects.toMatchObject(CHANGED);
    await expect(dashboard.reject(REF, { ...again, reason: " " })).rejects.toMatchObject({ code: "OKSTRA_USAGE" });
    expect(wordsOfPersons()).toHaveLength(1);
    expect((await dashboard.approve(REF, again)).plan).toMatchObject({ run: 2, state: "approved" });
  });

  test("is refused for a task that has none, as in a new cycle", async () => {
    const seen = await plan();
    await okstra("approve", TASK);
    const events = wordsOfPersons();
    expect(events).toHaveLength(1);
    await okstra("task", "new", "g/u");
    await expect(dashboard.approve({ ...REF, task: "u" }, seen)).rejects.toMatchObject(CHANGED);
    expect(wordsOfPersons()).toEqual(events);
  });

  test("leaves what okstra reject leaves", async () => {
    const seen = await plan();
    const page = await dashboard.reject(REF, { ...seen, reason: "Too plain." });
    expect(page.plan).toMatchObject({ state: "rejected", rejection: { reason: "Too plain." } });
    expect(page.runs.at(-1)?.gate).toMatchObject({
      passed: false,
      by: expect.stringMatching(/^Its plan was rejected by .*: Too plain\.$/),
    });
    await okstra("reject", TASK, "--reason", "Too plain.");
    const [own, other] = wordsOfPersons().map((event) => ({ ...event, seq: 0, at: "", prev: "", seal: "" }));
    expect(own).toEqual(other);
  });
});

describe("an override", () => {
  const target = "final-verification";
  async function block(): Promise<{ type: string; run: number; gate: string; boundTo: string }> {
    await okstra("run", TASK, "-t", target);
    const run = (await dashboard.task(REF)).runs.findLast(({ type }) => type === target);
    expect(run?.gate).toMatchObject({ open: false, passed: false });
    return { type: target, run: run?.run ?? 0, gate: run?.gate?.name ?? "", boundTo: run?.gate?.boundTo ?? "" };
  }
  beforeEach(() => {
    const finding = {
      claim: "The sum is wrong",
      category: "correctness",
      severity: "P1",
      file: "src/sum.js",
      startLine: 2,
      quote: "return a + b;",
    };
    say(target, { findings: [finding] });
  });

  test("passes the gate that was seen, as okstra override does", async () => {
    const seen = await block();
    expect(seen.boundTo).toMatch(/^[0-9a-f]{64}$/);
    const lines = readFileSync(join(project.repo.root, `.project-docs/okstra/tasks/g/t/runs/${target}/001/events.jsonl`), "utf8").split(
      "\n",
    );
    const decided = lines.findLast((line) => line.includes('"gate-decided"')) ?? "";
    expect(seen.boundTo).toBe(app.sha256(decided));
    const page = await dashboard.override(REF, { ...seen, reason: "Known.", until: "2199-12-31" });
    const gate = page.runs.at(-1)?.gate;
    expect(gate).toMatchObject({ passed: true, boundTo: null, by: expect.stringMatching(/^An override by .*: Known\.$/) });
    expect(gate?.override).toMatchObject({ reason: "Known.", until: "2199-12-31T00:00:00.000Z" });
    await expect(dashboard.override(REF, { ...seen, reason: "Again.", until: null })).rejects.toMatchObject({
      code: "OKSTRA_OVERRIDE_IMPOSSIBLE",
    });
    expect(await okstra("validate", TASK)).toMatchObject({ ok: true });
  });

  test("is refused after a new run, for another gate, another decision, and without a reason", async () => {
    const first = await block();
    const reason = "Known.";
    await expect(dashboard.override(REF, { ...first, gate: "another", reason, until: null })).rejects.toMatchObject({
      code: "OKSTRA_OVERRIDE_IMPOSSIBLE",
    });
    await expect(dashboard.override(REF, { ...first, boundTo: "0".repeat(64), reason, until: null })).rejects.toMatchObject(CHANGED);
    await expect(dashboard.override(REF, { ...first, reason: " ", until: null })).rejects.toMatchObject({ code: "OKSTRA_USAGE" });
    await expect(dashboard.override(REF, { ...first, reason, until: "soon" })).rejects.toMatchObject({ code: "OKSTRA_USAGE" });
    const second = await block();
    expect(second.run).toBe(2);
    const before = (await dashboard.task(REF)).runs.map(({ gate }) => gate?.boundTo);
    expect(before).toEqual([null, second.boundTo]);
    await expect(dashboard.override(REF, { ...first, reason, until: null })).rejects.toMatchObject(CHANGED);
    expect((await dashboard.override(REF, { ...second, reason, until: null })).runs.map(({ gate }) => gate?.passed)).toEqual([false, true]);
  });
});
