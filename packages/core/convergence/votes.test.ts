import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ExecutedVote } from "../domain/execution.ts";
import { SEVERITIES, type LaneEnd, type Severity } from "../domain/finding.ts";
import { EVIDENCE } from "./classify.ts";
import {
  planVerification,
  rankVotes,
  verificationItemSchema,
  voteRecordSchema,
  voteResultSchema,
  type RankingInput,
  type VerificationInput,
  type VerificationItem,
  type VoteAnswer,
  type VoteRecord,
} from "./votes.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const TEXT = "let total = 1;\nreturn total;\n";

const cluster = (id: string, families: readonly string[], severity: Severity = "P1"): VerificationInput["clusters"][number] => ({
  members: [id],
  families,
  claim: `claim of ${id}`,
  severity,
  class: "unique",
  strong: false,
  file: "a.ts",
  startLine: 1,
  endLine: 1,
});
const lane = (worker: string, family = worker, end: LaneEnd = "ok", canVote = true): VerificationInput["lanes"][number] => ({
  worker,
  family,
  end,
  canVote,
});
const plan = (parts: Partial<VerificationInput>): ReturnType<typeof planVerification> =>
  planVerification({ clusters: [], findings: [], lanes: [], sha256, ...parts });

describe("who verifies what", () => {
  test("a grave claim goes to one of every other family, another to one worker alone", () => {
    const lanes = [lane("a"), lane("b"), lane("b2", "b"), lane("c"), lane("d", "d", "failed"), lane("e", "e", "ok", false)];
    const grave = plan({ clusters: [cluster("a#1", ["a"], "P0")], lanes });
    expect(grave.assignments.map(({ worker }) => worker.slice(0, 1))).toEqual(["b", "c"]);
    const light = plan({ clusters: [cluster("a#1", ["a"], "P2")], lanes });
    expect(light.assignments).toHaveLength(1);
    expect(["b", "b2", "c"]).toContain(light.assignments[0]!.worker);
  });

  test("nobody of the families that raised it, however many workers they have; then nobody is asked", () => {
    const { items, assignments } = plan({ clusters: [cluster("a#1", ["a", "b"])], lanes: [lane("a"), lane("a2", "a"), lane("b")] });
    expect([items.length, assignments]).toEqual([1, []]);
  });

  test("strong agreement and what is dismissed are left out", () => {
    const clusters = [
      { ...cluster("a#1", ["a", "b", "c"]), class: "consensus" as const, strong: true },
      { ...cluster("a#2", ["a"]), class: "dismissed" as const },
      { ...cluster("a#3", ["a"]), class: "ungrounded" as const },
    ];
    expect(plan({ clusters, lanes: [lane("d")] }).items.map(({ findingId }) => findingId)).toEqual(["a#3"]);
  });

  test("an item has the place and the symbol of the finding that speaks for it", () => {
    const { items } = plan({ clusters: [cluster("a#1", ["a"])], findings: [{ id: "a#1", symbol: "sum" }] });
    expect(items).toEqual([
      { id: "V1", findingId: "a#1", claim: "claim of a#1", file: "a.ts", startLine: 1, endLine: 1, symbol: "sum", families: ["a"] },
    ]);
    expect(verificationItemSchema.parse(items[0])).toEqual(items[0]);
  });

  test("light claims are spread evenly", () => {
    const clusters = Array.from({ length: 90 }, (_, at) => cluster(`a#${at + 1}`, ["a"], "P3"));
    const { assignments } = plan({ clusters, lanes: [lane("b"), lane("c"), lane("d"), lane("a")] });
    expect(assignments.map(({ items }) => items.length)).toEqual([30, 30, 30]);
  });

  test("no voter is given more than a result can hold, and grave claims come first", () => {
    const clusters = Array.from({ length: 2100 }, (_, at) => cluster(`a#${at + 1}`, ["a"], at < 2050 ? "P3" : "P0"));
    const { items, assignments } = plan({ clusters, lanes: [lane("b")] });
    expect(assignments.map((each) => each.items.length)).toEqual([2000]);
    const given = new Set(assignments[0]!.items);
    const grave = new Set(clusters.slice(2050).map(({ members }) => members[0]!));
    expect(items.filter(({ id, findingId }) => grave.has(findingId) && given.has(id))).toHaveLength(50);
  });

  test("the order of clusters, findings and lanes has no effect, and ids say nothing about severity", () => {
    const anyClusters = fc.uniqueArray(
      fc.record({ worker: fc.constantFrom("a", "b", "c"), n: fc.integer({ min: 1, max: 9 }), severity: fc.constantFrom(...SEVERITIES) }),
      { selector: ({ worker, n }) => `${worker}#${n}`, maxLength: 12 },
    );
    fc.assert(
      fc.property(anyClusters, (all) => {
        const clusters = all.map(({ worker, n, severity }) => cluster(`${worker}#${n}`, [worker], severity));
        const findings = clusters.map(({ members }) => ({ id: members[0]!, symbol: `of ${members[0]}` }));
        const lanes = [lane("a"), lane("b"), lane("c"), lane("d", "c"), lane("e", "e", "quota")];
        const planned = plan({ clusters, findings, lanes });
        expect(plan({ clusters: clusters.toReversed(), findings: findings.toReversed(), lanes: lanes.toReversed() })).toEqual(planned);
        const graver = plan({ clusters: clusters.map((each) => ({ ...each, severity: "P0" as const })), findings, lanes });
        expect(graver.items).toEqual(planned.items);
        const byId = new Map(planned.items.map((item) => [item.id, item]));
        const familyOf = new Map(lanes.map(({ worker, family }) => [worker, family]));
        for (const { worker, items } of planned.assignments)
          for (const id of items) expect(byId.get(id)!.families).not.toContain(familyOf.get(worker));
      }),
    );
  });
});

