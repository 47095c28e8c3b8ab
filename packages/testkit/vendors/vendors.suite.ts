/**
 * The vendors' real programs under okstra's real drivers, against a model server on 127.0.0.1, with an emptied
 * environment. Opt-in: `npm run test:vendors`.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findAgent } from "@okstra/core/domain/agents";
import { AGENT_NONCE, runAgentLane, type AgentLane, type AgentLaneOptions } from "../agents/agent-lane.ts";
import { bundleOkstra } from "../bundle-okstra.ts";
import { describeSandboxHere } from "./sandbox-here.ts";
import { startModelServer, type ModelServer, type ModelWay } from "./model-server.ts";

/** `node_modules/.bin` with the programs; scripts/test-vendors.mjs sets it. */
const PROGRAMS = process.env["OKSTRA_TEST_VENDORS"] ?? "";
const REASON = process.env["OKSTRA_TEST_VENDORS_REASON"] || "not installed; run npm run test:vendors";
const MODELS = { claude: "claude-sonnet-4-5-20250929", codex: "gpt-5.1-codex", gemini: "gemini-2.5-pro" } as const;
const RESULT = { nonce: AGENT_NONCE, findings: [], symptoms: ["The sum is wrong"] };

type Vendor = keyof typeof MODELS;

let directory = "";
let okstra = "";

beforeAll(async () => {
  // Not below a temporary directory where it can be helped: there Codex makes no sandbox for its commands.
  const beside = PROGRAMS === "" ? tmpdir() : join(PROGRAMS, "../..");
  directory = realpathSync(mkdtempSync(join(beside, "okstra-vendors-")));
  mkdirSync(join(directory, "tmp"));
  okstra = await bundleOkstra(directory);
}, 60_000);

afterAll(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));

interface Review extends AgentLane {
  readonly server: Omit<ModelServer, "close">;
}

async function review(vendor: Vendor, way: ModelWay, options: Partial<AgentLaneOptions> = {}): Promise<Review> {
  const server = await startModelServer({ way, result: RESULT });
  const home = mkdtempSync(join(directory, `${vendor}-`));
  try {
    const preset = findAgent(vendor, vendor)!;
    const place = { baseUrl: server.baseUrl, home };
    for (const [path, text] of Object.entries(preset.fakeModelFiles?.(place) ?? {})) {
      mkdirSync(dirname(join(home, path)), { recursive: true });
      writeFileSync(join(home, path), text);
    }
    if (vendor === "gemini") addDoorToSettings(join(home, ".gemini/settings.json"));
    const lane = await runAgentLane({
      kind: vendor,
      command: [join(PROGRAMS, vendor)],
      launcher: [process.execPath, okstra],
      model: MODELS[vendor],
      // Whatever else it wants to reach is asked of the model server, which refuses and remembers it.
      // Nothing of this process's own environment; runAgentLane adds to it only what is named here.
      env: {
        PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
        HOME: home,
        TMPDIR: join(directory, "tmp"),
        HTTPS_PROXY: server.baseUrl,
        HTTP_PROXY: server.baseUrl,
        NO_PROXY: "127.0.0.1",
        ...preset.fakeModel?.(place),
      },
      ...options,
    });
    if (process.env["OKSTRA_TEST_VENDORS_SHOW"] !== undefined) {
      process.stderr.write(
        `${vendor} ${way}: ${JSON.stringify({ ...lane, asked: server.asked, unexpected: server.unexpected }, null, 1)}\n`,
      );
    }
    expect(server.unexpected).toEqual([]);
    return { ...lane, server };
  } finally {
    await server.close();
  }
}

/** As a person gives Gemini CLI the door in their own settings; it fills in the variables of the lane. */
function addDoorToSettings(path: string): void {
  const settings = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  const env = { OKSTRA_DOOR: "$OKSTRA_DOOR", OKSTRA_HOME: "$OKSTRA_HOME" };
  const server = { command: process.execPath, args: [okstra, "mcp", "--worker"], env };
  writeFileSync(path, JSON.stringify({ ...settings, mcpServers: { okstra: server } }));
}

describe.each(["claude", "codex", "gemini"] as const)("%s", (vendor) => {
  const isThere = existsSync(join(PROGRAMS, vendor));
  describe.skipIf(!isThere)(isThere ? "real program" : `skipped: ${REASON}`, () => {
    test("delivers a review through the door", { timeout: 120_000 }, async () => {
      const { outcome, result, server } = await review(vendor, "door");
      expect({ end: outcome.end, reason: outcome.reason, by: outcome.agent?.resultBy }).toEqual({ end: "ok", reason: null, by: "door" });
      expect(result).toMatchObject(RESULT);
      expect(server.asked.length).toBeGreaterThan(1);
    });

    test("delivers a review by its schema option, or where it has none by a fenced block", { timeout: 120_000 }, async () => {
      const way = vendor === "gemini" ? "message" : "schema";
      const { outcome, result } = await review(vendor, way);
      expect({ end: outcome.end, reason: outcome.reason, by: outcome.agent?.resultBy }).toEqual({ end: "ok", reason: null, by: way });
      expect(result).toMatchObject(RESULT);
    });

    test.each([
      ["broken-second", true],
      // Gemini CLI keeps no session in which nothing was said.
      ["broken-first", vendor !== "gemini"],
    ] as const)("%s: goes on after a failure that passes, in the same session: %s", { timeout: 120_000 }, async (way, resumes) => {
      const { outcome, result, server } = await review(vendor, way);
      expect(outcome.agent?.attempts.map(({ resumed, failure }) => [resumed, failure?.includes("ECONNRESET") ?? null])).toEqual([
        [false, true],
        [resumes, null],
      ]);
      expect([outcome.end, outcome.reason]).toEqual(["ok", null]);
      expect(result).toMatchObject(RESULT);
      expect(server.asked.at(-1)?.text).toContain("Look at this tree.");
    });

    test.each(["read-only", "edit"] as const)(
      "runs a command that writes in a lane of the mode %s as the policy has it",
      { timeout: 120_000 },
      async (mode) => {
        const { outcome, server } = await review(vendor, "command", { mode });
        expect([outcome.end, outcome.reason]).toEqual(["ok", null]);
        expect(server.asked.some(({ text }) => text.includes("made 42"))).toBe(mode === "edit");
      },
    );

    test("works in a sandbox, and runs commands there in a read-only lane too", { timeout: 120_000 }, async ({ skip }) => {
      const { state, reason } = await describeSandboxHere();
      skip(state === "unavailable", `no sandbox here: ${reason ?? ""}`);
      const sandbox = { writable: [directory, tmpdir()], readOnly: [], hidden: [], exposed: [] };
      const { outcome, server } = await review(vendor, "command", { sandbox });
      expect([outcome.end, outcome.reason]).toEqual(["ok", null]);
      expect(outcome.sandbox).toBe(state);
      expect(server.asked.some(({ text }) => text.includes("made 42"))).toBe(true);
    });

    test("ends as quota when the model's vendor says so", { timeout: 120_000 }, async () => {
      const stop = AbortSignal.timeout(60_000);
      const { outcome } = await review(vendor, "rate-limit", { signal: stop });
      expect([outcome.end, outcome.reason]).toEqual(["quota", expect.any(String)]);
    });
  });
});
