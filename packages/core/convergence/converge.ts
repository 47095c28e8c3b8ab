import type { ReproductionRecord } from "../domain/execution.ts";
import type { Baseline, Disposition, RaisedFinding } from "../domain/finding.ts";
import type { Cluster, Convergence } from "./cluster.ts";
import { compareText, contentKey } from "./content.ts";
import type { Grounding } from "./ground.ts";
import { DISPOSITION_ORDER, judge, type JudgedCluster, type JudgedLane } from "./judge.ts";
import { advanceLedger, type LedgerRow } from "./ledger.ts";
import { isProof } from "./proof.ts";
import { numberOf, type VoteRecord } from "./votes.ts";

export { isProof } from "./proof.ts";

export type LaneSummary = JudgedLane;

export interface ConvergenceInput {
  readonly runId: string;
  readonly commit: string;
  readonly lanes: readonly LaneSummary[];
  readonly findings: readonly { readonly finding: RaisedFinding; readonly grounding: Grounding }[];
  readonly reproductions: readonly ReproductionRecord[];
  /** Failures that the base has too do not block (`verify --base`). */
  readonly onlyNewBlocks: boolean;
  readonly sha256: (text: string) => string;
  /** From 1, which it is when it is left out. */
  readonly round?: number | undefined;
  /** What the blind verifiers answered about this commit, as it counts. */
  readonly votes?: readonly VoteRecord[] | undefined;
  /** An adjudicator's answers by `pairKey`. */
  readonly rulings?: ReadonlyMap<string, boolean> | undefined;
  /** The ledger as it was before this round: that of the round or run before. */
  readonly previousLedger?: readonly LedgerRow[] | undefined;
  /** The run, for the ledger; without it the ledger stays as it was. */
  readonly source?: { readonly type: string; readonly run: number } | undefined;
  /** Text at the commit of the files of `previousLedger`: a quote that is gone was mended. Without it only who was heard counts. */
  readonly loadText?: ((file: string) => string | null) | undefined;
}

/** What a finding rests on, best first. */
const [QUOTED, PROVEN, BARE] = [0, 1, 2];

/**
 * Steps 0 to 7: findings that name one defect become one cluster, which is classed by who supports it and what was
 * executed or voted, and disposed of; the ledger carries it on. What okstra itself reproduced is a vote of no family
 * and grounds the finding. A lane that did not end `ok` says nothing. Pure: the order of lanes, findings, executions
 * and votes has no effect, and every finding comes out in one cluster or in `unheard`.
 */
export function converge(input: ConvergenceInput): Convergence {
  const { runId, commit, lanes, sha256, round = 1, votes = [], rulings, previousLedger = [], source, loadText } = input;
  const executions = input.reproductions.filter((record) => record.commit === commit);
  const proven = new Set(executions.filter(isProof).map(({ findingId }) => findingId));
  const findings = input.findings.map(({ finding, grounding }) => ({
    finding: anchor(finding, grounding),
    grounded: grounding.grounded || proven.has(finding.id),
  }));
  const judgement = judge({
    lanes,
    findings,
    votes: [
      ...votes,
      ...[...proven].map((findingId) => ({ findingId, family: null, answer: "confirmed", evidence: "reproduction" }) as const),
    ],
    sha256,
    ...(rulings === undefined ? {} : { rulings }),
  });
  const rankOf = new Map(
    input.findings.map(({ finding: { id }, grounding }) => [id, grounding.grounded ? QUOTED : proven.has(id) ? PROVEN : BARE]),
  );
  const drafts = judgement.clusters.map((judged) => {
    const members = sortMembers(judged.members, rankOf, sha256);
    const ids = new Set(members.map(({ id }) => id));
    return describeCluster(
      { ...judged, members },
      executions.filter(({ findingId }) => ids.has(findingId)),
      input.onlyNewBlocks,
    );
  });
  // Judged clusters are ordered by content in the end, so that equals stay so.
  drafts.sort(compareClusters);
  const idOf = new Map(drafts.map(({ id }, at) => [id, `C${at + 1}`]));
  const renumber = (id: string): string => idOf.get(id) ?? id;
  const clusters = drafts.map((draft) => ({
    ...draft,
    id: renumber(draft.id),
    possiblySame: draft.possiblySame.map(renumber).sort((a, b) => numberOf(a) - numberOf(b)),
  }));
  return {
    schema: 1,
    runId,
    commit,
    round,
    kEff: judgement.kEff,
    crossChecked: judgement.crossChecked,
    clusters,
    unheard: [...judgement.unheard],
    undecided: judgement.undecided.map(({ pair: [one, other], ...rest }) => ({ pair: [one, other], ...rest })),
    votes: [...votes].sort(
      (a, b) => numberOf(a.item) - numberOf(b.item) || compareText(a.worker, b.worker) || compareText(JSON.stringify(a), JSON.stringify(b)),
    ),
    ledger:
      source === undefined
        ? [...previousLedger]
        : advanceLedger(previousLedger, {
            clusters,
            findings: findings.map(({ finding }) => ({ finding, grounded: rankOf.get(finding.id) === QUOTED })),
            source: { ...source, round },
            commit,
            lanes,
            sha256,
            loadText,
          }),
  };
}

