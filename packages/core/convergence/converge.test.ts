import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ReproductionRecord } from "../domain/execution.ts";
import type { LaneEnd, RaisedFinding, Severity } from "../domain/finding.ts";
import type { Cluster } from "./cluster.ts";
import { converge, isProof, type ConvergenceInput } from "./converge.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const ENDS: readonly LaneEnd[] = ["ok", "partial", "failed", "timeout", "quota", "cancelled"];
const HERE = { grounded: true, startLine: 3, endLine: 3 } as const;
const NOWHERE = { grounded: false, startLine: null, endLine: null } as const;

const raise = (worker: string, n: number, severity: Severity, more: Partial<RaisedFinding> = {}): RaisedFinding => ({
  id: `${worker}#${n}`,
  worker,
  family: worker,
  claim: "the sum is wrong",
  category: "correctness",
  severity,
  file: "src/a.ts",
  startLine: 3,
  endLine: 3,
  quote: "return x - y;",
  ...more,
});

const record = (findingId: string, executions: number, failures: number, more: Partial<ReproductionRecord> = {}): ReproductionRecord => ({
  findingId,
  command: "npm test",
  commit: "c1",
  executions,
  failures,
  baseline: "unknown",
  ...more,
});

const input = (parts: Partial<ConvergenceInput>): ConvergenceInput => ({
  runId: "r",
  commit: "c1",
  lanes: [
    { worker: "a", family: "a", end: "ok" },
    { worker: "b", family: "b", end: "ok" },
  ],
  findings: [],
  reproductions: [],
  onlyNewBlocks: false,
  sha256,
  ...parts,
});

const only = (parts: Partial<ConvergenceInput>): Cluster => converge(input(parts)).clusters[0]!;

describe("what becomes of one finding", () => {
  test("a lone P0 or P1 is held: neither passed nor dropped", () => {
    for (const severity of ["P0", "P1"] as const)
      expect(only({ findings: [{ finding: raise("a", 1, severity), grounding: HERE }] })).toMatchObject({
        class: "unique",
        verification: "unverified",
        disposition: "held",
      });
  });

  test("a lone P2 or P3 is advice", () => {
    for (const severity of ["P2", "P3"] as const)
      expect(only({ findings: [{ finding: raise("a", 1, severity), grounding: HERE }] }).disposition).toBe("advisory");
  });

  test("a quote that is not there has no vote, and the finding is kept", () => {
    expect(only({ findings: [{ finding: raise("a", 1, "P0"), grounding: NOWHERE }] })).toMatchObject({
      class: "ungrounded",
      disposition: "advisory",
      members: ["a#1"],
      startLine: 3,
    });
  });

  test("two failing executions at the head commit confirm, ground and block", () => {
    const cluster = only({ findings: [{ finding: raise("a", 1, "P1"), grounding: NOWHERE }], reproductions: [record("a#1", 2, 2)] });
    expect(cluster).toMatchObject({ class: "unique", verification: "confirmed", disposition: "blocks", reproducedBy: ["npm test"] });
  });

  test("one execution, one that passed once, another commit or another finding confirm nothing", () => {
    const of = (each: ReproductionRecord): Cluster =>
      only({ findings: [{ finding: raise("a", 1, "P1"), grounding: HERE }], reproductions: [each] });
    expect(of(record("a#1", 1, 1))).toMatchObject({ verification: "unverified", flaky: false, disposition: "held" });
    expect(of(record("a#1", 3, 2))).toMatchObject({ verification: "unverified", flaky: true, disposition: "held" });
    expect(of(record("a#1", 2, 0))).toMatchObject({ verification: "unverified", flaky: false });
    expect(of(record("a#1", 2, 2, { commit: "c0" }))).toMatchObject({ verification: "unverified", baseline: "unknown" });
    expect(of(record("b#1", 2, 2))).toMatchObject({ verification: "unverified", reproducedBy: [] });
  });

  test("already there blocks too, unless only what is new blocks", () => {
    const findings = [{ finding: raise("a", 1, "P1"), grounding: HERE }];
    const old = [record("a#1", 2, 2, { baseline: "already-there" })];
    expect(only({ findings, reproductions: old })).toMatchObject({ disposition: "blocks", baseline: "already-there" });
    expect(only({ findings, reproductions: old, onlyNewBlocks: true }).disposition).toBe("advisory");
    // What could not be compared is not excused.
    for (const baseline of ["new", "unknown"] as const)
      expect(only({ findings, reproductions: [record("a#1", 2, 2, { baseline })], onlyNewBlocks: true }).disposition).toBe("blocks");
  });

  test("with one family nothing is called cross-checked", () => {
    const lanes = [
      { worker: "a", family: "x", end: "ok" as const },
      { worker: "b", family: "x", end: "ok" as const },
    ];
    expect(converge(input({ lanes }))).toMatchObject({ kEff: 1, crossChecked: false });
    expect(converge(input({}))).toMatchObject({ kEff: 2, crossChecked: true });
    expect(converge(input({ lanes: [] }))).toMatchObject({ kEff: 0, crossChecked: false, clusters: [] });
  });
});

