/**
 * Stands in for okstra where a test must kill it: runs one worker as the file named by its first argument says,
 * then prints one line of JSON (`StandInAnswer`, or `error` with the code). Started as a process of its own, bundled by `bundleProcess`.
 */
import { readFileSync, writeSync } from "node:fs";
import { constants } from "node:os";
import { createProcesses, endAllNow } from "@okstra/node/exec/processes";
import { systemClock } from "@okstra/node/clock";

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
  /** True ends all trees on SIGINT, SIGTERM and SIGHUP as the command line does; false leaves them to their default. */
  readonly handleSignals: boolean;
}

export interface StandInAnswer {
  readonly ended: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly isolation: string;
  readonly stdoutBytes: number;
  readonly capturedBytes: number;
  readonly truncated: boolean;
  readonly durationMs: number;
  /** How far the largest resident set went beyond what it was before the run. */
  readonly memoryGrowthBytes: number;
}

const order = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as StandInOrder;
if (order.handleSignals) {
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
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
  const end = await processes.run({
    command: order.command,
    cwd: order.cwd,
    env: order.env,
    deadlineMs: order.deadlineMs,
    runId: order.runId,
    transcriptPath: order.transcriptPath,
    captureBytes: order.captureBytes,
    redact: (text) => text.replaceAll(/secret-[0-9a-f]+/gu, "[redacted]"),
    signal: new AbortController().signal,
  });
  return {
    ended: end.ended,
    exitCode: end.exitCode,
    signal: end.signal,
    isolation: end.isolation,
    stdoutBytes: end.stdout.totalBytes,
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
