import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createRunProject } from "@okstra/testkit/run-project";
import { runOkstra } from "@okstra/testkit/run-okstra";
import type { TestProject } from "@okstra/testkit/test-project";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Receipt } from "@okstra/core/domain/receipt";

let project: TestProject;
beforeEach(async () => {
  project = await createRunProject({
    settings: { prices: { "house-1": { inputPerMillion: "1", outputPerMillion: "2", currency: "EUR" } } },
  });
});
afterEach(() => project.remove());

const RECEIPT: Receipt = {
  schema: 1,
  runId: "r",
  worker: "claude",
  lane: "claude",
  role: "review",
  round: 1,
  kind: "claude",
  family: "anthropic",
  command: ["claude"],
  modelAsked: null,
  modelServed: "claude-opus-4-5-20251101",
  sessionId: null,
  nonce: "n",
  commit: "",
  startedAt: "2026-03-01T10:00:00.000Z",
  endedAt: "2026-03-01T10:01:00.000Z",
  durationMs: 60_000,
  exitCode: 0,
  signal: null,
  end: "ok",
  reason: null,
  isolation: "pid-namespace",
  stdoutBytes: 0,
  stderrBytes: 0,
  resultSha256: null,
  promptSha256: "",
  usage: { inputTokens: 1000, outputTokens: 100, totalTokens: 1100 },
  cost: { amount: "0.0075", currency: "USD", source: "agent" },
  attempt: 1,
  attempts: [{ startedAt: "", endedAt: "", sessionId: null, resumed: false, exitCode: 0, signal: null, failure: null }],
  permissions: [],
  permissionCount: 0,
  resultBy: "door",
  agentVersion: null,
  quotaResetsAt: null,
  breach: null,
  sandbox: "off",
  executions: [],
};

function runDir(task: string, type: string, run = "001"): string {
  return join(project.repo.root, ".project-docs/okstra/tasks", task, "runs", type, run);
}

/** Puts a receipt where a run of an agent would have left it. */
function put(path: string, receipt: Partial<Receipt>): void {
  const file = join(path.endsWith(".json") ? path : join(path, "receipt.json"));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ ...RECEIPT, ...receipt }));
}

function writeLanes(): void {
  const first = runDir("bugs/login", "error-analysis");
  const second = runDir("bugs/login", "final-verification");
  put(join(first, "workers/claude"), {});
  put(join(first, "workers/claude/receipt-1.json"), { end: "quota", cost: { amount: "0.1", currency: "USD", source: "agent" } });
  put(join(first, "workers/gpt"), {
    worker: "gpt",
    kind: "codex",
    modelServed: "gpt-5",
    cost: null,
    usage: { inputTokens: 1_000_000, totalTokens: 1_000_000 },
    startedAt: "2026-03-02T10:00:00.000Z",
  });
  put(join(second, "workers/claude.votes"), { lane: "claude.votes", role: "vote", startedAt: "2026-03-03T10:00:00.000Z" });
  put(join(second, "workers/house.execute"), {
    worker: "house",
    kind: "acp",
    role: "execute",
    modelServed: "house-1",
    cost: null,
    usage: { inputTokens: 10, outputTokens: 20, totalTokens: 30 },
    startedAt: "2026-03-03T11:00:00.000Z",
  });
  put(join(second, "workers/odd.r2"), {
    worker: "odd",
    kind: "acp",
    round: 2,
    modelServed: "odd-9",
    cost: null,
    startedAt: "2026-03-04T10:00:00.000Z",
  });
  put(join(second, "workers/mute"), {
    worker: "mute",
    kind: "acp",
    modelServed: null,
    cost: null,
    usage: null,
    startedAt: "2026-03-04T11:00:00.000Z",
  });
  put(join(second, "workers/tests"), {
    worker: "tests",
    kind: "checks",
    modelServed: null,
    cost: null,
    usage: null,
    attempts: [],
    startedAt: "2026-03-04T12:00:00.000Z",
  });
  put(join(second, "workers/writer"), {
    worker: "claude",
    role: "write",
    startedAt: "2026-03-04T13:00:00.000Z",
    cost: { amount: "0.02", currency: "USD", source: "agent" },
  });
  put(join(runDir("docs/readme", "error-analysis"), "workers/claude"), { startedAt: "2026-03-05T10:00:00.000Z" });
}

