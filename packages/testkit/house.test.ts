/** Proves the rules of the house: a small tree keeps them all, and one planted violation breaks just the rule it should. */
import { execFile, execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PACKAGES = ["core", "node", "workers", "app", "cli", "testkit"];
const CONFIGURATION = [
  ".dependency-cruiser.cjs",
  ".oxlintrc.json",
  ".oxfmtrc.json",
  ".secretlintrc.json",
  "knip.json",
  "tsconfig.json",
  "tsconfig.base.json",
  "packages/core/tsconfig.json",
];

/** The smallest product: each layer has a file, and main.ts reaches them all. */
const GREEN: Readonly<Record<string, string>> = {
  "packages/core/rule.ts": `import { z } from "zod";\n\nexport const ruleSchema = z.string();\n`,
  "packages/node/exec/start.ts": `import { spawn } from "node:child_process";\n\nexport function start(program: string): void {\n  spawn(program);\n}\n`,
  "packages/node/store/load.ts": `import { readFileSync } from "node:fs";\nimport { ruleSchema } from "@okstra/core/rule";\n\nexport function load(path: string): string {\n  return ruleSchema.parse(readFileSync(path, "utf8"));\n}\n`,
  "packages/workers/worker.ts": `import { ruleSchema } from "@okstra/core/rule";\n\nexport function work(text: string): string {\n  return ruleSchema.parse(text);\n}\n`,
  "packages/app/use.ts": `import { ruleSchema } from "@okstra/core/rule";\n\nexport function use(text: string): string {\n  return ruleSchema.parse(text);\n}\n`,
  "packages/cli/ui.ts": `export function print(text: string): void {\n  process.stdout.write(text);\n}\n`,
  "packages/cli/main.ts": `import { use } from "@okstra/app/use";\nimport { start } from "@okstra/node/exec/start";\nimport { load } from "@okstra/node/store/load";\nimport { work } from "@okstra/workers/worker";\nimport { print } from "./ui.ts";\n\nexport function main(): void {\n  start("git");\n  print(use(work(load("file"))));\n}\n`,
  "packages/testkit/twin.ts": `export const twin = 2;\n`,
  "packages/app/use.test.ts": `import { twin } from "@okstra/testkit/twin";\nimport { expect, test } from "vitest";\nimport { use } from "./use.ts";\n\ntest("uses", () => {\n  expect(use(String(twin))).toBe("2");\n});\n`,
  "bin/okstra.js": `"use strict";\nprocess.stdout.write("1.0.0\\n");\n`,
};

const DEPENDENCIES: Readonly<Record<string, Record<string, string>>> = {
  core: { zod: "*" },
  node: { "@okstra/core": "*" },
  workers: { "@okstra/core": "*" },
  app: { "@okstra/core": "*" },
  cli: { "@okstra/app": "*", "@okstra/node": "*", "@okstra/workers": "*" },
  testkit: {},
};

let base = "";
let green = "";

/** Packages from npm are found in the folder above the trees, the tree's own packages in the tree. */
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "okstra-house-"));
  symlinkSync(join(ROOT, "node_modules"), join(base, "node_modules"));
  green = join(base, "green");
  for (const path of CONFIGURATION) copyInto(green, path);
  const root = {
    name: "okstra",
    version: "1.0.0",
    private: true,
    bin: { okstra: "bin/okstra.js" },
    workspaces: ["packages/*"],
    devDependencies: { vitest: "*" },
  };
  write(green, "package.json", `${JSON.stringify(root, null, 2)}\n`);
  for (const name of PACKAGES) {
    const about = {
      name: `@okstra/${name}`,
      private: true,
      type: "module",
      exports: { "./*": "./*.ts" },
      dependencies: DEPENDENCIES[name],
    };
    write(green, `packages/${name}/package.json`, `${JSON.stringify(about, null, 2)}\n`);
  }
  for (const [path, text] of Object.entries(GREEN)) write(green, path, text);
});

afterAll(() => rmSync(base, { recursive: true, force: true }));

const LAYERED = ["types", "types-core", "layers", "lint", "stdout", "names", "unused", "unused-strict", "secrets", "budget"];

test("a tree that keeps the rules passes them all", async () => {
  const { status, output } = await check(plant({}), LAYERED);
  expect(output).toContain(`all ${LAYERED.length} rules hold`);
  expect(status).toBe(0);
});

