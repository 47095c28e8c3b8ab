import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TASK_TYPES, type TaskType } from "../domain/work.ts";
import { nextPhase, PHASE_ORDER, type NextFacts, type NextRun } from "./next-phase.ts";

const NEW: NextFacts = {
  task: "g/t",
  category: "task",
  hasBrief: true,
  startAt: null,
  head: "c0",
  runs: [],
  discovery: null,
  plan: null,
  questions: [],
};

const run = (type: TaskType, part: Partial<NextRun> = {}): NextRun => ({
  type,
  run: 1,
  stage: "ended",
  resumable: true,
  verdict: "none",
  gate: { name: "gate", kind: "escalation", reasons: ["all-clear"] },
  open: true,
  commit: "c0",
  valid: true,
  ...part,
});
const held = (type: TaskType, reasons: string[], part: Partial<NextRun> = {}): NextRun =>
  run(type, { open: false, gate: { name: "gate", kind: "escalation", reasons }, ...part });
const approved: NextFacts["plan"] = { run: 1, state: "approved", reason: null, overtaken: false };

const dueOf = (facts: Partial<NextFacts>): string | undefined => nextPhase({ ...NEW, ...facts }).due?.type;
const commandOf = (facts: Partial<NextFacts>): string | undefined => nextPhase({ ...NEW, ...facts }).blocked?.command;