/** The finding at the lines where its quote stands; where it stands nowhere, at its own, the smaller first. */
function anchor(finding: RaisedFinding, grounding: Grounding): RaisedFinding {
  const { startLine, endLine } = finding;
  if (grounding.startLine !== null && grounding.endLine !== null)
    return { ...finding, startLine: grounding.startLine, endLine: grounding.endLine };
  if (startLine === undefined || endLine === undefined || startLine <= endLine) return finding;
  return { ...finding, startLine: endLine, endLine: startLine };
}

/** The one that speaks for all comes first: its quote was found, then the gravest, then by content. */
function sortMembers(
  members: readonly RaisedFinding[],
  rankOf: ReadonlyMap<string, number>,
  sha256: (text: string) => string,
): readonly RaisedFinding[] {
  if (members.length < 2) return members;
  return members
    .map((finding) => ({ finding, rank: rankOf.get(finding.id) ?? BARE, key: contentKey(finding, sha256) }))
    .sort(
      (a, b) =>
        a.rank - b.rank ||
        compareText(a.finding.severity, b.finding.severity) ||
        compareText(a.key, b.key) ||
        compareText(a.finding.id, b.finding.id),
    )
    .map(({ finding }) => finding);
}

/** @param own okstra's executions of the members' reproductions at the commit */
function describeCluster({ members, ...judged }: JudgedCluster, own: readonly ReproductionRecord[], onlyNewBlocks: boolean): Cluster {
  const head = members[0];
  const proofs = own.filter(isProof);
  // One execution that calls it new outweighs those that do not: only what is surely old may be excused.
  const baseline: Baseline =
    (["new", "already-there"] as const).find((each) => own.some((record) => record.baseline === each)) ?? "unknown";
  const isExcused = onlyNewBlocks && proofs.length > 0 && judged.verification === "confirmed" && baseline === "already-there";
  const disposition: Disposition = isExcused ? "advisory" : judged.disposition;
  return {
    id: judged.id,
    members: members.map(({ id }) => id),
    families: [...judged.families],
    claim: head?.claim ?? "",
    category: head?.category ?? "",
    severity: judged.severity,
    file: head?.file ?? null,
    startLine: head?.startLine ?? null,
    endLine: head?.endLine ?? null,
    quote: head?.quote ?? null,
    class: judged.class,
    strong: judged.strong,
    verification: judged.verification,
    reproducedBy: [...new Set(proofs.map(({ command }) => command))].sort(compareText),
    baseline,
    flaky: proofs.length === 0 && own.some(({ executions, failures }) => failures > 0 && failures < executions),
    disposition,
    support: judged.support,
    kEff: judged.kEff,
    reason: judged.reason,
    score: judged.score,
    possiblySame: [...judged.possiblySame],
  };
}

function compareClusters(a: Cluster, b: Cluster): number {
  return (
    DISPOSITION_ORDER[a.disposition] - DISPOSITION_ORDER[b.disposition] ||
    compareText(a.severity, b.severity) ||
    b.support - a.support ||
    compareText(a.file ?? "", b.file ?? "") ||
    (a.startLine ?? 0) - (b.startLine ?? 0) ||
    compareText(a.claim, b.claim)
  );
}
