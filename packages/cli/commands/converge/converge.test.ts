import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runOkstra } from "@okstra/testkit/run-okstra";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "okstra-converge-"));
  const finding = (claim: string, more = {}): object => ({
    claim,
    category: "correctness",
    severity: "P1",
    file: "src/sum.ts",
    startLine: 2,
    ...more,
  });
  write("alice.json", {
    findings: [
      finding("total starts at 1 instead of 0, so every sum is one too high"),
      finding("The README is out of date", { file: "README.md" }),
    ],
  });
  write("bob.json", { findings: [finding("The sum starts with total = 1 and is one too high")] });
  write("lint.sarif", {
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "Lint" } },
        results: [
          {
            ruleId: "off-by-one",
            level: "error",
            message: { text: "sum is too high by one because `total` is 1 at the start\u001b[2J" },
            locations: [{ physicalLocation: { artifactLocation: { uri: "src/sum.ts" }, region: { startLine: 3 } } }],
          },
        ],
      },
    ],
  });
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function write(name: string, document: unknown): void {
  writeFileSync(join(directory, name), typeof document === "string" ? document : JSON.stringify(document));
}

const okstra = (...argv: string[]): ReturnType<typeof runOkstra> =>
  runOkstra(argv, { cwd: directory, env: { OKSTRA_HOME: join(directory, "home") } });

test("three reviewers' files become clusters with their class", async () => {
  const { status, json } = await okstra("converge", "--results", "alice.json", "bob.json", "lint.sarif", "--json");
  expect(status).toBe(0);
  expect(json).toMatchObject({ schema: 1, grounding: "not-checked", kEff: 3, crossChecked: true });
  const seen = json.clusters.map((cluster: { class: string; strong: boolean; members: { id: string }[] }) => [
    cluster.class,
    cluster.strong,
    cluster.members.map(({ id }) => id).sort(),
  ]);
  expect(seen).toEqual([
    ["consensus", true, ["alice#1", "bob#1", "lint#1"]],
    ["unique", false, ["alice#2"]],
  ]);
  expect(json.clusters[0].score).toBeGreaterThan(0.1);
});

test("the order of the files and how they are named has no effect", async () => {
  const one = await okstra("converge", "--results", "alice.json", "--results", "bob.json", "--json");
  const other = await okstra("converge", "bob.json", "--results", "alice.json", "--json");
  expect(other.json.clusters).toEqual(one.json.clusters);
});

test("for a person: no acting character of a file reaches the terminal", async () => {
  const { stdout } = await okstra("converge", "--results", "alice.json", "bob.json", "lint.sarif");
  expect(stdout).not.toContain("\u001b");
  expect(stdout).toContain("consensus (strong)");
  expect(stdout).toContain("4 findings of 3 reviewers (3 families) in 2 clusters");
});

test("two files of one tool are one voice", async () => {
  const { json, stdout } = await okstra("converge", "--results", "lint.sarif", "./lint.sarif", "--json");
  expect(json).toMatchObject({ kEff: 1, crossChecked: false });
  expect(json.clusters).toMatchObject([{ class: "unique", support: 1 }]);
  expect(stdout).not.toContain("consensus");
});

test("an empty list is a valid result", async () => {
  write("silent.json", { findings: [] });
  const { status, json } = await okstra("converge", "--results", "silent.json", "--json");
  expect([status, json.clusters]).toEqual([0, []]);
});

test("bad input is a clear error and nothing on stdout", async () => {
  write("broken.sarif", '{"version":"2.1.0","runs":[{"tool":3}]}');
  const table: readonly (readonly [readonly string[], number, string])[] = [
    [[], 2, "OKSTRA_USAGE"],
    [["--results"], 2, "OKSTRA_USAGE"],
    [["--results", "alice.json", "--colour"], 2, "OKSTRA_USAGE"],
    [["--results", "none.json"], 1, "OKSTRA_RESULTS_INVALID"],
    [["--results", "."], 1, "OKSTRA_RESULTS_INVALID"],
    [["--results", "alice.json", "broken.sarif"], 1, "OKSTRA_RESULTS_INVALID"],
  ];
  for (const [argv, expected, code] of table) {
    const { status, stdout, stderr } = await okstra("converge", ...argv);
    expect([status, stdout], argv.join(" ")).toEqual([expected, ""]);
    expect(stderr).toContain(`error[${code}]`);
    expect(stderr).not.toContain("    at ");
  }
});
