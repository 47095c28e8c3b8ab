import { compareText, contentKey, type Content } from "./content.ts";
import { createMatcher, likenessOf, THRESHOLDS, type Likeness } from "./matcher.ts";
import { comparePlaces, type Nearness } from "./place.ts";
import { createQueue } from "./queue.ts";

/** A finding as far as grouping needs it. */
export interface Groupable extends Content {
  readonly id: string;
  readonly worker: string;
}

/** Two findings of different workers that are not plainly different. */
export interface Candidate {
  /** Ids of findings, the smaller first. */
  readonly pair: readonly [string, string];
  readonly score: number;
  readonly likeness: Exclude<Likeness, "different">;
  readonly nearness: Nearness;
}

export interface Group<F> {
  readonly members: readonly F[];
  /** Likeness of the two members that are least alike; null for one alone. */
  readonly score: number | null;
}

export interface Grouping<F> {
  /** Every finding is in exactly one group. Groups and members are ordered by content. */
  readonly groups: readonly Group<F>[];
  /** Places in `groups` of two that nobody could tell apart for sure: kept apart and shown together. */
  readonly possiblySame: readonly { readonly groups: readonly [number, number]; readonly score: number }[];
  /** What an adjudicator would be asked, in order of likeness; those with a ruling are left out. */
  readonly undecided: readonly Candidate[];
}

export interface GroupingOptions {
  readonly sha256: (text: string) => string;
  /** An adjudicator's answers by `pairKey`: it may merge or part what the text leaves open, and nothing else. */
  readonly rulings?: ReadonlyMap<string, boolean>;
}

/** The key of a ruling about two findings, whichever is named first. */
export function pairKey(one: string, other: string): string {
  return JSON.stringify([one, other].sort());
}

/** Whether two claims count as one defect when nobody can be asked. At places apart they have to be alike beyond doubt. */
export function isSameUnaided(score: number, nearness: Nearness): boolean {
  const cut = { overlap: THRESHOLDS.overlapping, apart: THRESHOLDS.same, unknown: THRESHOLDS.unaided };
  return score >= cut[nearness];
}

/**
 * Groups the findings of one run by defect: best pair first with complete linkage, so that every two members of a
 * group are the same by themselves and no chain joins what is different. At most one finding per worker in a
 * group. Neither the order of workers nor that of findings has an effect; ties are broken by content.
 */
export function groupFindings<F extends Groupable>(findings: readonly F[], { sha256, rulings }: GroupingOptions): Grouping<F> {
  const keyed = findings.map((finding) => ({ finding, key: contentKey(finding, sha256) }));
  keyed.sort((a, b) => compareText(a.key, b.key) || compareText(a.finding.id, b.finding.id));
  const ordered = keyed.map(({ finding }) => finding);
  const pairs = findPairs(ordered);
  const same = pairs.filter((pair) => isSame(pair, rulings));
  const members = agglomerate(
    ordered.map(({ worker }) => worker),
    same,
  );
  const groupAt = new Map(members.flatMap((group, number) => group.map((at) => [at, number] as const)));
  const links = new Map<string, { groups: readonly [number, number]; score: number }>();
  for (const { left, right, score, key } of pairs) {
    const groups = [groupAt.get(left) ?? 0, groupAt.get(right) ?? 0].sort((a, b) => a - b) as [number, number];
    if (groups[0] === groups[1] || rulings?.get(key) === false) continue;
    const known = links.get(groups.join());
    if (known === undefined || known.score < score) links.set(groups.join(), { groups, score });
  }
  const least = new Map<number, number>();
  for (const { left, right, score } of pairs) {
    const group = groupAt.get(left) ?? 0;
    if (groupAt.get(right) === group) least.set(group, Math.min(score, least.get(group) ?? score));
  }
  return {
    groups: members.map((group, number) => ({ members: group.map((at) => ordered[at] as F), score: least.get(number) ?? null })),
    possiblySame: [...links.values()].sort((a, b) => a.groups[0] - b.groups[0] || a.groups[1] - b.groups[1]),
    undecided: pairs
      .filter(({ likeness, key }) => likeness === "between" && rulings?.has(key) !== true)
      .sort((a, b) => b.score - a.score || compareText(a.key, b.key))
      .map(({ key, score, nearness }) => ({ pair: JSON.parse(key) as [string, string], score, likeness: "between", nearness })),
  };
}

