import type { Cluster } from "../convergence/cluster.ts";
import { compareText, contentKey } from "../convergence/content.ts";
import { advanceLedger, type LedgerInput, type LedgerRow } from "../convergence/ledger.ts";
import type { Disposition, FindingClass, Severity, Verification } from "../domain/finding.ts";
import type { Verdict } from "../domain/run.ts";
import type { Report } from "./report-data.ts";

/** A finding of one report, as its cluster tells it. */
export interface DiffFinding {
  /** C1, C2 … in its report. */
  readonly id: string;
  /** F1, F2 … in its report's ledger; null without a row. */
  readonly ledger: string | null;
  /** Ids of the findings as they were raised. */
  readonly members: readonly string[];
  readonly claim: string;
  readonly category: string;
  readonly severity: Severity;
  readonly class: FindingClass;
  readonly disposition: Disposition;
  readonly verification: Verification;
  readonly file: string | null;
  readonly startLine: number | null;
  readonly endLine: number | null;
}

/** A finding that only one report has. */
export interface LoneFinding extends DiffFinding {
  /** What the other report's ledger says of it (addressed, deferred, open …); null when it does not know it. */
  readonly stateThere: LedgerRow["state"] | null;
}

/** How two findings were known to be one: by the row of the ledger that both have, by what they say, word for word. */
type MatchedBy = "ledger" | "likeness" | "words";

const COMPARED = ["severity", "class", "disposition", "verification"] as const;

interface Change {
  readonly member: (typeof COMPARED)[number];
  readonly from: string;
  readonly to: string;
}

export interface PersistentFinding {
  readonly from: DiffFinding;
  readonly to: DiffFinding;
  readonly matchedBy: MatchedBy;
  readonly changes: readonly Change[];
}

/** One of the two reports. */
export interface DiffSide {
  readonly type: string;
  readonly run: number;
  readonly runId: string;
  readonly generatedAt: string;
  /** Empty without git. */
  readonly commit: string;
  readonly verdict: Verdict;
  readonly gate: { readonly name: string; readonly open: boolean; readonly reasons: readonly string[]; readonly overridden: boolean };
  /** Who reviewed, by name, and how the last review of each ended. */
  readonly workers: readonly { readonly worker: string; readonly end: string }[];
  readonly findings: number;
  /** Findings of lanes that did not end ok: they are in no cluster and are not compared. */
  readonly unheard: readonly { readonly id: string; readonly claim: string }[];
}

export interface ReportDiff {
  readonly taskKey: string;
  readonly from: DiffSide;
  readonly to: DiffSide;
  readonly findings: {
    /** Only in `to`. */
    readonly new: readonly LoneFinding[];
    /** Only in `from`. That it is not raised any more does not say that it was mended: see `stateThere`. */
    readonly gone: readonly LoneFinding[];
    /** In both, in the order of `to`. */
    readonly persistent: readonly PersistentFinding[];
    /** Those of `persistent` that are told otherwise than before, by their ids. */
    readonly changed: readonly { readonly from: string; readonly to: string; readonly changes: readonly Change[] }[];
  };
}

interface Options {
  readonly sha256: (text: string) => string;
}

/**
 * Compares two reports of a task. What is one finding in both is decided by what okstra itself goes by from run to run:
 * the ledger's rows where both reports have them, else the ledger's own matching. Every finding of both reports is in
 * `new`, `gone` or `persistent` once. Pure; which of the two is `from` has no effect on what is matched.
 */
