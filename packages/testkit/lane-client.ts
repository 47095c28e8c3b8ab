import { spawn } from "node:child_process";
import { Client, type JSONRPCMessage, type Transport } from "@modelcontextprotocol/client";
import type { LaneDoor } from "@okstra/core/ports";

export type Era = "2025" | "2026";

export interface LaneAnswer {
  readonly text: string;
  readonly isError: boolean;
}

/** A real server process of a lane's door under the MCP client, every line of it kept. */
export interface LaneClient {
  readonly client: Client;
  readonly pid: number;
  /** Complete lines of the server's standard output so far. */
  readonly lines: readonly string[];
  readonly stderr: () => string;
  call(name: string, given: unknown): Promise<LaneAnswer>;
  /** Writes bytes to the server as they are. */
  write(text: string): Promise<void>;
  /** Closes the server's input and waits for its end. */
  close(): Promise<{ readonly status: number | null; readonly signal: string | null }>;
  readonly ended: Promise<{ readonly status: number | null; readonly signal: string | null }>;
}

export interface LaneClientOptions {
  readonly era?: Era;
  readonly env?: Readonly<Record<string, string>>;
  /** Directory in which the server is started; `/` when absent. */
  readonly cwd?: string;
}

/** Starts a door's command with its environment and nothing else but what is named, and connects to it. */
export async function startLaneClient(door: Pick<LaneDoor, "command" | "env">, options: LaneClientOptions = {}): Promise<LaneClient> {
  const [program, ...args] = door.command;
  const child = spawn(program, args, { cwd: options.cwd ?? "/", env: { ...door.env, ...options.env }, stdio: "pipe" });
  const lines: string[] = [];
  let stderr = "";
  let rest = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.on("error", () => {});
  const transport: Transport = {
    start: async () => {},
    send: (message) => write(`${JSON.stringify(message)}\n`),
    close: async () => void child.stdin.end(),
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) {
      lines.push(line);
      const message = readMessage(line);
      if (message !== null) transport.onmessage?.(message);
    }
  });
  const ended = new Promise<{ status: number | null; signal: string | null }>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) => {
      if (rest !== "") lines.push(rest);
      transport.onclose?.();
      resolve({ status, signal });
    });
  });
  const write = (text: string): Promise<void> => new Promise((resolve) => void child.stdin.write(text, () => resolve()));
  const mode = (options.era ?? "2026") === "2025" ? ("legacy" as const) : { pin: "2026-07-28" };
  const client = new Client({ name: "lane-client", version: "1.0.0" }, { versionNegotiation: { mode } });
  await client.connect(transport).catch(async (error: unknown) => {
    child.kill("SIGKILL");
    throw new Error(`${String(error)}; the server said: ${stderr}`);
  });
  return {
    client,
    pid: child.pid ?? 0,
    lines,
    stderr: () => stderr,
    async call(name, given) {
      const { content, isError } = await client.callTool({ name, arguments: given as Record<string, unknown> });
      return { text: content.map((part) => (part.type === "text" ? part.text : "")).join(""), isError: isError === true };
    },
    write,
    close() {
      child.stdin.end();
      return ended;
    },
    ended,
  };
}

function readMessage(line: string): JSONRPCMessage | null {
  try {
    return JSON.parse(line) as JSONRPCMessage;
  } catch {
    return null;
  }
}
