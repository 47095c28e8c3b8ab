import { describe, expect, test } from "vitest";
import { OkstraError } from "@okstra/core/errors";
import { parseResults } from "./parse-results.ts";

const sarif = (results: unknown, rules: unknown = []): string =>
  JSON.stringify({ version: "2.1.0", runs: [{ tool: { driver: { name: "Lint", rules } }, results }] });

function failure(text: string): OkstraError {
  try {
    parseResults("dir/one.json", text);
  } catch (error) {
    if (error instanceof OkstraError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("SARIF 2.1.0", () => {
  test("places, severities, quotes and messages", () => {
    const [result] = parseResults(
      "one.sarif",
      sarif(
        [
          {
            ruleId: "no-leak",
            level: "error",
            message: { text: "{0} is never closed", arguments: ["handle"] },
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: "file:///src/a%20b.ts" },
                  region: { startLine: 4, endLine: 6, snippet: { text: "open()" } },
                },
                logicalLocations: [{ fullyQualifiedName: "A.load" }],
              },
            ],
            fixes: [{ description: { text: "close it" } }],
          },
          { ruleIndex: 1, message: { id: "m" } },
          { ruleId: "note", level: "note", message: { text: "x" } },
        ],
        [
          { id: "other" },
          { id: "inject", messageStrings: { m: { text: "Input reaches the shell" } }, properties: { "security-severity": "9.1" } },
        ],
      ),
    );
    expect(result).toMatchObject({ family: "Lint", left: 0 });
    expect(result!.findings).toEqual([
      {
        claim: "handle is never closed",
        category: "no-leak",
        severity: "P1",
        file: "/src/a b.ts",
        startLine: 4,
        endLine: 6,
        symbol: "A.load",
        quote: "open()",
        fix: "close it",
      },
      { claim: "Input reaches the shell", category: "inject", severity: "P0" },
      { claim: "x", category: "note", severity: "P3" },
    ]);
  });

  test("what passed, is suppressed or gone is counted and left out", () => {
    const message = { text: "x" };
    const [result] = parseResults(
      "one.sarif",
      sarif([
        { message, kind: "pass" },
        { message, suppressions: [{ kind: "inSource" }] },
        { message, suppressions: [{ kind: "inSource", status: "rejected" }] },
        { message, baselineState: "absent" },
      ]),
    );
    expect([result!.findings.length, result!.left]).toEqual([1, 3]);
  });

  test("each run is a reviewer; null results are none", () => {
    const run = (name: string): object => ({ tool: { driver: { name } }, results: null });
    expect(parseResults("x.sarif", JSON.stringify({ version: "2.1.0", runs: [run("A"), run("B")] })).map(({ family }) => family)).toEqual([
      "A",
      "B",
    ]);
  });
});

test("a worker's result needs no nonce here, and its family is the file's name", () => {
  const finding = { claim: "c", category: "k", severity: "P2" };
  expect(parseResults("dir/reviewer.json", JSON.stringify({ findings: [finding], covered: ["src/**"] }))).toEqual([
    { source: "dir/reviewer.json", family: "reviewer", findings: [finding], covered: ["src/**"], left: 0 },
  ]);
});

describe("what is neither is told with the member that is wrong", () => {
  const table: readonly (readonly [string, string, string])[] = [
    ["empty", "", "is not JSON"],
    ["text", "findings", "is not JSON"],
    ["null", "null", "is no worker's result"],
    ["list", "[]", "is no worker's result"],
    ["no findings", "{}", "findings"],
    ["unknown severity", JSON.stringify({ findings: [{ claim: "c", category: "k", severity: "high" }] }), "findings.0.severity"],
    [
      "too many",
      JSON.stringify({ findings: Array.from({ length: 2001 }, () => ({ claim: "c", category: "k", severity: "P1" })) }),
      "findings",
    ],
    ["old SARIF", JSON.stringify({ version: "2.0.0", runs: [] }), "version"],
    ["SARIF without a tool", JSON.stringify({ version: "2.1.0", runs: [{}] }), "runs.0.tool"],
    ["SARIF without a message", sarif([{ ruleId: "x" }]), "runs.0.results.0.message"],
    ["SARIF lines", sarif([{ message: { text: "x" }, locations: [{ physicalLocation: { region: { startLine: 0 } } }] }]), "startLine"],
    ["SARIF schema without runs", JSON.stringify({ $schema: "https://json.schemastore.org/sarif-2.1.0.json" }), "is no SARIF 2.1.0 log"],
    ["runs of another kind", JSON.stringify({ runs: "many" }), "is no SARIF 2.1.0 log"],
  ];
  for (const [name, text, names] of table) {
    test(name, () => {
      const error = failure(text);
      expect(error.code).toBe("OKSTRA_RESULTS_INVALID");
      expect(error.message).toContain("dir/one.json");
      expect(error.message).toContain(names);
    });
  }
});
