import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createStore } from "@okstra/node/store/store";
import { chooseEncoding, loadWebFiles } from "./web-files.ts";

let directory: string;
beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "okstra-web-")));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("the built page is read once, compressed; what is no file of a page is left out", async () => {
  mkdirSync(join(directory, "assets/deep"), { recursive: true });
  const script = "export const text = 'again and again and again';\n".repeat(50);
  writeFileSync(join(directory, "index.html"), "<!doctype html><p>hello</p>");
  writeFileSync(join(directory, "secret.js"), "no asset");
  writeFileSync(join(directory, "assets/main-ABCDEFG2.js"), script);
  writeFileSync(join(directory, "assets/early-settings.css"), "a{}");
  writeFileSync(join(directory, "assets/.hidden.js"), "x");
  writeFileSync(join(directory, "assets/notes.txt"), "x");
  symlinkSync("/etc/passwd", join(directory, "assets/link.js"));
  const files = await loadWebFiles(createStore(), directory);
  expect([...files.keys()].toSorted()).toEqual(["/", "/assets/early-settings.css", "/assets/main-ABCDEFG2.js"]);
  const main = files.get("/assets/main-ABCDEFG2.js")!;
  expect([main.type, main.isHashed]).toEqual(["text/javascript; charset=utf-8", true]);
  expect([brotliDecompressSync(main.br!), gunzipSync(main.gzip!)].map(String)).toEqual([script, script]);
  const small = files.get("/assets/early-settings.css")!;
  expect([small.isHashed, small.gzip, chooseEncoding(small, "gzip, br").encoding]).toEqual([false, null, small.br === null ? null : "br"]);
});

test("without a built page there is nothing", async () => {
  expect((await loadWebFiles(createStore(), join(directory, "none"))).size).toBe(0);
});
