import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SEVERITIES, type LaneEnd, type RaisedFinding } from "../domain/finding.ts";
import type { Cluster } from "./cluster.ts";
import { converge, type ConvergenceInput } from "./converge.ts";
import { groundFinding } from "./ground.ts";
import { deferRow, isConverged, isStalled, ledgerSchema, openBlockers, openRows, type LedgerRow } from "./ledger.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const OLD = "let total = 1;\nfor (const x of xs) total += x;\nreturn total;\n";
const NEW = "let total = 0;\nfor (const x of xs) total += x;\nreturn total;\n";
const SUM = "`total` starts at 1, so every sum is one too high";
const LEAK = "File handle is never closed when parsing fails";
const SHELL = "User input reaches the shell command without quoting";

const raise = (worker: string, n: number, more: Partial<RaisedFinding> = {}): RaisedFinding => ({
  id: `${worker}#${n}`,
  worker,
  family: worker,
  claim: SUM,
  category: "correctness",
  severity: "P1",
  file: "a.ts",
  startLine: 1,
  endLine: 1,
  quote: "let total = 1;",
  ...more,
});

interface Round {
  readonly commit?: string;
  readonly text?: string | null;
  readonly ends?: Readonly<Record<string, LaneEnd>>;
  readonly covered?: Readonly<Record<string, readonly string[]>>;
  readonly findings?: readonly RaisedFinding[];
  readonly type?: string;
  readonly round?: number;
  readonly votes?: ConvergenceInput["votes"];
}

/** The ledger after one more round: workers a and b looked. */
function look(previousLedger: readonly LedgerRow[], round: Round): LedgerRow[] {
  const { commit = "c1", text = OLD, ends = { a: "ok", b: "ok" }, findings = [], type = "final-verification" } = round;
  const loadText = (file: string): string | null => (file === "a.ts" ? text : null);
  return converge({
    runId: "r",
    commit,
    lanes: Object.entries(ends).map(([worker, end]) => ({ worker, family: worker, end, covered: round.covered?.[worker] })),
    findings: findings.map((finding) => ({ finding, grounding: groundFinding(finding, loadText(finding.file ?? "")) })),
    reproductions: [],
    onlyNewBlocks: false,
    sha256,
    round: round.round,
    votes: round.votes,
    previousLedger,
    source: { type, run: 1 },
    loadText,
  }).ledger;
}
const states = (rows: readonly LedgerRow[]): string[] => rows.map(({ id, state, cluster }) => `${id} ${state} ${cluster}`);