const ITEM: VerificationItem = {
  id: "V1",
  findingId: "a#1",
  claim: "total starts at 1",
  file: "a.ts",
  startLine: 1,
  endLine: 1,
  symbol: null,
  families: ["a"],
};
const answer = (more: Partial<VoteAnswer> = {}, evidence: Partial<VoteAnswer["evidence"]> = {}): VoteAnswer => ({
  item: "V1",
  answer: "confirmed",
  ...more,
  evidence: { kind: "reproduction", text: "it fails", command: "npm test", ...evidence },
});
const executed = (more: Partial<ExecutedVote> = {}): ExecutedVote => ({
  item: "V1",
  worker: "b",
  command: "npm test",
  commit: "c1",
  executions: 2,
  failures: 2,
  failsInEmptyDirectory: null,
  ...more,
});
const ranking = (
  votes: readonly VoteAnswer[],
  executions: readonly ExecutedVote[] = [],
  more: Partial<RankingInput> = {},
): RankingInput => ({
  items: [ITEM],
  assignments: [{ worker: "b", items: ["V1"] }],
  results: [{ worker: "b", family: "b", votes }],
  loadText: (file) => (file === "a.ts" ? TEXT : null),
  executions,
  commit: "c1",
  ...more,
});
const rank = (...parts: Parameters<typeof ranking>): VoteRecord | undefined => rankVotes(ranking(...parts)).records[0];
const quoted = { file: "a.ts", quote: "let  total = 1;" };

