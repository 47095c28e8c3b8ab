import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import fc from "fast-check";
import { expect, test } from "vitest";
import { hostileText, withForeignText } from "./fixtures/hostile.ts";
import { blockedVerification, confirmedAnalysis, emptyReport, overriddenVerification } from "./fixtures/reports.ts";
import type { Report } from "./report-data.ts";
import { NO_FILE_URI, renderSarif } from "./sarif.ts";

const sha256 = (text: string): string => createHash("sha256").update(text, "utf8").digest("hex");

/** The schema is draft-04; it uses nothing of it that draft-07 reads otherwise, its own id and $schema aside. */
const {
  id: _id,
  $schema: _schema,
  ...schema
} = JSON.parse(readFileSync(new URL("fixtures/sarif-schema-2.1.0.json", import.meta.url), "utf8")) as Record<string, unknown>;
const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false });
(addFormats as unknown as (ajv: Ajv) => void)(ajv);
const validate = ajv.compile(schema);

interface Result {
  ruleId: string;
  ruleIndex: number;
  level: string;
  message: { text: string };
  locations: {
    physicalLocation: { artifactLocation: { uri: string; uriBaseId: string }; region?: { startLine: number; endLine?: number } };
  }[];
  partialFingerprints: Record<string, string>;
  baselineState?: string;
  suppressions?: { justification: string; status: string }[];
}
interface Run {
  tool: { driver: { rules: { id: string }[] } };
  invocations: { executionSuccessful: boolean; toolExecutionNotifications: { message: { text: string } }[] }[];
  originalUriBaseIds: Record<string, { uri: string }>;
  versionControlProvenance?: { revisionId: string; repositoryUri: string }[];
  results: Result[];
}

/** Through JSON, as a file would go. */
function runOf(report: Report): Run {
  const log = JSON.parse(JSON.stringify(renderSarif(report, sha256))) as { runs: [Run] };
  validate(log);
  expect(validate.errors ?? []).toEqual([]);
  expect(log.runs).toHaveLength(1);
  return log.runs[0];
}

test("the schema refuses what is not SARIF", () => {
  expect(validate({ version: "2.1.0", runs: [{ results: [] }] })).toBe(false);
  expect(validate({ version: "2.0.0", runs: [] })).toBe(false);
  expect(
    validate({ version: "2.1.0", runs: [{ tool: { driver: { name: "x" } }, versionControlProvenance: [{ repositoryUri: "no uri" }] }] }),
  ).toBe(false);
});

test.each([
  ["blocked", blockedVerification()],
  ["blocked, Korean", blockedVerification("ko")],
  ["confirmed", confirmedAnalysis()],
  ["empty", emptyReport()],
  ["overridden", overriddenVerification()],
])("%s: the log validates against the schema of SARIF 2.1.0, one result for each cluster", (_name, report) => {
  expect(runOf(report).results).toHaveLength(report.clusters.length);
});

test("levels, places, baseline and provenance of a blocked verification", () => {
  const run = runOf(blockedVerification());
  expect(run.results.map(({ level, baselineState }) => [level, baselineState])).toEqual([
    ["error", "new"],
    ["error", "unchanged"],
    ["warning", "new"],
    ["warning", "new"],
    ["note", "new"],
    ["note", "new"],
  ]);
  expect(run.results[0]?.locations[0]?.physicalLocation).toMatchObject({
    artifactLocation: { uri: "src/orders/total.ts", uriBaseId: "SRCROOT" },
    region: { startLine: 24, endLine: 26 },
  });
  expect(run.originalUriBaseIds["SRCROOT"]?.uri).toBe("file:///home/dev/.okstra/worktrees/shop/orders/fix-totals/");
  expect(run.versionControlProvenance).toMatchObject([
    { revisionId: blockedVerification().commit, repositoryUri: "file:///home/dev/src/shop/" },
  ]);
  expect(run.tool.driver.rules.map(({ id }) => id)).toEqual(["correctness", "security", "test-failure"]);
  for (const result of run.results) expect(run.tool.driver.rules[result.ruleIndex]?.id).toBe(result.ruleId);
  expect(run.invocations).toMatchObject([
    {
      executionSuccessful: false,
      toolExecutionNotifications: [
        { message: { text: expect.stringMatching(/^linter/) } },
        { message: { text: expect.stringMatching(/^auditor/) } },
      ],
    },
  ]);
  expect(run.results.map(({ suppressions }) => suppressions?.map(({ justification }) => justification))).toEqual([
    [],
    [],
    [],
    [],
    [],
    ["A reproduction shows that it is not so."],
  ]);
});

test("an override suppresses what it passed, with its reason, and nothing else", () => {
  const { results } = runOf(overriddenVerification());
  expect(results.map(({ suppressions }) => suppressions?.map(({ justification, status }) => [status, justification]))).toEqual([
    [["accepted", "The VAT test is wrong; ticket SHOP-812."]],
    [["accepted", "The VAT test is wrong; ticket SHOP-812."]],
    [["accepted", "The VAT test is wrong; ticket SHOP-812."]],
    [],
    [],
    [["accepted", "A reproduction shows that it is not so."]],
  ]);
});

test("all lanes ok is a successful invocation; no lane at all is none", () => {
  expect(runOf(confirmedAnalysis()).invocations[0]?.executionSuccessful).toBe(true);
  expect(runOf(emptyReport()).invocations[0]?.executionSuccessful).toBe(false);
  expect(runOf(emptyReport()).versionControlProvenance).toBeUndefined();
});

test("fingerprints stay when the lines move, and two findings at one quote keep two", () => {
  const report = blockedVerification();
  const moved = {
    ...report,
    clusters: report.clusters.map((cluster) => ({
      ...cluster,
      startLine: 900,
      endLine: null,
      quote: cluster.quote === null ? null : `  ${cluster.quote}`,
    })),
  };
  const prints = (given: Report): Record<string, string>[] => runOf(given).results.map(({ partialFingerprints }) => partialFingerprints);
  expect(prints(moved)).toEqual(prints(report));
  const twice = { ...report, clusters: [report.clusters[0]!, report.clusters[0]!] };
  expect(new Set(prints(twice).map((print) => print["primaryLocationLineHash"])).size).toBe(2);
});

test.each([null, "../../etc/passwd", "/etc/passwd", ""])(
  "a finding at %j has the place that stands for no file, without a region",
  (file) => {
    const report = blockedVerification();
    const [result] = runOf({ ...report, clusters: [{ ...report.clusters[0]!, file }] }).results;
    expect(result?.locations).toMatchObject([{ physicalLocation: { artifactLocation: { uri: NO_FILE_URI, uriBaseId: "SRCROOT" } } }]);
    expect(result?.locations[0]?.physicalLocation.region).toBeUndefined();
  },
);

test("case 52, 57: foreign text keeps the log valid and makes no link in a message", () => {
  fc.assert(
    fc.property(fc.array(hostileText, { minLength: 1, maxLength: 40 }), (texts) => {
      const { results } = runOf(withForeignText(blockedVerification(), texts));
      for (const { message, locations } of results) {
        expect(message.text).not.toMatch(/(?<!\\)\]\(/);
        expect(message.text).not.toMatch(/[\u0000-\u001F\u007F-\u009F\u202A-\u202E]/);
        expect(locations).toHaveLength(1);
      }
    }),
    { numRuns: 60 },
  );
});
