import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EXPECTED } from "./fixtures/expected.ts";
import { FORMATS, parseOutput } from "./index.ts";

const FIXTURES = join(import.meta.dirname, "fixtures");
const names = readdirSync(FIXTURES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap((folder) => readdirSync(join(FIXTURES, folder.name)).map((file) => `${folder.name}/${file}`));

function readFixture(name: string): string {
  return readFileSync(join(FIXTURES, name), "utf8");
}

/** Offset up to which a cut shows: plain lines do not tell where they end, nor what may follow TAP's plan and last test. */
function lastTelling(format: string, text: string): number {
  if (["tsc", "go", "cargo"].includes(format)) return 0;
  const last = format === "tap" ? Math.max(text.lastIndexOf("\nnot ok"), text.lastIndexOf("\n1..")) : text.trimEnd().length;
  return last - 30;
}

const BEFORE =
  "\n> proj@1.0.0 test\n> run everything --now\n\nnpm warn config something\n[12:00:01] starting { not json } [1, 2] <not-xml>\n";
const AFTER = '\nnpm error Lifecycle script `test` failed with error:\nnpm error code 1\nDone in 1.2s { "a": 1 }\n';

test("each format has at least three recordings, and each recording an expectation", () => {
  expect([...new Set(names.map((name) => name.split("/")[0]))].toSorted()).toEqual(FORMATS.map((format) => format.name).toSorted());
  for (const { name } of FORMATS) expect(names.filter((each) => each.startsWith(`${name}/`)).length, name).toBeGreaterThanOrEqual(3);
  expect(Object.keys(EXPECTED).toSorted()).toEqual(names.toSorted());
});

describe.each(names)("%s", (name) => {
  const text = readFixture(name);
  const format = name.split("/")[0] ?? "";
  const expected = EXPECTED[name] ?? [];
  const places = (output: string, formatName?: string): string[] | undefined =>
    parseOutput(output, formatName)?.parsed.problems.map(
      (problem) => `${problem.level} ${problem.rule} @ ${problem.file}:${problem.startLine}`,
    );

  test("is recognised, whole, and gives every problem with file and line", () => {
    const found = parseOutput(text);
    expect(found?.format).toBe(format);
    expect(found?.parsed.complete).toBe(true);
    expect(places(text)).toEqual(expected);
    expect(places(text, format)).toEqual(expected);
    for (const problem of found?.parsed.problems ?? []) {
      expect(problem.message).toMatch(/^\S.*$/);
      expect(problem.message).not.toContain("\n");
      expect(problem.excerpt.length).toBeGreaterThan(0);
      expect(problem.excerpt.length).toBeLessThanOrEqual(2000);
    }
  });

  test("reads the same between banners, with CRLF, and with a wrong name given", () => {
    expect(places(BEFORE + text + AFTER)).toEqual(expected);
    expect(places(text.replaceAll(/\r?\n/g, "\r\n"))).toEqual(expected);
    const other = format === "tsc" ? "junit" : "tsc";
    expect(parseOutput(BEFORE + text + AFTER, other)?.format).toBe(format);
  });

  test("cut anywhere it gives what came before and no more, says that it is cut, and does not throw", () => {
    const bytes = Buffer.from(text, "utf8");
    const step = Math.max(1, Math.floor(bytes.length / 160));
    const counts: number[] = [0];
    for (let end = 0; end < bytes.length; end += step) {
      const found = parseOutput(bytes.subarray(0, end).toString("utf8"), format);
      counts.push(found?.parsed.problems.length ?? 0);
      expect(counts.at(-1), `cut at ${end}`).toBeLessThanOrEqual(expected.length);
      if (end < lastTelling(format, text) && found?.format === format) expect(found.parsed.complete, `cut at ${end}`).toBe(false);
    }
    expect(Math.max(...counts)).toBeGreaterThanOrEqual(expected.length - 1);
  });
});

test("log lines between the lines of a report change nothing that is counted", () => {
  for (const name of names.filter((each) => /^(?:tap|tsc|go|cargo)\//.test(each) && !/pretty/.test(each))) {
    const lines = readFixture(name).split("\n");
    // Between top-level lines: a line inside an indented block may belong to the block.
    const mixed = lines.flatMap((line) =>
      /^(?:# |\{"|ok |not ok |\S+\(\d+,)/.test(line) && !line.startsWith("# Sub") ? [`console: working on it`, line] : [line],
    );
    const found = parseOutput(mixed.join("\n"));
    expect(found?.parsed.problems.length, name).toBe(EXPECTED[name]?.length);
  }
});

test("a document on one line is found behind a prefix, and two in one output count together", () => {
  const json = readFixture("vitest/vitest-4.1.12-failures.json").trim();
  const found = parseOutput(`web:test: ${json}\nlog line\napi:test: ${json}\n`);
  expect(found?.format).toBe("vitest");
  expect(found?.parsed.problems).toHaveLength(6);
  expect(found?.parsed.complete).toBe(true);
});

test("the output of several tools gives the one that failed", () => {
  const clean = readFixture("eslint/eslint-9.39.5-clean.json");
  const types = readFixture("tsc/tsc-6.0.3-plain.txt");
  expect(parseOutput(`${clean}\n${types}`)?.format).toBe("tsc");
  expect(parseOutput(`${types}\n${clean}`, "eslint")?.format).toBe("eslint");
});

test("newer go: compiler lines inside build-output events, as `go doc cmd/test2json` describes them", () => {
  const text = [
    '{"ImportPath":"example.com/p/bad [example.com/p/bad.test]","Action":"build-output","Output":"# example.com/p/bad\\n"}',
    '{"ImportPath":"example.com/p/bad [example.com/p/bad.test]","Action":"build-output","Output":"bad/bad.go:4:9: undefined: x\\n"}',
    '{"ImportPath":"example.com/p/bad [example.com/p/bad.test]","Action":"build-fail"}',
    '{"Time":"2026-01-01T00:00:00Z","Action":"start","Package":"example.com/p/bad"}',
    '{"Time":"2026-01-01T00:00:00Z","Action":"fail","Package":"example.com/p/bad","Elapsed":0,"FailedBuild":"example.com/p/bad [example.com/p/bad.test]"}',
    "",
  ].join("\n");
  expect(parseOutput(text)).toMatchObject({
    format: "go",
    parsed: { complete: true, problems: [{ file: "bad/bad.go", startLine: 4, category: "build" }] },
  });
});

test("other text is no format", () => {
  for (const text of ["", "all good\n", "{}", "[]", "Error: something broke\n    at /project/a.js:1:2\n", "make: *** [all] Error 2\n"]) {
    expect(parseOutput(text)).toBeNull();
    expect(parseOutput(text, "eslint")).toBeNull();
  }
});

test("any text, and any recording with any pieces damaged, is read without throwing", () => {
  const whole = fc.constantFrom(...names).map(readFixture);
  const damaged = fc
    .tuple(whole, fc.array(fc.tuple(fc.nat(20_000), fc.nat(200), fc.string({ maxLength: 12 })), { maxLength: 5 }))
    .map(([text, edits]) =>
      edits.reduce(
        (sum, [at, length, put]) => sum.slice(0, at % (sum.length + 1)) + put + sum.slice((at % (sum.length + 1)) + length),
        text,
      ),
    );
  fc.assert(
    fc.property(
      fc.oneof(damaged, fc.string({ maxLength: 400 })),
      fc.option(fc.constantFrom(...FORMATS.map((format) => format.name)), { nil: undefined }),
      (text, name) => {
        for (const problem of parseOutput(text, name)?.parsed.problems ?? []) {
          expect(problem.startLine === null || (Number.isInteger(problem.startLine) && problem.startLine >= 1)).toBe(true);
          expect(problem.message).not.toContain("\n");
          expect(problem.file).not.toBe("");
        }
      },
    ),
    { numRuns: 400 },
  );
});

test("keys named like an object's own machinery change no object", () => {
  const evil = '"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}';
  const texts = [
    `[{"filePath":"/project/a.js",${evil},"messages":[{${evil},"ruleId":"__proto__","severity":2,"message":"m","line":1}]}]\n`,
    `{"version":"2.1.0",${evil},"runs":[{${evil},"results":[{${evil},"ruleId":"constructor","message":{"text":"m"}}]}]}\n`,
    `<testsuite __proto__="1"><testcase name="a" __proto__="1"><failure><__proto__ polluted="1"/></failure></testcase><testcase name="b"><failure>x</failure></testcase></testsuite>\n`,
    "TAP version 13\nnot ok 1 - a\n  ---\n  __proto__:\n    polluted: 1\n  error: m\n  ...\n1..1\n",
    `{"Action":"run","Package":"__proto__","Test":"__proto__",${evil}}\n{"Action":"fail","Package":"__proto__","Test":"__proto__"}\n`,
  ];
  const counts = texts.map((text) => parseOutput(text)?.parsed.problems.length);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  expect(counts).toEqual([1, 1, 1, 1, 1]);
});

/** Each would take minutes or exhaust the stack with a pattern or a loop that is not linear; the runner's limit ends it then. */
test("hostile input of 2 MB each is read within the test's time", { timeout: 120_000 }, () => {
  const size = 2 * 1024 * 1024;
  const fill = (piece: string, before = ""): string => before + piece.repeat(Math.ceil(size / piece.length));
  const texts = [
    fill("a"),
    fill(" ", '[{"filePath":'),
    fill("[", '[{"filePath":"a","messages":'),
    fill("\\", '[{"filePath":"'),
    fill('\\"', '{"numTotalTestSuites":1,"x":"'),
    fill("<testcase ", "<testsuite><testcase>"),
    fill("<testcase><failure>", "<testsuite>"),
    fill("<![CDATA[", "<testsuite><testcase>"),
    fill("    not ok 1 - x\n", "TAP version 13\n"),
    fill("_ a ", "= test session starts =\n"),
    fill("=", "=== test session starts ===\n=== FAILURES ===\n"),
    fill("____ a ____\n", "=== test session starts ===\n=== FAILURES ===\n"),
    fill("(1,1", "a.ts(1,1): error TS1: x\n"),
    fill("Error: a/b: (1:1) ", "not ok 1\n1..1\nTAP version 13\n"),
    fill("\u001b[", "a.ts(1,1): error TS1: x\n"),
    fill('{"Action":"output","Package":"p","Test":"t","Output":"x\\n"}\n'),
    fill("error: a\n", "error: a\n --> a.rs:1:1\n"),
    fill("test a ... FAILED\n", "running 1 test\ntest result: ok. 1 passed\nrunning 2 tests\n"),
  ];
  for (const text of texts) expect(() => parseOutput(text)).not.toThrow();
});
