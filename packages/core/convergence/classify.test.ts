import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SEVERITIES } from "../domain/finding.ts";
import {
  classify,
  contradict,
  disposeOf,
  EVIDENCE,
  needsVerification,
  type Classification,
  type ClusterFacts,
  type MemberFacts,
  type Vote,
} from "./classify.ts";

const member = (family: string, more: Partial<MemberFacts> = {}): MemberFacts => ({ family, severity: "P1", grounded: true, ...more });
const vote = (answer: Vote["answer"], evidence: Vote["evidence"] = "quoted-code"): Vote => ({ answer, evidence });
const facts = (members: readonly MemberFacts[], families: readonly string[], votes: readonly Vote[] = []): ClusterFacts => ({
  members,
  families,
  votes,
});

describe("classes", () => {
  const table: readonly (readonly [string, ClusterFacts, string, boolean])[] = [
    ["two of two agree", facts([member("a"), member("b")], ["a", "b"]), "consensus", false],
    ["three of three agree", facts([member("a"), member("b"), member("c")], ["a", "b", "c"]), "consensus", true],
    ["three of four agree", facts([member("a"), member("b"), member("c")], ["a", "b", "c", "d"]), "consensus", false],
    ["two of four agree", facts([member("a"), member("b")], ["a", "b", "c", "d"]), "partial", false],
    ["one alone", facts([member("a")], ["a", "b"]), "unique", false],
    ["one family twice", facts([member("a"), member("a")], ["a", "b"]), "unique", false],
    ["nobody to agree", facts([member("a")], ["a"]), "unique", false],
    ["no quote", facts([member("a", { grounded: false })], ["a", "b"]), "ungrounded", false],
    ["no quote, confirmed with code", facts([member("a", { grounded: false })], ["a", "b"], [vote("confirmed")]), "unique", false],
    ["no quote, refuted with code", facts([member("a", { grounded: false })], ["a", "b"], [vote("refuted")]), "dismissed", false],
    ["refuted with code", facts([member("a"), member("b")], ["a", "b", "c"], [vote("refuted")]), "contested", false],
    ["refuted by reasoning only", facts([member("a")], ["a", "b"], [vote("refuted", "reasoning")]), "unique", false],
    [
      "refuted by a reproduction",
      facts([member("a"), member("b")], ["a", "b", "c"], [vote("refuted", "reproduction")]),
      "dismissed",
      false,
    ],
    [
      "reproduced, refuted with code",
      facts([member("a")], ["a", "b"], [vote("confirmed", "reproduction"), vote("refuted")]),
      "unique",
      false,
    ],
    [
      "reproduced both ways",
      facts([member("a")], ["a", "b"], [vote("confirmed", "reproduction"), vote("refuted", "reproduction")]),
      "contested",
      false,
    ],
    ["severities two apart", facts([member("a"), member("b", { severity: "P3" })], ["a", "b"]), "contested", false],
    ["severities one apart", facts([member("a"), member("b", { severity: "P2" })], ["a", "b"]), "consensus", false],
    [
      "contrary fixes",
      facts([member("a", { fix: "Remove the retry loop" }), member("b", { fix: "Keep the retry loop and add a limit" })], ["a", "b"]),
      "contested",
      false,
    ],
  ];
  for (const [name, given, expected, strong] of table) {
    test(name, () => {
      expect(classify(given)).toMatchObject({ class: expected, strong });
    });
  }

  test("the gravest severity of what is grounded counts", () => {
    const cluster = classify(facts([member("a", { severity: "P2" }), member("b", { severity: "P0", grounded: false })], ["a", "b"]));
    expect(cluster.severity).toBe("P2");
  });

  test("only contrary fixes of one thing contradict", () => {
    expect(contradict("Enable the cache", "disable the cache for tests")).toBe(true);
    expect(contradict("Use optional chaining on user", "Guard user with an if")).toBe(false);
    expect(contradict("Remove the listener", "Add a test for parsing")).toBe(false);
  });
});

