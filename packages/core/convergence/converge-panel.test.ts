/** Several workers: what `converge` makes of them. What one worker alone gets is in converge.test.ts. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SEVERITIES, type LaneEnd, type RaisedFinding } from "../domain/finding.ts";
import { pairKey } from "./agglomerate.ts";
import { EVIDENCE } from "./classify.ts";
import { convergenceSchema, type Cluster, type Convergence } from "./cluster.ts";
import { converge, type ConvergenceInput } from "./converge.ts";
import { groundFinding } from "./ground.ts";
import type { VoteRecord } from "./votes.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const ENDS: readonly LaneEnd[] = ["ok", "partial", "failed", "timeout", "quota", "cancelled"];
const TEXT = "function sum(xs) {\n  let total = 1;\n  for (const x of xs) total += x;\n  return total;\n}\n";
const CLAIMS = [
  "`total` starts at 1, so every sum is one too high",
  "The accumulator is initialised with 1 instead of 0, so the sum is off by one",
  "sum() begins with total = 1 and is therefore one too high",
  "File handle is never closed when parsing fails",
  "parseFile leaks the file handle on a parse error",
  "User input reaches the shell command without quoting",
] as const;

const raise = (worker: string, n: number, more: Partial<RaisedFinding> = {}): RaisedFinding => ({
  id: `${worker}#${n}`,
  worker,
  family: worker,
  claim: CLAIMS[0],
  category: "correctness",
  severity: "P1",
  file: "src/sum.ts",
  startLine: 2,
  endLine: 2,
  quote: "let total = 1;",
  ...more,
});
const ground = (finding: RaisedFinding): ConvergenceInput["findings"][number] => ({
  finding,
  grounding: groundFinding(finding, finding.file === "src/sum.ts" ? TEXT : null),
});
const vote = (findingId: string, family: string, more: Partial<VoteRecord> = {}): VoteRecord => ({
  item: "V1",
  findingId,
  worker: family,
  family,
  answer: "confirmed",
  evidence: "quoted-code",
  claimedEvidence: "quoted-code",
  text: "it is so",
  file: "src/sum.ts",
  quote: "let total = 1;",
  command: null,
  grounded: true,
  ...more,
});
const input = (workers: readonly string[], findings: readonly RaisedFinding[], more: Partial<ConvergenceInput> = {}): ConvergenceInput => ({
  runId: "r",
  commit: "c1",
  lanes: workers.map((worker) => ({ worker, family: worker, end: "ok" })),
  findings: findings.map(ground),
  reproductions: [],
  onlyNewBlocks: false,
  sha256,
  ...more,
});

describe("several workers", () => {
  test("agreement, a lone finding and a failed lane", () => {
    const findings = [
      raise("a", 1),
      raise("b", 1, { claim: CLAIMS[2] }),
      raise("c", 1, { claim: CLAIMS[5], file: "src/run.ts" }),
      raise("d", 1),
    ];
    const answer = converge(
      input([], findings, {
        lanes: ["a", "b", "c", "d"].map((worker) => ({ worker, family: worker, end: worker === "d" ? "timeout" : "ok" })),
      }),
    );
    expect(answer).toMatchObject({ round: 1, kEff: 3, crossChecked: true, unheard: ["d#1"], votes: [], ledger: [] });
    expect(answer.clusters).toMatchObject([
      { id: "C1", class: "consensus", support: 2, kEff: 3, families: ["a", "b"], disposition: "held" },
      { id: "C2", class: "ungrounded", support: 0, members: ["c#1"] },
    ]);
    expect(convergenceSchema.parse(answer)).toEqual(answer);
  });

  test("documents from before these fields can still be read", () => {
    const { clusters, ...answer } = converge(input(["a"], [raise("a", 1)]));
    const { round: _round, unheard: _unheard, undecided: _undecided, votes: _votes, ledger: _ledger, ...old } = answer;
    const oldClusters = clusters.map(
      ({ support: _support, kEff: _kEff, reason: _reason, score: _score, possiblySame: _possiblySame, ...each }) => each,
    );
    expect(convergenceSchema.parse({ ...old, clusters: oldClusters })).toMatchObject({
      round: 1,
      unheard: [],
      undecided: [],
      votes: [],
      ledger: [],
      clusters: [{ support: 0, kEff: 0, reason: null, score: null, possiblySame: [] }],
    });
  });

  test("the head is the grounded one, then the gravest", () => {
    const findings = [
      raise("a", 1, { severity: "P0", quote: "let total = 2;", category: "a" }),
      raise("b", 1, { severity: "P2", category: "b" }),
      raise("c", 1, { severity: "P1", category: "c", startLine: 90, endLine: 80 }),
    ];
    const { clusters } = converge(input(["a", "b", "c"], findings));
    expect(clusters).toMatchObject([{ members: ["c#1", "b#1", "a#1"], category: "c", severity: "P1", startLine: 2, endLine: 2 }]);
  });

  test("lines upside down are turned round where the quote does not anchor them", () => {
    const upside = raise("a", 1, { startLine: 9, endLine: 4, quote: "not there" });
    expect(converge(input(["a"], [upside])).clusters).toMatchObject([{ class: "ungrounded", startLine: 4, endLine: 9 }]);
  });

  test("a vote of a family that raised it does not count, another's does", () => {
    const findings = [raise("a", 1)];
    const verdict = (votes: readonly VoteRecord[]): Partial<Cluster> => converge(input(["a", "b"], findings, { votes })).clusters[0]!;
    expect(verdict([vote("a#1", "a")])).toMatchObject({ verification: "unverified", disposition: "held" });
    expect(verdict([vote("a#1", "b")])).toMatchObject({ verification: "confirmed", disposition: "blocks" });
    expect(verdict([vote("a#1", "b", { answer: "refuted" })])).toMatchObject({ class: "contested", disposition: "held" });
    expect(verdict([vote("a#1", "b", { answer: "refuted", evidence: "reproduction" })])).toMatchObject({
      class: "dismissed",
      disposition: "advisory",
      reason: "a reproduction shows that it is not so",
    });
  });

  test("okstra's own execution outranks a quoted refutation", () => {
    const reproductions = [
      { findingId: "a#1", command: "npm test", commit: "c1", executions: 2, failures: 2, baseline: "unknown" as const },
    ];
    const votes = [vote("a#1", "b", { answer: "refuted" })];
    expect(converge(input(["a", "b"], [raise("a", 1)], { reproductions, votes })).clusters).toMatchObject([
      { class: "unique", verification: "confirmed", disposition: "blocks", reproducedBy: ["npm test"] },
    ]);
  });

  test("who did not cover the file is not asked to agree", () => {
    const findings = [raise("a", 1), raise("b", 1)];
    const kEff = (covered: readonly string[]): unknown => {
      const lanes = ["a", "b", "c", "d"].map((worker) => ({
        worker,
        family: worker,
        end: "ok" as const,
        ...(worker > "b" ? { covered } : {}),
      }));
      const { class: name, kEff: own } = converge(input([], findings, { lanes })).clusters[0]!;
      return [name, own];
    };
    expect(kEff(["docs/**"])).toEqual(["consensus", 2]);
    expect(kEff(["src/**"])).toEqual(["partial", 4]);
  });

  test("a ruling joins or parts what the text leaves open, and nothing else; links go by the ids that are shown", () => {
    const findings = [
      raise("a", 1, { claim: CLAIMS[3], severity: "P3" }),
      raise("b", 1, { claim: "The handle of the file stays open", severity: "P0" }),
      raise("b", 2, { claim: CLAIMS[5] }),
    ];
    const apart = findings.map((finding, at) => ({ ...finding, file: `src/${at}.ts`, symbol: `s${at}` }));
    const ask = (rulings: ReadonlyMap<string, boolean>): Convergence => converge(input(["a", "b"], apart, { rulings }));
    const open = ask(new Map());
    expect(open.undecided.map(({ pair }) => pair)).toEqual([["a#1", "b#1"]]);
    const idOf = (id: string): string => open.clusters.find(({ members }) => members.includes(id))!.id;
    expect(
      open.clusters
        .map(({ id, possiblySame }) => [id, possiblySame])
        .filter(([, links]) => links!.length > 0)
        .sort(),
    ).toEqual(
      [
        [idOf("a#1"), [idOf("b#1")]],
        [idOf("b#1"), [idOf("a#1")]],
      ].sort(),
    );
    const joined = ask(
      new Map([
        [pairKey("b#1", "a#1"), true],
        [pairKey("a#1", "b#2"), true],
      ]),
    );
    expect(joined.clusters.map(({ members }) => [...members].sort())).toContainEqual(["a#1", "b#1"]);
    expect(joined.clusters).toHaveLength(2);
    const parted = ask(new Map([[pairKey("a#1", "b#1"), false]]));
    expect(parted).toMatchObject({ undecided: [], clusters: [{ possiblySame: [] }, { possiblySame: [] }, { possiblySame: [] }] });
  });
});

const WORKERS = ["a", "b", "c", "d"];
const familyOf = (worker: string): string => (worker === "d" ? "c" : worker);
const anyInput: fc.Arbitrary<ConvergenceInput> = fc
  .record({
    ends: fc.array(fc.constantFrom(...ENDS, "ok" as const, "ok" as const, "ok" as const, "ok" as const), { minLength: 4, maxLength: 4 }),
    found: fc.array(
      fc.record({
        worker: fc.constantFrom(...WORKERS),
        claim: fc.constantFrom(...CLAIMS),
        severity: fc.constantFrom(...SEVERITIES),
        startLine: fc.constantFrom(2, 4, 90),
        endLine: fc.constantFrom(1, 4, 95),
        quote: fc.constantFrom("let total = 1;", "return total;", "not there"),
        fix: fc.constantFrom("remove the total", "keep the total", ""),
      }),
      { maxLength: 12 },
    ),
    votes: fc.array(
      fc.record({
        item: fc.constantFrom("V1", "V2", "V10"),
        findingId: fc.constantFrom("a#1", "b#2", "c#3", "d#4", "a#5"),
        family: fc.constantFrom("a", "b", "c"),
        answer: fc.constantFrom("confirmed" as const, "refuted" as const, "unverifiable" as const),
        evidence: fc.constantFrom(...EVIDENCE),
      }),
      { maxLength: 6 },
    ),
    reproductions: fc.array(
      fc.record({
        findingId: fc.constantFrom("a#1", "b#2", "c#3", "d#4"),
        command: fc.constantFrom("npm test", "make check"),
        commit: fc.constantFrom("c1", "c0"),
        executions: fc.integer({ min: 1, max: 3 }),
        failures: fc.integer({ min: 0, max: 3 }),
        baseline: fc.constantFrom("new" as const, "already-there" as const, "unknown" as const),
      }),
      { maxLength: 4 },
    ),
    onlyNewBlocks: fc.boolean(),
  })
  .map(({ ends, found, votes, reproductions, onlyNewBlocks }) =>
    input(
      [],
      found.map(({ worker, ...more }, at) => raise(worker, at + 1, { family: familyOf(worker), ...more })),
      {
        lanes: WORKERS.map((worker, at) => ({ worker, family: familyOf(worker), end: ends[at]! })),
        votes: votes.map(({ findingId, family, ...more }) => vote(findingId, family, more)),
        reproductions,
        onlyNewBlocks,
        source: { type: "final-verification", run: 1 },
      },
    ),
  );

const shuffled = (given: ConvergenceInput): fc.Arbitrary<ConvergenceInput> => {
  const shuffle = <T>(all: readonly T[]): fc.Arbitrary<T[]> => fc.shuffledSubarray([...all], { minLength: all.length });
  return fc
    .record({
      lanes: shuffle(given.lanes),
      findings: shuffle(given.findings),
      votes: shuffle(given.votes ?? []),
      reproductions: shuffle(given.reproductions),
    })
    .map((parts) => ({ ...given, ...parts }));
};

/** What is left when nobody's name counts: ids of findings and workers out. */
function contentOf({ clusters, ledger }: Convergence): unknown {
  return [
    clusters.map(({ members, families, ...each }) => ({ ...each, members: members.length, families: families.length })),
    ledger.map(({ families, ...each }) => ({ ...each, families: families.length })),
  ];
}

