import { closeSync, fchmodSync, openSync, rmSync, writeSync } from "node:fs";
import type { OkstraError } from "@okstra/core/errors";
import { asIoError } from "../io-error.ts";
import { leftOutLine } from "./bounded-capture.ts";
import { CUT_MARGIN, findSafeCut, redactLines, type Redact } from "./safe-cut.ts";

/** Largest transcript file in bytes, the line about what was left out included. */
export const TRANSCRIPT_MAX_BYTES = 4 * 1024 * 1024;
/** A longer line is cut into pieces of at most this many bytes. */
export const LINE_MAX_BYTES = 64 * 1024;

const MARK_BYTES = 128;
const SEGMENT_BYTES = 128 * 1024;
const NEWLINE = Buffer.from("\n");

interface TranscriptStream {
  add(chunk: Buffer): void;
}

/**
 * The file of a worker's output: both streams by whole lines in the order in which they came, redacted. The first
 * 2 MiB are in the file as soon as their line is complete; of the rest the last 2 MiB are kept in memory and
 * written by `finish`, after a line that says how much was left out.
 * Control characters are kept as they came: whoever shows a transcript makes them neutral.
 */
export interface Transcript {
  /** One for each stream of the worker: lines of two streams never run into each other. */
  openStream(): TranscriptStream;
  /** Writes what is left and closes the file. Later calls do nothing. @throws OKSTRA_DISK_FULL, OKSTRA_IO_FAILED */
  finish(): void;
}

/**
 * Creates the file anew with mode 0600; one of an earlier attempt, or whatever else stands there, is unlinked,
 * never followed.
 * @param maxBytes bound of the file; half of it may be in memory
 * @param onFailure called once if the file can no longer be written; `finish` throws the same error
 * @throws OKSTRA_DISK_FULL, OKSTRA_IO_FAILED
 */
export function createTranscript(
  path: string,
  redact: Redact,
  onFailure: (error: OkstraError) => void,
  maxBytes = TRANSCRIPT_MAX_BYTES,
): Transcript {
  const half = maxBytes / 2;
  let fd: number | null = openNew(path);
  let failure: OkstraError | null = null;
  let headBytes = 0;
  let tail: Tail | null = null;
  const flushes: (() => void)[] = [];

  const write = (bytes: Buffer): void => {
    if (fd === null || failure !== null) return;
    try {
      for (let offset = 0; offset < bytes.length;) offset += writeSync(fd, bytes, offset);
    } catch (error) {
      failure = asIoError(error, path);
      onFailure(failure);
    }
  };
  const keep = (block: Buffer): void => {
    if (tail === null) {
      const redacted = redactBlock(block, redact);
      if (headBytes + redacted.length <= half) {
        headBytes += redacted.length;
        write(redacted);
        return;
      }
      tail = createTail(half);
    }
    tail.add(block);
  };

  return {
    openStream() {
      const lines = createLineBlocks(redact, keep);
      flushes.push(lines.flush);
      return lines;
    },
    finish() {
      if (fd === null) return;
      for (const flush of flushes) flush();
      if (tail !== null) {
        const { blocks, leftOutBytes } = tail.finish(redact);
        if (leftOutBytes > 0) write(Buffer.from(`${leftOutLine(leftOutBytes)}\n`));
        for (const block of blocks) write(block);
      }
      closeSync(fd);
      fd = null;
      if (failure !== null) throw failure;
    },
  };
}

function openNew(path: string): number {
  try {
    rmSync(path, { force: true });
    const fd = openSync(path, "wx", 0o600);
    fchmodSync(fd, 0o600);
    return fd;
  } catch (error) {
    throw asIoError(error, path);
  }
}

/** Gathers chunks into blocks of whole lines; holds back at most one piece of an unfinished line. */
function createLineBlocks(redact: Redact, emit: (block: Buffer) => void): TranscriptStream & { flush(): void } {
  let carry: Buffer = Buffer.alloc(0);
  return {
    add(chunk) {
      let rest = carry.length === 0 ? chunk : Buffer.concat([carry, chunk]);
      const linesEnd = rest.lastIndexOf(NEWLINE) + 1;
      if (linesEnd > 0) emit(rest.subarray(0, linesEnd));
      rest = rest.subarray(linesEnd);
      while (rest.length > LINE_MAX_BYTES + CUT_MARGIN) {
        const { end, resume } = findSafeCut(rest, LINE_MAX_BYTES, "back", redact);
        const mark = resume > end ? Buffer.from(`\n${leftOutLine(resume - end)}\n`) : NEWLINE;
        emit(Buffer.concat([rest.subarray(0, end), mark]));
        rest = rest.subarray(resume);
      }
      // A copy, so that a few bytes do not keep a whole chunk in memory.
      carry = Buffer.from(rest);
    },
    flush() {
      if (carry.length > 0) emit(Buffer.concat([carry, NEWLINE]));
      carry = Buffer.alloc(0);
    },
  };
}

interface Tail {
  add(block: Buffer): void;
  finish(redact: Redact): { blocks: Buffer[]; leftOutBytes: number };
}

/** The last blocks up to half a transcript. Small blocks share a segment, so that a byte does not cost an object. */
function createTail(half: number): Tail {
  let segments: Buffer[] = [];
  let open = Buffer.allocUnsafe(SEGMENT_BYTES);
  let used = 0;
  let keptBytes = 0;
  let leftOutBytes = 0;

  const closeSegment = (): void => {
    // What is cut off a segment would stay in memory with it.
    if (used > 0) segments.push(used < open.length * 0.9 ? Buffer.from(open.subarray(0, used)) : open.subarray(0, used));
    used = 0;
  };
  return {
    add(block) {
      if (used + block.length > open.length) {
        closeSegment();
        open = Buffer.allocUnsafe(Math.max(SEGMENT_BYTES, block.length));
      }
      block.copy(open, used);
      used += block.length;
      keptBytes += block.length;
      while (keptBytes > half) {
        const oldest = segments.shift();
        if (oldest === undefined) break;
        keptBytes -= oldest.length;
        leftOutBytes += oldest.length;
      }
    },
    finish(redact) {
      closeSegment();
      // Redaction and replacement characters change lengths: from the newest back, as much as there is room for.
      const blocks: Buffer[] = [];
      let room = half - MARK_BYTES;
      for (const segment of segments.reverse()) {
        const redacted = room > 0 ? redactBlock(segment, redact) : null;
        if (redacted !== null && redacted.length <= room) {
          blocks.unshift(redacted);
          room -= redacted.length;
        } else {
          room = 0;
          leftOutBytes += segment.length;
        }
      }
      segments = [];
      return { blocks, leftOutBytes };
    },
  };
}

function redactBlock(block: Buffer, redact: Redact): Buffer {
  return Buffer.from(redactLines(block.toString("utf8"), redact), "utf8");
}