export function diffReports(from: Report, to: Report, options: Options): ReportDiff {
  const isBackwards = compareAge(from, to) > 0;
  const pairs = isBackwards
    ? pairFindings(to, from, options).map(([there, here, by]) => [here, there, by] as const)
    : pairFindings(from, to, options);
  const [rowsOfFrom, rowsOfTo] = [indexLedger(from), indexLedger(to)];
  const describeLone = (report: Report, own: LedgerIndex, other: LedgerIndex, taken: ReadonlySet<number>): LoneFinding[] =>
    report.clusters.flatMap((cluster, at) => {
      if (taken.has(at)) return [];
      const row = own.rowOf.get(at);
      const there = row === undefined ? undefined : other.rows.get(identityOf(row));
      return [{ ...describeFinding(cluster, row), stateThere: there?.state ?? null }];
    });
  const persistent = [...pairs]
    .sort((a, b) => a[1] - b[1])
    .flatMap(([here, there, matchedBy]): PersistentFinding[] => {
      const [before, after] = [from.clusters[here], to.clusters[there]];
      if (before === undefined || after === undefined) return [];
      const [one, other] = [describeFinding(before, rowsOfFrom.rowOf.get(here)), describeFinding(after, rowsOfTo.rowOf.get(there))];
      const changes = COMPARED.filter((member) => one[member] !== other[member]).map((member) => ({
        member,
        from: one[member],
        to: other[member],
      }));
      return [{ from: one, to: other, matchedBy, changes }];
    });
  return {
    taskKey: to.taskKey,
    from: describeSide(from),
    to: describeSide(to),
    findings: {
      new: describeLone(to, rowsOfTo, rowsOfFrom, new Set(pairs.map(([, there]) => there))),
      gone: describeLone(from, rowsOfFrom, rowsOfTo, new Set(pairs.map(([here]) => here))),
      persistent,
      changed: persistent
        .filter(({ changes }) => changes.length > 0)
        .map(({ from: { id: before }, to: { id: after }, changes }) => ({ from: before, to: after, changes })),
    },
  };
}

/** Places of a finding in the earlier and in the later report. */
type Pair = readonly [number, number, MatchedBy];

function pairFindings(earlier: Report, later: Report, { sha256 }: Options): readonly Pair[] {
  const [before, after] = [indexLedger(earlier), indexLedger(later)];
  const pairs: Pair[] = [];
  const [takenBefore, takenAfter] = [new Set<number>(), new Set<number>()];
  const pair = (here: number, there: number, by: MatchedBy): void => {
    if (takenBefore.has(here) || takenAfter.has(there)) return;
    takenBefore.add(here);
    takenAfter.add(there);
    pairs.push([here, there, by]);
  };
  for (const [here, row] of before.rowOf) {
    const there = after.placeOf.get(identityOf(row));
    if (there !== undefined) pair(here, there, "ledger");
  }
  // Whose row the other ledger has is decided, whether the finding was seen there or not.
  const isOpen = (own: LedgerIndex, other: LedgerIndex, taken: ReadonlySet<number>) => (at: number) => {
    const row = own.rowOf.get(at);
    return !taken.has(at) && (row === undefined || !other.rows.has(identityOf(row)));
  };
  const openBefore = [...earlier.clusters.keys()].filter(isOpen(before, after, takenBefore));
  const openAfter = [...later.clusters.keys()].filter(isOpen(after, before, takenAfter));
  if (openBefore.length === 0 || openAfter.length === 0) return pairs;

  const rows = advanceLedger([], describeRound(earlier, openBefore, sha256));
  for (const [at, row] of advanceLedger(rows, describeRound(later, openAfter, sha256))
    .slice(0, rows.length)
    .entries())
    if (row.cluster !== null) pair(openBefore[at] ?? -1, Number(row.cluster), "likeness");

  // What has no word that the matcher would compare is the same when nothing of it is another.
  const left = new Map<string, number[]>();
  for (const at of openAfter.filter((each) => !takenAfter.has(each))) {
    const key = contentKey(later.clusters[at] as Cluster, sha256);
    left.set(key, [...(left.get(key) ?? []), at]);
  }
  for (const at of openBefore.filter((each) => !takenBefore.has(each))) {
    const there = left.get(contentKey(earlier.clusters[at] as Cluster, sha256))?.shift();
    if (there !== undefined) pair(at, there, "words");
  }
  return pairs;
}

