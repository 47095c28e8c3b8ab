/** The real server of `okstra mcp`, under the official client in both eras. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { DueLane } from "@okstra/app/lead/due";
import { performLane } from "@okstra/testkit/chat-lead";
import { waitUntil } from "@okstra/testkit/faults/start-process";
import type { Era, LaneClientOptions } from "@okstra/testkit/lane-client";
import { bundleMcpProgram, expectOnlyJsonRpc, startMcpClient, type McpClient, type McpProgram } from "@okstra/testkit/mcp-server";
import { listMarkedProcesses } from "@okstra/testkit/processes/marked-processes";
import { createPlayProject } from "@okstra/testkit/play-project";
import type { TestProject } from "@okstra/testkit/test-project";

const ERAS: readonly Era[] = ["2025", "2026"];
const BRIEF = "# Sum is wrong\n\nsum(2, 2) is 0.\n";
const TASK = { task: "bugs/sum" };
const ANALYSIS = { ...TASK, phase: "error-analysis" };

let program: McpProgram;
let project: TestProject;
const clients: McpClient[] = [];

beforeAll(async () => {
  program = await bundleMcpProgram();
});
afterAll(() => program.remove());

afterEach(async () => {
  for (const client of clients.splice(0)) {
    await client.close();
    expectOnlyJsonRpc(client.lines);
  }
  project.remove();
});

async function connect(options: LaneClientOptions = {}): Promise<McpClient> {
  const client = await startMcpClient(program, project, options);
  clients.push(client);
  return client;
}

/** A project whose second worker waits until it is let go, and says that it began. */
async function createHeldProject(): Promise<{ letGo: () => void; begun: () => Promise<void> }> {
  project = await createPlayProject("sums", {
    settings: {
      workers: {
        anna: { kind: "command", command: ["node", "tools/play.mjs", "anna"] },
        held: { kind: "command", command: ["sh", "tools/held.sh"] },
      },
      roster: { "error-analysis": ["anna", "held"] },
    },
  });
  const gate = project.home.directory("gate");
  await project.repo.commit("held", {
    "tools/held.sh": `: > '${gate}/begun'\nwhile [ ! -e '${gate}/go' ]; do sleep 0.05; done\nexec node tools/play.mjs anna\n`,
  });
  return {
    letGo: () => writeFileSync(join(gate, "go"), ""),
    begun: () => waitUntil(() => existsSync(join(gate, "begun"))),
  };
}

