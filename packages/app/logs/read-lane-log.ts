import type { App } from "../app.ts";

/** One line of what a lane did. */
export interface LogLine {
  readonly lane: string;
  readonly worker: string;
  /** RFC 3339 UTC; null for what a program printed. */
  readonly at: string | null;
  /** Kind of a transcript's entry; `output` for what a program printed. */
  readonly kind: string;
  readonly text: string;
  readonly data?: unknown;
}

/** How far a lane's transcript was read. */
interface Place {
  readonly file: string;
  readonly identity: string;
  readonly offset: number;
  /** Bytes of a line whose end was not there yet. */
  readonly rest: Uint8Array;
}

const PART_BYTES = 256 * 1024;
/** A line that is longer is told in parts, so that memory is bounded. */
const MAX_LINE_BYTES = 128 * 1024;

/** Reads a lane's transcript on from where it was read before; one that a new attempt replaced from its beginning. */
export class LaneLogReader {
  readonly #app: Pick<App, "store">;
  readonly #laneDir: string;
  readonly #lane: string;
  readonly #worker: string;
  #place: Place | null = null;

  constructor(app: Pick<App, "store">, lane: { readonly laneDir: string; readonly lane: string; readonly worker: string }) {
    this.#app = app;
    this.#laneDir = lane.laneDir;
    this.#lane = lane.lane;
    this.#worker = lane.worker;
  }

  /** What is there and was not read yet. @param atEnd takes the last line without its end as well: nothing follows */
  async *read(atEnd: boolean): AsyncGenerator<LogLine> {
    for (;;) {
      const file = await this.#chooseFile();
      if (file === null) return;
      const from = this.#place?.file === file ? this.#place.offset : 0;
      const part = await this.#app.store.readPart(file, from, PART_BYTES);
      if (part === null) return;
      if (this.#place !== null && (this.#place.file !== file || this.#place.identity !== part.identity || part.size < from)) {
        this.#place = null;
        if (from > 0) continue;
      }
      const bytes = concat(this.#place?.rest ?? new Uint8Array(), part.bytes);
      const isLast = from + part.bytes.length >= part.size;
      const { lines, rest } = splitLines(bytes, atEnd && isLast);
      this.#place = { file, identity: part.identity, offset: from + part.bytes.length, rest };
      for (const line of lines) yield this.#describe(line, file.endsWith(".jsonl"));
      if (isLast) return;
    }
  }

  /** What okstra understood of an agent, where there is that; else what the program printed. */
  async #chooseFile(): Promise<string | null> {
    for (const name of ["transcript.jsonl", "transcript.log"])
      if (await this.#app.store.exists(`${this.#laneDir}/${name}`)) return `${this.#laneDir}/${name}`;
    return null;
  }

  #describe(line: string, isEntries: boolean): LogLine {
    const base = { lane: this.#lane, worker: this.#worker };
    const entry = isEntries ? parseEntry(line) : null;
    if (entry === null) return { ...base, at: null, kind: "output", text: line };
    return { ...base, at: entry.at, kind: entry.kind, text: entry.text, ...(entry.data === undefined ? {} : { data: entry.data }) };
  }
}

function parseEntry(line: string): { at: string; kind: string; text: string; data?: unknown } | null {
  try {
    const value = JSON.parse(line) as { at?: unknown; kind?: unknown; text?: unknown; data?: unknown } | null;
    if (typeof value?.at !== "string" || typeof value.kind !== "string" || typeof value.text !== "string") return null;
    return { at: value.at, kind: value.kind, text: value.text, data: value.data };
  } catch {
    return null;
  }
}

function splitLines(bytes: Uint8Array, takeRest: boolean): { lines: string[]; rest: Uint8Array } {
  const decoder = new TextDecoder();
  const lines: string[] = [];
  let start = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
    lines.push(decoder.decode(bytes.subarray(start, end)).replace(/\r$/, ""));
    start = end + 1;
  }
  const rest = bytes.slice(start);
  if (rest.length === 0 || (!takeRest && rest.length < MAX_LINE_BYTES)) return { lines, rest };
  lines.push(decoder.decode(rest));
  return { lines, rest: new Uint8Array() };
}

function concat(one: Uint8Array, other: Uint8Array): Uint8Array {
  if (one.length === 0) return other;
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}
