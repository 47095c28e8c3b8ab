import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { converge } from "../convergence/converge.ts";
import { groundFinding } from "../convergence/ground.ts";
import type { LedgerRow } from "../convergence/ledger.ts";
import { SEVERITIES, type RaisedFinding } from "../domain/finding.ts";
import { diffReports, type DiffFinding, type ReportDiff } from "./diff-reports.ts";
import { hostileText } from "./fixtures/hostile.ts";
import { emptyReport } from "./fixtures/reports.ts";
import { reportSchema, type Report } from "./report-data.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const diff = (from: Report, to: Report): ReportDiff => diffReports(from, to, { sha256 });

const CLAIMS = [
  "sum subtracts its second argument instead of adding it",
  "The second argument of sum is subtracted and not added",
  "A token is written to the log in clear text",
  "The retry loop never ends when the server answers 503",
  "Dates are parsed in the local time zone",
  "!!!",
  "",
];

type Raised = Partial<RaisedFinding> & Pick<RaisedFinding, "claim">;
type Place = Pick<Raised, "file" | "startLine" | "quote">;

/** A run as okstra makes one: its findings converged on top of the ledger of the run before. */
function makeReport(run: number, raised: readonly Raised[], options: { ledger?: readonly LedgerRow[]; type?: string } = {}): Report {
  const { ledger = [], type = "final-verification" } = options;
  const findings = raised.map((each, at): RaisedFinding => ({
    category: "correctness",
    severity: "P1",
    id: `${each.worker ?? "anna"}#${at + 1}`,
    worker: "anna",
    family: each.worker ?? "anna",
    ...each,
  }));
  const workers = [...new Set(findings.map(({ worker }) => worker))];
  const convergence = converge({
    runId: `run-${run}`,
    commit: `${run}`.repeat(40).slice(0, 40),
    lanes: workers.map((worker) => ({ worker, family: worker, end: "ok" as const })),
    findings: findings.map((finding) => ({ finding, grounding: groundFinding({ quote: finding.quote }, finding.quote ?? null) })),
    reproductions: [],
    onlyNewBlocks: false,
    sha256,
    previousLedger: ledger,
    source: { type, run },
  });
  return reportSchema.parse({
    ...emptyReport(),
    runId: `run-${run}`,
    type,
    run,
    generatedAt: new Date(Date.UTC(2026, 0, run)).toISOString(),
    commit: convergence.commit,
    clusters: convergence.clusters,
    ledger: convergence.ledger,
    rawFindings: findings.map((finding) => ({ ...finding, file: finding.file ?? null, startLine: finding.startLine ?? null })),
  });
}

const anyRaised: fc.Arbitrary<Raised> = fc
  .tuple(
    fc.record({
      claim: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...CLAIMS) }, { weight: 1, arbitrary: hostileText }),
      worker: fc.constantFrom("anna", "ben"),
      severity: fc.constantFrom(...SEVERITIES),
      category: fc.constantFrom("correctness", "security"),
    }),
    fc.constantFrom<Place>({ file: "src/a.ts" }, { file: "src/b.ts" }, {}),
    fc.constantFrom<Place>({ startLine: 1 }, { startLine: 2 }, { startLine: 40 }, {}),
    fc.constantFrom<Place>({ quote: "return a - b;" }, { quote: "log(token)" }, {}),
  )
  .map(([raised, ...places]) => Object.assign({}, raised, ...places) as Raised);

/** Two reports of a task, with one ledger or with two that know nothing of each other. */
const twoReports = fc
  .tuple(fc.array(anyRaised, { maxLength: 8 }), fc.array(anyRaised, { maxLength: 8 }), fc.boolean(), fc.boolean())
  .map(([one, other, isOneLedger, isSamePhase]): readonly [Report, Report] => {
    const first = makeReport(1, one);
    const type = isSamePhase ? "final-verification" : "error-analysis";
    return [first, makeReport(2, other, { type, ...(isOneLedger ? { ledger: first.ledger } : {}) })];
  });

