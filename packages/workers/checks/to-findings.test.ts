import { mkdtempSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findingSchema } from "@okstra/core/domain/finding";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { parseOutput } from "./formats/index.ts";
import type { Problem } from "./problem.ts";
import { failureKey, fallbackProblem, toFindings, type Tree } from "./to-findings.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "okstra-findings-")));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function writeTree(files: Readonly<Record<string, string>>): void {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
}

writeTree({
  "src/math.ts": "export function add(a: number, b: number): number {\n\treturn a - b;\n}\n\n",
  "calc/calc_test.go": "package calc\n\nfunc TestAdd() {}\n",
  "long.ts": `${"x".repeat(5000)}\nshort\n`,
  "한글 이름.ts": "export const 값 = 1;\n",
});

const tree: Tree = {
  root,
  readLine: (file, line) => {
    try {
      return Promise.resolve(readFileSync(join(root, file), "utf8").split("\n")[line - 1] ?? null);
    } catch {
      return Promise.resolve(null);
    }
  },
};

const check = { name: "test", command: "npm run test" };
const problem: Problem = {
  tool: "vitest",
  rule: "math adds",
  message: "expected -1 to be 3",
  level: "error",
  category: "test-failure",
  file: "src/math.ts",
  startLine: 2,
  endLine: 2,
  excerpt: "AssertionError: expected -1 to be 3",
};

async function findingOf(changes: Partial<Problem>) {
  const [finding] = await toFindings(check, [{ ...problem, ...changes }], tree);
  if (finding === undefined) throw new Error("no finding");
  findingSchema.parse(finding);
  return finding;
}

describe("toFindings", () => {
  test("gives claim, severity, place, the line itself and the command", async () => {
    expect(await findingOf({})).toEqual({
      claim: 'Test "math adds" fails: expected -1 to be 3',
      category: "test-failure",
      severity: "P1",
      file: "src/math.ts",
      startLine: 2,
      endLine: 2,
      quote: "\treturn a - b;",
      reproduction: { command: "npm run test", output: "AssertionError: expected -1 to be 3" },
    });
    expect(await findingOf({ level: "warning", category: "lint", rule: "no-console", message: "Unexpected console" })).toMatchObject({
      severity: "P3",
      claim: "Unexpected console (no-console)",
    });
  });

  test.each([
    [`${root}/src/math.ts`, "src/math.ts"],
    ["./src/../src/math.ts", "src/math.ts"],
    [`${root}/./src//math.ts`, "src/math.ts"],
    ["한글 이름.ts", "한글 이름.ts"],
  ])("the file %s is %s", async (file, expected) => {
    expect(await findingOf({ file, startLine: 1, endLine: 1 })).toMatchObject({ file: expected, startLine: 1 });
  });

  test.each([
    "/etc/passwd",
    "../outside.ts",
    `${root}-other/src/math.ts`,
    "src/../../x.ts",
    "src/missing.ts",
    "src/math.ts\nx",
    root,
    "",
    "C:\\other\\math.ts",
  ])("the place %j is outside or not there and is left out", async (file) => {
    const finding = await findingOf({ file });
    expect(Object.keys(finding)).toEqual(["claim", "category", "severity", "reproduction"]);
  });

  test("a go test's file is found under its module's name", async () => {
    expect(await findingOf({ tool: "go", file: "example.com/proj/calc/calc_test.go", startLine: 3, endLine: 3 })).toMatchObject({
      file: "calc/calc_test.go",
      quote: "func TestAdd() {}",
    });
  });

  test("a blank line is not quoted: the end's line is, or none", async () => {
    expect(await findingOf({ startLine: 4, endLine: 4 })).not.toHaveProperty("quote");
    expect(await findingOf({ startLine: 3, endLine: 4 })).toMatchObject({ quote: "}", startLine: 3, endLine: 4 });
    expect(await findingOf({ file: "long.ts", startLine: 1, endLine: 2 })).toMatchObject({ quote: "short" });
    expect(await findingOf({ file: "long.ts", startLine: 1, endLine: 1 })).not.toHaveProperty("quote");
  });

  test("a line that the file does not have leaves the file alone, as does none at all", async () => {
    expect(await findingOf({ startLine: 999, endLine: 999 })).not.toHaveProperty("startLine");
    expect(await findingOf({ startLine: 999, endLine: 999 })).toHaveProperty("file", "src/math.ts");
    expect(await findingOf({ startLine: null, endLine: null })).not.toHaveProperty("endLine");
    expect(await findingOf({ startLine: 2, endLine: 1 })).toMatchObject({ startLine: 2, endLine: 2 });
  });

  test("whatever a tool says, the finding holds to its schema", async () => {
    const text = fc.string({ unit: "grapheme", maxLength: 600 });
    await fc.assert(
      fc.asyncProperty(text, text, fc.option(text), fc.option(fc.integer({ min: 1, max: 9 })), async (rule, message, file, line) => {
        const finding = await findingOf({ rule, message, file, startLine: line, endLine: line });
        expect(finding.claim).toMatch(/^[^\n]{1,200}$/);
        expect(finding.claim).not.toMatch(/\p{Surrogate}/u);
      }),
    );
  });
});

