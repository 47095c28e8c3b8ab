import { tokenise, type Tokens } from "./tokens.ts";

/** A claim and who made it; `worker` is null when that is not known. */
export interface MatchedClaim {
  readonly claim: string;
  readonly worker: string | null;
}

export interface Matcher {
  /** Likeness of the claims at two positions, 0 to 1; the same whichever comes first and however the run is ordered. */
  score(left: number, right: number): number;
  /** Likeness of the claim at a position with each of the run: what `score` says, for all at once. */
  scoresOf(left: number): Float64Array;
}

/** What two claims are to each other by their text. `between` is what an adjudicator is asked about. */
export type Likeness = "same" | "between" | "different";

/**
 * Where the text decides, read off one half of the reviews of a public benchmark (bench/convergence.mjs prints what it
 * costs on the other half): at `same` less than 1 % of different defects would be merged, under `different` lies about a
 * tenth of the same ones. Between them an adjudicator is asked; when there is none, `unaided` is the cut that merges
 * 3 to 4 % of all different pairs, and `overlapping` the one that merges at most 6 % of different findings at one
 * place. That one is higher, not lower: what lies together shares its words.
 */
export const THRESHOLDS = { same: 0.14, overlapping: 0.105, unaided: 0.09, different: 0.06 } as const;

/** How much each view counts. A logistic regression on the same half, scaled to a sum of 1; its neighbourhood is flat. */
const MIX = { words: 0.45, grams: 0.35, pairs: 0.2 } as const;

/** So many imagined findings vouch for the run-wide frequency of a token against what one worker's list shows. */
const PRIOR = 6;
/** Taken off every weight, so that what most claims say weighs next to nothing; nothing weighs less than the least. */
const DISCOUNT = 0.1;
const LEAST_WEIGHT = 0.02;

/** The usual likeness of two findings of one worker, and how many imagined pairs vouch for it. */
const USUAL = { likeness: 0.045, pairs: 10 } as const;
/** So far a run's own likeness may move the scores. */
const MOST_SHIFT = 0.05;
/** Of a long list so many findings show how alike the worker's findings are. */
const SAMPLE = 40;

const VIEWS = ["words", "grams", "pairs"] as const satisfies readonly (keyof Tokens)[];

/**
 * Prepares a run's claims for comparison. The score is the share of common weight (weighted Jaccard) of words, of
 * four-letter pieces and of neighbouring words, mixed. A token weighs `-log p`, where p is the probability that two
 * different defects of this run share it. Two findings of ONE worker are different defects, so its own list shows
 * p: what it repeats from finding to finding (the file, the feature) says little, while what several workers say once
 * each keeps its weight. Where a worker's list is too short to tell, the frequency over the run's claims stands in.
 * The same lists show how alike different defects of this run look altogether: where more than usual, every score
 * is lowered by the excess, and raised where less. What is equal word for word stays 1.
 * No model, no data file, no vocabulary from any review.
 * @param claims all claims of the run, not only those to compare: they decide what is common in it
 */
export function createMatcher(claims: readonly MatchedClaim[]): Matcher {
  const texts = claims.map(({ claim }) => tokenise(claim));
  const views = VIEWS.map((view) => ({
    share: MIX[view],
    sets: weigh(
      claims,
      texts.map((text) => text[view]),
    ),
  }));
  const rawScoresOf = (left: number): Float64Array => {
    const scores = new Float64Array(claims.length);
    for (const { share, sets } of views) addShares(scores, sets, left, share);
    return scores;
  };
  const shift = measureShift(claims, rawScoresOf);
  const scoresOf = (left: number): Float64Array => rawScoresOf(left).map((score) => Math.min(1, Math.max(0, score - shift * (1 - score))));
  return { scoresOf, score: (left, right) => scoresOf(left)[right] ?? 0 };
}

export function likenessOf(score: number): Likeness {
  if (score >= THRESHOLDS.same) return "same";
  return score < THRESHOLDS.different ? "different" : "between";
}

/** One view of a run: per claim its tokens by number, ascending, and their weight; per token its weight and who has it. */
interface WeighedSets {
  readonly tokens: readonly Int32Array[];
  readonly totals: Float64Array;
  readonly weights: Float64Array;
  readonly holders: readonly (readonly number[])[];
}

