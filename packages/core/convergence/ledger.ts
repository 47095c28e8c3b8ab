import * as z from "zod";
import {
  dispositionSchema,
  findingClassSchema,
  severitySchema,
  verificationSchema,
  type Disposition,
  type FindingClass,
  type RaisedFinding,
  type Severity,
  type Verification,
} from "../domain/finding.ts";
import { isSameUnaided } from "./agglomerate.ts";
import { isCovered } from "./covered.ts";
import { groundFinding } from "./ground.ts";
import type { JudgedLane } from "./judge.ts";
import { createMatcher, likenessOf } from "./matcher.ts";
import { comparePlaces, foldPath, foldSpace, type Place } from "./place.ts";

const sightingSchema = z.looseObject({ type: z.string(), run: z.int().min(0), round: z.int().min(1) });
export type Sighting = z.infer<typeof sightingSchema>;

/** One defect across the rounds and runs of a task. What it says is what its cluster said when it was last seen. */
export const ledgerRowSchema = z.looseObject({
  id: z
    .string()
    .regex(/^F[1-9]\d*$/)
    .describe("F1, F2 …; never used again"),
  state: z
    .enum(["open", "addressed", "persistent", "regressed", "deferred", "dismissed"])
    .describe(
      "open: seen once; persistent: seen again; addressed: looked for at another commit and not seen; regressed: seen after that; deferred: a person left it; dismissed: shown not to be so",
    ),
  claim: z.string(),
  category: z.string(),
  severity: severitySchema,
  file: z.string().nullable(),
  startLine: z.int().nullable(),
  endLine: z.int().nullable(),
  quoteSha256: z.string().nullable().describe("Of the quote with white space folded"),
  quote: z.string().nullable().default(null).describe("The quote, if it was in the file when the row was last seen"),
  families: z.array(z.string()).default([]).describe("Who raised it when it was last seen"),
  disposition: dispositionSchema,
  class: findingClassSchema,
  verification: verificationSchema,
  firstSeen: sightingSchema,
  lastSeen: sightingSchema,
  commit: z.string().describe("Where it was last seen; empty without git"),
  cluster: z.string().nullable().describe("Its cluster in the convergence that this ledger is part of; null: not seen there"),
});
export type LedgerRow = z.infer<typeof ledgerRowSchema>;
export const ledgerSchema = z.array(ledgerRowSchema);

/** A cluster as far as the ledger needs it. */
interface SeenCluster {
  readonly id: string;
  readonly members: readonly string[];
  readonly families: readonly string[];
  readonly claim: string;
  readonly category: string;
  readonly severity: Severity;
  readonly file: string | null;
  readonly startLine: number | null;
  readonly endLine: number | null;
  readonly quote: string | null;
  readonly class: FindingClass;
  readonly verification: Verification;
  readonly disposition: Disposition;
}

export interface LedgerInput {
  readonly clusters: readonly SeenCluster[];
  /** The members; `grounded`: its quote is in its file at the commit. */
  readonly findings: readonly { readonly finding: RaisedFinding; readonly grounded: boolean }[];
  readonly source: Sighting;
  readonly commit: string;
  readonly lanes: readonly JudgedLane[];
  readonly sha256: (text: string) => string;
  /** A file's text at the commit, for the quotes of rows that were not seen; without it none is known to be gone. */
  readonly loadText?: ((file: string) => string | null) | undefined;
}

/**
 * Step 7: the ledger after a round, from the one before it. Every cluster is in exactly one row; no row is lost, and
 * no id is used twice. Pure; the order of findings and lanes has no effect.
 * @param previous the ledger after the round or run before, never one of this round
 */
export function advanceLedger(previous: readonly LedgerRow[], input: LedgerInput): LedgerRow[] {
  const rowOf = matchRows(previous, input);
  const clusterOf = new Map([...rowOf].map(([cluster, row]) => [row, cluster]));
  const quoted = new Set(input.findings.filter(({ grounded }) => grounded).map(({ finding }) => finding.id));
  const known = previous.map((row, at): LedgerRow => {
    const cluster = input.clusters[clusterOf.get(at) ?? -1];
    if (cluster !== undefined) return { ...row, ...see(cluster, quoted, input), state: stateOfSeen(row.state, cluster) };
    return { ...row, state: isOpen(row) && isAddressed(row, input) ? "addressed" : row.state, cluster: null };
  });
  let number = Math.max(0, ...previous.map(({ id }) => Number(id.slice(1))));
  const fresh = input.clusters
    .filter((_, at) => !rowOf.has(at))
    .map((cluster): LedgerRow => {
      number += 1;
      const state = cluster.class === "dismissed" ? "dismissed" : "open";
      return { id: `F${number}`, state, ...see(cluster, quoted, input), firstSeen: input.source };
    });
  return [...known, ...fresh];
}

