import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { bundleOkstra } from "./bundle-okstra.ts";
import { startLaneClient, type LaneClient, type LaneClientOptions } from "./lane-client.ts";
import type { TestProject } from "./test-project.ts";

/** The server that ships, as the command line starts it. */
export interface McpProgram {
  readonly command: readonly [string, ...string[]];
  remove(): void;
}

export async function bundleMcpProgram(): Promise<McpProgram> {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "okstra-mcp-")));
  return {
    command: [process.execPath, await bundleOkstra(directory), "mcp"],
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

export interface McpClient extends LaneClient {
  /** The document of a tool's answer, which must be none of an error. */
  // eslint-disable-next-line typescript/no-explicit-any -- tests look into documents of many shapes
  ask(tool: string, given?: Readonly<Record<string, unknown>>): Promise<any>;
  /** The code of the error that a tool must answer. */
  refused(tool: string, given?: Readonly<Record<string, unknown>>): Promise<string>;
}

/** A server process of a project under the official client, as an agent has it that was started in the project. */
export async function startMcpClient(program: McpProgram, project: TestProject, options: LaneClientOptions = {}): Promise<McpClient> {
  const env = Object.fromEntries(Object.entries(project.home.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  const client = await startLaneClient({ command: program.command, env }, { cwd: project.repo.root, ...options });
  return {
    ...client,
    async ask(tool, given = {}) {
      const { text, isError } = await client.call(tool, given);
      expect(isError, `${tool}: ${text}`).toBe(false);
      return JSON.parse(text);
    },
    async refused(tool, given = {}) {
      const { text, isError } = await client.call(tool, given);
      expect(isError, `${tool}: ${text}`).toBe(true);
      return (JSON.parse(text) as { error: { code: string } }).error.code;
    },
  };
}

/** Case 54: nothing but JSON-RPC on standard output. */
export function expectOnlyJsonRpc(lines: readonly string[]): void {
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) expect((JSON.parse(line) as { jsonrpc?: unknown }).jsonrpc, line.slice(0, 200)).toBe("2.0");
}
