import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { openApp } from "@okstra/testkit/open-app";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LineTail } from "./tail-lines.ts";

let store: Awaited<ReturnType<typeof openApp>>["store"];
let directory: string;
let path: string;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "okstra-tail-"));
  ({ store } = await openApp({ env: { HOME: directory }, cwd: directory, emit: () => {} }));
  path = join(directory, "lines");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function read(tail: LineTail, atEnd = false): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of tail.read(atEnd)) lines.push(line);
  return lines;
}

test("lines are read once, whole, and the last one without its end when nothing follows", async () => {
  const tail = new LineTail({ store }, path);
  expect(await read(tail)).toEqual([]);
  writeFileSync(path, "a\r\nb\nc");
  expect(await read(tail)).toEqual(["a", "b"]);
  expect(await read(tail)).toEqual([]);
  appendFileSync(path, "c\n\nd");
  expect(await read(tail)).toEqual(["cc", ""]);
  expect(await read(tail, true)).toEqual(["d"]);
  expect(await read(tail, true)).toEqual([]);
});

test("a file that is replaced or cut is read from its beginning", async () => {
  const tail = new LineTail({ store }, path);
  writeFileSync(path, "first attempt\nand more");
  expect(await read(tail)).toEqual(["first attempt"]);
  rmSync(path);
  expect(await read(tail)).toEqual([]);
  writeFileSync(path, "second attempt is longer than the first\n");
  expect(await read(tail)).toEqual(["second attempt is longer than the first"]);
  truncateSync(path, 0);
  appendFileSync(path, "third\n");
  expect(await read(tail)).toEqual(["third"]);
});

test("what is no regular file has no lines", async () => {
  expect(await read(new LineTail({ store }, directory), true)).toEqual([]);
  expect(await read(new LineTail({ store }, join(path, "below")), true)).toEqual([]);
});

test("the lines are those of the text, however it comes and wherever a part is cut", async () => {
  const line = fc.oneof(
    fc.stringMatching(/^[a-z]{0,9}$/),
    fc.constantFrom("한국어", "e\u0301", "👍", "\u001B[31m"),
    fc.nat({ max: 100_000 }).map((length) => "x".repeat(length)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 12 }), fc.array(fc.nat({ max: 200_000 }), { maxLength: 6 }), async (lines, cuts) => {
      const bytes = Buffer.from(lines.map((each) => `${each}\n`).join(""));
      const places = [...cuts.filter((cut) => cut < bytes.length), bytes.length].sort((a, b) => a - b);
      rmSync(path, { force: true });
      const tail = new LineTail({ store }, path);
      const seen: string[] = [];
      let from = 0;
      for (const to of places) {
        appendFileSync(path, bytes.subarray(from, to));
        from = to;
        seen.push(...(await read(tail)));
      }
      seen.push(...(await read(tail, true)));
      expect(seen).toEqual(lines);
    }),
    { numRuns: 60 },
  );
});

test("case 37: a big file is read in small parts, and an endless line is told in pieces", async () => {
  let biggest = 0;
  const counting = {
    ...store,
    readPart: async (...given: Parameters<typeof store.readPart>) => {
      const part = await store.readPart(...given);
      biggest = Math.max(biggest, part?.bytes.length ?? 0);
      return part;
    },
  };
  writeFileSync(path, `${"y".repeat(5 * 1024 * 1024)}\n${"line\n".repeat(600_000)}`);
  const lengths = new Set<number>();
  let characters = 0;
  for await (const line of new LineTail({ store: counting }, path).read(true)) {
    lengths.add(line.length);
    characters += line.length;
  }
  expect(characters).toBe(5 * 1024 * 1024 + 4 * 600_000);
  expect(biggest).toBeLessThanOrEqual(256 * 1024);
  expect(Math.max(...lengths)).toBeLessThanOrEqual(512 * 1024);
});
