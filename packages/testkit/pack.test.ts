/** Proves the published package: packed from this tree, installed without a network or a cache, started. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const VERSION = (JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string }).version;
const MAX_PACKED_BYTES = 3 * 1024 * 1024;

let directory = "";
let project = "";
let tarball = "";
let packedPaths: string[] = [];

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "okstra-pack-"));
  project = join(directory, "project");
  mkdirSync(project);
  mkdirSync(join(directory, "home"));
  writeFileSync(join(project, "package.json"), "{}\n");
  const [packed] = JSON.parse(npm(ROOT, "pack", "--json", "--pack-destination", directory)) as [
    { filename: string; files: { path: string }[] },
  ];
  tarball = join(directory, packed.filename);
  packedPaths = packed.files.map(({ path }) => path);
  npm(project, "install", "--offline", tarball);
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("the tarball is small and holds only what was meant", () => {
  expect(statSync(tarball).size).toBeLessThan(MAX_PACKED_BYTES);
  const tracked = new Set(execFileSync("git", ["ls-files", "-co", "--exclude-standard"], { cwd: ROOT, encoding: "utf8" }).split("\n"));
  const surprising = packedPaths.filter((path) => !tracked.has(path) && !path.startsWith("dist/") && !path.startsWith("node_modules/"));
  expect(surprising).toEqual([]);
  expect(packedPaths.filter((path) => /\.(?:ts|tmp|map)$/u.test(path) && !path.startsWith("node_modules/"))).toEqual([]);
  expect(packedPaths).not.toContain("dist/meta.json");
  expect(packedPaths).toEqual(expect.arrayContaining(["LICENSE", "bin/okstra.js", "dist/main.mjs", "dist/NOTICES.txt", "package.json"]));
});

test("the installed package brings its native lock for Linux, macOS and Windows", () => {
  const prebuilds = readdirSync(join(project, "node_modules/okstra/node_modules/fs-native-extensions/prebuilds"));
  expect(prebuilds).toEqual(expect.arrayContaining(["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64", "win32-arm64", "win32-x64"]));
  const loaded = run(
    process.execPath,
    "-p",
    `typeof require(require.resolve("fs-native-extensions", { paths: ["node_modules/okstra/dist"] })).tryLock`,
  );
  expect(loaded).toBe("function\n");
});

test("the installed command answers its version and starts the bundle", () => {
  const okstra = join(project, "node_modules/.bin/okstra");
  expect(run(okstra, "--version")).toBe(`${VERSION}\n`);
  expect(JSON.parse(run(okstra, "paths", "--json"))).toMatchObject({ version: VERSION, runtime: join(project, "node_modules/okstra") });
});

test("the installed package sets a repository up and verifies it, offline and with an empty HOME", () => {
  const repository = join(directory, "repository");
  mkdirSync(join(repository, "test"), { recursive: true });
  writeFileSync(join(repository, "package.json"), `{ "type": "module", "scripts": { "test": "node --test" } }\n`);
  writeFileSync(join(repository, "test/truth.test.js"), `import { test } from "node:test";\ntest("holds", () => undefined);\n`);
  for (const args of [
    ["init", "--quiet"],
    ["add", "--all"],
    ["commit", "--quiet", "--message", "Begin"],
  ]) {
    execFileSync("git", args, { cwd: repository, stdio: "ignore" });
  }
  const okstra = (...args: string[]): { status: number | null; document: Record<string, unknown> } => {
    const env = { ...process.env, HOME: join(directory, "home"), OKSTRA_HOME: join(directory, "home/.okstra") };
    const { status, stdout } = spawnSync(join(project, "node_modules/.bin/okstra"), [...args, "--json"], {
      cwd: repository,
      env,
      encoding: "utf8",
    });
    return { status, document: JSON.parse(stdout) as Record<string, unknown> };
  };
  expect(okstra("setup", "--yes")).toMatchObject({ status: 0, document: { projectId: "repository" } });
  expect(okstra("verify")).toMatchObject({ status: 0, document: { verdict: "conditional-accept", valid: true, findings: { total: 0 } } });
  writeFileSync(
    join(repository, "test/truth.test.js"),
    `import { test } from "node:test";\ntest("holds", () => { throw new Error("not any more"); });\n`,
  );
  execFileSync("git", ["commit", "--quiet", "--all", "--message", "Break"], { cwd: repository, stdio: "ignore" });
  expect(okstra("verify")).toMatchObject({ status: 10, document: { verdict: "blocked", valid: true, findings: { total: 1 } } });
});

test("without its bundle the command says so in one line and ends with 70", () => {
  const lonely = join(directory, "lonely");
  mkdirSync(join(lonely, "bin"), { recursive: true });
  for (const path of ["package.json", "bin/okstra.js"]) writeFileSync(join(lonely, path), readFileSync(join(ROOT, path)));
  expect(existsSync(join(lonely, "dist"))).toBe(false);
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(lonely, "bin/okstra.js"), "paths"], { encoding: "utf8" });
  expect({ status, stdout, stderr }).toEqual({ status: 70, stdout: "", stderr: "okstra is not built; run: npm run build\n" });
});

/** npm with an empty cache and an empty HOME. */
function npm(cwd: string, ...args: string[]): string {
  return execFileSync("npm", [...args, "--cache", join(directory, "cache"), "--no-audit", "--no-fund", "--no-update-notifier"], {
    cwd,
    env: { ...process.env, HOME: join(directory, "home") },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { cwd: project, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