const sum = (tokens: number, cost: [string, string][], lanes: number, unknownCostLanes = 0): object =>
  expect.objectContaining({ tokens, cost: cost.map(([amount, currency]) => ({ amount, currency })), lanes, unknownCostLanes });

async function cost(...argv: readonly string[]): ReturnType<typeof runOkstra> {
  return runOkstra(["cost", ...argv], { cwd: project.repo.root });
}

test("all lanes of a task are summed by run, phase, worker, model and role, each currency by itself", async () => {
  writeLanes();
  const { json, status } = await cost("bugs/login", "--json");
  expect(status).toBe(0);
  expect(json.taskKey).toBe("sums/bugs/login");
  expect(json.since).toBeNull();
  expect(json.totals).toEqual(
    sum(
      1_005_530,
      [
        ["0.00005", "EUR"],
        ["1.385", "USD"],
      ],
      9,
      2,
    ),
  );
  expect(json.totals.sources).toEqual(["agent", "prices"]);
  expect(json.totals.durationMs).toBe(540_000);
  expect(json.runs).toEqual([
    expect.objectContaining({ taskKey: "sums/bugs/login", type: "error-analysis", run: 1, tokens: 1_002_200, lanes: 3 }),
    expect.objectContaining({ taskKey: "sums/bugs/login", type: "final-verification", run: 1, lanes: 6, unknownCostLanes: 2 }),
  ]);
  expect(json.byRole.map(({ role, lanes }: { role: string; lanes: number }) => [role, lanes])).toEqual([
    ["review", 6],
    ["verification", 1],
    ["execution", 1],
    ["report", 1],
  ]);
  expect(json.byModel.map(({ model, lanes }: { model: string; lanes: number }) => [model, lanes])).toEqual([
    ["claude-opus-4-5-20251101", 4],
    ["gpt-5", 1],
    ["house-1", 1],
    ["odd-9", 1],
    ["unknown", 1],
    ["none", 1],
  ]);
  expect(json.byWorker.map(({ worker }: { worker: string }) => worker)).toEqual(["claude", "gpt", "house", "odd", "mute", "tests"]);
  expect(json.byPhase).toHaveLength(2);
  expect(json.unknown).toEqual([
    { reason: "no-price", model: "odd-9", lanes: 1, tokens: 1100 },
    { reason: "no-usage", model: null, lanes: 1, tokens: 0 },
  ]);
  expect(json.damaged).toEqual([]);
  expect(json.pricesAsOf).toMatch(/^\d{4}-\d{2}-\d{2}$/);
});

test("the tables of a report are made of the same lanes as its totals", async () => {
  writeLanes();
  const { json } = await cost("--json");
  for (const table of ["runs", "byWorker", "byModel", "byRole", "byPhase"])
    for (const name of ["tokens", "lanes", "unknownCostLanes", "durationMs"])
      expect(
        json[table].reduce((total: number, each: Record<string, number>) => total + (each[name] ?? 0), 0),
        `${table} ${name}`,
      ).toBe(json.totals[name]);
});

test("without a task: all tasks of the project, since a date or for a while", async () => {
  writeLanes();
  expect((await cost("--json")).json).toMatchObject({ taskKey: null, totals: { lanes: 10 } });
  expect((await cost("--json", "--since", "2026-03-04")).json).toMatchObject({ since: "2026-03-04T00:00:00.000Z", totals: { lanes: 5 } });
  expect((await cost("--json", "--since", "2026-03-04T12:00")).json.totals.lanes).toBe(3);
  expect((await cost("--json", "--since", "2026-03-05T11:00+01:00")).json.totals.lanes).toBe(1);
  put(join(runDir("docs/readme", "error-analysis", "002"), "workers/claude"), {
    startedAt: new Date(Date.now() - 3_600_000).toISOString(),
  });
  expect((await cost("--json", "--since", "2h")).json.totals.lanes).toBe(1);
  expect((await cost("docs/readme", "--json", "--since", "2h")).json.runs).toMatchObject([{ run: 2, lanes: 1 }]);
});