describe("the life of a row", () => {
  const first = look([], { findings: [raise("a", 1)] });

  test("a new cluster is open, with where and when it was seen", () => {
    expect(first).toEqual([
      {
        id: "F1",
        state: "open",
        claim: SUM,
        category: "correctness",
        severity: "P1",
        file: "a.ts",
        startLine: 1,
        endLine: 1,
        quoteSha256: sha256("let total = 1;"),
        quote: "let total = 1;",
        families: ["a"],
        disposition: "held",
        class: "unique",
        verification: "unverified",
        firstSeen: { type: "final-verification", run: 1, round: 1 },
        lastSeen: { type: "final-verification", run: 1, round: 1 },
        commit: "c1",
        cluster: "C1",
      },
    ]);
    expect(ledgerSchema.parse(JSON.parse(JSON.stringify(first)))).toEqual(first);
  });

  test("seen again it persists, by whoever and at whichever commit", () => {
    for (const commit of ["c1", "c2"]) {
      const rows = look(first, { commit, round: 2, findings: [raise("b", 1, { claim: "sum() begins with total = 1: one too high" })] });
      expect(states(rows)).toEqual(["F1 persistent C1"]);
      expect(rows[0]).toMatchObject({ commit, families: ["b"], firstSeen: { round: 1 }, lastSeen: { round: 2 } });
    }
  });

  test("not seen any more at another commit it is addressed; seen after that it has regressed", () => {
    const addressed = look(first, { commit: "c2", text: NEW });
    expect(states(addressed)).toEqual(["F1 addressed null"]);
    expect(states(look(addressed, { commit: "c3", findings: [raise("b", 1)] }))).toEqual(["F1 regressed C1"]);
    expect(states(look(addressed, { commit: "c3" }))).toEqual(["F1 addressed null"]);
  });

  test("nothing is addressed at the same commit, nor without commits", () => {
    expect(states(look(first, { commit: "c1", text: NEW }))).toEqual(["F1 open null"]);
    expect(states(look(first, { commit: "", text: NEW }))).toEqual(["F1 open null"]);
  });

  test("nothing is addressed because a lane failed or looked elsewhere", () => {
    const silent: readonly Round[] = [
      { ends: { a: "failed", b: "timeout" }, text: NEW },
      { ends: {}, text: NEW },
      { ends: { a: "failed", b: "ok" } },
      { ends: { b: "ok" } },
      { ends: { a: "quota", b: "failed" } },
      { ends: { a: "ok", b: "ok" }, covered: { a: ["docs/**"], b: ["docs/**"] }, text: NEW },
      { ends: { a: "ok", b: "ok" }, covered: { a: ["docs/**"] } },
    ];
    for (const each of silent) expect(states(look(first, { commit: "c2", ...each })), JSON.stringify(each)).toEqual(["F1 open null"]);
  });

  test("where the quote is gone another lane that covered the file is enough", () => {
    for (const text of [NEW, null])
      expect(states(look(first, { commit: "c2", text, ends: { a: "failed", b: "ok" } }))).toEqual(["F1 addressed null"]);
  });

  test("where those who raised it look again and do not see it, it is addressed though the quote stands", () => {
    expect(states(look(first, { commit: "c2", ends: { a: "ok", b: "failed" } }))).toEqual(["F1 addressed null"]);
  });

  test("what names no file is addressed when nobody who raised it failed", () => {
    const { file: _file, quote: _quote, startLine: _start, endLine: _end, ...nowhere } = raise("a", 1);
    const rows = look([], { findings: [nowhere] });
    expect(states(look(rows, { commit: "c2", ends: { a: "failed", b: "ok" } }))).toEqual(["F1 open null"]);
    expect(states(look(rows, { commit: "c2", ends: { b: "ok" } }))).toEqual(["F1 addressed null"]);
  });

  test("a quote that never was there is not gone", () => {
    const rows = look([], { findings: [raise("a", 1, { quote: "not there" })] });
    expect(rows[0]).toMatchObject({ class: "ungrounded", quote: null });
    expect(states(look(rows, { commit: "c2", ends: { a: "failed", b: "ok" } }))).toEqual(["F1 open null"]);
  });

  test("advice that another phase leaves stays open, until its quote is gone", () => {
    const advice = look([], { findings: [raise("a", 1, { severity: "P3" })], type: "implementation" });
    expect(states(look(advice, { commit: "c2" }))).toEqual(["F1 open null"]);
    expect(states(look(advice, { commit: "c2", type: "implementation" }))).toEqual(["F1 addressed null"]);
    expect(states(look(advice, { commit: "c2", text: NEW }))).toEqual(["F1 addressed null"]);
  });

  test("dismissed, and open again when it is raised anew", () => {
    const refuted = {
      item: "V1",
      findingId: "a#1",
      worker: "b",
      family: "b",
      answer: "refuted" as const,
      evidence: "reproduction" as const,
      claimedEvidence: "reproduction" as const,
      text: "",
      file: null,
      quote: null,
      command: "test",
      grounded: false,
    };
    const dismissed = look(first, { findings: [raise("a", 1)], votes: [refuted] });
    expect(states(dismissed)).toEqual(["F1 dismissed C1"]);
    expect(states(look(dismissed, { commit: "c2" }))).toEqual(["F1 dismissed null"]);
    expect(states(look(dismissed, { commit: "c2", findings: [raise("a", 1)] }))).toEqual(["F1 open C1"]);
    expect(states(look([], { findings: [raise("a", 1)], votes: [refuted] }))).toEqual(["F1 dismissed C1"]);
  });

  test("only a person defers, and only what is open", () => {
    const deferred = deferRow(first, "F1");
    expect(states(deferred)).toEqual(["F1 deferred C1"]);
    expect(openRows(deferred)).toEqual([]);
    expect(states(look(deferred, { commit: "c2", findings: [raise("a", 1)] }))).toEqual(["F1 deferred C1"]);
    expect(deferRow(first, "F2")).toEqual(first);
    const addressed = look(first, { commit: "c2", text: NEW });
    expect(deferRow(addressed, "F1")).toEqual(addressed);
  });
});

