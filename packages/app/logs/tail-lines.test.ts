import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTestHome, type TestHome } from "@okstra/testkit/test-home";
import { openApp } from "@okstra/testkit/open-app";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { App } from "../app.ts";
import { LineTail } from "./tail-lines.ts";

let home: TestHome;
let app: App;
let path: string;
beforeEach(async () => {
  home = createTestHome();
  app = await openApp({ env: home.env, cwd: home.root, emit: () => undefined });
  path = join(home.directory("lane"), "transcript.log");
});
afterEach(() => home.remove());

async function read(tail: LineTail, atEnd = false): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of tail.read(atEnd)) lines.push(line);
  return lines;
}

test("a file is read on from where it was read before, whole lines only until its end", async () => {
  const tail = new LineTail(app, path);
  expect(await read(tail)).toEqual([]);
  writeFileSync(path, "one\r\ntwo\nthr");
  expect(await read(tail)).toEqual(["one", "two"]);
  expect(await read(tail)).toEqual([]);
  appendFileSync(path, "ee\n\nfour");
  expect(await read(tail)).toEqual(["three", ""]);
  expect(await read(tail, true)).toEqual(["four"]);
  expect(await read(tail, true)).toEqual([]);
});

test("a file that was replaced or cut is read from its beginning, and nothing of the old one is left", async () => {
  const tail = new LineTail(app, path);
  writeFileSync(path, "old\nunfinished");
  expect(await read(tail)).toEqual(["old"]);
  writeFileSync(`${path}.new`, "a new one that is longer\n");
  renameSync(`${path}.new`, path);
  expect(await read(tail)).toEqual(["a new one that is longer"]);
  rmSync(path);
  expect(await read(tail)).toEqual([]);
  writeFileSync(path, "third\n");
  expect(await read(tail)).toEqual(["third"]);
  writeFileSync(path, "x\n");
  expect(await read(tail)).toEqual(["x"]);
});

test("a link or a directory in its place is no transcript", async () => {
  symlinkSync("/etc/hostname", path);
  expect(await read(new LineTail(app, path), true)).toEqual([]);
  rmSync(path);
  mkdirSync(path);
  expect(await read(new LineTail(app, path), true)).toEqual([]);
});

test("bytes that are no UTF-8 are shown as such and hide no line", async () => {
  writeFileSync(path, Buffer.from([0xff, 0xfe, 10, 0x61, 10]));
  expect(await read(new LineTail(app, path))).toEqual(["\uFFFD\uFFFD", "a"]);
});

test("however a file grows, its lines are those that stand in it", async () => {
  const line = fc.string({ unit: "binary", maxLength: 40 }).filter((text) => !/[\r\n\uFEFF]/u.test(text));
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 12 }), fc.array(fc.nat(200), { maxLength: 8 }), async (lines, cuts) => {
      const bytes = Buffer.from(lines.map((each) => `${each}\n`).join(""));
      rmSync(path, { force: true });
      const tail = new LineTail(app, path);
      const found: string[] = [];
      let at = 0;
      for (const cut of [...cuts, bytes.length]) {
        appendFileSync(path, bytes.subarray(at, at + cut));
        at = Math.min(bytes.length, at + cut);
        found.push(...(await read(tail)));
      }
      expect(found).toEqual(lines.map((each) => each.toWellFormed()));
      expect(await read(tail, true)).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

test("8 MiB of one endless line, and of short ones, are read in pieces", async () => {
  const size = 8 * 1024 * 1024;
  writeFileSync(path, "é".repeat(size / 2));
  let parts = 0;
  let bytes = 0;
  for await (const line of new LineTail(app, path).read(true)) {
    parts += 1;
    bytes += Buffer.byteLength(line);
    expect(line.length).toBeLessThanOrEqual(384 * 1024);
  }
  expect([parts > 20, bytes]).toEqual([true, size]);

  writeFileSync(path, "0123456789abcde\n".repeat(size / 16));
  let lines = 0;
  for await (const line of new LineTail(app, path).read(true)) if (line === "0123456789abcde") lines += 1;
  expect(lines).toBe(size / 16);
});