describe("whatever several workers say", () => {
  test("no order has an effect", () => {
    fc.assert(
      fc.property(
        anyInput.chain((given) => fc.tuple(fc.constant(given), shuffled(given))),
        ([given, other]) => {
          expect(converge(other)).toEqual(converge(given));
        },
      ),
    );
  });

  test("names of workers have no effect: ties are broken by content", () => {
    fc.assert(
      fc.property(anyInput, (given) => {
        const rename = (worker: string): string => `w${"dcba".indexOf(worker)}`;
        // The number in an id tells two equal findings of one worker apart; what becomes of them is the same.
        const renamed = converge({
          ...given,
          lanes: given.lanes.map((lane) => ({ ...lane, worker: rename(lane.worker), family: `f${lane.family}` })),
          findings: given.findings.map(({ finding, grounding }) => ({
            finding: {
              ...finding,
              id: finding.id.replace(finding.worker, rename(finding.worker)),
              worker: rename(finding.worker),
              family: `f${finding.family}`,
            },
            grounding,
          })),
          votes: [],
          reproductions: [],
        });
        const contents = new Set(
          given.findings.map(({ finding: { id: _id, worker: _worker, family: _family, ...content } }) => JSON.stringify(content)),
        );
        // Equal findings of two workers can be paired with a third's in two ways; which one is chosen needs a name.
        fc.pre(contents.size === given.findings.length);
        expect(contentOf(renamed)).toEqual(contentOf(converge({ ...given, votes: [], reproductions: [] })));
      }),
    );
  });

  test("count in is count out, by id, and the ledger has every cluster once", () => {
    fc.assert(
      fc.property(anyInput, (given) => {
        const { clusters, unheard, ledger } = converge(given);
        const out = [...clusters.flatMap(({ members }) => members), ...unheard];
        expect(out.sort()).toEqual(given.findings.map(({ finding }) => finding.id).sort());
        expect(clusters.map(({ id }) => id)).toEqual(clusters.map((_, at) => `C${at + 1}`));
        expect(ledger.map(({ cluster }) => cluster)).toEqual(clusters.map(({ id }) => id));
      }),
    );
  });

  test("a lane that is not ok changes no class except through kEff", () => {
    fc.assert(
      fc.property(anyInput, (given) => {
        const heard = new Set(given.lanes.filter(({ end }) => end === "ok").map(({ worker }) => worker));
        const without = converge({
          ...given,
          lanes: given.lanes.filter(({ worker }) => heard.has(worker)),
          findings: given.findings.filter(({ finding }) => heard.has(finding.worker)),
        });
        const { unheard: _unheard, ...all } = converge(given);
        const { unheard: _none, ...rest } = without;
        expect(all).toEqual(rest);
      }),
    );
  });

  test("gravest first", () => {
    fc.assert(
      fc.property(anyInput, (given) => {
        const order = { blocks: 0, held: 1, advisory: 2 } as const;
        const gravity = converge(given).clusters.map(({ disposition, severity }) => order[disposition] * 4 + SEVERITIES.indexOf(severity));
        expect(gravity).toEqual(gravity.toSorted((a, b) => a - b));
      }),
    );
  });

  test("what is written can be read, and is the same", () => {
    fc.assert(
      fc.property(anyInput, (given) => {
        const answer = converge(given);
        expect(convergenceSchema.parse(JSON.parse(JSON.stringify(answer)))).toEqual(answer);
      }),
    );
  });
});