describe("which row a cluster is", () => {
  const three = look([], { findings: [raise("a", 1), raise("a", 2, { claim: LEAK, quote: "return total;", startLine: 3, endLine: 3 })] });

  test("by the quote, though the lines moved and the words changed", () => {
    const moved = `\n\n\n\n\n\n\n\n${OLD}`;
    const rows = look(three, { commit: "c2", text: moved, findings: [raise("b", 1, { claim: "Wrong initial value of the accumulator" })] });
    expect(states(rows)).toEqual(["F1 persistent C1", "F2 addressed null"]);
    expect(rows[0]).toMatchObject({ startLine: 9 });
  });

  test("by claim and place where the quote changed", () => {
    const rows = look(three, { commit: "c2", text: NEW, findings: [raise("b", 1, { quote: "let total = 0;" })] });
    expect(states(rows)).toEqual(["F1 persistent C1", "F2 addressed null"]);
  });

  test("the claim decides between two rows of one quote", () => {
    const both = look([], { findings: [raise("a", 1), raise("a", 2, { claim: SHELL })] });
    const rows = look(both, { findings: [raise("b", 1, { claim: SHELL })] });
    expect(rows.filter(({ cluster }) => cluster !== null).map(({ claim }) => claim)).toEqual([SHELL]);
    expect(rows).toHaveLength(2);
  });

  test("the same words about another file are another defect", () => {
    const rows = look(three, { commit: "c2", text: NEW, findings: [raise("a", 1, { file: "b.ts" })] });
    expect(states(rows)).toEqual(["F1 addressed null", "F2 addressed null", "F3 open C1"]);
  });

  test("equal claims of one file go by the nearest lines", () => {
    const unused = (n: number, startLine: number): RaisedFinding =>
      raise("a", n, { claim: "unused variable", quote: "x", startLine, endLine: startLine, severity: "P3" });
    const rows = look([], { text: null, findings: [unused(1, 10), unused(2, 200)] });
    expect(
      look(rows, { commit: "c2", text: null, findings: [unused(1, 198)] }).map(({ id, startLine, cluster }) => [id, startLine, cluster]),
    ).toEqual([
      ["F1", 10, null],
      ["F2", 198, "C1"],
    ]);
  });

  test("numbers are never used again", () => {
    const rows = look(three.slice(1), { findings: [raise("b", 1, { claim: SHELL, file: "c.ts" })] });
    expect(rows.map(({ id }) => id)).toEqual(["F2", "F3"]);
  });
});

describe("rounds", () => {
  const cluster = (more: Partial<Cluster>): Cluster => ({ ...heldCluster(), ...more });
  const converged = (clusters: readonly Cluster[], more: Partial<Parameters<typeof isConverged>[0]> = {}): boolean =>
    isConverged({ lanes: [{ end: "ok" }], convergence: { commit: "c1", clusters }, commit: "c1", ...more });

  test("blockers are what blocks and what waits for a person", () => {
    const all = (["blocks", "held", "advisory"] as const).map((disposition) => cluster({ disposition }));
    expect(openBlockers(all).map(({ disposition }) => disposition)).toEqual(["blocks", "held"]);
  });

  test("converged: every lane ok, no blocker, and all of it at this commit", () => {
    expect(converged([])).toBe(true);
    expect(converged([cluster({ disposition: "held" })])).toBe(false);
    expect(converged([cluster({ disposition: "blocks" })])).toBe(false);
    expect(converged([cluster({ disposition: "advisory" })])).toBe(false);
    expect(converged([cluster({ disposition: "advisory", severity: "P3" })])).toBe(true);
    expect(converged([cluster({ disposition: "advisory", class: "dismissed", verification: "refuted" })])).toBe(true);
    expect(converged([cluster({ disposition: "advisory", class: "ungrounded" })])).toBe(true);
    expect(converged([], { commit: "c2" })).toBe(false);
    expect(converged([], { lanes: [] })).toBe(false);
    expect(converged([], { lanes: [{ end: "ok" }, { end: "partial" }] })).toBe(false);
  });

  test("stalled: blockers do not fall", () => {
    const table: readonly (readonly [readonly number[], boolean])[] = [
      [[], false],
      [[3], false],
      [[3, 2], false],
      [[2, 2], true],
      [[2, 3], true],
      [[3, 1, 2], true],
      [[3, 2, 1], false],
      [[3, 0], false],
      [[0, 0], false],
    ];
    for (const [blockers, expected] of table) expect(isStalled(blockers), blockers.join()).toBe(expected);
  });

  test("rounds that go on while they are not stalled end, whatever each finds", () => {
    fc.assert(
      fc.property(fc.nat({ max: 50 }), fc.infiniteStream(fc.nat({ max: 60 })), (start, later) => {
        const blockers = [start];
        while (blockers.at(-1) !== 0 && !isStalled(blockers)) {
          blockers.push(later.next().value ?? 0);
          expect(blockers.length).toBeLessThanOrEqual(start + 2);
        }
        expect(blockers.length).toBeGreaterThan(0);
      }),
    );
  });
});