describe("failureKey", () => {
  test("stays the same when lines, numbers, times, addresses and the worktree change", () => {
    const at = (changes: Partial<Problem>) => failureKey({ ...problem, ...changes });
    const one = {
      file: "/a/work/src/math.ts",
      startLine: 7,
      message: "took 12.5 ms at 0x7f8aa48de890 in /a/work/src/math.ts: got 41, id 123e4567-e89b-12d3-a456-426614174000",
    };
    const two = {
      file: "/b/tmp/x/src/math.ts",
      startLine: 9,
      message: "took 9s at 0x1 in /b/tmp/x/src/math.ts: got -2.5, id 00000000-e89b-12d3-a456-000000000000",
    };
    expect(at(one)).toBe(at(two));
    expect(failureKey({ ...problem, file: "/a/work/src/math.ts" }, "/a/work")).toBe(failureKey({ ...problem, file: "src/math.ts" }, "/b"));
    expect(at({ rule: "/a/nt/broken.test.mjs" })).toBe(at({ rule: "/b/c/broken.test.mjs" }));
  });

  test("differs by tool, rule, file and words", () => {
    const changes: Partial<Problem>[] = [
      {},
      { tool: "jest" },
      { rule: "math adds[1]" },
      { rule: "math adds[2]" },
      { file: null },
      { file: "src/other.ts" },
      { message: "another thing" },
    ];
    expect(new Set(changes.map((change) => failureKey({ ...problem, ...change }))).size).toBe(changes.length);
  });

  test("is the same for one recording and the same recording elsewhere, and tells its problems apart", () => {
    const text = readFileSync(join(import.meta.dirname, "formats/fixtures/jest/jest-29.7.0-failures.json"), "utf8");
    const keys = (output: string, base: string) => parseOutput(output)?.parsed.problems.map((each) => failureKey(each, base));
    expect(keys(text, "/project")).toEqual(keys(text.replaceAll("/project/", "/home/user/elsewhere/base/"), "/home/user/elsewhere/base"));
    expect(new Set(keys(text, "/project")).size).toBe(4);
  });
});

describe("fallbackProblem", () => {
  test("has the last lines, and the tool's own word in its message", () => {
    const output = `${Array.from({ length: 50 }, (_unused, index) => `line ${index}`).join("\n")}\n\u001b[31mfatal: cannot open x\u001b[0m\n\nnpm error Lifecycle script \`test\` failed\nnpm error code 2\n`;
    const found = fallbackProblem(check, 2, output);
    expect(found).toMatchObject({
      tool: "test",
      rule: "exit 2",
      level: "error",
      category: "check-failure",
      file: null,
      message: "test ended with exit code 2: fatal: cannot open x",
    });
    expect(found.excerpt.split("\n")).toHaveLength(20);
    expect(found.excerpt).toMatch(/npm error code 2$/);
  });

  test("says so when there is no output, or a signal ended it", async () => {
    expect(fallbackProblem(check, 1, "")).toMatchObject({ message: "test ended with exit code 1", excerpt: "" });
    expect(fallbackProblem(check, null, "working\n")).toMatchObject({
      rule: "ended",
      message: "test was ended before it finished: working",
    });
    const [finding] = await toFindings(check, [fallbackProblem(check, 1, "")], tree);
    expect(findingSchema.parse(finding).claim).toBe("test ended with exit code 1");
  });

  test("two executions that differ in times have one key", () => {
    expect(failureKey(fallbackProblem(check, 1, "Error: failed in 1.23s\n"))).toBe(
      failureKey(fallbackProblem(check, 1, "Error: failed in 45ms\n")),
    );
  });
});