describe("what is due", () => {
  test("a new task begins with requirements-discovery, a bug with a brief with error-analysis, an improvement where it says", () => {
    expect(dueOf({})).toBe("requirements-discovery");
    expect(dueOf({ category: "bugfix" })).toBe("error-analysis");
    expect(dueOf({ category: "bugfix", hasBrief: false })).toBe("requirements-discovery");
    expect(dueOf({ category: "improvement", startAt: "implementation-planning" })).toBe("implementation-planning");
    expect(dueOf({ category: "improvement", startAt: "implementation" })).toBe("implementation");
  });

  test("the phases in order; error-analysis only for a bug", () => {
    const discovery = { size: "normal", nextPhase: null, skip: [] };
    const known = run("requirements-discovery");
    expect(dueOf({ category: "bugfix", discovery, runs: [known] })).toBe("error-analysis");
    const feature = nextPhase({ ...NEW, category: "feature", discovery, runs: [known] });
    expect(feature.due?.type).toBe("implementation-planning");
    expect(feature.skipped).toEqual([{ type: "error-analysis", why: "the category is feature, not bugfix" }]);
    const planned = [known, run("implementation-planning")];
    expect(dueOf({ category: "feature", discovery, plan: approved, runs: planned })).toBe("implementation");
    expect(
      dueOf({ category: "feature", discovery, plan: approved, head: "c1", runs: [...planned, run("implementation", { commit: "c1" })] }),
    ).toBe("final-verification");
  });

  test("case 42: a fix of one line need not pass all phases, but it is verified", () => {
    const trivial = { size: "trivial", nextPhase: null, skip: [] };
    const next = nextPhase({ ...NEW, category: "feature", discovery: trivial, runs: [run("requirements-discovery")] });
    expect(next.due?.type).toBe("implementation");
    expect(next.skipped.map(({ why }) => why)).toEqual(["the category is feature, not bugfix", "the work is trivial"]);
    const all = { size: "small", nextPhase: "release-handoff" as const, skip: PHASE_ORDER.map((type) => ({ type, why: "no need" })) };
    expect(dueOf({ category: "feature", discovery: all, runs: [run("requirements-discovery")] })).toBe("final-verification");
    const jump = { size: "small", nextPhase: "implementation" as const, skip: [] };
    expect(dueOf({ category: "bugfix", discovery: jump, runs: [run("requirements-discovery")] })).toBe("implementation");
  });

  test("a verdict is for its commit: once the head moved it is verified again", () => {
    const verified = run("final-verification", { verdict: "accepted" });
    expect(nextPhase({ ...NEW, runs: [verified] })).toMatchObject({ done: true, due: { type: "release-handoff" } });
    const moved = nextPhase({ ...NEW, head: "c1", runs: [verified] });
    expect(moved).toMatchObject({ done: false, due: { type: "final-verification", why: "run 1 judged c0, and the head is c1" } });
  });

  test("what was found merged is at its end, also once the clean-up took its branch away; later work is not", () => {
    const merged = { how: "squashed", base: "main", commit: "c0", head: "c0" };
    const end = { done: true, due: null, blocked: null, handedOff: null, merged: { how: "squashed", base: "main", commit: "c0" } };
    for (const head of ["c0", ""]) {
      expect(nextPhase({ ...NEW, head, merged })).toEqual({ ...end, skipped: [] });
      const question = { id: "Q1", blocks: "approval" as const };
      expect(nextPhase({ ...NEW, head, merged, questions: [question], runs: [run("implementation", { open: false })] })).toMatchObject(end);
    }
    expect(nextPhase({ ...NEW, head: "", merged: { ...merged, head: null } })).toMatchObject(end);
    expect(nextPhase({ ...NEW, head: "c1", merged })).toMatchObject({ done: false, merged: null });
    const handedOff = { run: 1, commit: "c0", outcome: "handed-off", pullRequest: null, merged: null };
    expect(nextPhase({ ...NEW, head: "", merged, handedOff })).toMatchObject({ ...end, handedOff });
    expect(nextPhase({ ...NEW, merged, handedOff: { ...handedOff, commit: "c2" } })).toMatchObject(end);
  });

  test("what was handed off waits for others; a hand-off that a person chose is gone on with by its own command", () => {
    const verified = run("final-verification", { verdict: "accepted" });
    const handedOff = { run: 1, commit: "c0", outcome: "handed-off", pullRequest: null, merged: null };
    expect(nextPhase({ ...NEW, runs: [verified], handedOff })).toMatchObject({ done: true, due: null, blocked: null, handedOff });
    expect(nextPhase({ ...NEW, runs: [verified] }).due?.command).toMatch(/^okstra handoff /);
    expect(nextPhase({ ...NEW, head: "c1", runs: [verified], handedOff }).due?.type).toBe("final-verification");
    const going = run("release-handoff", { stage: "running", open: false, gate: null, valid: null, begun: true });
    expect(nextPhase({ ...NEW, runs: [verified, going] }).due).toMatchObject({ type: "release-handoff", resume: 1 });
    const planned = { ...going, stage: "prepared" as const, begun: false };
    expect(nextPhase({ ...NEW, runs: [verified, planned] }).due).toMatchObject({ type: "release-handoff", resume: null });
    expect(nextPhase({ ...NEW, head: "c1", runs: [verified, planned] }).due?.type).toBe("final-verification");
  });

  test("a phase counts only when it is newer than those before it", () => {
    const runs = [run("implementation-planning"), run("implementation"), run("implementation-planning", { run: 2 })];
    expect(dueOf({ category: "feature", runs, plan: { ...approved, run: 2 } })).toBe("implementation");
  });

  test("a rejected plan is planned again, with the reason", () => {
    const runs = [run("requirements-discovery"), held("implementation-planning", ["plan-not-approved"])];
    const plan = { run: 1, state: "rejected" as const, reason: "too large", overtaken: false };
    expect(nextPhase({ ...NEW, category: "feature", runs, plan }).due).toMatchObject({
      type: "implementation-planning",
      why: "the plan of run 1 was rejected: too large",
    });
  });

  test("a run that was begun is gone on with; one whose commit moved is begun anew", () => {
    const going = run("error-analysis", { stage: "running", open: false, gate: null, valid: null });
    expect(nextPhase({ ...NEW, category: "bugfix", runs: [going] }).due).toEqual({
      type: "error-analysis",
      why: "run 1 was begun and has not ended",
      resume: 1,
      command: "okstra resume g/t --task-type error-analysis",
    });
    expect(nextPhase({ ...NEW, category: "bugfix", runs: [{ ...going, lead: "agent" }] }).due).toEqual({
      type: "error-analysis",
      why: "an agent leads run 1, which has not ended",
      resume: 1,
      command: "okstra lead next g/t --task-type error-analysis",
    });
    expect(nextPhase({ ...NEW, category: "bugfix", runs: [{ ...going, resumable: false }] }).due).toMatchObject({
      type: "error-analysis",
      resume: null,
    });
  });

  test("a phase that was run by hand leaves those before it behind", () => {
    expect(nextPhase({ ...NEW, category: "feature", runs: [run("implementation")] })).toMatchObject({
      due: { type: "final-verification" },
      skipped: [
        { type: "requirements-discovery", why: "implementation was run without it" },
        { type: "error-analysis" },
        { type: "implementation-planning" },
      ],
    });
    expect(dueOf({ category: "bugfix", runs: [held("error-analysis", ["no-reproduction"]), run("implementation")] })).toBe(
      "final-verification",
    );
  });
});

