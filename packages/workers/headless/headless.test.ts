import { mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AGENT_NONCE, runAgentLane, type AgentLane, type AgentLaneOptions } from "@okstra/testkit/agents/agent-lane";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { listMarkedProcesses } from "@okstra/testkit/processes/marked-processes";
import { describeSandboxHere } from "@okstra/testkit/vendors/sandbox-here";

const VENDORS = ["claude", "codex", "gemini"] as const;
type Vendor = (typeof VENDORS)[number];

const SESSIONS = {
  claude: "5b6f1c9e-6a44-4d0c-9a8e-3f1f6d2b7c10",
  codex: "01a206ff-a325-74e2-bc7c-cacc9f7bcde9",
  gemini: "0eaa4a4f-3ec9-49d7-82ec-e92b1eeb6e9a",
};
/** Codex does not say which model serves. */
const SERVED = { claude: "claude-sonnet-4-5-20250929", codex: null, gemini: "gemini-2.5-pro" };

let directory = "";
let okstra = "";
let states = 0;

beforeAll(async () => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "okstra-headless-")));
  okstra = await bundleOkstra(directory);
}, 60_000);

afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface FakeLane extends AgentLane {
  /** How the program was started, each time. */
  readonly starts: readonly Readonly<Record<string, unknown>>[];
}