describe("dispositions", () => {
  const dispose = (given: ClusterFacts): string => disposeOf(classify(given));

  test("confirmed or strong grave claims block, other grave ones wait for a person, the rest advises", () => {
    expect(dispose(facts([member("a")], ["a", "b"], [vote("confirmed")]))).toBe("blocks");
    expect(dispose(facts([member("a"), member("b"), member("c")], ["a", "b", "c"]))).toBe("blocks");
    expect(dispose(facts([member("a"), member("b")], ["a", "b"]))).toBe("held");
    expect(dispose(facts([member("a")], ["a", "b"], [vote("refuted")]))).toBe("held");
    expect(dispose(facts([member("a")], ["a", "b"], [vote("refuted", "reasoning")]))).toBe("held");
    expect(dispose(facts([member("a")], ["a", "b"], [vote("refuted", "reproduction")]))).toBe("advisory");
    expect(dispose(facts([member("a", { severity: "P2" })], ["a", "b"], [vote("confirmed")]))).toBe("advisory");
    expect(dispose(facts([member("a", { grounded: false })], ["a", "b"]))).toBe("advisory");
  });

  test("only strong agreement and what is dismissed need no verification", () => {
    expect(needsVerification({ class: "consensus", strong: true })).toBe(false);
    expect(needsVerification({ class: "dismissed", strong: false })).toBe(false);
    expect(needsVerification({ class: "partial", strong: false })).toBe(true);
  });
});

const anyMember = fc.record({
  family: fc.constantFrom("a", "b", "c", "d"),
  severity: fc.constantFrom(...SEVERITIES),
  grounded: fc.boolean(),
  fix: fc.constantFrom(undefined, "remove the lock", "keep the lock"),
});
const anyVote = fc.record({
  answer: fc.constantFrom("confirmed" as const, "refuted" as const, "unverifiable" as const),
  evidence: fc.constantFrom(...EVIDENCE),
});
const anyFacts = fc.record({
  members: fc.array(anyMember, { minLength: 1, maxLength: 5 }),
  votes: fc.array(anyVote, { maxLength: 4 }),
  families: fc.array(fc.constantFrom("a", "b", "c", "d", "e", "f")),
});

/** How much a class says for the claim. Contested stands beside: it is never entered or left by agreement. */
function rankOf({ class: name, strong }: Classification): number {
  return ["dismissed", "ungrounded", "unique", "partial", "consensus", "contested"].indexOf(name) * 2 + (strong ? 1 : 0);
}

describe("properties", () => {
  test("another family with the same claim, place and severity never lowers the class", () => {
    fc.assert(
      fc.property(anyFacts, fc.boolean(), fc.nat(), (given, wasThere, pick) => {
        const copied = { ...given.members[pick % given.members.length]!, family: "new" };
        const families = wasThere ? [...given.families, "new"] : given.families;
        const before = classify({ ...given, families });
        const after = classify({ ...given, members: [...given.members, copied], families: [...families, "new"] });
        expect(rankOf(after)).toBeGreaterThanOrEqual(rankOf(before));
      }),
      { numRuns: 2000 },
    );
  });

  test("the order of members, votes and families has no effect", () => {
    fc.assert(
      fc.property(anyFacts, (given) => {
        const turned = { members: given.members.toReversed(), votes: given.votes.toReversed(), families: given.families.toReversed() };
        expect(classify(turned)).toEqual(classify(given));
      }),
    );
  });

  test("with fewer than two families nothing is consensus", () => {
    fc.assert(
      fc.property(
        fc.array(
          anyMember.map((each) => ({ ...each, family: "a" })),
          { minLength: 1 },
        ),
        fc.array(anyVote),
        (members, votes) => {
          expect(["consensus", "partial"]).not.toContain(classify({ members, votes, families: ["a"] }).class);
        },
      ),
    );
  });

  test("severities two or more levels apart, both grounded, are never consensus", () => {
    fc.assert(
      fc.property(anyFacts, (given) => {
        const members = [...given.members, member("x", { severity: "P0" }), member("y", { severity: "P2" })];
        expect(["contested", "dismissed"]).toContain(classify({ ...given, members }).class);
      }),
    );
  });
});
