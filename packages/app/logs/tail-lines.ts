import type { App } from "../app.ts";

/** Read at once; memory is bounded by it, however big the file is. */
const PART_BYTES = 256 * 1024;
/** A line that is longer is told in parts. Whole lines of okstra's own files are shorter. */
const MAX_LINE_BYTES = 128 * 1024;

/** Reads a growing file of lines on from where it was read before; one that was replaced, from its beginning. */
export class LineTail {
  readonly #store: App["store"];
  readonly #path: string;
  #identity: string | null = null;
  #offset = 0;
  /** Bytes of a line whose end was not there yet. */
  #rest: Uint8Array = new Uint8Array();

  /** @param from what of the file is passed over, as long as it is the same file; absent: nothing */
  constructor(app: Pick<App, "store">, path: string, from?: { readonly identity: string; readonly offset: number }) {
    this.#store = app.store;
    this.#path = path;
    this.#identity = from?.identity ?? null;
    this.#offset = from?.offset ?? 0;
  }

  /** Whole lines that were not read yet. @param atEnd nothing follows: takes the last line without its end as well */
  async *read(atEnd: boolean): AsyncGenerator<string> {
    for (;;) {
      const part = await this.#store.readPart(this.#path, this.#offset, PART_BYTES);
      if (part === null) return;
      if (this.#offset > 0 && (part.identity !== this.#identity || part.size < this.#offset)) {
        this.#offset = 0;
        this.#rest = new Uint8Array();
        continue;
      }
      this.#identity = part.identity;
      this.#offset += part.bytes.length;
      const isLast = part.bytes.length === 0 || this.#offset >= part.size;
      const { lines, rest } = splitLines(concat(this.#rest, part.bytes), atEnd && isLast);
      this.#rest = rest;
      yield* lines;
      if (isLast) return;
    }
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
  // A copy, so that a few bytes do not keep a whole part in memory.
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