describe.each(ERAS)("era %s", (era) => {
  test("case 54: a task is made, run, waited for and read; every line is JSON-RPC", async () => {
    project = await createPlayProject("sums");
    const client = await connect({ era });
    expect((await client.ask("okstra_status")).tasks).toEqual([]);
    const made = await client.ask("okstra_create_task", { ...TASK, brief: BRIEF, category: "bugfix" });
    expect(made).toMatchObject({ taskKey: "sums/bugs/sum", category: "bugfix", next: { due: { type: "error-analysis" } } });
    expect(await client.refused("okstra_create_task", { ...TASK, brief: BRIEF })).toBe("OKSTRA_TASK_EXISTS");
    expect(await client.ask("okstra_next", TASK)).toEqual({ taskKey: "sums/bugs/sum", ...made.next });

    const started = await client.ask("okstra_start_run", ANALYSIS);
    expect(started).toMatchObject({ handle: "sums/bugs/sum:error-analysis/1", goesOn: true });
    const told: string[] = [];
    const { content, structuredContent } = await client.client.callTool(
      { name: "okstra_run_status", arguments: { handle: started.handle, waitMs: 60_000 } },
      { onprogress: ({ message }) => void told.push(message ?? "") },
    );
    expect(content).toEqual([{ type: "text", text: JSON.stringify(structuredContent) }]);
    expect(structuredContent).toMatchObject({ state: "ended", goesOn: false });
    expect(told.join("\n")).toMatch(/^running: .*anna (?:running|ok)/m);

    const result = await client.ask("okstra_run_result", { handle: started.handle });
    expect(result).toMatchObject({ state: "ended", ended: true, verdict: "reproduced", gate: { open: true } });
    const shown = await project.okstra(["report", "show", "bugs/sum", "--format", "json"]);
    expect(JSON.parse(readFileSync(result.report.json, "utf8"))).toEqual(shown.json);

    const report = await client.ask("okstra_report", TASK);
    expect(report).toMatchObject({ type: "error-analysis", run: 1, verdict: "reproduced", valid: true });
    expect(report.markdown).toBe(readFileSync(result.report.md, "utf8"));
    const { resources } = await client.client.listResources();
    expect(resources.map(({ uri }) => uri)).toEqual(["okstra://report/sums/bugs/sum/error-analysis/1"]);
    const { contents } = await client.client.readResource({ uri: resources[0]?.uri ?? "" });
    expect(contents).toMatchObject([{ mimeType: "text/markdown", text: report.markdown }]);

    const { total, findings } = await client.ask("okstra_findings", TASK);
    expect([total, findings.map(({ row }: { row: { state: string } }) => row.state)]).toEqual([2, ["open", "dismissed"]]);
    expect((await client.ask("okstra_findings", { ...TASK, offset: 1, limit: 1 })).findings).toEqual([findings[1]]);
    expect((await client.ask("okstra_history")).runs).toMatchObject([{ taskKey: "sums/bugs/sum", state: "ended", verdict: "reproduced" }]);
    expect((await client.ask("okstra_search", { query: "subtracts" })).hits).toMatchObject([{ what: "finding", id: "F1" }]);
    expect(await client.ask("okstra_schedule")).toMatchObject({ basis: "none", tasks: [{ taskKey: "sums/bugs/sum" }] });
    expect(await client.ask("okstra_time")).toMatchObject({ tasks: [{ taskKey: "sums/bugs/sum", lanes: 5 }] });
    expect(await client.ask("okstra_cost")).toMatchObject({ totals: { lanes: 5 } });
    expect(await client.ask("okstra_task", TASK)).toMatchObject({ taskKey: "sums/bugs/sum", state: "due", brief: BRIEF });
    expect(await client.refused("okstra_cancel_run", { handle: started.handle })).toBe("OKSTRA_RUN_ENDED");
    expect(await client.close()).toEqual({ status: 0, signal: null });
  }, 60_000);

  test("a worktree, and the same one again", async () => {
    project = await createPlayProject("sums");
    const client = await connect({ era });
    const first = await client.ask("okstra_provision", { task: "bugs/sum", category: "bugfix" });
    expect(first).toMatchObject({ status: "created", branch: "fix-sum", taskKey: "sums/bugs/sum" });
    expect(existsSync(join(first.path, "src/sum.js"))).toBe(true);
    expect(await client.ask("okstra_provision", { task: "sums/bugs/sum" })).toMatchObject({ path: first.path, branch: "fix-sum" });
    expect(await client.refused("okstra_provision", { task: "bugs/other", baseRef: "nowhere" })).toBe("OKSTRA_BASE_REF_NOT_FOUND");
  });

  test("prompts carry what was asked as it is", async () => {
    project = await createPlayProject("sums");
    const client = await connect({ era });
    const { prompts } = await client.client.listPrompts();
    expect(prompts.map(({ name }) => name)).toEqual(["brief", "work"]);
    const request = "make it faster; `rm -rf /` {{x}} $1";
    const { messages } = await client.client.getPrompt({ name: "brief", arguments: { request } });
    expect(messages).toHaveLength(1);
    expect(messages[0]?.content).toMatchObject({ type: "text", text: expect.stringContaining(`\n\n${request}`) });
    await expect(client.client.getPrompt({ name: "brief", arguments: {} })).rejects.toThrow(/request/);
    const names = JSON.stringify(await client.client.getPrompt({ name: "work", arguments: { task: "bugs/sum" } })).match(/okstra_\w+/g);
    const tools = (await client.client.listTools()).tools.map(({ name }) => name);
    expect(tools).toEqual(expect.arrayContaining([...(names ?? [])]));
  });
});

