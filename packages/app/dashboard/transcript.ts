import type { Transcript } from "@okstra/core/dashboard/api";
import { isAgentKind } from "@okstra/core/domain/served-model";
import { runEventSchema } from "@okstra/core/events";
import { neutralise } from "@okstra/core/report/neutral-text";
import type { App } from "../app.ts";
import { findRunToShow, type ShownRun } from "../logs/find-run.ts";
import { OVER, parseEntry, requireWorker } from "../logs/follow-logs.ts";
import { LineTail } from "../logs/tail-lines.ts";
import { eventsPath } from "../run/run-log.ts";
import { parseJson } from "../task/load-task-run.ts";
import type { Cleaners } from "./clean-texts.ts";
import type { KnownTask } from "./known-tasks.ts";
import { LineFile } from "./line-file.ts";

/** Lines of one answer, and characters that they have at most together (one line more may come). */
const PAGE_LINES = 500;
const PAGE_CHARS = 4 * 1024 * 1024;
/** Runs whose lines are known by number at the same time. */
const MOST_RUNS = 20;

export interface TranscriptQuery {
  readonly type: string;
  readonly run: number;
  readonly worker: string | null;
  readonly after: number;
}

/** Lines of one file that were seen one after the other. */
interface Stretch {
  readonly source: Source;
  readonly from: number;
  to: number;
}

interface Source {
  readonly lane: string;
  readonly worker: string;
  readonly file: LineFile;
  /** Whether its lines are entries, or what a program printed. */
  readonly isEntries: boolean;
}

/** The order in which the lines of a run were first seen; it only ever grows, so that a line keeps its number. */
interface Seen {
  readonly events: LineTail;
  readonly sources: Map<string, Source>;
  readonly stretches: Stretch[];
  isOver: boolean;
  queue: Promise<unknown>;
}

export type Transcripts = (task: KnownTask, query: TranscriptQuery) => Promise<Transcript>;

/**
 * What the workers of a run did, in parts. Of a run that has ended the lines are in the order of `okstra logs`: lane by
 * lane; of one that goes on in the order in which they came. Files are read from where they were read before, and no line
 * is kept.
 */
export function createTranscripts(app: App, cleaners: Cleaners): Transcripts {
  const runs = new Map<string, Seen>();
  const open = (runDir: string): Seen => {
    const seen = runs.get(runDir) ?? {
      events: new LineTail(app, eventsPath(runDir)),
      sources: new Map(),
      stretches: [],
      isOver: false,
      queue: Promise.resolve(),
    };
    runs.delete(runDir);
    runs.set(runDir, seen);
    for (const oldest of runs.keys()) if (runs.size > MOST_RUNS) runs.delete(oldest);
    return seen;
  };
  return async ({ of, name }, { type, run, worker, after }) => {
    const shown = await findRunToShow(app, { task: name, dir: of.root, taskType: type, run });
    requireWorker(shown, worker);
    const seen = open(shown.runDir);
    const turn = seen.queue.then(() => look(app, shown, seen));
    seen.queue = turn.catch(() => undefined);
    await turn;
    const page = await readPage(seen, worker, after);
    const cleaner = await cleaners.of([shown.manifest.project.root, shown.manifest.provision.path]);
    const lines = page.lines.map((line) => ({
      ...line,
      at: line.at === null ? null : neutralise(cleaner.text(line.at)),
      kind: neutralise(cleaner.text(line.kind)),
      text: cleaner.text(line.text),
    }));
    return { ...page, lines };
  };
}

/** Notes what came since. The log is looked at before the files, so that nothing is missed that came before the end. */
async function look(app: App, run: ShownRun, seen: Seen): Promise<void> {
  for await (const line of seen.events.read(false)) {
    const event = parseJson(line) as { type?: unknown } | null;
    if (typeof event?.type === "string") seen.isOver = OVER.has(event.type);
    if (event?.type !== "lane-started") continue;
    const started = runEventSchema.safeParse(event).data;
    if (started?.type === "lane-started") openSources(app, run, seen, started);
  }
  for (const [path, source] of seen.sources) {
    const known = source.file.lines;
    if (!(await source.file.look(seen.isOver))) {
      // Another file is there: its lines are new ones.
      const fresh = { ...source, file: new LineFile(app.store, path) };
      await fresh.file.look(seen.isOver);
      seen.sources.set(path, fresh);
      note(seen, fresh, 0);
    } else note(seen, source, known);
  }
}

function openSources(
  app: App,
  { runDir, manifest }: ShownRun,
  { sources }: Seen,
  { lane, worker }: { lane: string; worker: string },
): void {
  const { kind } = manifest.roster.find((entry) => entry.worker === worker) ?? manifest.writer ?? { kind: "" };
  for (const file of ["transcript.jsonl", ...(isAgentKind(kind) ? [] : ["transcript.log"])]) {
    const path = `${runDir}/workers/${lane}/${file}`;
    if (!sources.has(path)) sources.set(path, { lane, worker, file: new LineFile(app.store, path), isEntries: file.endsWith("l") });
  }
}

function note({ stretches }: Seen, source: Source, from: number): void {
  const to = source.file.lines;
  if (to <= from) return;
  const last = stretches.at(-1);
  if (last !== undefined && last.source === source && last.to === from) last.to = to;
  else stretches.push({ source, from, to });
}

async function readPage(seen: Seen, worker: string | null, after: number): Promise<Transcript> {
  const lines: Transcript["lines"][number][] = [];
  const stretches = seen.stretches.filter(({ source }) => worker === null || source.worker === worker);
  const total = stretches.reduce((sum, { from, to }) => sum + to - from, 0);
  let next = Math.min(after, total);
  let start = 0;
  let chars = 0;
  for (const { source, from, to } of stretches) {
    const length = to - from;
    if (next < start + length && lines.length < PAGE_LINES && chars < PAGE_CHARS) {
      const first = from + next - start;
      let number = first;
      for await (const line of source.file.read(first, Math.min(to, first + PAGE_LINES - lines.length))) {
        lines.push({ lane: source.lane, worker: source.worker, ...readLine(source, line) });
        number += 1;
        chars += line.length;
        if (chars >= PAGE_CHARS) break;
      }
      const isFull = lines.length >= PAGE_LINES || chars >= PAGE_CHARS;
      // Lines of a file that is gone have numbers and no text.
      next = isFull ? next + number - first : start + length;
    }
    start += length;
  }
  return { lines, next, isEnd: seen.isOver && next >= total };
}

function readLine({ isEntries }: Source, line: string): Pick<Transcript["lines"][number], "at" | "kind" | "text"> {
  const entry = isEntries ? parseEntry(line) : null;
  return entry === null ? { at: null, kind: "output", text: line } : { at: entry.at, kind: entry.kind, text: entry.text };
}