describe("what holds, and the command that answers it", () => {
  const planned = [run("requirements-discovery"), held("implementation-planning", ["plan-not-approved", "no-cross-check"])];
  const pending: NextFacts["plan"] = { run: 1, state: "pending", reason: null, overtaken: false };
  const question = (id: string, blocks: "approval" | "progress" | "none") => ({ id, blocks });

  test.each<readonly [string, Partial<NextFacts>, string]>([
    [
      "questions that block an approval",
      {
        runs: [run("requirements-discovery")],
        questions: [question("Q1", "none"), question("Q2", "approval"), question("Q3", "progress")],
      },
      'okstra answer g/t Q2="…" Q3="…"',
    ],
    ["a plan that waits", { category: "feature", runs: planned, plan: pending }, "okstra approve g/t"],
    [
      "a plan with findings that wait for a person",
      {
        category: "feature",
        runs: [run("requirements-discovery"), held("implementation-planning", ["plan-not-approved", "held-findings"])],
        plan: pending,
      },
      'okstra override g/t implementation-planning --reason "…"',
    ],
    [
      "no plan",
      { category: "feature", runs: [run("requirements-discovery"), held("implementation-planning", ["no-plan"])] },
      "okstra run g/t --task-type implementation-planning",
    ],
    [
      "a bug that nobody reproduced",
      { category: "bugfix", runs: [held("error-analysis", ["no-reproduction"], { verdict: "not-reproduced" })] },
      'okstra override g/t error-analysis --reason "…"',
    ],
    ["a failed lane", { category: "bugfix", runs: [held("error-analysis", ["no-lane-ok"])] }, "okstra run g/t --task-type error-analysis"],
    [
      "a run that is not valid",
      { category: "bugfix", runs: [run("error-analysis", { open: false, valid: false })] },
      "okstra run g/t --task-type error-analysis",
    ],
    [
      "an implementation with findings",
      { runs: [held("implementation", ["blocking-findings", "stalled"])] },
      "okstra run g/t --task-type implementation",
    ],
    [
      "an implementation outside its plan",
      { runs: [held("implementation", ["outside-plan"])] },
      'okstra override g/t implementation --reason "…"',
    ],
    [
      "a verification that blocks",
      { runs: [held("final-verification", ["blocking-findings"], { verdict: "blocked" })] },
      "okstra run g/t --task-type implementation",
    ],
    [
      "a verification with conditions",
      { runs: [held("final-verification", ["no-cross-check"], { verdict: "conditional-accept" })] },
      'okstra override g/t final-verification --reason "…"',
    ],
  ])("%s", (_, facts, command) => {
    expect(commandOf(facts)).toBe(command);
  });

  test("a plan that changed since one was approved says so", () => {
    const next = nextPhase({ ...NEW, category: "feature", runs: planned, plan: { ...approved, state: "stale" } });
    expect(next.blocked).toMatchObject({ why: expect.stringContaining("the plan changed"), command: "okstra approve g/t" });
  });

  test("a question that blocks progress lets the work start, but not end", () => {
    const questions = [question("Q1", "progress")];
    expect(dueOf({ questions })).toBe("requirements-discovery");
    expect(commandOf({ questions, runs: [run("implementation")] })).toBe('okstra answer g/t Q1="…"');
    expect(dueOf({ questions: [question("Q1", "none")], runs: [run("implementation")] })).toBe("final-verification");
  });
});