describe("what a vote counts as", () => {
  const refuted = { answer: "refuted" } as const;
  const table: readonly (readonly [string, VoteAnswer, readonly ExecutedVote[], VoteRecord["evidence"]])[] = [
    ["fails each time", answer(), [executed()], "reproduction"],
    ["passed once", answer(), [executed({ executions: 3 })], "reasoning"],
    ["executed once", answer(), [executed({ executions: 1, failures: 1 })], "reasoning"],
    ["never executed", answer(), [], "reasoning"],
    ["executed at another commit", answer(), [executed({ commit: "c0" })], "reasoning"],
    ["another command was executed", answer(), [executed({ command: "false" })], "reasoning"],
    ["another worker's was executed", answer(), [executed({ worker: "c" })], "reasoning"],
    ["another item's was executed", answer(), [executed({ item: "V2" })], "reasoning"],
    ["two executions that disagree", answer(), [executed(), executed({ failures: 0 })], "reasoning"],
    ["passes here, fails in an empty directory", answer(refuted), [executed({ failures: 0, failsInEmptyDirectory: true })], "reproduction"],
    ["passes in an empty directory too", answer(refuted), [executed({ failures: 0, failsInEmptyDirectory: false })], "reasoning"],
    ["never tried in an empty directory", answer(refuted), [executed({ failures: 0 })], "reasoning"],
    ["refutes by failing", answer(refuted), [executed({ failsInEmptyDirectory: true })], "reasoning"],
    ["refutes by passing once", answer(refuted), [executed({ executions: 1, failures: 0, failsInEmptyDirectory: true })], "reasoning"],
    ["falls back to its quote", answer({}, quoted), [], "quoted-code"],
    ["quote that is not there", answer({}, { file: "a.ts", quote: "let total = 2;" }), [], "reasoning"],
    ["quote of another file", answer({}, { file: "b.ts", quote: "let total = 1;" }), [], "reasoning"],
    ["quote without a file", answer({}, { quote: "let total = 1;" }), [], "reasoning"],
    ["quoted code", answer(refuted, { kind: "quoted-code", ...quoted }), [], "quoted-code"],
    ["quoted code with an execution is not more than it says", answer({}, { kind: "quoted-code", ...quoted }), [executed()], "quoted-code"],
    ["reasoning with a quote stays reasoning", answer({}, { kind: "reasoning", ...quoted }), [], "reasoning"],
    ["cannot be verified, whatever was executed", answer({ answer: "unverifiable" }), [executed()], "reasoning"],
  ];
  for (const [name, vote, executions, evidence] of table) {
    test(name, () => {
      expect(rank([vote], executions)).toMatchObject({ evidence, claimedEvidence: vote.evidence.kind, answer: vote.answer });
    });
  }

  test("a record says what was said and where", () => {
    const record = rank([answer({}, quoted)]);
    expect(record).toEqual({
      item: "V1",
      findingId: "a#1",
      worker: "b",
      family: "b",
      answer: "confirmed",
      evidence: "quoted-code",
      claimedEvidence: "reproduction",
      text: "it fails",
      file: "a.ts",
      quote: "let  total = 1;",
      command: "npm test",
      grounded: true,
    });
    expect(voteRecordSchema.parse(record)).toEqual(record);
  });

  test("what was not asked is ignored, and what is missing is named", () => {
    const asked = {
      assignments: [
        { worker: "b", items: ["V1"] },
        { worker: "c", items: ["V1"] },
      ],
    };
    const results = [
      { worker: "b", family: "b", votes: [answer({ item: "V2" }), answer()] },
      { worker: "d", family: "d", votes: [answer()] },
    ];
    const { records, unanswered } = rankVotes(ranking([], [], { ...asked, results }));
    expect(records.map(({ worker, item }) => [worker, item])).toEqual([["b", "V1"]]);
    expect(unanswered).toEqual([{ worker: "c", item: "V1" }]);
  });

  test("two answers to one item cancel each other, in one result or in two", () => {
    const twice = rankVotes(ranking([answer(), answer({ answer: "refuted" })], [executed()]));
    expect(twice).toEqual({ records: [], unanswered: [{ worker: "b", item: "V1" }] });
    const result = { worker: "b", family: "b", votes: [answer()] };
    expect(rankVotes(ranking([], [], { results: [result, result] })).records).toEqual([]);
  });

  test("a family that raised it has no vote even when it was asked", () => {
    const results = [{ worker: "b", family: "a", votes: [answer()] }];
    expect(rankVotes(ranking([], [], { results }))).toEqual({ records: [], unanswered: [{ worker: "b", item: "V1" }] });
  });

  test("no order has an effect, and each thing that was asked is answered or named", () => {
    const anyVotes = fc.array(
      fc.record({
        worker: fc.constantFrom("b", "c"),
        item: fc.constantFrom("V1", "V2", "V10", "V3"),
        answer: fc.constantFrom("confirmed" as const, "refuted" as const, "unverifiable" as const),
        kind: fc.constantFrom(...EVIDENCE),
        quote: fc.constantFrom("let total = 1;", "no"),
      }),
      { maxLength: 8 },
    );
    const anyExecutions = fc.array(
      fc.record({
        item: fc.constantFrom("V1", "V2", "V10"),
        worker: fc.constantFrom("b", "c"),
        failures: fc.constantFrom(0, 1, 2),
        failsInEmptyDirectory: fc.constantFrom(true, false, null),
      }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(anyVotes, anyExecutions, (votes, ran) => {
        const items = ["V1", "V2", "V10"].map((id) => ({ ...ITEM, id, findingId: `a#${id.slice(1)}` }));
        const results = ["b", "c"].map((worker) => ({
          worker,
          family: worker,
          votes: votes
            .filter((vote) => vote.worker === worker)
            .map(({ item, answer: said, kind, quote }) => answer({ item, answer: said }, { kind, quote, file: "a.ts" })),
        }));
        const assignments = [
          { worker: "b", items: ["V10", "V1"] },
          { worker: "c", items: ["V2", "V1"] },
        ];
        const given = ranking(
          [],
          ran.map((each) => executed(each)),
          { items, assignments, results },
        );
        const ranked = rankVotes(given);
        const turned = rankVotes({
          ...given,
          items: items.toReversed(),
          assignments: assignments.toReversed().map((each) => ({ ...each, items: each.items.toReversed() })),
          results: results.toReversed().map((each) => ({ ...each, votes: each.votes.toReversed() })),
          executions: given.executions.toReversed(),
        });
        expect(turned).toEqual(ranked);
        const out = [...ranked.records, ...ranked.unanswered].map(({ item, worker }) => `${worker} ${item}`);
        expect(out.sort()).toEqual(["b V1", "b V10", "c V1", "c V2"]);
      }),
    );
  });
});

describe("what a voter writes", () => {
  const result = (vote: unknown): boolean => voteResultSchema.safeParse({ nonce: "n", votes: [vote] }).success;

  test("an empty list is valid, what is malformed is not", () => {
    expect(voteResultSchema.parse({ nonce: "n", votes: [], mood: "good" })).toMatchObject({ votes: [], mood: "good" });
    expect(result(answer())).toBe(true);
    expect(result({ ...answer(), item: "V0" })).toBe(false);
    expect(result({ ...answer(), answer: "yes" })).toBe(false);
    expect(result(answer({}, { command: "" }))).toBe(false);
    expect(result({ item: "V1", answer: "confirmed" })).toBe(false);
    expect(voteResultSchema.safeParse({ votes: [] }).success).toBe(false);
    expect(voteResultSchema.safeParse({ nonce: "n", votes: Array.from({ length: 2001 }, () => answer()) }).success).toBe(false);
  });
});
