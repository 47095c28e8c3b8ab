import { createRedactor, redactValue } from "@okstra/core/domain/redaction";
import { runEventSchema } from "@okstra/core/events";
import { requireTaskType } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import type { CancelSignal } from "@okstra/core/ports";
import type { App } from "../app.ts";
import { loadRun } from "../run/prepare-run.ts";
import { formatRunNumber, runsDirectory } from "../run/run-paths.ts";
import { findTaskRun } from "../run/run-task.ts";
import { loadSecrets } from "../run/secrets.ts";
import { LaneLogReader, type LogLine } from "./read-lane-log.ts";

export interface LogsRequest {
  readonly task: string;
  readonly dir: string;
  readonly taskType: string | null;
  /** Number of the run; null for the newest. */
  readonly run: number | null;
  readonly worker: string | null;
  readonly follow: boolean;
}

/** How often a run that goes on is looked at, in milliseconds. */
const POLL_MS = 250;
/** Enough of a log's end to hold its last event. */
const TAIL_BYTES = 64 * 1024;
const OVER = ["run-ended", "run-cancelled", "run-interrupted", "run-failed", "run-paused", "gate-overridden"];

/**
 * What the workers of a run did, lane by lane, redacted once more; with `follow` until the run ends or the signal fires.
 * @throws OKSTRA_RUN_NOT_FOUND, OKSTRA_WORKER_NOT_IN_RUN
 */
export async function* followLogs(app: App, request: LogsRequest, signal: CancelSignal): AsyncGenerator<LogLine> {
  const runDir = await findRun(app, request);
  const { manifest } = await loadRun(app, runDir);
  const known = [...manifest.roster, ...(manifest.writer === null ? [] : [manifest.writer])].map(({ worker }) => worker);
  if (request.worker !== null && !known.includes(request.worker))
    throw new OkstraError("OKSTRA_WORKER_NOT_IN_RUN", {
      message: `${request.worker} is no worker of this run; its workers: ${known.join(", ")}.`,
      details: { worker: request.worker, known, runDir },
    });
  const redact = createRedactor(await loadSecrets(app, [manifest.project.root, manifest.provision.path]));
  const readers = new Map<string, LaneLogReader>();
  for (;;) {
    // Looked at before the reading, so that nothing that came before the end is missed.
    const isOver = !request.follow || (await hasEnded(app, runDir));
    for (const { lane, worker } of await listLanes(app, runDir)) {
      if (request.worker !== null && worker !== request.worker) continue;
      const reader = readers.get(lane) ?? new LaneLogReader(app, { laneDir: `${runDir}/workers/${lane}`, lane, worker });
      readers.set(lane, reader);
      for await (const line of reader.read(isOver)) {
        if (signal.aborted) return;
        yield { ...line, text: redact(line.text), ...(line.data === undefined ? {} : { data: redactValue(line.data, redact) }) };
      }
    }
    if (isOver || signal.aborted) return;
    await pause(POLL_MS, signal);
  }
}

async function findRun(app: App, { task, dir, taskType, run }: LogsRequest): Promise<string> {
  const type = taskType === null ? null : requireTaskType(taskType);
  const { opened, key, runDir } = await findTaskRun(app, { task, dir, taskType: type });
  if (run === null) return runDir;
  const manifest = (await loadRun(app, runDir)).manifest;
  const wanted = `${runsDirectory(opened.root, key, type ?? manifest.type)}/${formatRunNumber(run)}`;
  if (await app.store.exists(`${wanted}/run.json`)) return wanted;
  throw new OkstraError("OKSTRA_RUN_NOT_FOUND", {
    message: `${task} has no ${type ?? manifest.type} run ${run}.`,
    details: { task, run },
  });
}

/** Lanes in the order in which they were first started, with the worker of each. */
async function listLanes(app: App, runDir: string): Promise<{ lane: string; worker: string }[]> {
  const text = (await app.store.readText(`${runDir}/events.jsonl`)) ?? "";
  const lanes = new Map<string, string>();
  for (const line of text.split("\n")) {
    if (!line.includes('"lane-started"')) continue;
    const event = parseEvent(line);
    if (event?.type === "lane-started" && !lanes.has(event.lane)) lanes.set(event.lane, event.worker);
  }
  return [...lanes].map(([lane, worker]) => ({ lane, worker }));
}

async function hasEnded(app: App, runDir: string): Promise<boolean> {
  const path = `${runDir}/events.jsonl`;
  const size = (await app.store.readPart(path, 0, 0))?.size ?? 0;
  const part = await app.store.readPart(path, Math.max(0, size - TAIL_BYTES), TAIL_BYTES);
  const lines = new TextDecoder().decode(part?.bytes ?? new Uint8Array()).split("\n");
  const last = parseEvent(lines.at(-2) ?? "");
  return last !== null && OVER.includes(last.type);
}

function parseEvent(line: string): ReturnType<typeof runEventSchema.parse> | null {
  try {
    const parsed = runEventSchema.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

function pause(ms: number, signal: CancelSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}
