import type { Store } from "@okstra/core/ports";

const PART_BYTES = 256 * 1024;
/** Where every so many-th line begins is remembered. */
const MARK_EVERY = 250;
/** Of a longer line the beginning is told. */
const MAX_LINE_BYTES = 128 * 1024;

/** Lines of a growing file by their numbers, from 0 on. What is kept is where some of them begin, never their text. */
export class LineFile {
  readonly #store: Pick<Store, "readPart">;
  readonly #path: string;
  #identity: string | null = null;
  /** Bytes that were counted, and where the line begins whose end was not seen yet. */
  #counted = 0;
  #lineStart = 0;
  #marks: number[] = [0];
  #lines = 0;
  #hasTail = false;

  constructor(store: Pick<Store, "readPart">, path: string) {
    this.#store = store;
    this.#path = path;
  }

  /** Lines that are known, the last one without its end among them once nothing follows. */
  get lines(): number {
    return this.#lines + (this.#hasTail ? 1 : 0);
  }

  /**
   * Counts what came since.
   * @param atEnd nothing follows: a last line without its end counts as well
   * @returns false when another file is there than before
   */
  async look(atEnd: boolean): Promise<boolean> {
    for (;;) {
      const part = await this.#store.readPart(this.#path, this.#counted, PART_BYTES);
      if (part === null) return this.#identity === null;
      if (this.#identity !== null && (part.identity !== this.#identity || part.size < this.#counted)) return false;
      this.#identity = part.identity;
      for (let at = part.bytes.indexOf(10); at >= 0; at = part.bytes.indexOf(10, at + 1)) {
        this.#lines += 1;
        this.#lineStart = this.#counted + at + 1;
        if (this.#lines % MARK_EVERY === 0) this.#marks.push(this.#lineStart);
      }
      this.#counted += part.bytes.length;
      this.#hasTail = atEnd && this.#lineStart < this.#counted;
      if (part.bytes.length === 0 || this.#counted >= part.size) return true;
    }
  }

  /** Lines `from` up to `to` (not with it), as far as they are still there. */
  async *read(from: number, to: number): AsyncGenerator<string> {
    const mark = Math.min(Math.floor(from / MARK_EVERY), this.#marks.length - 1);
    let number = mark * MARK_EVERY;
    let offset = this.#marks[mark] ?? 0;
    let kept: Uint8Array = new Uint8Array();
    while (number < to && offset < this.#counted) {
      const part = await this.#store.readPart(this.#path, offset, Math.min(PART_BYTES, this.#counted - offset));
      if (part === null || part.identity !== this.#identity || part.bytes.length === 0) return;
      offset += part.bytes.length;
      let start = 0;
      for (let end = part.bytes.indexOf(10); end >= 0 && number < to; end = part.bytes.indexOf(10, start)) {
        const line = extend(kept, part.bytes.subarray(start, end));
        kept = new Uint8Array();
        start = end + 1;
        if (number >= from) yield decode(line);
        number += 1;
      }
      if (number < to) kept = extend(kept, part.bytes.subarray(start));
    }
    if (number < to && number >= from && kept.length > 0) yield decode(kept);
  }
}

function extend(one: Uint8Array, other: Uint8Array): Uint8Array {
  const room = Math.max(0, MAX_LINE_BYTES - one.length);
  const both = new Uint8Array(one.length + Math.min(room, other.length));
  both.set(one);
  both.set(other.subarray(0, room), one.length);
  return both;
}

function decode(bytes: Uint8Array): string {
  const isCut = bytes.length >= MAX_LINE_BYTES;
  return `${new TextDecoder().decode(bytes).replace(/\r$/, "")}${isCut ? " …" : ""}`;
}