/** A report that no run would make: rows that name what is not there, ids that are there twice, no ledger at all. */
const anyReports = fc.tuple(twoReports, fc.infiniteStream(fc.nat({ max: 9 }))).map(([[one, other], numbers]): readonly [Report, Report] => {
  const spoil = (report: Report): Report => {
    const next = (): number => numbers.next().value ?? 0;
    const clusters = report.clusters.map((cluster) => (next() < 3 ? { ...cluster, id: `C${next()}` } : cluster));
    const ledger = report.ledger
      .filter(() => next() < 8)
      .map((row) => (next() < 4 ? { ...row, id: `F${1 + next()}`, cluster: next() < 2 ? null : `C${next()}` } : row));
    return { ...report, clusters, ledger: next() === 0 ? [] : ledger };
  };
  return [spoil(one), spoil(other)];
});

/** What the reports have and what the comparison tells of each, in one order. */
function listSide(report: Report): string[] {
  return report.clusters.map(({ id, claim, members }) => JSON.stringify([id, claim, members])).sort();
}

function listTold(findings: readonly DiffFinding[]): string[] {
  return findings.map(({ id, claim, members }) => JSON.stringify([id, claim, members])).sort();
}

describe.each([
  ["reports of runs", twoReports],
  ["reports that no run made", anyReports],
] as const)("%s", (_, pairs) => {
  test("every finding of both is told once, as it was raised, and the counts add up", () => {
    fc.assert(
      fc.property(pairs, ([from, to]) => {
        const { findings, ...sides } = diff(from, to);
        expect(listTold([...findings.gone, ...findings.persistent.map((each) => each.from)])).toEqual(listSide(from));
        expect(listTold([...findings.new, ...findings.persistent.map((each) => each.to)])).toEqual(listSide(to));
        expect(findings.gone.length + findings.persistent.length).toBe(sides.from.findings);
        expect(findings.new.length + findings.persistent.length).toBe(sides.to.findings);
        expect(findings.changed).toHaveLength(findings.persistent.filter(({ changes }) => changes.length > 0).length);
      }),
    );
  });

  test("of a report and itself everything is persistent and nothing changed", () => {
    fc.assert(
      fc.property(pairs, ([from, to]) => {
        for (const report of [from, to]) {
          const { findings } = diff(report, report);
          expect(findings).toMatchObject({ new: [], gone: [], changed: [] });
          expect(findings.persistent).toHaveLength(report.clusters.length);
          for (const each of findings.persistent) expect(each.to).toEqual(each.from);
        }
      }),
    );
  });

  test("the other way round new and gone are exchanged, and every pair is the same", () => {
    fc.assert(
      fc.property(pairs, ([from, to]) => {
        const [one, other] = [diff(from, to).findings, diff(to, from).findings];
        expect(other.new).toEqual(one.gone);
        expect(other.gone).toEqual(one.new);
        const turned = other.persistent.map((each) => ({
          ...each,
          from: each.to,
          to: each.from,
          changes: each.changes.map((change) => ({ ...change, from: change.to, to: change.from })),
        }));
        const sort = <T>(list: readonly T[]): string[] => list.map((each) => JSON.stringify(each)).sort();
        expect(sort(turned)).toEqual(sort(one.persistent));
      }),
    );
  });
});

const sum: Raised = { claim: CLAIMS[0] ?? "", file: "src/sum.js", startLine: 2, quote: "return a - b;" };
const token: Raised = { claim: CLAIMS[2] ?? "", file: "src/log.js", startLine: 9, category: "security" };
const retry: Raised = { claim: CLAIMS[3] ?? "", file: "src/net.js", startLine: 40 };

