import { UNKNOWN_FAMILY } from "../domain/agent-use.ts";
import type { Disposition, LaneEnd, RaisedFinding, Severity } from "../domain/finding.ts";
import { groupFindings, type Candidate, type GroupingOptions } from "./agglomerate.ts";
import { classify, disposeOf, type Classification, type Vote } from "./classify.ts";
import { isCovered } from "./covered.ts";

export interface JudgedLane {
  readonly worker: string;
  readonly family: string;
  readonly end: LaneEnd;
  /** Globs of what the lane looked at; absent means all in scope. */
  readonly covered?: readonly string[] | undefined;
}

/** A vote on the claim of one finding; it counts for the cluster that the finding is in. */
export interface CastVote extends Vote {
  readonly findingId: string;
  /** Null for what okstra itself executed. */
  readonly family: string | null;
}

export interface JudgeInput extends GroupingOptions {
  readonly lanes: readonly JudgedLane[];
  readonly findings: readonly { readonly finding: RaisedFinding; readonly grounded: boolean }[];
  readonly votes: readonly CastVote[];
}

export interface JudgedCluster extends Classification {
  /** C1, C2 … gravest first. */
  readonly id: string;
  readonly members: readonly RaisedFinding[];
  readonly families: readonly string[];
  readonly disposition: Disposition;
  /** Likeness of the two members that are least alike, 0 to 1; null for one alone. */
  readonly score: number | null;
  /** Ids of clusters that may be the same defect. */
  readonly possiblySame: readonly string[];
}

export interface Judgement {
  /** Distinct known families whose lane is `ok`. */
  readonly kEff: number;
  /** False with fewer than two: nothing was cross-checked, and nothing is called consensus. */
  readonly crossChecked: boolean;
  readonly clusters: readonly JudgedCluster[];
  /** Ids of findings of lanes that did not end `ok`: such a lane has said nothing. */
  readonly unheard: readonly string[];
  readonly undecided: readonly Candidate[];
}

/**
 * Steps 1 to 6 for several workers: groups the findings, classes each cluster and disposes of it. Every finding that
 * goes in comes out by its id, in one cluster or in `unheard`. The order of lanes, findings and votes has no effect.
 */
export function judge(input: JudgeInput): Judgement {
  const heard = input.lanes.filter(({ end }) => end === "ok");
  const workers = new Set(heard.map(({ worker }) => worker));
  const findings = input.findings.filter(({ finding }) => workers.has(finding.worker));
  const grounded = new Set(findings.filter((each) => each.grounded).map(({ finding }) => finding.id));
  const { groups, possiblySame, undecided } = groupFindings(
    findings.map(({ finding }) => finding),
    input,
  );
  const drafts = groups.map(({ members, score }, group) => {
    const families = [...new Set(members.map(({ family }) => family))].sort();
    const ids = new Set(members.map(({ id }) => id));
    const classification = classify({
      members: members.map(({ id, family, severity, fix }) => ({ family, severity, fix, grounded: grounded.has(id) })),
      votes: input.votes.filter((vote) => ids.has(vote.findingId) && isIndependent(vote, families)),
      families: heard.filter((lane) => members.some(({ file }) => isCovered(lane.covered, file))).map(({ family }) => family),
    });
    return { group, members, families, score, disposition: disposeOf(classification), ...classification };
  });
  // Groups come ordered by content, so that equals stay so.
  drafts.sort((a, b) => compareGravity(a, b) || a.group - b.group);
  const idOf = new Map(drafts.map(({ group }, at) => [group, `C${at + 1}`]));
  const linked = new Map(drafts.map(({ group }) => [group, [] as number[]]));
  for (const { groups: pair } of possiblySame) {
    linked.get(pair[0])?.push(pair[1]);
    linked.get(pair[1])?.push(pair[0]);
  }
  const kEff = new Set(heard.map(({ family }) => family).filter((family) => family !== UNKNOWN_FAMILY)).size;
  return {
    kEff,
    crossChecked: kEff >= 2,
    clusters: drafts.map(({ group, ...cluster }, at) => ({
      ...cluster,
      id: `C${at + 1}`,
      possiblySame: (linked.get(group) ?? []).map((other) => idOf.get(other) ?? "").sort((a, b) => Number(a.slice(1)) - Number(b.slice(1))),
    })),
    unheard: input.findings
      .filter(({ finding }) => !workers.has(finding.worker))
      .map(({ finding }) => finding.id)
      .sort(),
    undecided,
  };
}

/** Of nobody that raised it. A model that nobody knows may be one that did: only what okstra executed for it counts. */
function isIndependent({ family, evidence }: CastVote, raisedBy: readonly string[]): boolean {
  if (family === null) return true;
  return family === UNKNOWN_FAMILY ? evidence === "reproduction" : !raisedBy.includes(family);
}

/** Gravest first. */
export const DISPOSITION_ORDER = { blocks: 0, held: 1, advisory: 2 } as const satisfies Record<Disposition, number>;

function compareGravity(
  a: { disposition: Disposition; severity: Severity; support: number },
  b: { disposition: Disposition; severity: Severity; support: number },
): number {
  return (
    DISPOSITION_ORDER[a.disposition] - DISPOSITION_ORDER[b.disposition] ||
    (a.severity < b.severity ? -1 : a.severity > b.severity ? 1 : 0) ||
    b.support - a.support
  );
}