const worker = fc.constantFrom("a", "b", "checks");
const anyInput: fc.Arbitrary<ConvergenceInput> = fc
  .record({
    runId: fc.constant("r"),
    commit: fc.constant("c1"),
    lanes: fc.tuple(
      ...["a", "b", "checks"].map((name) =>
        fc.record({ worker: fc.constant(name), family: fc.constantFrom("x", "y", "z"), end: fc.constantFrom(...ENDS) }),
      ),
    ),
    findings: fc
      .array(
        fc.record({
          worker,
          severity: fc.constantFrom("P0" as const, "P1" as const, "P2" as const, "P3" as const),
          claim: fc.constantFrom("one", "two"),
          file: fc.constantFrom(undefined, "a.ts", "b.ts"),
          grounding: fc.constantFrom(HERE, NOWHERE, { grounded: true, startLine: 9, endLine: 12 }),
        }),
        { maxLength: 12 },
      )
      .map((each) =>
        each.map(({ worker: by, severity, claim, file, grounding }, index) => {
          const { file: _file, ...rest } = raise(by, index + 1, severity, { claim });
          return { finding: file === undefined ? rest : { ...rest, file }, grounding };
        }),
      ),
    reproductions: fc.array(
      fc.record({
        findingId: fc.tuple(worker, fc.integer({ min: 1, max: 3 })).map(([by, n]) => `${by}#${n}`),
        command: fc.constantFrom("npm test", "make check"),
        commit: fc.constantFrom("c1", "c0"),
        executions: fc.integer({ min: 2, max: 3 }),
        failures: fc.integer({ min: 0, max: 2 }),
        baseline: fc.constantFrom("new" as const, "already-there" as const, "unknown" as const),
      }),
      { maxLength: 16 },
    ),
    onlyNewBlocks: fc.boolean(),
    sha256: fc.constant(sha256),
  })
  .map((given) => {
    const families = new Map(given.lanes.map((lane) => [lane.worker, lane.family]));
    const findings = given.findings.map(({ finding, grounding }) => ({
      finding: { ...finding, family: families.get(finding.worker) ?? "" },
      grounding,
    }));
    return { ...given, findings };
  });

describe("whatever the lanes say", () => {
  test("the order of lanes and findings has no effect", () => {
    fc.assert(
      fc.property(anyInput, fc.infiniteStream(fc.nat()), (given, keys) => {
        const shuffle = <T>(all: readonly T[]): T[] =>
          all
            .map((each) => ({ each, key: keys.next().value ?? 0 }))
            .sort((x, y) => x.key - y.key)
            .map(({ each }) => each);
        expect(converge({ ...given, lanes: shuffle(given.lanes), findings: shuffle(given.findings) })).toEqual(converge(given));
      }),
    );
  });

  test("the order of the executions has no effect either", () => {
    fc.assert(
      fc.property(anyInput, (given) => {
        expect(converge({ ...given, reproductions: given.reproductions.toReversed() })).toEqual(converge(given));
      }),
    );
  });

  test("a lane that is not ok changes nothing but kEff", () => {
    fc.assert(
      fc.property(anyInput, fc.constantFrom("a", "b", "checks"), (given, silent) => {
        const lanes = given.lanes.map((lane) => (lane.worker === silent ? { ...lane, end: "timeout" as const } : lane));
        const without = converge({ ...given, lanes, findings: given.findings.filter(({ finding }) => finding.worker !== silent) });
        const { kEff, crossChecked, ...rest } = converge({ ...given, lanes });
        expect(rest).toEqual({ ...rest, clusters: without.clusters });
        expect([kEff, crossChecked]).toEqual([without.kEff, without.crossChecked]);
        expect(kEff).toBeLessThanOrEqual(converge(given).kEff);
        for (const cluster of rest.clusters) expect(cluster.members.some((id) => id.startsWith(`${silent}#`))).toBe(false);
      }),
    );
  });

  test("no finding of an ok lane is lost or told twice, and ids count from C1", () => {
    fc.assert(
      fc.property(anyInput, (given) => {
        const { clusters } = converge(given);
        const heard = given.lanes.filter((lane) => lane.end === "ok").map((lane) => lane.worker);
        const wanted = given.findings.map(({ finding }) => finding).filter((finding) => heard.includes(finding.worker));
        expect(clusters.flatMap((cluster) => cluster.members).sort()).toEqual(wanted.map((finding) => finding.id).sort());
        expect(clusters.map((cluster) => cluster.id)).toEqual(clusters.map((_, index) => `C${index + 1}`));
      }),
    );
  });

  test("only an execution or the agreement of three families blocks, and no grounded P0 or P1 passes without an excuse", () => {
    fc.assert(
      fc.property(anyInput, (given) => {
        const { clusters, crossChecked } = converge(given);
        for (const cluster of clusters) {
          const proofs = given.reproductions.filter(
            (each) => cluster.members.includes(each.findingId) && each.commit === "c1" && isProof(each),
          );
          if (cluster.disposition === "blocks" && !cluster.strong) expect(proofs.length).toBeGreaterThan(0);
          if (cluster.strong) expect(cluster.support).toBeGreaterThanOrEqual(3);
          if (cluster.disposition === "advisory" && ["P0", "P1"].includes(cluster.severity) && cluster.class !== "ungrounded")
            expect([given.onlyNewBlocks, cluster.baseline, cluster.verification]).toEqual([true, "already-there", "confirmed"]);
          const isAgreed = ["consensus", "partial"].includes(cluster.class);
          expect(isAgreed && !(crossChecked && cluster.families.length > 1)).toBe(false);
        }
      }),
    );
  });
});