/** A vendor's fake program in one of its modes. */
async function run(vendor: Vendor, mode: string, options: Partial<AgentLaneOptions> = {}): Promise<FakeLane> {
  const state = join(directory, `state-${(states += 1)}`);
  const program = fileURLToPath(new URL(`../../testkit/vendors/fake-${vendor}.mjs`, import.meta.url));
  const lane = await runAgentLane({
    kind: vendor,
    command: [process.execPath, program],
    launcher: [process.execPath, okstra],
    ...options,
    env: { FAKE_MODE: mode, FAKE_STATE: state, FAKE_NONCE: AGENT_NONCE, TZ: "UTC", ...options.env },
  });
  const starts = readFileSync(state, { encoding: "utf8", flag: "a+" })
    .split("\n")
    .filter((line) => line !== "");
  return { ...lane, starts: starts.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

const FINDINGS = [{ claim: "The sum is wrong for two numbers", file: "src/sum.js" }];

/** What a program may do unasked, as it was started. */
const MAY = {
  claude: { "read-only": { allowed: "mcp__okstra" }, edit: { allowed: "mcp__okstra,Bash" }, sandbox: { allowed: "mcp__okstra,Bash" } },
  codex: { "read-only": { mode: "read-only" }, edit: { mode: "workspace-write" }, sandbox: { mode: "danger-full-access" } },
  gemini: { "read-only": { commands: false }, edit: { commands: true }, sandbox: { commands: true } },
};

describe.each(VENDORS)("%s", (vendor) => {
  test.each(["read-only", "edit"] as const)("may run commands unasked as the policy has it in a %s lane", async (mode) => {
    expect((await run(vendor, "message", { mode })).starts).toMatchObject([MAY[vendor][mode]]);
  });

  test("may run commands unasked in okstra's sandbox, which holds it", async ({ skip }) => {
    const { state, reason } = await describeSandboxHere();
    skip(state === "unavailable", `no sandbox here: ${reason ?? ""}`);
    const sandbox = { writable: [realpathSync(tmpdir())], readOnly: [], hidden: [], exposed: [] };
    const { starts, outcome } = await run(vendor, "door", { sandbox });
    expect(outcome).toMatchObject({ end: "ok", sandbox: state, agent: { resultBy: "door" } });
    expect(starts).toMatchObject([MAY[vendor].sandbox]);
  });

  test("delivers through the door without being asked for a permission", async () => {
    const { outcome, result, transcript, activities } = await run(vendor, "door");
    expect(outcome).toMatchObject({
      end: "ok",
      reason: null,
      sessionId: SESSIONS[vendor],
      modelServed: SERVED[vendor],
      agent: { resultBy: "door" },
    });
    expect(result).toMatchObject({ nonce: AGENT_NONCE, findings: FINDINGS });
    expect(activities.join()).toContain("submit_result");
    expect(transcript.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["session", "tool", "message", "result"]));
  });

  test("delivers by its schema option, or where it has none by a fenced block", async () => {
    const { outcome, result } = await run(vendor, "schema");
    expect([outcome.end, outcome.agent?.resultBy]).toEqual(["ok", vendor === "gemini" ? "message" : "schema"]);
    expect(result).toMatchObject({ nonce: AGENT_NONCE, findings: FINDINGS });
  });

  test("delivers by a fenced block in its last message", async () => {
    const { outcome, result, transcript } = await run(vendor, "message");
    expect([outcome.end, outcome.agent?.resultBy]).toEqual(["ok", "message"]);
    expect(result).toMatchObject({ findings: FINDINGS });
    expect(transcript.filter(({ kind }) => kind === "message").length).toBeLessThan(12);
  });

  test.each(["read-only", "edit"] as const)("a %s lane starts it in the mode for that, with the model that is wanted", async (mode) => {
    const { starts, outcome } = await run(vendor, "message", { mode, model: "some-model" });
    const modes = { claude: ["plan", "acceptEdits"], codex: ["read-only", "workspace-write"], gemini: ["plan", "auto_edit"] }[vendor];
    expect(outcome.end).toBe("ok");
    expect(starts).toMatchObject([{ resumed: null, mode: modes[mode === "edit" ? 1 : 0], model: "some-model" }]);
  });

  test("its tokens are told and stand in the outcome", async () => {
    const { outcome, uses } = await run(vendor, "message");
    const usage = {
      claude: { inputTokens: 300, cachedInputTokens: 90, cacheWriteTokens: 60, outputTokens: 150, totalTokens: 600 },
      codex: { inputTokens: 180, cachedInputTokens: 120, outputTokens: 70, totalTokens: 370 },
      gemini: { mixed: true, inputTokens: 240, cachedInputTokens: 100, outputTokens: 92, totalTokens: 432 },
    }[vendor];
    expect(outcome.usage).toEqual(usage);
    expect(uses.at(-1)?.[0]).toEqual(usage);
    expect(outcome.agent?.cost).toEqual(vendor === "claude" ? { amount: "0.3", currency: "USD", source: "agent" } : null);
  });

  test("another model that served is the one in the outcome", async () => {
    const served = { claude: "claude-haiku-4-5-20251001", codex: null, gemini: "gemini-2.5-flash" }[vendor];
    expect((await run(vendor, "other-model")).outcome).toMatchObject({ end: "ok", modelServed: served });
  });

  test("a stream that names no model leaves it unknown", async () => {
    expect((await run(vendor, "no-model", { model: "wanted" })).outcome).toMatchObject({ end: "ok", modelServed: null });
  });

  test("lines that are no JSON are notes", async () => {
    const { outcome, transcript } = await run(vendor, "bad-json");
    expect(outcome.end).toBe("ok");
    expect(transcript.filter(({ text }) => text.startsWith("no JSON"))).toHaveLength(3);
  });

  describe("case 39: what is no result fails the lane", () => {
    test.each([
      ["crash", /exit status 7: fatal: out of luck/],
      ["crash-at-start", /exit status 1.*cannot read the settings/],
      ["cut", /before it said that it was done/],
      ["nothing", /without a result/],
      ["two-results", /two different results/],
      ["is-error", /may not use this model/],
      ["endless-line", /more than \d+ bytes/],
    ] as const)("%s", async (mode, reason) => {
      const { outcome, runId } = await run(vendor, mode);
      expect([outcome.end, outcome.resultText]).toEqual(["failed", null]);
      expect(outcome.reason).toMatch(reason);
      expect(listMarkedProcesses(`OKSTRA_RUN_ID=${runId}`)).toEqual([]);
    });
  });

  describe("case 42: an agent that cannot answer now", () => {
    test("a used up quota ends the lane as quota, with the time it is filled again", async () => {
      const { outcome } = await run(vendor, "quota");
      expect(outcome.end).toBe("quota");
      const hours = vendor === "gemini" ? 1.5 : 5;
      const resets = Date.parse(outcome.agent?.quotaResetsAt ?? "");
      expect(Math.abs(resets - Date.now() - hours * 3_600_000)).toBeLessThan(3 * 60_000);
    });

    test("a passing failure is tried once more in the same session", async () => {
      const { outcome, result, starts } = await run(vendor, "transient");
      expect([outcome.end, outcome.reason]).toEqual(["ok", null]);
      expect(result).toMatchObject({ findings: FINDINGS });
      expect(starts.map(({ resumed }) => resumed)).toEqual([null, SESSIONS[vendor]]);
      expect(outcome.agent?.attempts.map((each) => [each.resumed, each.failure !== null])).toEqual([
        [false, true],
        [true, false],
      ]);
    });

    test("what fails twice has failed", async () => {
      const { outcome } = await run(vendor, "always-transient");
      expect([outcome.end, outcome.agent?.attempts.length]).toEqual(["failed", 2]);
    });
  });

  test("case 37: a flood is stopped by the lead's signal in bounded memory", async () => {
    const stop = new AbortController();
    const before = process.memoryUsage().rss;
    let told = 0;
    const { outcome } = await run(vendor, "flood", {
      signal: stop.signal,
      onOutputBytes: (bytes) => {
        told += bytes;
        if (told > 64 * 1024 * 1024) stop.abort();
      },
    });
    expect(outcome.end).toBe("cancelled");
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
  });

  test.each(["hang", "ignore-term"])("case 38: %s is stopped by the signal and leaves no process", async (mode) => {
    const stop = new AbortController();
    const { outcome, runId } = await run(vendor, mode, { signal: stop.signal, onActivity: () => stop.abort() });
    expect(outcome).toMatchObject({ end: "cancelled", sessionId: SESSIONS[vendor] });
    expect(listMarkedProcesses(`OKSTRA_RUN_ID=${runId}`)).toEqual([]);
  });
});

test("what was delivered is kept when the lead stops the lane for what it cost", async () => {
  const stop = new AbortController();
  let told = 0;
  // The first is its answer's, the second stands beside the result.
  const onUse = (): void => {
    told += 1;
    if (told === 2) stop.abort();
  };
  const { outcome } = await run("claude", "linger", { signal: stop.signal, onUse });
  expect(outcome.end).toBe("cancelled");
  expect(JSON.parse(outcome.resultText ?? "")).toMatchObject({ findings: FINDINGS });
});

test("one that is done and does not end is ended, and its result stands", async () => {
  const { outcome, runId } = await run("codex", "linger");
  expect(outcome.end).toBe("ok");
  expect(listMarkedProcesses(`OKSTRA_RUN_ID=${runId}`)).toEqual([]);
});

test("what Claude Code was not let do is in the outcome", async () => {
  const { outcome } = await run("claude", "message");
  expect(outcome.agent).toMatchObject({
    agentVersion: "claude 2.1.197",
    permissionCount: 1,
    permissions: [{ tool: "WebFetch", title: "WebFetch https://example.com", answer: "refused", rule: "agent" }],
  });
});
