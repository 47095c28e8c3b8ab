import { rateOf } from "./statistics.mjs";

/**
 * Every pair decided by itself as without an adjudicator. The run of a review is all that its workers said
 * (panels.jsonl) and what its pairs say; of neighbouring comments the run is the review's comments, and who made them
 * is not known.
 */
export function measurePairs({ createMatcher, isSameUnaided, comparePlaces, THRESHOLDS }, { pairs, coLocated, panels }) {
  const openRuns = (claimsOf) => {
    const runs = new Map();
    return (review, one, other) => {
      if (!runs.has(review)) {
        const claims = claimsOf(review);
        runs.set(review, { matcher: createMatcher(claims), at: new Map(claims.map(({ claim }, at) => [claim, at])) });
      }
      const { matcher, at } = runs.get(review);
      return matcher.score(at.get(one), at.get(other));
    };
  };
  const pairClaims = new Map(groupBy(pairs).map(([review, rows]) => [review, new Set(rows.flatMap(({ a, b }) => [a, b]))]));
  const neighbours = new Map(groupBy(coLocated).map(([review, rows]) => [review, new Set(rows.flatMap(({ a, b }) => [a.claim, b.claim]))]));
  const said = new Map(panels.map(({ review, workers }) => [review, claimsOfWorkers(workers)]));
  const unknown = (claims) => [...claims].map((claim) => ({ claim, worker: null }));

  const scoreInRun = openRuns((review) => {
    const known = said.get(review) ?? [];
    const heard = new Set(known.map(({ claim }) => claim));
    return [...known, ...unknown(pairClaims.get(review) ?? []).filter(({ claim }) => !heard.has(claim))];
  });
  const scoreAlone = openRuns((review) => unknown(pairClaims.get(review) ?? []));
  const scoreNeighbours = openRuns((review) => unknown(neighbours.get(review) ?? []));

  const ways = {
    okstra: {
      pair: ({ review, a, b }) => isSameUnaided(scoreInRun(review, a, b), "unknown"),
      coLocated: ({ review, a, b, path }) =>
        isSameUnaided(scoreNeighbours(review, a.claim, b.claim), nearnessOf(comparePlaces, path, a, b)),
    },
    /** The same pairs when nothing is known of the run but the claims to compare. */
    withoutWorkers: { pair: ({ review, a, b }) => isSameUnaided(scoreAlone(review, a, b), "unknown") },
    exactTitle: {
      pair: ({ a, b }) => normaliseTitle(a) === normaliseTitle(b),
      coLocated: ({ a, b }) => normaliseTitle(a.claim) === normaliseTitle(b.claim),
    },
    /** A pair without places cannot be joined by place. */
    locationOnly: { pair: () => false, coLocated: ({ a, b, path }) => nearnessOf(comparePlaces, path, a, b) === "overlap" },
  };
  const measured = Object.fromEntries(
    Object.entries(ways).map(([name, way]) => [
      name,
      {
        pairs: ratesOfPairs(pairs, way.pair),
        ...(way.coLocated === undefined ? {} : { coLocated: rateOfMerges(coLocated, way.coLocated) }),
      },
    ]),
  );
  const adjudicated = pairs.filter(({ review, a, b }) => {
    const score = scoreInRun(review, a, b);
    return score >= THRESHOLDS.different && score < THRESHOLDS.same;
  });
  return {
    pairs: {
      ...measured.okstra.pairs,
      withoutWorkers: measured.withoutWorkers.pairs,
      zones: {
        sameAboveDifferent: rateOf(
          pairs.filter(({ same }) => same).map((row) => inGroup(row, scoreInRun(row.review, row.a, row.b) >= THRESHOLDS.different)),
        ).rate,
        differentAboveSame: rateOf(
          pairs.filter(({ same }) => !same).map((row) => inGroup(row, scoreInRun(row.review, row.a, row.b) >= THRESHOLDS.same)),
        ).rate,
        adjudicatedShare: pairs.length === 0 ? null : Number((adjudicated.length / pairs.length).toFixed(4)),
      },
    },
    coLocated: measured.okstra.coLocated,
    pairBaselines: { exactTitle: measured.exactTitle, locationOnly: measured.locationOnly },
  };
}

/** Each worker's claims, without those a worker says twice word for word. */
export function claimsOfWorkers(workers) {
  return Object.entries(workers).flatMap(([worker, findings]) =>
    [...new Set(findings.map(({ claim }) => claim))].map((claim) => ({ claim, worker })),
  );
}

export function normaliseTitle(claim) {
  return claim
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}

function ratesOfPairs(pairs, decide) {
  const recall = rateOf(pairs.filter(({ same }) => same).map((row) => inGroup(row, decide(row))));
  const falseMerges = rateOf(pairs.filter(({ same }) => !same).map((row) => inGroup(row, decide(row))));
  return {
    recall: recall.rate,
    falseMergeRate: falseMerges.rate,
    recallInterval: recall.interval,
    falseMergeInterval: falseMerges.interval,
    same: recall.cases,
    different: falseMerges.cases,
  };
}

function rateOfMerges(rows, decide) {
  const merges = rateOf(rows.filter(({ same }) => same !== true).map((row) => inGroup(row, decide(row))));
  return { falseMergeRate: merges.rate, falseMergeInterval: merges.interval, different: merges.cases };
}

function nearnessOf(comparePlaces, file, a, b) {
  return comparePlaces({ file, startLine: a.from, endLine: a.to }, { file, startLine: b.from, endLine: b.to });
}

function inGroup({ review }, isHit) {
  return { group: review, hit: isHit ? 1 : 0 };
}

function groupBy(rows) {
  const groups = new Map();
  for (const row of rows) groups.set(row.review, [...(groups.get(row.review) ?? []), row]);
  return [...groups];
}
