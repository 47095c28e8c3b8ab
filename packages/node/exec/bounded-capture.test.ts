import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createBoundedCapture } from "./bounded-capture.ts";

const SECRET = `secret-${"k9Zq".repeat(8)}`;
const redact = (text: string): string => text.replaceAll(SECRET, "[redacted]");

function capture(limit: number, chunks: readonly Buffer[]): { text: string; totalBytes: number; truncated: boolean } {
  const bounded = createBoundedCapture(limit, redact);
  for (const chunk of chunks) bounded.add(chunk);
  return bounded.finish();
}

/** Bytes in chunks of the given sizes, over and over. */
function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

test("what fits is kept whole", () => {
  expect(capture(10, [Buffer.from("12345"), Buffer.from("67890")])).toEqual({ text: "1234567890", totalBytes: 10, truncated: false });
  expect(capture(10, [])).toEqual({ text: "", totalBytes: 0, truncated: false });
});

test("of what does not fit the halves are kept, with one line for the rest", () => {
  const lines = Buffer.from(Array.from({ length: 10_000 }, (_, index) => `line ${String(index).padStart(5, "0")}\n`).join(""));
  const { text, totalBytes, truncated } = capture(4400, cut(lines, [1000]));
  expect({ totalBytes, truncated }).toEqual({ totalBytes: 110_000, truncated: true });
  expect(text.startsWith("line 00000\n")).toBe(true);
  expect(text.endsWith("line 09999\n")).toBe(true);
  expect(text).toContain("line 00199\n[okstra: 105600 bytes left out here]\nline 09800\n");
});

test("a character is never cut", () => {
  const text = capture(5000, cut(Buffer.from("한글".repeat(10_000)), [7, 4096])).text;
  expect(text).not.toContain("\ufffd");
  expect(text).toMatch(/^[한글]+\n\[okstra: \d+ bytes left out here\]\n[한글]+$/u);
});

test("case 55: no part of a secret is seen, however the stream is cut and wherever the middle is left out", () => {
  const piece = fc.oneof(
    fc.constant(SECRET),
    fc.string({ unit: "grapheme", maxLength: 200 }),
    fc.constant("\n"),
    fc.constant("x".repeat(300)),
  );
  fc.assert(
    fc.property(
      fc.array(piece, { minLength: 1, maxLength: 60 }),
      fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 0, max: 6000 }),
      (pieces, sizes, limit) => {
        const bytes = Buffer.from(pieces.join(""));
        const { text, totalBytes, truncated } = capture(limit, cut(bytes, sizes));
        expect(totalBytes).toBe(bytes.length);
        expect(truncated).toBe(bytes.length > limit);
        for (let at = 0; at + 8 <= SECRET.length; at += 1) expect(text).not.toContain(SECRET.slice(at, at + 8));
        // A "[redacted]" is shorter than the secret, so redaction cannot lengthen it; the line costs at most 50.
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(limit + 50);
      },
    ),
    { numRuns: 500 },
  );
});