/** @param quoted ids of findings whose quote is in its file */
function see(cluster: SeenCluster, quoted: ReadonlySet<string>, { source, commit, sha256 }: LedgerInput) {
  const { claim, category, severity, file, startLine, endLine, quote, families, disposition, verification } = cluster;
  return {
    claim,
    category,
    severity,
    file,
    startLine,
    endLine,
    quoteSha256: hashQuote(quote, sha256),
    quote: quoted.has(cluster.members[0] ?? "") ? quote : null,
    families: [...families],
    disposition,
    class: cluster.class,
    verification,
    lastSeen: source,
    commit,
    cluster: cluster.id,
  };
}

/** A person's word on a row stands until it is disposed of; what was dismissed and is raised anew is open again. */
function stateOfSeen(state: LedgerRow["state"], cluster: SeenCluster): LedgerRow["state"] {
  if (cluster.class === "dismissed") return "dismissed";
  if (state === "open") return "persistent";
  if (state === "addressed") return "regressed";
  return state === "dismissed" ? "open" : state;
}

/**
 * Whether not seeing a row again says that it is gone. It does so only at another commit, where a lane that ended `ok`
 * covered its file, and when its quote is no longer there, or those who raised it were asked again and all heard. The
 * silence of another phase about advice says nothing: it asks other questions.
 */
function isAddressed(row: LedgerRow, { lanes, source, commit, loadText }: LedgerInput): boolean {
  if (commit === "" || row.commit === commit) return false;
  const covering = lanes.filter(({ end, covered }) => end === "ok" && isCovered(covered, row.file));
  if (covering.length === 0) return false;
  if (row.file !== null && row.quote !== null && loadText !== undefined) {
    if (!groundFinding({ quote: row.quote }, loadText(row.file)).grounded) return true;
  }
  if (row.disposition === "advisory" && row.lastSeen.type !== source.type) return false;
  if (lanes.some(({ family, end }) => row.families.includes(family) && end !== "ok")) return false;
  return row.file === null || covering.some(({ family }) => row.families.includes(family));
}

/**
 * In another file there is another defect, however alike; of what names no file nobody knows.
 * @returns the place in `previous` of each cluster's row, by the cluster's place; one row has one cluster at most
 */
function matchRows(previous: readonly LedgerRow[], { clusters, findings, sha256 }: LedgerInput): Map<number, number> {
  if (previous.length === 0) return new Map();
  const findingOf = new Map(findings.map(({ finding }) => [finding.id, finding]));
  const spoken = clusters.flatMap((cluster, at) =>
    [cluster, ...cluster.members.slice(1).flatMap((id) => findingOf.get(id) ?? [])].map((place, member) => ({
      place,
      cluster: at,
      file: foldFile(place.file),
      quote: hashQuote(place.quote, sha256),
      // Rows are different defects, and so are clusters: their lists show the matcher what different defects share.
      claim: { claim: place.claim, worker: member === 0 ? "run" : null },
    })),
  );
  const matcher = createMatcher([...previous.map(({ claim }) => ({ claim, worker: "ledger" })), ...spoken.map(({ claim }) => claim)]);
  const matches = previous.flatMap((known, row) => {
    const scores = matcher.scoresOf(row);
    const file = foldFile(known.file);
    const own: Match[] = [];
    for (const [at, other] of spoken.entries()) {
      if (file !== other.file && file !== null && other.file !== null) continue;
      const isQuoted = file === other.file && known.quoteSha256 !== null && known.quoteSha256 === other.quote;
      const match = compareRow(known, other.place, { score: scores[previous.length + at] ?? 0, isQuoted });
      if (match !== null) own.push({ ...match, row, cluster: other.cluster });
    }
    return own.sort(compareMatches).slice(0, MOST_MATCHES);
  });
  matches.sort(compareMatches);
  const rowOf = new Map<number, number>();
  const taken = new Set<number>();
  for (const { row, cluster } of matches) {
    if (rowOf.has(cluster) || taken.has(row)) continue;
    rowOf.set(cluster, row);
    taken.add(row);
  }
  return rowOf;
}

