import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runAgentLane, type AgentLane, type AgentLaneOptions } from "@okstra/testkit/agents/agent-lane";
import { bundleScriptedAgent } from "@okstra/testkit/agents/bundle-scripted-agent";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { listMarkedProcesses } from "@okstra/testkit/processes/marked-processes";

let directory = "";
let agent = "";
let okstra = "";

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "okstra-acp-"));
  [agent, okstra] = await Promise.all([bundleScriptedAgent(directory), bundleOkstra(directory)]);
}, 60_000);

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** The scripted agent in one of its modes. */
function run(mode: string, options: Partial<AgentLaneOptions> & { state?: string } = {}): Promise<AgentLane> {
  const { state = "", ...rest } = options;
  return runAgentLane({
    kind: "acp",
    command: [process.execPath, agent, mode, ...(state === "" ? [] : [join(directory, state)])],
    launcher: [process.execPath, okstra],
    ...rest,
  });
}

const FINDING = { claim: "The sum is wrong for two numbers", file: "src/sum.js" };

describe("an agent that does its work", () => {
  test("delivers through the door, which joins its findings", async () => {
    const { outcome, result, transcript, activities } = await run("door");
    expect(outcome).toMatchObject({
      end: "ok",
      reason: null,
      sessionId: "session-1",
      modelServed: "claude-sonnet-4-5-20250929",
      agent: { resultBy: "door", agentVersion: "scripted 1.0.0" },
    });
    expect(result).toMatchObject({ findings: [FINDING] });
    expect(activities).toContain("Read src/sum.js");
    expect(transcript.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["session", "model", "tool", "message", "result"]));
  });

  test("delivers by a fenced block that comes in pieces, told as whole lines", async () => {
    const { outcome, result, transcript } = await run("message");
    expect([outcome.end, outcome.agent?.resultBy]).toEqual(["ok", "message"]);
    expect(result).toMatchObject({ findings: [FINDING] });
    expect(transcript.filter(({ kind }) => kind === "message").length).toBeLessThan(10);
  });

  test("one that does not say which model serves leaves it unknown", async () => {
    expect((await run("nameless")).outcome).toMatchObject({ end: "ok", modelServed: null });
  });

  test.each([
    ["read-only", "plan"],
    ["edit", "acceptEdits"],
  ] as const)("in a %s lane it is put into the mode %s", async (mode, id) => {
    const { outcome } = await run("modes", { mode, state: `mode-${mode}` });
    expect(outcome.end).toBe("ok");
    expect(readFileSync(join(directory, `mode-${mode}`), "utf8")).toBe(id);
  });

  test("its usage and cost are told while it works and stand in the outcome", async () => {
    const { outcome, uses } = await run("usage");
    expect(uses[0]).toEqual([{ totalTokens: 1200 }, { amount: "0.0125", currency: "USD", source: "agent" }]);
    expect(outcome).toMatchObject({ usage: { totalTokens: 1300 }, agent: { cost: { amount: "0.0125", currency: "USD" } } });
  });

  test("a few lines that are no message are notes", async () => {
    const { outcome, transcript } = await run("stray");
    expect(outcome.end).toBe("ok");
    expect(transcript.filter(({ text }) => text.startsWith("not a message"))).toHaveLength(3);
  });

  test("the first of two submitted results stands, and the agent hears of it", async () => {
    const { outcome, result, transcript } = await run("two-submits");
    expect(outcome.end).toBe("ok");
    expect(result).toMatchObject({ findings: [] });
    expect(transcript.some(({ kind, text }) => kind === "message" && text.includes("submitted already"))).toBe(true);
  });
});

