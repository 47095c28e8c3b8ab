import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runAgentLane, type AgentLane, type AgentLaneOptions } from "@okstra/testkit/agents/agent-lane";
import { bundleFloodLanes } from "@okstra/testkit/agents/bundle-flood-lanes";
import { bundleScriptedAgent } from "@okstra/testkit/agents/bundle-scripted-agent";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { startProcess } from "@okstra/testkit/faults/start-process";
import { listMarkedProcesses } from "@okstra/testkit/processes/marked-processes";

const RAW = fileURLToPath(new URL("../testkit/agents/raw-agent.mjs", import.meta.url));

let directory = "";
let agent = "";
let okstra = "";
let floods = "";

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "okstra-hostile-"));
  [agent, okstra, floods] = await Promise.all([bundleScriptedAgent(directory), bundleOkstra(directory), bundleFloodLanes(directory)]);
}, 60_000);

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** The agent without a library in one of its modes. */
function run(mode: string, options: Partial<AgentLaneOptions> & { state?: string } = {}): Promise<AgentLane> {
  const { state = "", ...rest } = options;
  return runAgentLane({
    kind: "acp",
    command: [process.execPath, RAW, mode, ...(state === "" ? [] : [join(directory, state)])],
    ...rest,
  });
}

describe("what an agent says", () => {
  test("updates of no known shape change nothing and print nothing", async () => {
    const { outcome, transcript } = await run("shapes");
    expect(outcome).toMatchObject({ end: "ok", modelServed: null, usage: null });
    expect(transcript.filter(({ kind }) => kind === "note").filter(({ text }) => text.startsWith("not a message"))).toEqual([]);
  });

  test("the words of another session are not the agent's", async () => {
    const { outcome, result } = await run("others");
    expect(outcome.end).toBe("ok");
    expect(result).toMatchObject({ findings: [] });
  });

  test("thousands of pieces that come together with the answer are all heard before it", async () => {
    const { outcome, result } = await run("many-pieces");
    expect(outcome.end).toBe("ok");
    expect(result).toMatchObject({ more: "x".repeat(5000) });
  });

  test("the last words of an agent that died in the middle of a line are told", async () => {
    const { outcome, transcript } = await run("half-line");
    expect(outcome).toMatchObject({ end: "failed", exitCode: 3, reason: "the agent ended with exit status 3: fatal: gone" });
    expect(transcript.filter(({ kind }) => kind === "message").map(({ text }) => text)).toEqual(["the last words"]);
  });
});

describe("how a session is settled", () => {
  test.each([
    ["option-mode", "how=b\n"],
    ["both-modes", "plan\nhow=b\n"],
    // The one that is refused does not matter where the other is taken.
    ["both-modes-one", "plan\nhow=b\n"],
  ])("%s: the read-only mode is set in each way that is offered, by id or by name", async (mode, wanted) => {
    const { outcome } = await run(mode, { state: mode });
    expect(outcome.end).toBe("ok");
    expect(readFileSync(join(directory, mode), "utf8")).toBe(wanted);
  });

  test("an agent that wants to be signed in fails with what to do", async () => {
    const { outcome } = await run("auth", { preset: "codex-acp" });
    expect(outcome.end).toBe("failed");
    expect(outcome.reason).toBe(
      `Authentication required; start ${process.execPath} yourself and sign in, or set OPENAI_API_KEY or CODEX_API_KEY`,
    );
  });

  test("another version of the protocol fails in words", async () => {
    expect((await run("version")).outcome).toMatchObject({
      end: "failed",
      reason: "the agent speaks version 9 of the Agent Client Protocol, okstra version 1",
    });
  });
});