test("where both have the ledger its rows decide, however a finding is worded", () => {
  const first = makeReport(1, [sum, token]);
  const second = makeReport(2, [{ ...sum, claim: "An entirely different wording", severity: "P0" }, retry], { ledger: first.ledger });
  const { findings } = diff(first, second);
  expect(findings.persistent).toMatchObject([
    {
      from: { ledger: "F1", claim: sum.claim },
      to: { ledger: "F1", claim: "An entirely different wording" },
      matchedBy: "ledger",
      changes: [{ member: "severity", from: "P1", to: "P0" }],
    },
  ]);
  expect(findings.changed).toMatchObject([{ changes: [{ member: "severity" }] }]);
  expect(findings.gone).toMatchObject([{ ledger: "F2", claim: token.claim }]);
  expect(findings.gone[0]?.stateThere).not.toBeNull();
  expect(findings.new).toMatchObject([{ ledger: "F3", claim: retry.claim, stateThere: null }]);
});

test("ledgers that both begin at F1 and know nothing of each other decide nothing: likeness does", () => {
  const first = makeReport(1, [sum, token]);
  const second = makeReport(2, [retry, { ...sum, claim: CLAIMS[1] ?? "", startLine: 3 }], { type: "error-analysis" });
  expect([first, second].map(({ ledger }) => ledger.map(({ id }) => id))).toEqual([
    ["F1", "F2"],
    ["F1", "F2"],
  ]);
  const { findings } = diff(first, second);
  expect(findings.persistent).toMatchObject([{ from: { claim: CLAIMS[0] }, to: { claim: CLAIMS[1] }, matchedBy: "likeness" }]);
  expect(findings.gone).toMatchObject([{ claim: token.claim, stateThere: null }]);
  expect(findings.new).toMatchObject([{ claim: retry.claim }]);
});

test("the same words in another file are another defect", () => {
  const { findings } = diff(makeReport(1, [sum]), makeReport(2, [{ ...sum, file: "src/other.js" }]));
  expect(findings).toMatchObject({ persistent: [], new: [{ file: "src/other.js" }], gone: [{ file: "src/sum.js" }] });
});

test("what is between two reports that both go on from a third is matched by likeness", () => {
  const first = makeReport(1, [sum]);
  const second = makeReport(2, [sum, token], { ledger: first.ledger });
  const third = makeReport(3, [sum, token], { ledger: first.ledger });
  expect(
    diff(second, third)
      .findings.persistent.map(({ matchedBy }) => matchedBy)
      .sort(),
  ).toEqual(["ledger", "likeness"]);
});

test("what a claim has no word of is known by being the same in everything", () => {
  const { findings } = diff(makeReport(1, [{ claim: "!!!" }]), makeReport(2, [{ claim: "!!!" }]));
  expect(findings.persistent).toMatchObject([{ matchedBy: "words" }]);
});

test("hostile text is told as it is", () => {
  fc.assert(
    fc.property(hostileText, hostileText, (claim, file) => {
      const { findings } = diff(makeReport(1, []), makeReport(2, [{ claim, file }]));
      expect(findings.new).toMatchObject([{ claim, file }]);
    }),
  );
});

test("findings of lanes that did not end are not compared but named", () => {
  const report = makeReport(2, [sum]);
  const torn = {
    ...report,
    rawFindings: [...report.rawFindings, { ...report.rawFindings[0], id: "ben#1", worker: "ben" }],
    unheard: ["ben#1"],
  };
  expect(diff(makeReport(1, [sum]), torn as Report).to).toMatchObject({ findings: 1, unheard: [{ id: "ben#1", claim: sum.claim }] });
});

test("2,000 findings of each are compared", () => {
  const flood = (run: number): Report =>
    makeReport(
      run,
      Array.from({ length: 2000 }, (_, at) => ({
        claim: `Function f${at} of part ${at % 40} ignores its error`,
        file: `src/${at % 200}.ts`,
        startLine: at + 1,
      })),
    );
  const { findings } = diff(flood(1), flood(2));
  expect(findings.gone.length + findings.persistent.length).toBe(2000);
  expect(findings.persistent.length).toBe(2000);
}, 120_000);