describe("case 39: what is no result fails the lane", () => {
  test.each([
    ["crash", "failed", /exit status 7: fatal: out of luck/],
    ["bad-json", "failed", /not the Agent Client Protocol/],
    ["two-results", "failed", /two different results/],
    ["empty", "failed", /without a result/],
    ["refusal", "failed", /refusal/],
    ["always-transient", "failed", /ECONNRESET/],
  ] as const)("%s", async (mode, end, reason) => {
    const { outcome } = await run(mode);
    expect(outcome.end).toBe(end);
    expect(outcome.reason).toMatch(reason);
    expect(outcome.resultText).toBeNull();
  });

  test("a result with another nonce comes out as it is, for the lead to refuse", async () => {
    expect((await run("wrong-nonce")).result).toMatchObject({ nonce: "0".repeat(32) });
  });
});

describe("case 37: output without end", () => {
  test.each([
    ["endless-line", /more than \d+ bytes/],
    ["raw-flood", /not the Agent Client Protocol/],
  ] as const)("%s ends the lane in bounded memory", async (mode, reason) => {
    const before = process.memoryUsage().rss;
    const { outcome } = await run(mode);
    expect(outcome.end).toBe("failed");
    expect(outcome.reason).toMatch(reason);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
  });

  test("a flood of valid messages is stopped by the lead's signal in bounded memory", async () => {
    const stop = new AbortController();
    const before = process.memoryUsage().rss;
    let told = 0;
    const { outcome, outputBytes } = await runAgentLane({
      kind: "acp",
      command: [process.execPath, agent, "flood"],
      signal: stop.signal,
      launcher: [process.execPath, okstra],
      onOutputBytes: (bytes) => {
        told += bytes;
        if (told > 64 * 1024 * 1024) stop.abort();
      },
    });
    expect(outcome.end).toBe("cancelled");
    expect(outputBytes).toBeGreaterThan(64 * 1024 * 1024);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
  });
});

describe("case 38: an agent that does not end", () => {
  test.each(["slow", "silent", "ignore-term"])("%s is stopped and leaves no process", async (mode) => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 700);
    const began = performance.now();
    const { outcome, runId } = await run(mode, { signal: stop.signal });
    expect(outcome.end).toBe("cancelled");
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(listMarkedProcesses(`OKSTRA_RUN_ID=${runId}`)).toEqual([]);
  });

  test("a child in a session of its own ends with the agent", async () => {
    const { outcome, runId } = await run("setsid");
    expect(outcome.end).toBe("ok");
    expect(listMarkedProcesses(`OKSTRA_RUN_ID=${runId}`)).toEqual([]);
  });
});

test("a storm of permission requests is answered by the policy, every answer told and counted", async () => {
  const { outcome, transcript } = await run("permission-storm");
  expect(outcome).toMatchObject({ end: "ok", agent: { permissionCount: 5000 } });
  expect(outcome.agent?.permissions).toHaveLength(200);
  const answers = new Map(outcome.agent?.permissions.map(({ tool, answer }) => [tool, answer]));
  expect(Object.fromEntries(answers)).toEqual({
    read: "allowed",
    edit: "refused",
    execute: "refused",
    fetch: "refused",
    delete: "refused",
  });
  expect(transcript.filter(({ kind }) => kind === "permission")).toHaveLength(5000);
});

describe("case 42: an agent that cannot answer now", () => {
  test("a used up quota ends the lane as quota, with the time it is filled again", async () => {
    const { outcome } = await run("quota");
    expect(outcome.end).toBe("quota");
    const resets = Date.parse(outcome.agent?.quotaResetsAt ?? "") - Date.now();
    expect(resets).toBeGreaterThan(50 * 60_000);
    expect(resets).toBeLessThan(70 * 60_000);
  });

  test.each([
    ["transient", true],
    ["transient-fresh", false],
  ] as const)("%s: a passing failure is tried once more, in the same session where that can be", async (mode, resumed) => {
    const { outcome } = await run(mode, { state: mode });
    expect(outcome.end).toBe("ok");
    expect(outcome.agent?.attempts.map((each) => [each.resumed, each.failure !== null])).toEqual([
      [false, true],
      [resumed, false],
    ]);
  });

  test("what fails twice has failed", async () => {
    expect((await run("always-transient")).outcome.agent?.attempts).toHaveLength(2);
  });
});