const anyType = fc.constantFrom(...TASK_TYPES.filter((type) => type !== "release-handoff"));
const anyRun = fc.record<NextRun>({
  type: anyType,
  run: fc.integer({ min: 1, max: 3 }),
  stage: fc.constantFrom("ended", "ended", "ended", "prepared", "running", "decided"),
  resumable: fc.boolean(),
  verdict: fc.constantFrom("none", "accepted", "blocked", "not-reproduced", null),
  gate: fc.option(
    fc.record({
      name: fc.constant("gate"),
      kind: fc.constantFrom("escalation", "revision"),
      reasons: fc.subarray([
        "plan-not-approved",
        "no-plan",
        "clarifications-open",
        "blocking-findings",
        "held-findings",
        "no-lane-ok",
        "all-clear",
      ]),
    }),
    { nil: null },
  ),
  open: fc.boolean(),
  commit: fc.constantFrom("c0", "c1", ""),
  valid: fc.constantFrom(true, false, null),
});
const anyFacts = fc.record<NextFacts>({
  task: fc.constant("g/t"),
  category: fc.constantFrom("bugfix", "feature", "improvement", "task"),
  hasBrief: fc.boolean(),
  startAt: fc.option(anyType, { nil: null }),
  head: fc.constantFrom("c0", "c1", ""),
  runs: fc.array(anyRun, { maxLength: 8 }),
  discovery: fc.option(
    fc.record({
      size: fc.constantFrom("trivial", "large", null),
      nextPhase: fc.option(fc.constantFrom(...TASK_TYPES), { nil: null }),
      skip: fc.uniqueArray(fc.record({ type: fc.constantFrom(...TASK_TYPES), why: fc.constant("why") }), { selector: ({ type }) => type }),
    }),
    { nil: null },
  ),
  plan: fc.option(
    fc.record({
      run: fc.integer({ min: 1, max: 3 }),
      state: fc.constantFrom("approved", "override", "rejected", "stale", "pending"),
      reason: fc.constant("no"),
      overtaken: fc.boolean(),
    }),
    { nil: null },
  ),
  questions: fc.array(fc.record({ id: fc.constantFrom("Q1", "Q2"), blocks: fc.constantFrom("approval", "progress", "none") }), {
    maxLength: 3,
  }),
});

describe("whatever the facts", () => {
  test("property: something is due or something holds, never both; only a verified head is done; nobody skips the verification", () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const next = nextPhase(facts);
        expect((next.due === null) !== (next.blocked === null)).toBe(true);
        expect(next.skipped.map(({ type }) => type)).not.toContain("final-verification");
        expect(next.done).toBe(next.due?.type === "release-handoff");
        if (next.done)
          expect(
            facts.runs.some(
              ({ type, stage, open, commit }) => type === "final-verification" && stage === "ended" && open && commit === facts.head,
            ),
          ).toBe(true);
        if (next.blocked !== null) expect(next.blocked.command).toMatch(/^okstra (?:answer|approve|override|run) g\/t\b/);
      }),
      { numRuns: 2000 },
    );
  });

  test("property: doing what is due leads to the end or to a gate, whether runs pass or hold", () => {
    fc.assert(
      fc.property(anyFacts, fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }), (start, passes) => {
        let facts = start;
        for (const passed of passes) {
          const { due, done, blocked } = nextPhase(facts);
          if (done || blocked !== null) return;
          expect(due).not.toBeNull();
          if (due === null) return;
          const number = facts.runs.length + 1;
          const head = due.type === "implementation" ? `c${number}` : facts.head;
          const ended = passed
            ? run(due.type, { run: number, commit: head })
            : held(due.type, [due.type === "implementation-planning" ? "plan-not-approved" : "held-findings"], {
                run: number,
                commit: head,
              });
          const runs = due.resume === null ? [...facts.runs, ended] : facts.runs.with(-1, { ...ended, run: due.resume });
          const plan: NextFacts["plan"] =
            due.type === "implementation-planning"
              ? { run: ended.run, state: passed ? "approved" : "pending", reason: null, overtaken: false }
              : facts.plan;
          facts = { ...facts, head, runs, plan };
        }
        throw new Error("it goes on for ever");
      }),
      { numRuns: 2000 },
    );
  });
});
