/**
 * Stands in for okstra where a test must kill it: runs one worker as the file named by its first argument says,
 * then prints one line of JSON (`StandInAnswer`, or `error` with the code). Started as a process of its own, bundled by `bundleProcess`.
 */
import { readFileSync, writeSync } from "node:fs";
import { constants } from "node:os";
import { createProcesses, endAllNow } from "@okstra/node/exec/processes";
import { systemClock } from "@okstra/node/clock";
import type { ProcessEnd, ProcessSpec, SandboxRequest } from "@okstra/core/ports";

export interface StandInOrder {
  readonly command: [string, ...string[]];
  readonly cwd: string;
  readonly env: Record<string, string>;
  readonly deadlineMs: number;
  readonly runId: string;
  readonly transcriptPath: string | null;
  readonly captureBytes: number;
  /** Undefined takes the best that the system has. */
  readonly isolation?: "process-group";
  /**
   * True ends all trees on SIGINT, SIGTERM and SIGHUP at once; false leaves them to their default; `gently` cancels
   * the worker with the first and ends all trees with the second, as the command line does.
   */
  readonly handleSignals: boolean | "gently";
  /** Talks with the worker instead of waiting for it, and rests for a millisecond after so many mebibytes; 0: never. */
  readonly conversation?: { readonly pauseEachMb: number };
  readonly sandbox?: SandboxRequest;
}

export interface StandInAnswer {
  readonly ended: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly isolation: string;
  readonly stdoutBytes: number;
  /** What the reader of a conversation saw. */
  readonly readBytes: number;
  readonly capturedBytes: number;
  readonly truncated: boolean;
  readonly durationMs: number;
  /** How far the largest resident set went beyond what it was before the run. */
  readonly memoryGrowthBytes: number;
}

const order = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as StandInOrder;
const cancel = new AbortController();
if (order.handleSignals !== false) {
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      if (order.handleSignals === "gently" && !cancel.signal.aborted) {
        cancel.abort();
        return;
      }
      endAllNow();
      process.exit(128 + constants.signals[name]);
    });
  }
}
const processes = createProcesses({ clock: systemClock, ...(order.isolation === undefined ? {} : { isolation: order.isolation }) });
await processes.isolation();
const before = process.resourceUsage().maxRSS;
try {
  answer(await runWorker());
} catch (error) {
  answer({ error: (error as { code?: unknown }).code ?? String(error) });
}

async function runWorker(): Promise<StandInAnswer> {
  const spec: ProcessSpec = {
    command: order.command,
    cwd: order.cwd,
    env: order.env,
    deadlineMs: order.deadlineMs,
    runId: order.runId,
    transcriptPath: order.transcriptPath,
    captureBytes: order.captureBytes,
    redact: (text) => text.replaceAll(/secret-[0-9a-f]+/gu, "[redacted]"),
    signal: cancel.signal,
    sandbox: order.sandbox ?? null,
  };
  let readBytes = 0;
  const talk = async (pauseEachMb: number): Promise<ProcessEnd> => {
    const running = await processes.start(spec);
    let untilPause = pauseEachMb * 2 ** 20;
    for await (const chunk of running.output) {
      readBytes += chunk.length;
      untilPause -= chunk.length;
      if (pauseEachMb === 0 || untilPause > 0) continue;
      await new Promise((resolve) => setTimeout(resolve, 1));
      untilPause = pauseEachMb * 2 ** 20;
    }
    return running.ended;
  };
  const end = await (order.conversation === undefined ? processes.run(spec) : talk(order.conversation.pauseEachMb));
  return {
    ended: end.ended,
    exitCode: end.exitCode,
    signal: end.signal,
    isolation: end.isolation,
    stdoutBytes: end.stdout.totalBytes,
    readBytes,
    capturedBytes: Buffer.byteLength(end.stdout.text),
    truncated: end.stdout.truncated,
    durationMs: end.durationMs,
    memoryGrowthBytes: (process.resourceUsage().maxRSS - before) * 1024,
  };
}

/** One line of JSON on standard output. */
function answer(document: StandInAnswer | { error: unknown }): void {
  writeSync(1, `${JSON.stringify(document)}\n`);
}
