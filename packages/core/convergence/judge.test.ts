import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SEVERITIES, type RaisedFinding } from "../domain/finding.ts";
import { isCovered } from "./covered.ts";
import { EVIDENCE } from "./classify.ts";
import { judge, type CastVote, type JudgedLane, type JudgeInput } from "./judge.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const ENDS = ["ok", "partial", "failed", "timeout", "quota", "cancelled"] as const;
const CLAIMS = [
  "total starts at 1, so the sum is one too high",
  "sum starts at total = 1: one too high",
  "handle is not closed",
  "typo in README",
];

const raised = (worker: string, n: number, claim: string, more: Partial<RaisedFinding> = {}): RaisedFinding => ({
  id: `${worker}#${n}`,
  worker,
  family: worker,
  claim,
  category: "correctness",
  severity: "P1",
  file: "src/sum.ts",
  startLine: 2,
  ...more,
});
const lane = (worker: string, more: Partial<JudgedLane> = {}): JudgedLane => ({ worker, family: worker, end: "ok", ...more });
const grounded = (findings: readonly RaisedFinding[]): JudgeInput["findings"] => findings.map((finding) => ({ finding, grounded: true }));

test("two families agree, a third is alone; the crashed lane is no voice either way", () => {
  const input: JudgeInput = {
    lanes: [lane("a"), lane("b"), lane("c"), lane("d", { end: "failed" })],
    findings: grounded([raised("a", 1, CLAIMS[0]!), raised("b", 1, CLAIMS[1]!), raised("c", 1, CLAIMS[2]!), raised("d", 1, CLAIMS[0]!)]),
    votes: [{ findingId: "c#1", family: "a", answer: "refuted", evidence: "reproduction" }],
    sha256,
  };
  const judgement = judge(input);
  expect(judgement).toMatchObject({ kEff: 3, crossChecked: true, unheard: ["d#1"] });
  expect(judgement.clusters.map(({ class: name, members }) => [name, members.map(({ id }) => id).sort()])).toEqual([
    ["consensus", ["a#1", "b#1"]],
    ["dismissed", ["c#1"]],
  ]);
});

test("a family that did not look at the file is not asked to agree", () => {
  const findings = grounded([raised("a", 1, CLAIMS[0]!), raised("b", 1, CLAIMS[1]!)]);
  const classOf = (covered: readonly string[]): string =>
    judge({ lanes: ["a", "b", "c", "d"].map((each) => lane(each, each > "b" ? { covered } : {})), findings, votes: [], sha256 })
      .clusters[0]!.class;
  expect(classOf(["docs/**"])).toBe("consensus");
  expect(classOf(["src/**"])).toBe("partial");
});

test("a family does not verify its own claim", () => {
  const votes: CastVote[] = [{ findingId: "a#1", family: "a", answer: "confirmed", evidence: "reproduction" }];
  const { clusters } = judge({ lanes: [lane("a"), lane("b")], findings: grounded([raised("a", 1, CLAIMS[0]!)]), votes, sha256 });
  expect(clusters).toMatchObject([{ verification: "unverified", disposition: "held" }]);
});

test("one lane alone is no cross-check", () => {
  const { crossChecked, clusters } = judge({ lanes: [lane("a")], findings: grounded([raised("a", 1, CLAIMS[0]!)]), votes: [], sha256 });
  expect(crossChecked).toBe(false);
  expect(clusters).toMatchObject([{ class: "unique", strong: false }]);
});

const WORKERS = ["a", "b", "c", "d"];
const anyInput: fc.Arbitrary<JudgeInput> = fc
  .record({
    ends: fc.array(fc.constantFrom(...ENDS), { minLength: 4, maxLength: 4 }),
    found: fc.array(
      fc.record({
        worker: fc.constantFrom(...WORKERS),
        claim: fc.constantFrom(...CLAIMS),
        severity: fc.constantFrom(...SEVERITIES),
        startLine: fc.constantFrom(1, 4, 90),
        isGrounded: fc.boolean(),
      }),
      { maxLength: 10 },
    ),
    votes: fc.array(
      fc.record({
        findingId: fc.constantFrom("a#1", "b#2", "c#3", "d#4"),
        family: fc.constantFrom(null, ...WORKERS),
        answer: fc.constantFrom("confirmed" as const, "refuted" as const),
        evidence: fc.constantFrom(...EVIDENCE),
      }),
      { maxLength: 4 },
    ),
  })
  .map(({ ends, found, votes }) => ({
    // Two workers of one family: c and d.
    lanes: WORKERS.map((worker, at) => ({ worker, family: worker === "d" ? "c" : worker, end: ends[at]! })),
    findings: found.map(({ isGrounded, worker, claim, ...more }, at) => ({
      finding: { ...raised(worker, at + 1, claim, more), family: worker === "d" ? "c" : worker },
      grounded: isGrounded,
    })),
    votes,
    sha256,
  }));

describe("properties", () => {
  test("count in is count out, by id", () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const { clusters, unheard } = judge(input);
        const out = [...clusters.flatMap(({ members }) => members.map(({ id }) => id)), ...unheard];
        expect(out.sort()).toEqual(input.findings.map(({ finding }) => finding.id).sort());
      }),
    );
  });

  test("the order of lanes, findings and votes has no effect", () => {
    fc.assert(
      fc.property(
        anyInput.chain((input) =>
          fc.record({
            input: fc.constant(input),
            lanes: fc.shuffledSubarray([...input.lanes], { minLength: input.lanes.length }),
            findings: fc.shuffledSubarray([...input.findings], { minLength: input.findings.length }),
            votes: fc.shuffledSubarray([...input.votes], { minLength: input.votes.length }),
          }),
        ),
        ({ input, ...shuffled }) => {
          expect(judge({ ...input, ...shuffled })).toEqual(judge(input));
        },
      ),
    );
  });

  test("a lane that is not ok is as good as one that was never there", () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const ok = new Set(input.lanes.filter(({ end }) => end === "ok").map(({ worker }) => worker));
        const without = judge({
          ...input,
          lanes: input.lanes.filter(({ worker }) => ok.has(worker)),
          findings: input.findings.filter(({ finding }) => ok.has(finding.worker)),
        });
        const { unheard: _unheard, ...judgement } = judge(input);
        expect(judgement).toEqual({
          kEff: without.kEff,
          crossChecked: without.crossChecked,
          clusters: without.clusters,
          undecided: without.undecided,
        });
      }),
    );
  });
});

test("globs of what was covered", () => {
  const table: readonly (readonly [string, string, boolean])[] = [
    ["src/**", "src/a/b.ts", true],
    ["src/**/*.ts", "src/b.ts", true],
    ["src/**/*.ts", "src/a/b/c.ts", true],
    ["src/*.ts", "src/a/b.ts", false],
    ["**/b.ts", "b.ts", true],
    ["**/b.ts", "a/xb.ts", false],
    ["src", "src/a.ts", true],
    ["src/", "srcs/a.ts", false],
    ["./a.?s", "a.ts", true],
    ["**", "a/b", true],
    ["", "a", false],
    ["a(b)+.ts", "a(b)+.ts", true],
  ];
  for (const [glob, file, expected] of table) expect(isCovered([glob], file), `${glob} ${file}`).toBe(expected);
  expect(isCovered(undefined, "a")).toBe(true);
  expect(isCovered(["**/".repeat(500) + "*a".repeat(500)], "a/".repeat(2000))).toBe(false);
});
