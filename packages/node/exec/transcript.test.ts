import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTranscript, LINE_MAX_BYTES, TRANSCRIPT_MAX_BYTES } from "./transcript.ts";

const SECRET = `secret-${"k9Zq".repeat(62)}`.slice(0, 256);
const redact = (text: string): string => text.replaceAll(SECRET, "[redacted]");

let directory: string;
let path: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "okstra-transcript-"));
  path = join(directory, "transcript.log");
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function unexpected(error: Error): void {
  throw error;
}

test("lines of two streams never run into each other, and are there before the end", () => {
  const transcript = createTranscript(path, redact, unexpected);
  const out = transcript.openStream();
  const error = transcript.openStream();
  out.add(Buffer.from("first "));
  error.add(Buffer.from("warning\n"));
  out.add(Buffer.from("line\nno newline"));
  expect(readFileSync(path, "utf8")).toBe("warning\nfirst line\n");
  transcript.finish();
  transcript.finish();
  expect(readFileSync(path, "utf8")).toBe("warning\nfirst line\nno newline\n");
});

test("case 55: a secret of 256 characters is redacted wherever a long line is cut and however it comes", () => {
  fc.assert(
    fc.property(fc.integer({ min: -600, max: 600 }), fc.integer({ min: 1, max: 70_000 }), (offset, chunkSize) => {
      const line = Buffer.from(`${"a".repeat(LINE_MAX_BYTES + offset)}${SECRET}${"b".repeat(LINE_MAX_BYTES)}`);
      const transcript = createTranscript(path, redact, unexpected);
      const stream = transcript.openStream();
      for (let at = 0; at < line.length; at += chunkSize < 1000 ? 1000 + chunkSize : chunkSize) {
        stream.add(line.subarray(at, at + (chunkSize < 1000 ? 1000 + chunkSize : chunkSize)));
      }
      transcript.finish();
      const text = readFileSync(path, "utf8");
      expect(text).toContain("[redacted]");
      expect(text).not.toMatch(/secret|k9Zq/u);
      expect(text.replaceAll("\n", "")).toBe(line.toString().replace(SECRET, "[redacted]"));
    }),
    { numRuns: 100 },
  );
});

test("case 37: the file is bounded also when redaction and replacement make the text longer", () => {
  const transcript = createTranscript(path, (text) => text.replaceAll("s", "[redacted]"), unexpected);
  const stream = transcript.openStream();
  const chunk = Buffer.concat([Buffer.alloc(1000, 0xff), Buffer.from("s".repeat(1000)), Buffer.from("\n")]);
  for (let round = 0; round < 20_000; round += 1) stream.add(chunk);
  stream.add(Buffer.from("the end"));
  transcript.finish();
  expect(statSync(path).size).toBeLessThanOrEqual(TRANSCRIPT_MAX_BYTES);
  const text = readFileSync(path, "utf8");
  expect(text.endsWith("\nthe end\n")).toBe(true);
  expect(text.match(/^\[okstra: \d+ bytes left out here\]$/gmu)).toHaveLength(1);
});

test("a place that cannot be written is named", () => {
  expect(() => createTranscript(join(directory, "absent", "x.log"), redact, unexpected)).toThrow(
    expect.objectContaining({ code: "OKSTRA_IO_FAILED" }),
  );
  mkdirSync(join(directory, "a-directory"));
  expect(() => createTranscript(join(directory, "a-directory"), redact, unexpected)).toThrow(
    expect.objectContaining({ code: "OKSTRA_IO_FAILED" }),
  );
});