/** Of what may be a row's defect only the likeliest count: it bounds what a flood of repeats costs. */
const MOST_MATCHES = 50;

interface Match {
  readonly row: number;
  readonly cluster: number;
  /** The surest first: quote and claim, then claim and place, then the quote alone. */
  readonly rank: number;
  readonly score: number;
  readonly distance: number;
}

function compareRow(
  row: LedgerRow,
  other: Place & { readonly category: string },
  { score, isQuoted }: { score: number; isQuoted: boolean },
): Pick<Match, "rank" | "score" | "distance"> | null {
  const likeness = likenessOf(score);
  if (!isQuoted && likeness === "different") return null;
  const nearness = comparePlaces({ file: row.file, startLine: row.startLine, endLine: row.endLine }, other);
  // Runs of different phases look for different things at one place: there the text alone has to be beyond doubt.
  const isSame = likeness === "same" || (row.category === other.category && isSameUnaided(score, nearness));
  const rank = isQuoted && likeness !== "different" ? 0 : isSame ? 1 : isQuoted ? 2 : null;
  return rank === null ? null : { rank, score, distance: Math.abs((row.startLine ?? 0) - (other.startLine ?? 0)) };
}

function compareMatches(a: Match, b: Match): number {
  return a.rank - b.rank || b.score - a.score || a.distance - b.distance || a.row - b.row || a.cluster - b.cluster;
}

function hashQuote(quote: string | null | undefined, sha256: (text: string) => string): string | null {
  const folded = foldSpace(quote) ?? "";
  return folded === "" ? null : sha256(folded);
}

function foldFile(file: string | null | undefined): string | null {
  return typeof file === "string" ? foldPath(file) : null;
}

function isOpen({ state }: LedgerRow): boolean {
  return state === "open" || state === "persistent" || state === "regressed";
}

/** The rows that nobody has mended, deferred or disposed of. */
export function openRows(rows: readonly LedgerRow[]): LedgerRow[] {
  return rows.filter(isOpen);
}

/** A person's decision to leave an open row as it is. A row that is not open, or not there, stays what it is. */
export function deferRow(rows: readonly LedgerRow[], id: string): LedgerRow[] {
  return rows.map((row) => (row.id === id && isOpen(row) ? { ...row, state: "deferred" } : row));
}

/** The clusters that hold a run up: those that block, and those that wait for a person. */
export function openBlockers<C extends Pick<SeenCluster, "disposition">>(clusters: readonly C[]): C[] {
  return clusters.filter(({ disposition }) => disposition !== "advisory");
}

/**
 * Whether there is nothing left to mend at a commit: every lane ended `ok`, nothing blocks or is held, and the
 * convergence is about this very commit, so that what it says about each grave claim is a verdict on it. A quote
 * that is not in the file is such a verdict. It does not mean that a next look would find nothing.
 */
export function isConverged({
  lanes,
  convergence,
  commit,
}: {
  readonly lanes: readonly Pick<JudgedLane, "end">[];
  readonly convergence: { readonly commit: string; readonly clusters: readonly GraveCluster[] };
  readonly commit: string;
}): boolean {
  const { clusters } = convergence;
  return (
    lanes.length > 0 &&
    lanes.every(({ end }) => end === "ok") &&
    convergence.commit === commit &&
    openBlockers(clusters).length === 0 &&
    clusters.every(hasVerdict)
  );
}

type GraveCluster = Pick<SeenCluster, "class" | "severity" | "verification" | "disposition"> & { readonly strong: boolean };

function hasVerdict({ severity, strong, verification, class: name }: GraveCluster): boolean {
  if (severity === "P2" || severity === "P3" || strong || name === "ungrounded" || name === "dismissed") return true;
  return verification !== "unverified";
}

/** Whether the last round left no fewer blockers than the best before it, and some. @param blockersPerRound from round 1 */
export function isStalled(blockersPerRound: readonly number[]): boolean {
  const last = blockersPerRound.at(-1) ?? 0;
  return last > 0 && blockersPerRound.length > 1 && last >= Math.min(...blockersPerRound.slice(0, -1));
}
