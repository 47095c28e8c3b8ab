import { createRedactor, redactValue } from "@okstra/core/domain/redaction";
import { isAgentKind } from "@okstra/core/domain/served-model";
import { OkstraError } from "@okstra/core/errors";
import { runEventSchema } from "@okstra/core/events";
import type { CancelSignal } from "@okstra/core/ports";
import { neutralise, neutraliseBlock } from "@okstra/core/report/neutral-text";
import type { App } from "../app.ts";
import { eventsPath } from "../run/run-log.ts";
import { loadSecrets } from "../run/secrets.ts";
import { findRunToShow, type ShownRun } from "./find-run.ts";
import { LineTail } from "./tail-lines.ts";

export interface LogsRequest {
  readonly task: string;
  readonly dir: string;
  readonly taskType: string | null;
  /** Number of the run; null for the newest. */
  readonly run: number | null;
  readonly worker: string | null;
  readonly follow: boolean;
}

/** One entry of what a lane did; its texts are redacted, and safe to show. */
export interface LogLine {
  readonly lane: string;
  readonly worker: string;
  /** RFC 3339 UTC; null for what a program printed. */
  readonly at: string | null;
  /** Kind of a transcript's entry; `output` for what a program printed. */
  readonly kind: string;
  /** May have several lines. */
  readonly text: string;
  readonly data?: unknown;
}

/** How often a run that goes on is looked at, in milliseconds. */
const POLL_MS = 250;
/** After an event of these types nothing follows, unless the run is resumed. */
export const OVER: ReadonlySet<string> = new Set([
  "run-ended",
  "run-cancelled",
  "run-interrupted",
  "run-failed",
  "run-paused",
  "gate-overridden",
]);

/**
 * What the workers of a run did, lane by lane in the order in which they started; with `follow` until the run ends or the
 * signal fires, and a lane that is run again from its beginning. It only reads.
 * @throws OKSTRA_RUN_NOT_FOUND, OKSTRA_WORKER_NOT_IN_RUN, OKSTRA_TASK_TYPE_UNKNOWN
 */
export async function* followLogs(app: App, request: LogsRequest, signal: CancelSignal): AsyncGenerator<LogLine> {
  const run = await findRunToShow(app, request);
  const { manifest, runDir } = run;
  requireWorker(run, request.worker);
  const redact = createRedactor(await loadSecrets(app, [manifest.project.root, manifest.provision.path]));
  const clean = (text: string): string => neutraliseBlock(redact(text));
  const events = new LineTail(app, eventsPath(runDir));
  const lanes = new Map<string, LaneTail>();
  let isOver = false;
  while (!signal.aborted) {
    // Looked at before the transcripts, so that nothing is missed that came before the end.
    for await (const line of events.read(false)) {
      const event = parseJson(line) as { type?: unknown } | null;
      if (typeof event?.type === "string") isOver = OVER.has(event.type);
      const started = event?.type === "lane-started" ? runEventSchema.safeParse(event).data : undefined;
      if (started?.type !== "lane-started" || lanes.has(started.lane)) continue;
      if (request.worker !== null && started.worker !== request.worker) continue;
      lanes.set(started.lane, openLane(app, run, started));
    }
    const isLast = isOver || !request.follow;
    for (const { lane, worker, tails } of lanes.values()) {
      for await (const entry of readLane(tails, isLast)) {
        if (signal.aborted) return;
        const { at, kind, text, data } = entry;
        yield {
          lane,
          worker,
          at: at === null ? null : neutralise(redact(at)),
          kind: neutralise(redact(kind)),
          text: clean(text),
          ...(data === undefined ? {} : { data: redactValue(data, clean) }),
        };
      }
    }
    if (isLast) return;
    await pause(POLL_MS, signal);
  }
}

/** @throws OKSTRA_WORKER_NOT_IN_RUN */
export function requireWorker({ manifest, runDir }: ShownRun, worker: string | null): void {
  const known = [...manifest.roster, ...(manifest.writer === null ? [] : [manifest.writer])].map((entry) => entry.worker);
  if (worker === null || known.includes(worker)) return;
  throw new OkstraError("OKSTRA_WORKER_NOT_IN_RUN", {
    message: `${worker} is no worker of this run; its workers: ${known.join(", ")}.`,
    details: { worker, known, runDir },
  });
}

interface LaneTail {
  readonly lane: string;
  readonly worker: string;
  readonly tails: { readonly entries: LineTail; readonly output: LineTail | null };
}

/** What okstra understood of an agent stands in a transcript of entries; of other programs there is only what they printed. */
function openLane(app: App, { runDir, manifest }: ShownRun, { lane, worker }: { lane: string; worker: string }): LaneTail {
  const { kind } = manifest.roster.find((entry) => entry.worker === worker) ?? manifest.writer ?? { kind: "" };
  const at = (name: string): LineTail => new LineTail(app, `${runDir}/workers/${lane}/${name}`);
  return { lane, worker, tails: { entries: at("transcript.jsonl"), output: isAgentKind(kind) ? null : at("transcript.log") } };
}

async function* readLane({ entries, output }: LaneTail["tails"], atEnd: boolean): AsyncGenerator<Omit<LogLine, "lane" | "worker">> {
  for await (const line of entries.read(atEnd)) yield parseEntry(line) ?? { at: null, kind: "output", text: line };
  for await (const line of output?.read(atEnd) ?? []) yield { at: null, kind: "output", text: line };
}

/** Null for a line that is no entry of a transcript. */
export function parseEntry(line: string): Omit<LogLine, "lane" | "worker"> | null {
  const value = parseJson(line) as { at?: unknown; kind?: unknown; text?: unknown; data?: unknown } | null;
  if (typeof value?.at !== "string" || typeof value.kind !== "string" || typeof value.text !== "string") return null;
  return { at: value.at, kind: value.kind, text: value.text, ...(value.data === undefined ? {} : { data: value.data }) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
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