/** A report's findings as a round of the ledger; clusters are named by their place. */
function describeRound(report: Report, places: readonly number[], sha256: Options["sha256"]): LedgerInput {
  return {
    clusters: places.flatMap((at) => {
      const cluster = report.clusters[at];
      return cluster === undefined ? [] : [{ ...cluster, id: String(at) }];
    }),
    findings: report.rawFindings.map(({ id, worker, family, claim, category, file, startLine, endLine, quote }) => ({
      finding: {
        id,
        worker,
        family: family ?? worker,
        claim,
        category: category ?? "",
        // Not compared.
        severity: "P3",
        ...(file === null ? {} : { file }),
        ...(startLine === null ? {} : { startLine }),
        ...(typeof endLine === "number" ? { endLine } : {}),
        ...(typeof quote === "string" ? { quote } : {}),
      },
      grounded: false,
    })),
    source: { type: report.type, run: report.run, round: 1 },
    commit: report.commit,
    lanes: [],
    sha256,
  };
}

interface LedgerIndex {
  /** Of findings, by their place in the report. */
  readonly rowOf: ReadonlyMap<number, LedgerRow>;
  /** All rows, by identity. */
  readonly rows: ReadonlyMap<string, LedgerRow>;
  /** Places in the report, by identity. */
  readonly placeOf: ReadonlyMap<string, number>;
}

function indexLedger({ clusters, ledger }: Report): LedgerIndex {
  const places = new Map<string, number>();
  for (const [at, { id }] of clusters.entries()) if (!places.has(id)) places.set(id, at);
  const [rowOf, rows, placeOf] = [new Map<number, LedgerRow>(), new Map<string, LedgerRow>(), new Map<string, number>()];
  for (const row of ledger) {
    const identity = identityOf(row);
    if (rows.has(identity)) continue;
    rows.set(identity, row);
    const at = row.cluster === null ? undefined : places.get(row.cluster);
    if (at === undefined || rowOf.has(at)) continue;
    rowOf.set(at, row);
    placeOf.set(identity, at);
  }
  return { rowOf, rows, placeOf };
}

/** Ledgers that begin anew count from F1 again: a row is another's only when it was first seen where the other was. */
function identityOf({ id, firstSeen: { type, run, round } }: LedgerRow): string {
  return JSON.stringify([id, type, run, round]);
}

function compareAge(one: Report, other: Report): number {
  return (
    compareText(one.generatedAt, other.generatedAt) ||
    compareText(one.runId, other.runId) ||
    compareText(one.type, other.type) ||
    one.run - other.run ||
    compareText(JSON.stringify([one.clusters, one.ledger]), JSON.stringify([other.clusters, other.ledger]))
  );
}

function describeFinding(cluster: Cluster, row: LedgerRow | undefined): DiffFinding {
  const { id, members, claim, category, severity, disposition, verification, file, startLine, endLine } = cluster;
  return {
    id,
    ledger: row?.id ?? null,
    members: [...members],
    claim,
    category,
    severity,
    class: cluster.class,
    disposition,
    verification,
    file,
    startLine,
    endLine,
  };
}

function describeSide(report: Report): DiffSide {
  const { type, run, runId, generatedAt, commit, verdict, gate, lanes, clusters, rawFindings } = report;
  const ends = new Map(lanes.filter(({ role }) => role === "review").map(({ worker, end }) => [worker, end]));
  const unheard = new Set(report.unheard);
  return {
    type,
    run,
    runId,
    generatedAt,
    commit,
    verdict,
    gate: { name: gate.name, open: gate.open, reasons: [...gate.reasons], overridden: gate.override !== null },
    workers: [...ends].map(([worker, end]) => ({ worker, end })).sort((a, b) => compareText(a.worker, b.worker)),
    findings: clusters.length,
    unheard: rawFindings.filter(({ id }) => unheard.has(id)).map(({ id, claim }) => ({ id, claim })),
  };
}