describe("what an agent asks for", () => {
  test("a request that only names its call is answered by what was told of the call before", async () => {
    const { outcome, transcript } = await run("asks", { mode: "edit", sandbox: null });
    expect(outcome.end).toBe("ok");
    expect(outcome.agent?.permissions.map(({ tool, title, answer, rule }) => [tool, title, answer, rule])).toEqual([
      ["execute", "mcp.okstra.submit_result", "allowed", "door"],
      ["execute", "mcp.okstra.submit_result", "allowed", "command"],
      ["edit", "Edit", "refused", "outside-worktree"],
    ]);
    expect(transcript.filter(({ kind }) => kind === "message").map(({ text }) => text)).toEqual(
      expect.arrayContaining(["door: yes", "liar: yes", "edit: no"]),
    );
  });

  test("in a read-only lane the door is open and a command with its name is not", async () => {
    const { outcome } = await run("asks");
    expect(outcome.agent?.permissions.map(({ answer, rule }) => [answer, rule])).toEqual([
      ["allowed", "door"],
      ["refused", "command-without-sandbox"],
      ["refused", "read-only-phase"],
    ]);
  });

  test("where only a lasting answer is offered none is given", async () => {
    const { outcome, transcript } = await run("only-always");
    expect(outcome.agent?.permissions).toMatchObject([{ answer: "cancelled", rule: "reading" }]);
    expect(transcript.some(({ kind, text }) => kind === "message" && text === "cancelled")).toBe(true);
  });
});

describe("an agent that stops before it is done", () => {
  const start = (mode: string, state = ""): Promise<AgentLane> =>
    runAgentLane({
      kind: "acp",
      command: [process.execPath, agent, mode, ...(state === "" ? [] : [join(directory, state)])],
      launcher: [process.execPath, okstra],
    });

  test("has delivered what went through the door", async () => {
    const { outcome, result } = await start("cut-short");
    expect(outcome).toMatchObject({ end: "ok", reason: null, agent: { resultBy: "door" } });
    expect(result).toMatchObject({ findings: [{ file: "src/sum.js" }] });
  });

  test("has delivered nothing by its message", async () => {
    expect((await start("cut-message")).outcome).toMatchObject({
      end: "failed",
      reason: "the agent stopped: max_tokens",
      resultText: null,
    });
  });

  test("case 42: a session that cannot be gone on with is begun anew with the whole task", async () => {
    const { outcome, result } = await start("transient-lost", "lost");
    expect(outcome.end).toBe("ok");
    expect(outcome.agent?.attempts.map(({ resumed, failure }) => [resumed, failure !== null])).toEqual([
      [false, true],
      [false, false],
    ]);
    expect(result).toMatchObject({ findings: [] });
  });
});

describe("case 37: memory", () => {
  test("a message of very many values ends the lane", async () => {
    const { outcome, runId } = await run("wide");
    expect(outcome).toMatchObject({ end: "failed", reason: expect.stringMatching(/more than \d+ values/) });
    expect(listMarkedProcesses(`OKSTRA_RUN_ID=${runId}`)).toEqual([]);
  });

  test("messages that would be answered with themselves are none", async () => {
    const { outcome } = await run("echo");
    expect(outcome).toMatchObject({ end: "failed", reason: "its output is not the Agent Client Protocol" });
  });

  test("eight agents that flood at once, each in a way of its own, add less than 200 MB", async () => {
    const raw = (mode: string): string[] => [process.execPath, RAW, mode];
    const flood = [process.execPath, agent, "flood"];
    const lanes = [flood, flood, flood, raw("two-byte"), raw("two-byte"), raw("small-pieces"), raw("unread"), raw("unread")];
    const started = startProcess([process.execPath, floods, JSON.stringify({ lanes, bytes: 24 * 1024 * 1024, ms: 5000 })], {
      cwd: directory,
    });
    const { status, stdout, stderr } = await started.ended;
    expect([status, stderr]).toEqual([0, ""]);
    const { ends, grownBytes } = JSON.parse(stdout) as { ends: string[]; grownBytes: number };
    expect(ends).toEqual(lanes.map(() => "cancelled"));
    expect(grownBytes).toBeLessThan(200 * 1024 * 1024);
  }, 60_000);
});