/** How much a class says for the claim. Contested stands beside: it is never entered or left by agreement. */
const CLASSES = ["dismissed", "ungrounded", "unique", "partial", "consensus", "contested"];

test("another family that says the same of the same place, as gravely, never lowers the class", () => {
  const anyCluster = fc.record({
    severities: fc.array(fc.constantFrom(...SEVERITIES), { minLength: 1, maxLength: 4 }),
    quotes: fc.array(fc.constantFrom("let total = 1;", "not there"), { minLength: 4, maxLength: 4 }),
    silent: fc.integer({ min: 0, max: 3 }),
    wasThere: fc.boolean(),
    pick: fc.nat(),
    votes: fc.array(
      fc.record({
        family: fc.constantFrom("s0", "s1"),
        answer: fc.constantFrom("confirmed" as const, "refuted" as const),
        evidence: fc.constantFrom(...EVIDENCE),
      }),
      { maxLength: 3 },
    ),
  });
  fc.assert(
    fc.property(anyCluster, ({ severities, quotes, silent, wasThere, pick, votes }) => {
      const members = severities.map((severity, at) => raise(`m${at}`, 1, { severity, quote: quotes[at]! }));
      const other = raise("other", 1, { claim: CLAIMS[5], file: "src/run.ts", quote: "not there" });
      const names = [...members.map(({ worker }) => worker), "other", ...Array.from({ length: silent }, (_, at) => `s${at}`)];
      const cast = { votes: votes.map(({ family, ...more }) => vote("m0#1", family, more)) };
      const again = { ...members[pick % members.length]!, id: "new#1", worker: "new", family: "new" };
      const rank = (answer: Convergence): number => {
        const cluster = answer.clusters.find((each) => each.members.includes("m0#1"))!;
        return CLASSES.indexOf(cluster.class) * 2 + Number(cluster.strong);
      };
      const before = converge(input(wasThere ? [...names, "new"] : names, [...members, other], cast));
      const after = converge(input([...names, "new"], [...members, other, again], cast));
      expect(after.clusters.find((each) => each.members.includes("m0#1"))!.members).toContain("new#1");
      expect(rank(after)).toBeGreaterThanOrEqual(rank(before));
    }),
  );
});
