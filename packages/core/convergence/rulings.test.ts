import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { pairKey } from "./agglomerate.ts";
import { planRulings, readRulings } from "./rulings.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const findings = ["a#1", "b#1", "c#1"].map((id, at) => ({ id, claim: `claim ${at}`, file: "src/a.ts", startLine: at + 1 }));
const candidate = (one: string, other: string) => ({
  pair: [one, other] as const,
  score: 0.1,
  likeness: "between" as const,
  nearness: "overlap" as const,
});
const undecided = [candidate("a#1", "b#1"), candidate("b#1", "c#1")];
const lanes = ["a", "b", "c"].map((worker) => ({ worker, end: "ok" as const, canVote: true }));

test("one worker is asked about all pairs at once, and the question does not show who raised what", () => {
  const plan = planRulings({ undecided, findings, lanes, sha256 });
  expect(plan?.pairs.map(({ id }) => id)).toEqual(["P1", "P2"]);
  expect(JSON.stringify(plan?.pairs.map(({ sides }) => sides))).not.toMatch(/#1|"worker"|family|severity/);
});

test("nobody to ask, or nothing open: no question", () => {
  expect(planRulings({ undecided: [], findings, lanes, sha256 })).toBeNull();
  expect(planRulings({ undecided, findings, lanes: lanes.map((lane) => ({ ...lane, canVote: false })), sha256 })).toBeNull();
  expect(planRulings({ undecided, findings, lanes: lanes.map((lane) => ({ ...lane, end: "failed" as const })), sha256 })).toBeNull();
});

test("the order of lanes, pairs and findings has no effect", () => {
  const wanted = planRulings({ undecided, findings, lanes, sha256 });
  fc.assert(
    fc.property(
      fc.shuffledSubarray(lanes, { minLength: 3 }),
      fc.shuffledSubarray(undecided, { minLength: 2 }),
      fc.shuffledSubarray(findings, { minLength: 3 }),
      (someLanes, somePairs, someFindings) => {
        expect(planRulings({ undecided: somePairs, findings: someFindings, lanes: someLanes, sha256 })).toEqual(wanted);
      },
    ),
  );
});

test("an answer counts once; two that differ cancel each other; a pair that was not asked is none", () => {
  const plan = planRulings({ undecided, findings, lanes, sha256 })!;
  const keyOf = (id: string): string => plan.pairs.find((pair) => pair.id === id)?.key ?? "";
  expect(
    readRulings(plan, [
      { pair: "P1", same: true },
      { pair: "P2", same: true },
      { pair: "P2", same: false },
      { pair: "P9", same: true },
    ]),
  ).toEqual(new Map([[keyOf("P1"), true]]));
  expect([pairKey("a#1", "b#1"), pairKey("b#1", "c#1")].sort()).toEqual(plan.pairs.map(({ key }) => key).sort());
});