describe("a run has a life of its own", () => {
  test("case 53: the server is killed, the run goes on, and the next server answers for it", async () => {
    const held = await createHeldProject();
    const first = await connect();
    const { handle } = await first.ask("okstra_start_run", { ...ANALYSIS, brief: BRIEF });
    await held.begun();
    expect(await first.ask("okstra_run_status", { handle })).toMatchObject({ state: "running", goesOn: true });
    expect(await first.ask("okstra_run_result", { handle })).toMatchObject({ state: "running", ended: false, verdict: "none" });
    expect(await first.refused("okstra_start_run", ANALYSIS)).toBe("OKSTRA_TASK_BUSY");
    process.kill(first.pid, "SIGKILL");
    await first.ended;
    held.letGo();
    const second = await connect();
    expect(await second.ask("okstra_run_status", { handle, waitMs: 60_000 })).toMatchObject({ state: "ended" });
    expect(await second.ask("okstra_run_result", { handle })).toMatchObject({ ended: true, gate: { name: "cause" } });
  }, 60_000);

  test("whoever gives up waiting leaves it alone; cancelled, its workers are gone and it stays cancelled", async () => {
    const held = await createHeldProject();
    const client = await connect();
    const { handle } = await client.ask("okstra_start_run", { ...ANALYSIS, brief: BRIEF });
    await held.begun();
    const [{ runId }] = (await client.ask("okstra_history")).runs;
    const listWorkers = (): readonly unknown[] => listMarkedProcesses(`OKSTRA_RUN_ID=${runId}`);
    expect(listWorkers()).not.toEqual([]);
    const giveUp = new AbortController();
    const waiting = client.client.callTool(
      { name: "okstra_run_status", arguments: { handle, waitMs: 60_000 } },
      { signal: giveUp.signal, onprogress: () => giveUp.abort() },
    );
    await expect(waiting).rejects.toThrow(/abort/i);
    expect(await client.ask("okstra_run_status", { handle, waitMs: 1 })).toMatchObject({ state: "running" });
    expect(listWorkers()).not.toEqual([]);
    await client.ask("okstra_cancel_run", { handle });
    expect(await client.ask("okstra_run_status", { handle, waitMs: 60_000 })).toMatchObject({ state: "cancelled", goesOn: false });
    await waitUntil(() => listWorkers().length === 0);
    expect(await client.refused("okstra_cancel_run", { handle })).toBe("OKSTRA_RUN_ENDED");
    expect(existsSync(join((await project.okstra(["worktree", "show", "bugs/sum"])).json.path, "src/sum.js"))).toBe(true);
  }, 60_000);

  test("an older run of a phase can be read, and not ended", async () => {
    project = await createPlayProject("sums", { settings: { roster: { "error-analysis": ["checks"] } } });
    const client = await connect();
    for (const run of [1, 2]) {
      const { handle } = await client.ask("okstra_start_run", { ...ANALYSIS, ...(run === 1 ? { brief: BRIEF } : {}) });
      expect(handle).toBe(`sums/bugs/sum:error-analysis/${run}`);
      await client.ask("okstra_run_status", { handle, waitMs: 60_000 });
    }
    const older = { handle: "sums/bugs/sum:error-analysis/1" };
    expect(await client.ask("okstra_run_result", older)).toMatchObject({ run: 1, ended: true });
    expect(await client.refused("okstra_cancel_run", older)).toBe("OKSTRA_RUN_NOT_FOUND");
    expect(await client.refused("okstra_run_result", { handle: "sums/bugs/sum:error-analysis/3" })).toBe("OKSTRA_RUN_NOT_FOUND");
  }, 60_000);
});

describe("an agent that leads a run", () => {
  test("submits its lanes' results; a wrong one is refused and the lane stays open", async () => {
    project = await createPlayProject("sums");
    const client = await connect();
    const chat = [
      { name: "anna", family: "anna" },
      { name: "ben", family: "ben" },
    ];
    const { handle } = await client.ask("okstra_start_run", { ...ANALYSIS, brief: BRIEF, lead: "agent", chat });
    const path = (await project.okstra(["worktree", "show", "bugs/sum"])).json.path as string;
    const runDir = join(project.repo.root, ".project-docs/okstra/tasks/bugs/sum/runs/error-analysis/001");
    const played = project.home.directory("played");
    let performed = 0;
    for (;;) {
      const status = await client.ask("okstra_run_status", { handle, waitMs: 60_000 });
      if (status.state === "ended") break;
      expect(status.state).toBe("waiting");
      const lane = status.due.find(({ step }: { step: string }) => step === "collect").lane as DueLane;
      const result = join(played, `${lane.lane}.json`);
      performLane({ runDir, provision: { path } }, { ...lane, result });
      const given = JSON.parse(readFileSync(result, "utf8"));
      const wrong = { ...given, nonce: "not this one" };
      expect(await client.refused("okstra_submit_findings", { handle, lane: lane.lane, result: wrong })).toBe("OKSTRA_LANE_RESULT_INVALID");
      expect(await client.refused("okstra_submit_findings", { handle, lane: "nobody", result: given })).toBe("OKSTRA_LEAD_NOT_DUE");
      await client.ask("okstra_submit_findings", { handle, lane: lane.lane, result: given });
      performed += 1;
    }
    expect(performed).toBeGreaterThanOrEqual(3);
    expect(await client.ask("okstra_run_result", { handle })).toMatchObject({ verdict: "reproduced", gate: { open: true } });
    expect((await project.okstra(["validate", runDir])).json).toMatchObject({ ok: true, broken: [] });
  }, 90_000);

  test("of a run that okstra's code leads nothing is taken", async () => {
    const held = await createHeldProject();
    const client = await connect();
    const { handle } = await client.ask("okstra_start_run", { ...ANALYSIS, brief: BRIEF });
    await held.begun();
    const result = { nonce: "guessed", findings: [] };
    expect(await client.refused("okstra_submit_findings", { handle, lane: "held", result })).toBe("OKSTRA_LEAD_IS_CODE");
    held.letGo();
    await client.ask("okstra_run_status", { handle, waitMs: 60_000 });
  }, 60_000);
});