test.each(["yesterday", "2026-02-30", "2026-13-01", "-1d", "7y", "2026-03-04T99:00"])("--since %j is refused in words", async (since) => {
  const { status, json } = await cost("--json", `--since=${since}`);
  expect(status).not.toBe(0);
  expect(json.error.code).toBe("OKSTRA_USAGE");
});

test("filters by group, phase and time; sums by task and by day", async () => {
  writeLanes();
  const lanes = async (...argv: readonly string[]): Promise<number> => (await cost("--json", ...argv)).json.totals.lanes;
  const all = await lanes();
  const [bugs, docs] = [await lanes("--group", "bugs"), await lanes("--group", "docs")];
  expect([bugs > 0, docs, bugs + docs]).toEqual([true, 1, all]);
  expect((await lanes("--phase", "error-analysis")) + (await lanes("--phase", "final-verification"))).toBe(all);
  expect((await lanes("--since", "2026-03-04")) + (await lanes("--until", "2026-03-04"))).toBe(all);
  expect((await cost("--json", "--since", "2026-03-04", "--until", "2026-03-04")).json.error.code).toBe("OKSTRA_USAGE");
  expect((await cost("bugs/login", "--group", "bugs", "--json")).json.error.code).toBe("OKSTRA_USAGE");
  expect((await cost("--phase", "nothing", "--json")).json.error.code).toBe("OKSTRA_TASK_TYPE_UNKNOWN");
  const { json } = await cost("--json");
  expect(json.byTask.map(({ taskKey, lanes: own }: { taskKey: string; lanes: number }) => [taskKey, own])).toEqual([
    ["sums/bugs/login", bugs],
    ["sums/docs/readme", 1],
  ]);
  const days = json.byDay.map(({ day }: { day: string }) => day);
  expect(days).toEqual([...days].sort());
  expect(days.at(-1)).toBe("2026-03-05");
  expect(json.byDay.reduce((sum: number, { tokens }: { tokens: number }) => sum + tokens, 0)).toBe(json.totals.tokens);
});

test("one view at a time, as figures or bars of at most 80 columns", async () => {
  writeLanes();
  const views = ["task", "run", "phase", "worker", "model", "role", "day"] as const;
  const shown: string[] = [];
  for (const view of views) for (const bars of [[], ["--bars"]]) shown.push((await cost("--by", view, ...bars)).stdout);
  for (const line of shown.flatMap((text) => text.split("\n"))) expect(cellsOf(line), line).toBeLessThanOrEqual(80);
  expect(shown.join("\n")).toMatchSnapshot();
});

test("what another project of this machine used is summed by its own prices", async () => {
  writeLanes();
  const before = (await cost("--json")).json.totals.lanes;
  const ran = await runOkstra(["run", "other/task", "-t", "final-verification", "--workers", "mute", "--json"], { cwd: project.repo.root });
  expect(ran.json.lanes, ran.stdout).toHaveLength(1);
  const everywhere = await runOkstra(["cost", "--all", "--json"], { cwd: project.home.directory("elsewhere") });
  expect([everywhere.status, everywhere.json.totals.lanes], everywhere.stderr).toEqual([0, before + ran.json.lanes.length]);
  expect(await cost("--state", "running", "--json")).toMatchObject({ status: 0, json: { byTask: [] } });
  const due = (await project.okstra(["status"])).json.tasks.find(({ taskKey }: { taskKey: string }) => taskKey === "sums/other/task").state;
  expect((await cost("--state", due, "--json")).json.byTask.map(({ taskKey }: { taskKey: string }) => taskKey)).toContain(
    "sums/other/task",
  );
  expect((await cost("--state", "odd", "--json")).json.error.code).toBe("OKSTRA_USAGE");
  const unknown = await cost("--project", "nobody", "--json");
  expect(unknown.status).not.toBe(0);
});