interface Pair {
  readonly left: number;
  readonly right: number;
  readonly key: string;
  readonly score: number;
  readonly likeness: Exclude<Likeness, "different">;
  readonly nearness: Nearness;
}

/** Of one finding's candidates in one other worker's list only the likeliest count: it bounds what a flood of repeats costs. */
const MOST_CANDIDATES = 50;

function findPairs(findings: readonly Groupable[]): Pair[] {
  const matcher = createMatcher(findings);
  const pairs: Pair[] = [];
  for (const [left, one] of findings.entries()) {
    const scores = matcher.scoresOf(left);
    const candidates = new Map<string, { right: number; score: number; likeness: Pair["likeness"] }[]>();
    for (let right = left + 1; right < findings.length; right += 1) {
      const worker = (findings[right] as Groupable).worker;
      const score = scores[right] ?? 0;
      const likeness = likenessOf(score);
      if (worker === one.worker || likeness === "different") continue;
      const known = candidates.get(worker);
      if (known === undefined) candidates.set(worker, [{ right, score, likeness }]);
      else known.push({ right, score, likeness });
    }
    for (const known of candidates.values()) {
      const likeliest = known.length > MOST_CANDIDATES ? known.sort((a, b) => b.score - a.score || a.right - b.right) : known;
      for (const { right, score, likeness } of likeliest.slice(0, MOST_CANDIDATES)) {
        const other = findings[right] as Groupable;
        pairs.push({ left, right, key: pairKey(one.id, other.id), score, likeness, nearness: comparePlaces(one, other) });
      }
    }
  }
  return pairs;
}

function isSame({ likeness, score, nearness, key }: Pair, rulings: GroupingOptions["rulings"]): boolean {
  if (likeness === "same") return true;
  return rulings?.get(key) ?? isSameUnaided(score, nearness);
}

interface Growing {
  readonly members: readonly number[];
  readonly workers: ReadonlySet<string>;
  /** Clusters that it may join, with the least likeness of any two members of both. */
  readonly linkage: Map<number, number>;
}

/** @returns the positions that belong together, each in ascending order, groups by their first position */
function agglomerate(workers: readonly string[], same: readonly Pair[]): number[][] {
  const growing = new Map<number, Growing>(
    workers.map((worker, at) => [at, { members: [at], workers: new Set([worker]), linkage: new Map() }]),
  );
  // Living clusters differ in their first member, so that the order is total among those that count.
  const queue = createQueue<{ score: number; one: number; other: number; first: number; second: number }>(
    (a, b) => b.score - a.score || a.first - b.first || a.second - b.second,
  );
  const link = (one: number, other: number, score: number): void => {
    const [a, b] = [growing.get(one), growing.get(other)];
    if (a === undefined || b === undefined) return;
    a.linkage.set(other, score);
    b.linkage.set(one, score);
    const [first = 0, second = 0] = [a.members[0] ?? 0, b.members[0] ?? 0].sort((x, y) => x - y);
    queue.push({ score, one, other, first, second });
  };
  for (const { left, right, score } of same) link(left, right, score);
  let next = workers.length;
  for (let best = queue.pop(); best !== undefined; best = queue.pop()) {
    const a = growing.get(best.one);
    const b = growing.get(best.other);
    if (a === undefined || b === undefined) continue;
    growing.delete(best.one);
    growing.delete(best.other);
    const joined: Growing = {
      members: [...a.members, ...b.members].sort((x, y) => x - y),
      workers: new Set([...a.workers, ...b.workers]),
      linkage: new Map(),
    };
    growing.set(next, joined);
    for (const [other, score] of a.linkage) {
      const neighbour = growing.get(other);
      const second = b.linkage.get(other);
      if (neighbour === undefined || second === undefined || shareWorker(neighbour, joined)) continue;
      link(next, other, Math.min(score, second));
    }
    next += 1;
  }
  return [...growing.values()].map(({ members }) => [...members]).sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
}

function shareWorker(a: Growing, b: Growing): boolean {
  return [...a.workers].some((worker) => b.workers.has(worker));
}