describe("case 58: what a person decides is not served", () => {
  test("no tool is named for it, and no phase of it can be started", async () => {
    project = await createPlayProject("sums");
    const client = await connect();
    const { tools } = await client.client.listTools();
    expect(tools.map(({ name }) => name)).toMatchInlineSnapshot(`
      [
        "okstra_status",
        "okstra_task",
        "okstra_next",
        "okstra_history",
        "okstra_report",
        "okstra_search",
        "okstra_findings",
        "okstra_schedule",
        "okstra_time",
        "okstra_cost",
        "okstra_create_task",
        "okstra_provision",
        "okstra_start_run",
        "okstra_run_status",
        "okstra_run_result",
        "okstra_cancel_run",
        "okstra_submit_findings",
      ]
    `);
    for (const { inputSchema } of tools)
      expect(Object.keys(inputSchema.properties ?? {}).join(" ")).not.toMatch(
        /approv|overrid|hand-?off|answer|trust|sandbox|command|force/i,
      );
    expect(await client.refused("okstra_start_run", { ...TASK, phase: "release-handoff", brief: BRIEF })).toBe("OKSTRA_USAGE");
  });

  test("a plan that waits for a person's approval still waits, whatever is called", async () => {
    project = await createPlayProject("sums");
    const client = await connect();
    const run = async (phase: string): Promise<void> => {
      const { handle } = await client.ask("okstra_start_run", { ...TASK, phase });
      expect(await client.ask("okstra_run_status", { handle, waitMs: 60_000 })).toMatchObject({ state: "ended" });
    };
    await client.ask("okstra_create_task", { ...TASK, brief: BRIEF, category: "bugfix" });
    await run("error-analysis");
    await run("implementation-planning");
    const waits = await client.ask("okstra_next", TASK);
    expect(waits.blocked).not.toBeNull();
    expect(await client.refused("okstra_start_run", { ...TASK, phase: "implementation" })).toBe("OKSTRA_GATE_HOLDS");
    for (const name of ["okstra_approve", "okstra_override", "okstra_answer", "okstra_handoff", "okstra_trust"])
      await expect(client.client.callTool({ name, arguments: TASK })).rejects.toThrow(/not found|unknown/i);
    expect(await client.ask("okstra_next", TASK)).toEqual(waits);
    expect((await client.ask("okstra_status", { state: "waiting" })).tasks).toMatchObject([{ taskKey: "sums/bugs/sum" }]);
  }, 90_000);
});