test("a task without a record, and a project without runs", async () => {
  const unknown = await cost("no/task", "--json");
  expect(unknown.json.error.code).toBe("OKSTRA_TASK_NOT_FOUND");
  expect(unknown.status).not.toBe(0);
  expect((await cost("--json")).json).toMatchObject({ totals: { lanes: 0, tokens: 0, cost: [] }, runs: [], damaged: [] });
});

test("the view has 80 columns and says what is not known", async () => {
  writeLanes();
  put(join(runDir("docs/readme", "error-analysis"), "workers/long"), {
    worker: "w".repeat(64),
    modelServed: `evil\u001B]52;c;aGk=\u0007/${"한".repeat(40)}`,
    cost: null,
    usage: { totalTokens: 123_456_789_012 },
    durationMs: 400_000_000,
  });
  const { stdout, status } = await cost();
  expect(status).toBe(0);
  const lines = stdout.split("\n");
  const isReason = (line: string): boolean => /^\d+ lanes?: /.test(line);
  for (const line of lines.filter((each) => !isReason(each))) expect(cellsOf(line), line).toBeLessThanOrEqual(80);
  expect(lines.filter(isReason)).toContain("1 lane: 1,100 tokens known, cost unknown: no price for model odd-9");
  expect(stdout).toContain("1 lane: tokens and cost unknown: the agent did not say");
  expect(stdout).toMatch(/^all tasks .* 0\.00005 EUR$/m);
  expect(stdout).toMatch(/^ +1\.3925 USD$/m);
  expect(stdout).toMatch(/^ +\+ 3 unknown$/m);
  expect(stdout).toMatch(/^ {2}verification /m);
  expect(stdout).toMatch(/^ {2}bugs\/login error-analysis 1 /m);
  expect(stdout).toMatch(/^ {2}bugs\/login final-verification 1\n {30} +6 +3,330 +6m 0s +0\.00005 EUR$/m);
  expect(stdout).not.toContain("\u001B");
  expect(stdout).not.toContain("\u0007");
});

/** Cells by the one wide script that the test above uses. */
function cellsOf(line: string): number {
  return [...line].reduce((cells, char) => cells + (char === "한" ? 2 : 1), 0);
}

test("a receipt that is damaged, changed or gone is named, and is in no sum", async () => {
  const ran = await runOkstra(["run", "bugs/login", "-t", "final-verification", "--workers", "silent,mute,crash", "--json"], {
    cwd: project.repo.root,
  });
  const path = (lane: string): string => join(ran.json.runDir, "workers", lane, "receipt.json");
  expect((await cost("bugs/login", "--json")).json).toMatchObject({ totals: { lanes: 3 }, damaged: [] });

  writeFileSync(path("mute"), "{");
  const receipt = JSON.parse(readFileSync(path("silent"), "utf8"));
  writeFileSync(path("silent"), JSON.stringify({ ...receipt, usage: { totalTokens: 5 } }));
  rmSync(path("crash"));
  put(join(ran.json.runDir, "workers/other"), { worker: "other", startedAt: "soon" });
  mkdirSync(join(ran.json.runDir, "workers/linked"));
  symlinkSync("/dev/zero", join(ran.json.runDir, "workers/linked/receipt.json"));
  const { json } = await cost("bugs/login", "--json");
  expect(json.totals.lanes).toBe(0);
  expect(Object.fromEntries(json.damaged.map(({ path: file, reason }: { path: string; reason: string }) => [file, reason]))).toEqual({
    [path("mute")]: "it is not JSON",
    [path("silent")]: "it is not the one that the run wrote",
    [path("crash")]: "it is gone",
    [path("other")]: "it is no receipt: startedAt",
    [path("linked")]: "it cannot be read",
  });
  const { stdout } = await cost("bugs/login");
  for (const lane of ["mute", "silent", "crash", "other", "linked"]) expect(stdout).toContain(path(lane));
});
