import type { DiffFinding, DiffSide, LoneFinding, PersistentFinding, ReportDiff } from "@okstra/core/report/diff-reports";
import { cutLine, placeOf } from "./show-line.ts";

/** The comparison as lines of at most 80 cells. */
export function showDiff({ taskKey, from, to, findings }: ReportDiff): string {
  const changed = findings.changed.length === 0 ? "" : ` (${findings.changed.length} changed)`;
  return [
    cutLine(taskKey),
    cutLine(`from  ${describeSide(from)}`),
    cutLine(`to    ${describeSide(to)}`),
    ...describeChanges(from, to).map(cutLine),
    `findings  ${findings.new.length} new, ${findings.gone.length} gone, ${findings.persistent.length} persistent${changed}`,
    ...showPart("new", findings.new, showNew),
    ...showPart("gone", findings.gone, showGone),
    ...showPart("persistent", findings.persistent, showPersistent),
  ].join("\n");
}

function showPart<F>(title: string, findings: readonly F[], show: (finding: F) => readonly string[]): readonly string[] {
  return findings.length === 0 ? [] : ["", `${title} (${findings.length})`, ...findings.flatMap(show)];
}

function describeSide({ type, run, generatedAt, verdict, gate, findings }: DiffSide): string {
  const at = Number.isFinite(Date.parse(generatedAt)) ? new Date(generatedAt).toISOString().slice(0, 16).replace("T", " ") : generatedAt;
  return `${type} ${run}  ${at}  ${verdict} ${gate.open ? "open" : "holds"}  ${findings} finding${findings === 1 ? "" : "s"}`;
}

/** What is not the same about the two runs themselves, and what keeps a comparison from being one. */
function describeChanges(from: DiffSide, to: DiffSide): readonly string[] {
  const change = (name: string, before: string, after: string): readonly string[] =>
    before === after ? [] : [`${name}  ${before} → ${after}`];
  return [
    ...change("verdict", from.verdict, to.verdict),
    ...change("gate", describeGate(from), describeGate(to)),
    ...change("commit", from.commit.slice(0, 12) || "none", to.commit.slice(0, 12) || "none"),
    ...change("workers", listWorkers(from), listWorkers(to)),
    ...[from, to].flatMap(({ type, run, workers, unheard }) => {
      const failed = workers.filter(({ end }) => end !== "ok").map(({ worker, end }) => `${worker} (${end})`);
      return [
        ...(failed.length === 0 ? [] : [`not heard in ${type} ${run}: ${failed.join(", ")}`]),
        ...(unheard.length === 0 ? [] : [`not compared in ${type} ${run}: ${unheard.length} of lanes that did not end ok`]),
      ];
    }),
  ];
}

function describeGate({ gate }: DiffSide): string {
  const reasons = gate.reasons.length === 0 ? "" : ` (${gate.reasons.join(", ")})`;
  return `${gate.open ? "open" : "holds"}${gate.overridden ? " by override" : ""}${reasons}`;
}

function listWorkers({ workers }: DiffSide): string {
  return workers.length === 0 ? "none" : workers.map(({ worker }) => worker).join(", ");
}

function describeFinding({ id, ledger, severity, ...finding }: DiffFinding, note: string): string {
  return cutLine(`  ${severity} ${ledger ?? id}${note}  ${placeOf(finding)}${finding.claim}`);
}

/** What the ledger said of it before it was found. */
function showNew(finding: LoneFinding): readonly string[] {
  return [describeFinding(finding, finding.stateThere === null ? "" : ` was ${finding.stateThere}`)];
}

/** What the ledger says of it now: that it is not raised any more does not say that it was mended. */
function showGone(finding: LoneFinding): readonly string[] {
  return [describeFinding(finding, finding.stateThere === null ? "" : ` ${finding.stateThere}`)];
}

function showPersistent({ to, changes }: PersistentFinding): readonly string[] {
  if (changes.length === 0) return [describeFinding(to, "")];
  return [
    describeFinding(to, ""),
    cutLine(`    ${changes.map(({ member, from, to: after }) => `${member} ${from} → ${after}`).join(", ")}`),
  ];
}
