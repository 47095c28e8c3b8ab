/** Proves that a machine that lacks something is told so at once, and that a ready tree is left alone. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

let directory = "";

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "okstra-bootstrap-"));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("without git the bootstrap names it, and the version it needs", () => {
  const { status, stderr } = bootstrap(directory);
  expect(stderr).toBe("missing: git 2.31 or newer is not on PATH; see https://git-scm.com\n");
  expect(status).toBe(1);
});

test("with an old git the bootstrap names both versions", () => {
  const git = join(directory, "git");
  writeFileSync(git, "#!/bin/sh\necho git version 2.30.9\n");
  chmodSync(git, 0o755);
  const { status, stderr } = bootstrap(directory);
  expect(stderr).toBe("missing: git 2.31 or newer (this is 2.30.9); see https://git-scm.com\n");
  expect(status).toBe(1);
});

test("a ready tree is left as it is, without a word", () => {
  const installed = join(ROOT, "node_modules/.package-lock.json");
  const before = statSync(installed).mtimeMs;
  const { status, stderr } = bootstrap(process.env["PATH"] ?? "", "{ build: false }");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(statSync(installed).mtimeMs).toBe(before);
});

test("packages count as installed only in the versions of the lock", () => {
  const entry = { version: "1.0.0", integrity: "sha512-a" };
  const other = { ...entry, optional: true, os: ["none"], cpu: ["none"] };
  const wanted = { "": {}, "packages/a": {}, "node_modules/a": entry, "node_modules/b": other };
  write("package-lock.json", wanted);
  expect(isInstalled()).toBe(false);
  write("node_modules/.package-lock.json", { "node_modules/a": entry });
  expect(isInstalled()).toBe(true);
  write("node_modules/.package-lock.json", { "node_modules/a": { ...entry, version: "1.0.1" } });
  expect(isInstalled()).toBe(false);
  write("node_modules/.package-lock.json", {});
  expect(isInstalled()).toBe(false);
});

function bootstrap(path: string, options = "{}"): { status: number | null; stderr: string } {
  return runModule(`(await import(${JSON.stringify(join(ROOT, "scripts/bootstrap.mjs"))})).bootstrap(${options})`, path);
}

function isInstalled(): boolean {
  const module = JSON.stringify(join(ROOT, "scripts/bootstrap.mjs"));
  return runModule(`console.log((await import(${module})).isInstalled(${JSON.stringify(directory)}))`, "").stdout === "true\n";
}

function runModule(code: string, path: string): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8", env: { ...process.env, PATH: path } });
}

function write(path: string, packages: Record<string, unknown>): void {
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), JSON.stringify({ packages }));
}