interface Violation {
  readonly rule: string;
  readonly title: string;
  readonly files: Readonly<Record<string, string>>;
  /** What the rule must say. */
  readonly says: string;
}

const TOKEN = ["ghp", "1234567890abcdefghijABCDEFGHIJ123456"].join("_");

const VIOLATIONS: readonly Violation[] = [
  {
    rule: "types",
    title: "an index that may be missing",
    files: { "packages/app/a.ts": `export const first: string = ["a"][0];\n` },
    says: "packages/app/a.ts(1",
  },
  {
    rule: "types-core",
    title: "core names process",
    files: { "packages/core/a.ts": `export const here = process.cwd();\n` },
    says: "'process'",
  },
  { rule: "types-core", title: "core names console", files: { "packages/core/a.ts": `console.log("here");\n` }, says: "'console'" },
  {
    rule: "types-core",
    title: "core imports node:path",
    files: { "packages/core/a.ts": `import { join } from "node:path";\n\nexport const path = join("a");\n` },
    says: "node:path",
  },
  {
    rule: "layers",
    title: "core imports a package other than zod",
    files: { "packages/core/a.ts": `import fc from "fast-check";\n\nexport const any = fc;\n` },
    says: "core-only-zod",
  },
  {
    rule: "layers",
    title: "core imports node:path",
    files: { "packages/core/a.ts": `import { join } from "node:path";\n\nexport const path = join("a");\n` },
    says: "core-only-zod",
  },
  {
    rule: "layers",
    title: "core looks at app, for a type only",
    files: { "packages/core/a.ts": `import type { use } from "@okstra/app/use";\n\nexport type Use = typeof use;\n` },
    says: "core-layer",
  },
  {
    rule: "layers",
    title: "node looks at workers",
    files: { "packages/node/a.ts": `export { work } from "@okstra/workers/worker";\n` },
    says: "node-layer",
  },
  {
    rule: "layers",
    title: "workers look at node",
    files: { "packages/workers/a.ts": `export { load } from "@okstra/node/store/load";\n` },
    says: "workers-layer",
  },
  {
    rule: "layers",
    title: "workers import a builtin",
    files: { "packages/workers/a.ts": `export { join } from "node:path";\n` },
    says: "no-builtins-inside",
  },
  {
    rule: "layers",
    title: "app looks at node",
    files: { "packages/app/a.ts": `export { load } from "@okstra/node/store/load";\n` },
    says: "app-layer",
  },
  {
    rule: "layers",
    title: "app looks at workers by a dynamic import",
    files: { "packages/app/a.ts": `export const work = () => import("@okstra/workers/worker");\n` },
    says: "app-layer",
  },
  {
    rule: "layers",
    title: "app looks at cli",
    files: { "packages/app/a.ts": `export { print } from "@okstra/cli/ui";\n` },
    says: "app-layer",
  },
  {
    rule: "layers",
    title: "app's test looks at node",
    files: { "packages/app/a.test.ts": `import { load } from "@okstra/node/store/load";\n\nload("a");\n` },
    says: "app-test-layer",
  },
  {
    rule: "layers",
    title: "a command wires node by itself",
    files: { "packages/cli/commands/a.ts": `export { load } from "@okstra/node/store/load";\n` },
    says: "cli-layer",
  },
  {
    rule: "layers",
    title: "an MCP tool wires workers by itself",
    files: { "packages/mcp/tools/a.ts": `export { work } from "@okstra/workers/worker";\n` },
    says: "mcp-layer",
  },
  {
    rule: "layers",
    title: "a command other than mcp starts the MCP server",
    files: {
      "packages/mcp/serve.ts": `export const serve = 1;\n`,
      "packages/cli/commands/a.ts": `export { serve } from "@okstra/mcp/serve";\n`,
    },
    says: "cli-layer",
  },
  {
    rule: "layers",
    title: "the mcp command wires node by itself",
    files: { "packages/cli/commands/mcp/a.ts": `export { load } from "@okstra/node/store/load";\n` },
    says: "cli-mcp-layer",
  },
  {
    rule: "types-web",
    title: "the dashboard's page names process",
    files: {
      "packages/web/tsconfig.json": `{ "extends": "../../tsconfig.base.json", "compilerOptions": { "lib": ["ES2023", "DOM"], "types": [] } }\n`,
      "packages/web/main.ts": `console.log(document.title, process.pid);\n`,
    },
    says: "'process'",
  },
  {
    rule: "layers",
    title: "the dashboard's page reads files",
    files: { "packages/web/a.ts": `export { readFileSync } from "node:fs";\n` },
    says: "no-builtins-inside",
  },
  {
    rule: "layers",
    title: "the dashboard's page knows the server",
    files: {
      "packages/web/a.ts": `export { b } from "@okstra/server/b";\n`,
      "packages/server/package.json": manifest("server", {}),
      "packages/server/b.ts": `export const b = 1;\n`,
    },
    says: "web-layer",
  },
  {
    rule: "layers",
    title: "a command other than dashboard starts the dashboard's server",
    files: {
      "packages/cli/commands/other.ts": `export { b } from "@okstra/server/b";\n`,
      "packages/server/package.json": manifest("server", {}),
      "packages/server/b.ts": `export const b = 1;\n`,
    },
    says: "cli-layer",
  },
  {
    rule: "layers",
    title: "the server wires node by itself",
    files: { "packages/server/a.ts": `export { load } from "@okstra/node/store/load";\n` },
    says: "server-layer",
  },
  {
    rule: "layers",
    title: "the product uses the testkit",
    files: { "packages/node/a.ts": `export { twin } from "@okstra/testkit/twin";\n` },
    says: "only-tests-use-testkit",
  },
  {
    rule: "layers",
    title: "a cycle",
    files: {
      "packages/core/a.ts": `export { b } from "./b.ts";\n`,
      "packages/core/b.ts": `export { a } from "./a.ts";\nexport const b = 1;\n`,
    },
    says: "no-cycles",
  },
  {
    rule: "layers",
    title: "a relative import of another package",
    files: { "packages/app/a.ts": `export { ruleSchema } from "../core/rule.ts";\n` },
    says: "no-relative-import-across-packages",
  },
  {
    rule: "layers",
    title: "an import that resolves to nothing",
    files: { "packages/app/a.ts": `export { a } from "@okstra/core/absent";\n` },
    says: "no-unresolvable",
  },
  {
    rule: "layers",
    title: "a file that nothing reaches",
    files: { "packages/app/a.ts": `export const alone = 1;\n` },
    says: "no-unused-files: packages/app/a.ts",
  },
  {
    rule: "layers",
    title: "child_process outside node/exec, by a dynamic import",
    files: { "packages/node/a.ts": `export const start = () => import("node:child_process");\n` },
    says: "processes-only-in-exec",
  },
  {
    rule: "layers",
    title: "the file system outside node",
    files: { "packages/cli/a.ts": `export { writeFile } from "node:fs/promises";\n` },
    says: "files-only-in-node",
  },
  {
    rule: "lint",
    title: "child_process outside node/exec",
    files: { "packages/node/store/a.ts": `import { spawn } from "node:child_process";\n\nexport const start = spawn;\n` },
    says: "'node:child_process' import is restricted",
  },
  {
    rule: "lint",
    title: "the file system outside node",
    files: { "packages/cli/a.ts": `import { writeFileSync } from "node:fs";\n\nexport const write = writeFileSync;\n` },
    says: "'node:fs' import is restricted",
  },
  { rule: "lint", title: "console", files: { "packages/node/a.ts": `console.log("here");\n` }, says: "no-console" },
  {
    rule: "lint",
    title: "a test without an assertion",
    files: { "packages/core/a.test.ts": `import { test } from "vitest";\n\ntest("nothing", () => {});\n` },
    says: "expect-expect",
  },
  {
    rule: "stdout",
    title: "process.stdout outside the ui",
    files: { "packages/app/a.ts": `process.stdout.write("here");\n` },
    says: "packages/app/a.ts: writes standard output",
  },
  {
    rule: "stdout",
    title: "stdout taken out of process",
    files: { "packages/node/a.ts": `const { stdout } = process;\nstdout.write("here");\n` },
    says: "packages/node/a.ts: writes standard output",
  },
  {
    rule: "stdout",
    title: "file descriptor 1",
    files: { "packages/node/a.ts": `import { writeSync } from "node:fs";\n\nwriteSync(1, "here");\n` },
    says: "packages/node/a.ts: writes standard output",
  },
  {
    rule: "stdout",
    title: "an MCP server on the standard streams outside its entry",
    files: { "packages/mcp/a.ts": `export { serveStdio } from "@modelcontextprotocol/server/stdio";\n` },
    says: "packages/mcp/a.ts: writes standard output",
  },
  {
    rule: "names",
    title: "a folder utils",
    files: { "packages/core/utils/a.ts": `export const a = 1;\n` },
    says: "packages/core/utils/a.ts",
  },
  {
    rule: "names",
    title: "a file helpers.ts",
    files: { "packages/core/helpers.ts": `export const a = 1;\n` },
    says: "packages/core/helpers.ts",
  },
  {
    rule: "unused",
    title: "an export that nobody imports",
    files: { "packages/core/rule.ts": `${GREEN["packages/core/rule.ts"]}\nexport const spare = 1;\n` },
    says: "spare",
  },
  {
    rule: "unused",
    title: "a dependency that nobody imports",
    files: { "packages/app/package.json": manifest("app", { "@okstra/core": "*", liquidjs: "*" }) },
    says: "liquidjs",
  },
  {
    rule: "unused-strict",
    title: "a package that only the root lists",
    files: { "packages/app/use.ts": `${GREEN["packages/app/use.ts"]}\nexport { z } from "zod";\n` },
    says: "zod",
  },
  { rule: "secrets", title: "a token in a file", files: { "notes.txt": `token: ${TOKEN}\n` }, says: "notes.txt" },
  {
    rule: "format",
    title: "a file in another layout",
    files: { "packages/core/rule.ts": `export   const a=1` },
    says: "packages/core/rule.ts",
  },
  {
    rule: "generated",
    title: "a page that was not generated",
    files: { "docs/en/errors.md": "old\n" },
    says: "docs/en/errors.md: not up to date",
  },
  {
    rule: "budget",
    title: "--version loads 70 KiB",
    files: {
      "bin/okstra.js": `"use strict";\nrequire("./large.js");\nprocess.stdout.write("1.0.0\\n");\n`,
      "bin/large.js": `// ${"x".repeat(70 * 1024)}\n`,
    },
    says: "loads 7",
  },
];

