import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { groupFindings, isSameUnaided, pairKey, type Group, type Groupable } from "./agglomerate.ts";
import { createMatcher, THRESHOLDS } from "./matcher.ts";
import { comparePlaces } from "./place.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

const CLAIMS = [
  "`total` starts at 1, so every sum is one too high",
  "The accumulator is initialised with 1 instead of 0, so the sum is off by one",
  "sum() begins with total = 1 and is therefore one too high",
  "File handle is never closed when parsing fails",
  "parseFile leaks the file handle on a parse error",
  "Typo in method name: santizeAnchors should be sanitizeAnchors",
  "User input reaches the shell command without quoting",
];

const place = fc.record({
  file: fc.constantFrom(undefined, "src/sum.ts", "src/parse.ts"),
  startLine: fc.constantFrom(undefined, 1, 3, 40),
});
const finding = fc.record({ worker: fc.constantFrom("a", "b", "c"), claim: fc.constantFrom(...CLAIMS), place });
const run = fc.array(finding, { maxLength: 14 }).map((all) =>
  all.map(({ worker, claim, place: { file, startLine } }, at): Groupable => ({
    id: `${worker}#${at + 1}`,
    worker,
    claim,
    file,
    startLine,
  })),
);

/** Groups as sets of what is said, so that only content is compared. */
function contentOf(groups: readonly Group<Groupable>[]): string[] {
  return groups
    .map(({ members }) =>
      members
        .map(({ claim, file, startLine }) => `${claim} ${file} ${startLine}`)
        .sort()
        .join("\n"),
    )
    .sort();
}

describe("groupFindings", () => {
  test("joins what different workers say about one defect and parts the rest", () => {
    const { groups } = groupFindings(
      [
        { id: "a#1", worker: "a", claim: CLAIMS[0]! },
        { id: "a#2", worker: "a", claim: CLAIMS[3]! },
        { id: "b#1", worker: "b", claim: CLAIMS[4]! },
        { id: "b#2", worker: "b", claim: CLAIMS[2]! },
        { id: "b#3", worker: "b", claim: CLAIMS[5]! },
      ],
      { sha256 },
    );
    const ids = groups
      .map(({ members }) =>
        members
          .map(({ id }) => id)
          .sort()
          .join("+"),
      )
      .sort();
    expect(ids).toEqual(["a#1+b#2", "a#2+b#1", "b#3"]);
  });

  test("every finding is in exactly one group, at most one of each worker", () => {
    fc.assert(
      fc.property(run, (findings) => {
        const { groups } = groupFindings(findings, { sha256 });
        expect(groups.flatMap(({ members }) => members.map(({ id }) => id)).sort()).toEqual(findings.map(({ id }) => id).sort());
        for (const { members } of groups) expect(new Set(members.map(({ worker }) => worker)).size).toBe(members.length);
      }),
    );
  });

  test("neither the order of findings nor the names of workers have an effect", () => {
    const renamed: Readonly<Record<string, string>> = { a: "zeta", b: "m", c: "alpha" };
    fc.assert(
      fc.property(
        run.chain((findings) => fc.tuple(fc.constant(findings), fc.shuffledSubarray(findings, { minLength: findings.length }))),
        ([findings, shuffled]) => {
          const plain = groupFindings(findings, { sha256 });
          expect(groupFindings(shuffled, { sha256 })).toEqual(plain);
          const others = shuffled.map((each) => ({
            ...each,
            worker: renamed[each.worker]!,
            id: `${renamed[each.worker]!}${each.id.slice(1)}`,
          }));
          expect(contentOf(groupFindings(others, { sha256 }).groups)).toEqual(contentOf(plain.groups));
        },
      ),
    );
  });

  test("no chain joins two that are different by themselves", () => {
    fc.assert(
      fc.property(run, (findings) => {
        const { groups, possiblySame } = groupFindings(findings, { sha256 });
        const matcher = createMatcher(findings);
        const pairs = groups.flatMap(({ members }) =>
          members.flatMap((one, at) => members.slice(at + 1).map((other) => [one, other] as const)),
        );
        for (const [one, other] of pairs) {
          expect(isSameUnaided(matcher.score(findings.indexOf(one), findings.indexOf(other)), comparePlaces(one, other))).toBe(true);
        }
        for (const { groups: pair } of possiblySame) expect(pair[0]).toBeLessThan(pair[1]);
      }),
    );
  });

  test("a ruling decides what the text leaves open, either way", () => {
    const findings: Groupable[] = [
      { id: "a#1", worker: "a", claim: "The cache is filled twice when two requests arrive together" },
      { id: "b#1", worker: "b", claim: "Requests that arrive at the same moment both load the manifest" },
      { id: "b#2", worker: "b", claim: "The changelog has no entry" },
    ];
    const { undecided, groups, possiblySame } = groupFindings(findings, { sha256 });
    expect(undecided.map(({ pair }) => pair)).toContainEqual(["a#1", "b#1"]);
    const key = pairKey("b#1", "a#1");
    expect(groupFindings(findings, { sha256, rulings: new Map([[key, true]]) }).groups).toHaveLength(2);
    expect(groupFindings(findings, { sha256, rulings: new Map([[key, false]]) }).groups).toHaveLength(3);
    expect(groupFindings(findings, { sha256, rulings: new Map([[key, false]]) }).possiblySame).toEqual([]);
    expect(groups.length === 3 ? possiblySame.length : 1).toBe(1);
  });

  test("what is said at places apart has to be alike beyond doubt", () => {
    const between = (THRESHOLDS.overlapping + THRESHOLDS.same) / 2;
    expect(isSameUnaided(between, "overlap")).toBe(true);
    expect(isSameUnaided(between, "unknown")).toBe(true);
    expect(isSameUnaided(between, "apart")).toBe(false);
    expect([isSameUnaided(THRESHOLDS.unaided, "unknown"), isSameUnaided(THRESHOLDS.unaided, "overlap")]).toEqual([true, false]);
    expect(isSameUnaided(THRESHOLDS.same, "apart")).toBe(true);
  });

  test("worst cases end: 4 workers that say one thing 40 times each", () => {
    const findings = ["a", "b", "c", "d"].flatMap((worker) =>
      Array.from({ length: 40 }, (_, at): Groupable => ({ id: `${worker}#${at + 1}`, worker, claim: CLAIMS[0]! })),
    );
    const { groups } = groupFindings(findings, { sha256 });
    expect(groups).toHaveLength(40);
    for (const { members, score } of groups) expect([members.length, score]).toEqual([4, expect.closeTo(1, 9)]);
  });
});