describe("wrong names and wrong places", () => {
  const ROWS: readonly (readonly [tool: string, given: Record<string, unknown>, code: string])[] = [
    ["okstra_task", { task: "bugs/nobody" }, "OKSTRA_TASK_NOT_FOUND"],
    ["okstra_task", { task: "other/bugs/sum" }, "OKSTRA_TASK_NOT_FOUND"],
    ["okstra_task", { task: "../../etc/passwd" }, "OKSTRA_USAGE"],
    ["okstra_task", { task: "sums/../passwd" }, "OKSTRA_TASK_NOT_FOUND"],
    ["okstra_task", { task: "sum" }, "OKSTRA_USAGE"],
    ["okstra_task", { task: "a/b/c/d" }, "OKSTRA_USAGE"],
    ["okstra_task", { task: 7 }, "OKSTRA_USAGE"],
    ["okstra_task", {}, "OKSTRA_USAGE"],
    ["okstra_report", { task: "bugs/nobody" }, "OKSTRA_TASK_NOT_FOUND"],
    ["okstra_create_task", { task: "" }, "OKSTRA_USAGE"],
    ["okstra_create_task", { task: "other/bugs/x" }, "OKSTRA_PROJECT_NOT_SET_UP"],
    ["okstra_start_run", { task: "bugs/x", phase: "nonsense" }, "OKSTRA_USAGE"],
    ["okstra_start_run", { task: "bugs/x", phase: "error-analysis", workers: ["nobody"], brief: "x" }, "OKSTRA_PREPARE_WORKER_UNKNOWN"],
    ["okstra_run_status", { handle: "sums/bugs/sum" }, "OKSTRA_USAGE"],
    ["okstra_run_status", { handle: "sums/bugs/../sum:error-analysis/1" }, "OKSTRA_USAGE"],
    ["okstra_run_status", { handle: "sums/bugs/sum:error-analysis/1" }, "OKSTRA_TASK_NOT_FOUND"],
    ["okstra_run_status", { handle: "sums/bugs/sum:error-analysis/1", waitMs: 60_001 }, "OKSTRA_USAGE"],
    ["okstra_time", { since: "yesterday" }, "OKSTRA_USAGE"],
    ["okstra_search", { query: "" }, "OKSTRA_USAGE"],
  ];

  test("each has a code, one line of what is wrong and one of what to do", async () => {
    project = await createPlayProject("sums");
    const client = await connect();
    const told: unknown[] = [];
    for (const [tool, given] of ROWS) {
      const { text, isError } = await client.call(tool, given);
      expect(isError, text).toBe(true);
      const { error } = JSON.parse(text) as { error: Record<"code" | "kind" | "message" | "hint", string> };
      expect(Object.keys(error)).toEqual(["code", "kind", "message", "hint"]);
      for (const line of [error.message, error.hint]) expect(line).toMatch(/^[^\n]+$/);
      told.push([tool, given, error.code]);
    }
    expect(told).toEqual(ROWS);
    await expect(client.client.readResource({ uri: "okstra://report/sums/bugs/sum/error-analysis/1" })).rejects.toThrow(
      "OKSTRA_TASK_NOT_FOUND",
    );
    await expect(client.client.readResource({ uri: "okstra://report/sums/bugs/..%2f..%2fx/error-analysis/1" })).rejects.toThrow(
      "OKSTRA_TASK_NOT_FOUND",
    );
    await expect(client.client.readResource({ uri: "file:///etc/passwd" })).rejects.toThrow(/not found/i);
  });

  test("started outside of every project it asks for the project, and finds those that okstra knows", async () => {
    project = await createPlayProject("sums");
    await project.okstra(["task", "new", "bugs/sum", "--brief", "-", "--category", "bugfix"], { env: {} });
    const client = await connect({ cwd: "/" });
    expect(await client.refused("okstra_create_task", { task: "bugs/x" })).toBe("OKSTRA_PROJECT_NOT_SET_UP");
    expect(await client.refused("okstra_create_task", { task: "nobody/bugs/x" })).toBe("OKSTRA_PROJECT_NOT_SET_UP");
    expect(await client.ask("okstra_create_task", { task: "sums/bugs/x", brief: BRIEF })).toMatchObject({ taskKey: "sums/bugs/x" });
  });
});

test("a secret in a finding, and acting characters, leave no tool", async () => {
  project = await createPlayProject("sums");
  const secret = `ghp_${"a1B2".repeat(9)}`;
  const client = await connect();
  await client.ask("okstra_create_task", { ...TASK, brief: `# Key\n\nIt is ${secret} \u001b[31m\u202e.\n`, category: "bugfix" });
  for (const [tool, given] of [
    ["okstra_task", TASK],
    ["okstra_search", { query: "Key" }],
    ["okstra_status", {}],
  ] as const) {
    const { text } = await client.call(tool, given);
    expect(text).not.toContain(secret);
    expect(text).not.toMatch(/\u001b|\\u001b|\u202e/);
  }
});
