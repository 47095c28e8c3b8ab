import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createMatcher, likenessOf, THRESHOLDS } from "./matcher.ts";
import { comparePlaces } from "./place.ts";
import { stemOf, tokenise } from "./tokens.ts";

describe("tokenise", () => {
  test("splits identifiers, folds endings and synonyms, leaves out stop words and fenced code", () => {
    const { words } = tokenise("The `getUserName()` crashes with nil\n```suggestion\nconst secretPart = 1\n```");
    expect(words).toEqual(tokenise("get_user_name throws on null").words.filter((word) => word !== "get"));
    expect(words).not.toContain("secret");
  });

  test("endings", () => {
    const table = {
      validates: "validat",
      validation: "validat",
      properties: "properti",
      property: "properti",
      dropped: "drop",
      missing: "miss",
    };
    for (const [word, stem] of Object.entries(table)) expect(stemOf(word), word).toBe(stem);
  });

  test("scripts without blanks are compared by pairs of characters", () => {
    const { words } = tokenise("合計が一つ多い");
    expect(words).toContain("合計");
    expect(tokenise("합계가 하나 많다").words.length).toBeGreaterThan(2);
  });

  test("any text is taken, and a long one quickly", () => {
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => Array.isArray(tokenise(text).words)));
    expect(tokenise("aB_".repeat(1_000_000)).words.length).toBeLessThan(1000);
  });
});

describe("createMatcher", () => {
  const claim = fc.constantFrom("sum starts at one", "total is one too high", "handle leaks", "sum is one too high", "", "null");
  const run = fc.array(fc.record({ claim, worker: fc.constantFrom("a", "b", null) }), { minLength: 2, maxLength: 12 });

  test("is between 0 and 1, symmetric, and 1 for what says the same", () => {
    fc.assert(
      fc.property(run, (claims) => {
        const matcher = createMatcher(claims);
        const score = matcher.score(0, 1);
        expect(score).toBe(matcher.score(1, 0));
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(1 + 1e-9);
        // A single word has no neighbour, so the view of pairs is empty.
        if (claims[0]!.claim.includes(" ")) expect(matcher.score(0, 0)).toBeCloseTo(1, 9);
      }),
    );
  });

  test("does not depend on the order of the run", () => {
    fc.assert(
      fc.property(run, (claims) => {
        const turned = createMatcher(claims.toReversed());
        expect(turned.score(claims.length - 1, claims.length - 2)).toBe(createMatcher(claims).score(0, 1));
      }),
    );
  });

  test("what one worker repeats from finding to finding says less", () => {
    const pair = [
      { claim: "invoice export writes dates in local time", worker: "a" },
      { claim: "invoice export skips the last page", worker: "b" },
    ];
    const topic = ["invoice export ignores the encoding", "invoice export has no test", "invoice export opens a window"];
    const repeated = createMatcher([...pair, ...topic.map((each) => ({ claim: each, worker: "a" }))]).score(0, 1);
    const spread = createMatcher([...pair, ...topic.map((each, at) => ({ claim: each, worker: `w${at}` }))]).score(0, 1);
    expect(repeated).toBeLessThan(spread);
  });

  test("the thresholds part the scale in three", () => {
    expect([0, THRESHOLDS.different, THRESHOLDS.unaided, THRESHOLDS.overlapping, THRESHOLDS.same, 1].map(likenessOf)).toEqual([
      "different",
      "between",
      "between",
      "between",
      "same",
      "same",
    ]);
  });
});

test("places", () => {
  const at = (startLine?: number, endLine?: number, more = {}): object => ({ file: "src/a.ts", startLine, endLine, ...more });
  expect(comparePlaces(at(1, 4), at(7))).toBe("overlap");
  expect(comparePlaces(at(1, 4), at(8))).toBe("apart");
  expect(comparePlaces(at(9, 1), at(5))).toBe("overlap");
  expect(comparePlaces(at(1), at(90, 91, { file: "./src/a.ts", symbol: "f" }))).toBe("apart");
  expect(comparePlaces(at(1, 1, { symbol: "f" }), at(90, 91, { symbol: "f" }))).toBe("overlap");
  expect(comparePlaces(at(1, 1, { quote: "a  b" }), at(90, 91, { quote: " a b" }))).toBe("overlap");
  expect(comparePlaces(at(1), { file: "src/b.ts", startLine: 1 })).toBe("apart");
  expect(comparePlaces(at(1), {})).toBe("unknown");
  expect(comparePlaces(at(), at())).toBe("unknown");
  expect(comparePlaces({ symbol: "R1" }, { symbol: "R2" })).toBe("apart");
  expect(comparePlaces({ symbol: "R1" }, { symbol: "R1" })).toBe("overlap");
});
