import type { CapturedStream } from "@okstra/core/ports";
import { CUT_MARGIN, findSafeCut, redactLines, type Redact } from "./safe-cut.ts";

/** Keeps the first and the last half of a stream; memory is at most the limit plus a few KiB, whatever comes. */
export interface BoundedCapture {
  add(chunk: Buffer): void;
  /** What was kept as valid UTF-8, redacted, with one line in place of what was left out. */
  finish(): CapturedStream;
}

export function createBoundedCapture(limitBytes: number, redact: Redact): BoundedCapture {
  const half = Math.floor(limitBytes / 2);
  const head = createHead(half + CUT_MARGIN);
  const tail = createTail(half + CUT_MARGIN);
  let totalBytes = 0;

  return {
    add(chunk) {
      totalBytes += chunk.length;
      const taken = head.add(chunk);
      if (taken < chunk.length) tail.add(chunk.subarray(taken));
    },
    finish() {
      const first = head.bytes();
      const last = tail.bytes();
      if (totalBytes <= limitBytes) {
        return { text: redactLines(Buffer.concat([first, last]).toString("utf8"), redact), totalBytes, truncated: false };
      }
      // Where head and tail touch they are one text, and a cut must see across the seam.
      const isWhole = first.length + last.length === totalBytes;
      const whole = isWhole ? Buffer.concat([first, last]) : null;
      const headSource = whole ?? first;
      const tailSource = whole ?? last;
      const headEnd = findSafeCut(headSource, half, "back", redact).end;
      const tailStart = findSafeCut(tailSource, tailSource.length - half, "forward", redact).resume;
      const leftOut = totalBytes - headEnd - (tailSource.length - tailStart);
      const before = redactLines(headSource.toString("utf8", 0, headEnd), redact);
      const after = redactLines(tailSource.toString("utf8", tailStart), redact);
      return {
        text: `${before}${before === "" || before.endsWith("\n") ? "" : "\n"}${leftOutLine(leftOut)}\n${after}`,
        totalBytes,
        truncated: true,
      };
    },
  };
}

/** The line that stands for bytes that were not kept. */
export function leftOutLine(bytes: number): string {
  return `[okstra: ${bytes} bytes left out here]`;
}

/** The first `capacity` bytes; grows as they come. */
function createHead(capacity: number): { add(chunk: Buffer): number; bytes(): Buffer } {
  let store = Buffer.alloc(0);
  let length = 0;
  return {
    add(chunk) {
      const taken = Math.min(chunk.length, capacity - length);
      if (taken === 0) return 0;
      if (length + taken > store.length) {
        const grown = Buffer.allocUnsafe(Math.min(capacity, Math.max(length + taken, store.length * 2)));
        store.copy(grown, 0, 0, length);
        store = grown;
      }
      chunk.copy(store, length, 0, taken);
      length += taken;
      return taken;
    },
    bytes: () => store.subarray(0, length),
  };
}

/** The last `capacity` bytes of what it is given, in a ring that is allocated when the first byte comes. */
function createTail(capacity: number): { add(chunk: Buffer): void; bytes(): Buffer } {
  let ring: Buffer | null = null;
  let next = 0;
  let isFull = false;
  return {
    add(chunk) {
      ring ??= Buffer.allocUnsafe(capacity);
      const part = chunk.length > capacity ? chunk.subarray(chunk.length - capacity) : chunk;
      const toEnd = Math.min(part.length, capacity - next);
      part.copy(ring, next, 0, toEnd);
      part.copy(ring, 0, toEnd);
      if (next + part.length >= capacity) isFull = true;
      next = (next + part.length) % capacity;
    },
    bytes() {
      if (ring === null) return Buffer.alloc(0);
      return isFull ? Buffer.concat([ring.subarray(next), ring.subarray(0, next)]) : ring.subarray(0, next);
    },
  };
}