function weigh(claims: readonly MatchedClaim[], sets: readonly (readonly string[])[]): WeighedSets {
  const runWide = new Map<string, number>();
  const distinct = new Map(claims.map(({ claim }, at) => [claim, at]));
  for (const at of distinct.values()) for (const token of sets[at] ?? []) increase(runWide, token, 1);
  const { repeated, chances } = countRepeats(claims, sets);
  const weightOf = (token: string): number => {
    const frequency = ((runWide.get(token) ?? 0) + 0.5) / (distinct.size + 2);
    const shared = ((repeated.get(token) ?? 0) + PRIOR * frequency) / ((chances.get(token) ?? 0) + PRIOR);
    return Math.max(LEAST_WEIGHT, -Math.log(shared) - DISCOUNT);
  };
  // Numbered by the alphabet, so that sums are added up in one order whatever the order of the claims.
  const alphabet = [...runWide.keys()].sort();
  const numbers = new Map(alphabet.map((token, number) => [token, number]));
  const weights = Float64Array.from(alphabet, weightOf);
  const tokens = sets.map((set) => Int32Array.from(set, (token) => numbers.get(token) ?? 0).sort());
  const holders = alphabet.map((): number[] => []);
  for (const [at, own] of tokens.entries()) for (const token of own) holders[token]?.push(at);
  const totals = Float64Array.from(tokens, (own) => own.reduce((sum, token) => sum + (weights[token] ?? 0), 0));
  return { tokens, totals, weights, holders };
}

/**
 * For each token: over all ordered pairs of different findings of one worker whose first has it, how many there are
 * (`chances`) and in how many the second has it too (`repeated`).
 */
function countRepeats(
  claims: readonly MatchedClaim[],
  sets: readonly (readonly string[])[],
): { repeated: ReadonlyMap<string, number>; chances: ReadonlyMap<string, number> } {
  const repeated = new Map<string, number>();
  const chances = new Map<string, number>();
  for (const list of listsOf(claims)) {
    const counts = new Map<string, number>();
    for (const at of list.values()) for (const token of sets[at] ?? []) increase(counts, token, 1);
    for (const [token, count] of counts) {
      increase(repeated, token, count * (count - 1));
      increase(chances, token, count * (list.size - 1));
    }
  }
  return { repeated, chances };
}

/** Each worker's claims with their positions; what a worker says twice word for word is one. */
function listsOf(claims: readonly MatchedClaim[]): ReadonlyMap<string, number>[] {
  const lists = new Map<string, Map<string, number>>();
  for (const [at, { claim, worker }] of claims.entries()) {
    if (worker === null) continue;
    const list = lists.get(worker) ?? new Map<string, number>();
    lists.set(worker, list.set(claim, at));
  }
  return [...lists.values()];
}

/** By how much two findings of one worker are more alike than usual. */
function measureShift(claims: readonly MatchedClaim[], rawScoresOf: (left: number) => Float64Array): number {
  const likenesses: number[] = [];
  for (const list of listsOf(claims)) {
    // In the order of the alphabet, so that the sample does not depend on that of the run.
    const positions = [...list.keys()].sort().map((claim) => list.get(claim) ?? 0);
    for (const [first, left] of positions.slice(0, SAMPLE).entries()) {
      const scores = positions.length > first + 1 ? rawScoresOf(left) : [];
      for (const right of positions.slice(first + 1, SAMPLE)) likenesses.push(scores[right] ?? 0);
    }
  }
  likenesses.sort((a, b) => a - b);
  const sum = likenesses.reduce((total, likeness) => total + likeness, USUAL.pairs * USUAL.likeness);
  const excess = sum / (likenesses.length + USUAL.pairs) - USUAL.likeness;
  return Math.min(MOST_SHIFT, Math.max(-MOST_SHIFT, excess));
}

function increase(counts: Map<string, number>, key: string, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

/** Adds to each claim's score its weighted Jaccard with the one at `left`, times `share`. */
function addShares(scores: Float64Array, { tokens, totals, weights, holders }: WeighedSets, left: number, share: number): void {
  const common = new Float64Array(scores.length);
  for (const token of tokens[left] ?? []) {
    const weight = weights[token] ?? 0;
    for (const at of holders[token] ?? []) common[at] = (common[at] ?? 0) + weight;
  }
  const own = totals[left] ?? 0;
  for (const [at, both] of common.entries()) {
    const all = own + (totals[at] ?? 0) - both;
    if (all > 0) scores[at] = (scores[at] ?? 0) + (share * both) / all;
  }
}
