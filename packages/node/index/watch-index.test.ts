import { appendFileSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createWatchIndex } from "./watch-index.ts";

const LONG_MS = 10 * 60_000;
let home = "";
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), "okstra-watch-")));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

test("a change of a journal ends the wait, and so does one that came before it; the first makes the directory", async () => {
  const watch = createWatchIndex(home)();
  const { signal } = new AbortController();
  const path = join(home, "index", "sums.jsonl");
  const waiting = watch.wait(LONG_MS, signal);
  appendFileSync(path, "one\n");
  await waiting;
  appendFileSync(path, "two\n");
  await watch.wait(LONG_MS, signal);
  const again = watch.wait(LONG_MS, signal);
  writeFileSync(join(home, "index", "other.jsonl"), "");
  await again;
  watch.close();
  expect(existsSync(path)).toBe(true);
});

test("the signal ends the wait, and so does the time where nothing can be watched", async () => {
  const stop = new AbortController();
  const watch = createWatchIndex(home)();
  const waiting = watch.wait(LONG_MS, stop.signal);
  stop.abort();
  await waiting;
  await watch.wait(LONG_MS, stop.signal);
  watch.close();
  mkdirSync(join(home, "broken"));
  writeFileSync(join(home, "broken", "index"), "no directory");
  const blind = createWatchIndex(join(home, "broken", "index"))();
  await blind.wait(20, new AbortController().signal);
  blind.close();
  expect(existsSync(join(home, "broken", "index", "index"))).toBe(false);
});
