import type { CancelSignal, RunningProcess, WorkerSettings } from "@okstra/core/ports";
import type { App } from "../app.ts";
import { OkstraError } from "@okstra/core/errors";
import type { TestPlace, TestStep } from "./test-place.ts";

const HANDSHAKE_MS = 30_000;
const MAX_LINE = 1024 * 1024;
const WHY = "only the handshake: it is not known how to point this agent at a model server on loopback";

/** Greets an agent by the Agent Client Protocol; no session is begun and no model asked. */
export async function shakeHands(app: App, place: TestPlace, settings: WorkerSettings, signal: CancelSignal): Promise<TestStep> {
  const step = (ok: boolean, detail: string): TestStep => ({ step: "handshake", ok, detail });
  const [program, ...args] = settings.command;
  try {
    const running = await app.processes.start({
      command: [program ?? "", ...args],
      cwd: place.tree,
      env: place.env,
      deadlineMs: HANDSHAKE_MS,
      runId: app.ids.randomHex(12),
      transcriptPath: null,
      captureBytes: 4096,
      redact: (text) => text,
      signal,
    });
    const params = { protocolVersion: 1, clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false } };
    const greeting = `${JSON.stringify({ jsonrpc: "2.0", id: 0, method: "initialize", params })}\n`;
    const answer = await readAnswer(running, greeting);
    running.stop();
    const end = await running.ended;
    if (answer !== null) return describe(answer, step);
    const how = end.ended === "deadline" ? `no answer within ${HANDSHAKE_MS / 1000} s` : `it ended with exit status ${end.exitCode}`;
    const words = end.stderr.text.trim().split("\n").at(-1)?.slice(0, 200) ?? "";
    return step(false, `${how}${words === "" ? "" : `: ${words}`}`);
  } catch (error) {
    if (error instanceof OkstraError) return step(false, `${error.code}: ${error.message}`);
    throw error;
  }
}

async function readAnswer(running: RunningProcess, greeting: string): Promise<Readonly<Record<string, unknown>> | null> {
  await running.write(new TextEncoder().encode(greeting));
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of running.output) {
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split("\n");
    text = (lines.pop() ?? "").slice(-MAX_LINE);
    for (const line of lines) {
      const message = readObject(line);
      if (message?.["id"] === 0) return message;
    }
  }
  return null;
}

function describe(answer: Readonly<Record<string, unknown>>, step: (ok: boolean, detail: string) => TestStep): TestStep {
  const result = answer["result"] as { protocolVersion?: unknown; agentInfo?: { name?: unknown; version?: unknown } } | undefined;
  if (typeof result?.protocolVersion !== "number")
    return step(false, `it refused: ${JSON.stringify(answer["error"] ?? answer).slice(0, 200)}`);
  const who = [result.agentInfo?.name, result.agentInfo?.version].filter((part) => typeof part === "string").join(" ");
  if (result.protocolVersion !== 1) return step(false, `it speaks version ${result.protocolVersion} of the protocol, and okstra 1`);
  return step(true, `${who === "" ? "it answered" : who}; ${WHY}`);
}

function readObject(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const data: unknown = JSON.parse(line);
    return typeof data === "object" && data !== null ? (data as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