function heldCluster(): Cluster {
  return converge({
    runId: "r",
    commit: "c1",
    lanes: [{ worker: "a", family: "a", end: "ok" }],
    findings: [{ finding: raise("a", 1), grounding: { grounded: true, startLine: 1, endLine: 1 } }],
    reproductions: [],
    onlyNewBlocks: false,
    sha256,
  }).clusters[0]!;
}

const anyRounds: fc.Arbitrary<Round[]> = fc.array(
  fc
    .record({
      commit: fc.constantFrom("c1", "c2", "c3"),
      text: fc.constantFrom(OLD, NEW),
      a: fc.constantFrom<LaneEnd>("ok", "ok", "failed"),
      b: fc.constantFrom<LaneEnd>("ok", "ok", "timeout"),
      found: fc.array(
        fc.record({
          worker: fc.constantFrom("a", "b"),
          claim: fc.constantFrom(SUM, LEAK, SHELL, "unused variable"),
          severity: fc.constantFrom(...SEVERITIES),
          file: fc.constantFrom("a.ts", "b.ts"),
          startLine: fc.constantFrom(1, 3, 50),
          quote: fc.constantFrom("let total = 1;", "return total;", "no"),
        }),
        { maxLength: 6 },
      ),
    })
    .map(({ commit, text, a, b, found }) => ({
      commit,
      text,
      ends: { a, b },
      findings: found.map(({ worker, startLine, ...more }, at) => raise(worker, at + 1, { ...more, startLine, endLine: startLine })),
    })),
  { maxLength: 4 },
);

describe("whatever the rounds bring", () => {
  test("no row is lost, no id is used twice, and each cluster is in one row", () => {
    fc.assert(
      fc.property(anyRounds, (rounds) => {
        let rows: readonly LedgerRow[] = [];
        for (const [at, round] of rounds.entries()) {
          const next = look(rows, { ...round, round: at + 1 });
          expect(next.slice(0, rows.length).map(({ id }) => id)).toEqual(rows.map(({ id }) => id));
          expect(next.map(({ id }) => id)).toEqual(next.map((_, number) => `F${number + 1}`));
          const heard = Object.entries(round.ends ?? {})
            .filter(([, end]) => end === "ok")
            .map(([worker]) => worker);
          const known = next.flatMap(({ cluster }) => (cluster === null ? [] : [cluster]));
          expect(new Set(known).size).toBe(known.length);
          expect(known.length > 0).toBe((round.findings ?? []).some(({ worker }) => heard.includes(worker)));
          for (const [number, row] of next.entries()) {
            const before = rows[number];
            if (row.cluster !== null) expect(["open", "persistent", "regressed"]).toContain(row.state);
            else expect(["open", "persistent", "regressed", "addressed"]).toContain(row.state);
            if (row.state === "addressed" && before?.state !== "addressed") {
              expect(heard.length).toBeGreaterThan(0);
              expect(before?.commit).not.toBe(round.commit);
            }
          }
          rows = next;
        }
      }),
    );
  });

  test("the order of lanes and findings has no effect", () => {
    fc.assert(
      fc.property(anyRounds, (rounds) => {
        const walk = (turn: (round: Round) => Round): LedgerRow[] =>
          rounds.reduce<LedgerRow[]>((rows, round) => look(rows, turn(round)), []);
        const turned = walk((round) => ({
          ...round,
          ends: Object.fromEntries(Object.entries(round.ends ?? {}).toReversed()),
          findings: (round.findings ?? []).toReversed(),
        }));
        expect(turned).toEqual(walk((round) => round));
      }),
    );
  });
});