describe.concurrent("a planted violation breaks its rule", () => {
  test.for(VIOLATIONS)("$rule: $title", async ({ rule, files, says }) => {
    const { status, output } = await check(plant(files), [rule]);
    expect(output).toContain(says);
    expect(output).toContain(`1 of 1 rules broken: ${rule}`);
    expect(status).toBe(1);
  });
});

test("layers: nothing to cruise is a failure, not a pass", async () => {
  const tree = plant({});
  rmSync(join(tree, "packages"), { recursive: true });
  mkdirSync(join(tree, "packages"));
  const { status, output } = await check(tree, ["layers"]);
  expect(output).toContain("no module was cruised");
  expect(status).toBe(1);
});

test("an unknown rule is refused", async () => {
  const { status, output } = await check(green, ["leyers"]);
  expect(output).toContain("no such rule: leyers");
  expect(status).toBe(2);
});

/** A copy of the green tree with `files` on top, as a git repository. */
function plant(files: Readonly<Record<string, string>>): string {
  const tree = mkdtempSync(join(base, "tree-"));
  cpSync(green, tree, { recursive: true });
  for (const [path, text] of Object.entries(files)) write(tree, path, text);
  for (const name of [...PACKAGES, "mcp", "server"]) {
    mkdirSync(join(tree, "node_modules", "@okstra"), { recursive: true });
    symlinkSync(join(tree, "packages", name), join(tree, "node_modules", "@okstra", name));
  }
  writeFileSync(join(tree, ".gitignore"), "node_modules/\n");
  execFileSync("git", ["init", "--quiet"], { cwd: tree });
  return tree;
}

function check(tree: string, rules: readonly string[]): Promise<{ status: number; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(ROOT, "scripts/check.mjs"), ...rules, "--root", tree], (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), output: stdout + stderr });
    });
  });
}

function manifest(name: string, dependencies: Record<string, string>): string {
  return `${JSON.stringify({ name: `@okstra/${name}`, private: true, type: "module", exports: { "./*": "./*.ts" }, dependencies }, null, 2)}\n`;
}

function copyInto(tree: string, path: string): void {
  mkdirSync(dirname(join(tree, path)), { recursive: true });
  cpSync(join(ROOT, path), join(tree, path));
}

function write(tree: string, path: string, text: string): void {
  mkdirSync(dirname(join(tree, path)), { recursive: true });
  writeFileSync(join(tree, path), text);
}
