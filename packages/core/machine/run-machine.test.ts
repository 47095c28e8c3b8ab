import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RunEventBody } from "../events.ts";
import {
  dueEffects,
  foldRun,
  heldLanes,
  laneName,
  NEW_RUN,
  nextStep,
  quotaLanes,
  transition,
  type Effect,
  type RunState,
  type Transition,
} from "./run-machine.ts";

const SHA = "0".repeat(64);
const ROSTERS = [["a"], ["a", "b"], ["checks", "a", "b"]] as const;
const ENDS = ["ok", "partial", "failed", "timeout", "quota", "cancelled"] as const;
const VERDICTS = ["accepted", "conditional-accept", "blocked", "reproduced", "not-reproduced", "none"] as const;

const workerName = fc.constantFrom("a", "b", "checks", "stranger", "constructor", "__proto__");
const laneId = fc.constantFrom(
  "a",
  "b",
  "checks",
  "a.execute",
  "a.votes",
  "b.votes",
  "a.r2",
  "a.execute.r2",
  "report-writer",
  "constructor",
);
const commitId = fc.constantFrom("c1", "c2");
const EXECUTION = {
  command: "true",
  exitCode: 0,
  signal: null,
  timedOut: false,
  startedAt: "2026-01-01T00:00:00.000Z",
  durationMs: 1,
  outputSha256: SHA,
  failureKeys: [] as string[],
};
const attempt = fc.integer({ min: 1, max: 4 });
const gate = fc.record({
  name: fc.constantFrom("verdict", "cause"),
  kind: fc.constant("escalation" as const),
  open: fc.boolean(),
  reasons: fc.constant<string[]>(["all-clear"]),
  override: fc.constantFrom(null, { reason: "r", by: "b", at: "", until: null }),
});

/** Any event with plausible and implausible parts. */
const anyEvent: fc.Arbitrary<RunEventBody> = fc.oneof(
  fc.record({
    type: fc.constant("run-prepared" as const),
    runId: fc.constant("r"),
    taskKey: fc.constant("p/g/t"),
    taskType: fc.constant("final-verification"),
    roster: fc.oneof(
      fc.constantFrom(...ROSTERS).map((each): string[] => [...each]),
      fc.constant<string[]>(["a", "a"]),
    ),
    commit: commitId,
    executor: fc.constantFrom(null, "a"),
    manifestSha256: fc.constant(SHA),
    lead: fc.constantFrom("code" as const, "agent" as const),
  }),
  fc.record({
    type: fc.constant("interactive-session" as const),
    agent: fc.constant("claude"),
    sessionId: fc.constantFrom(null, "s"),
    worktree: fc.constant("/w"),
    isResumed: fc.boolean(),
  }),
  fc.record({
    type: fc.constant("lanes-planned" as const),
    round: fc.integer({ min: 1, max: 3 }),
    role: fc.constantFrom("execute" as const, "review" as const, "vote" as const),
    lanes: fc.array(fc.record({ lane: laneId, worker: workerName as fc.Arbitrary<string> }), { minLength: 1, maxLength: 2 }),
    commit: commitId,
  }),
  fc.record({
    type: fc.constant("work-inspected" as const),
    round: fc.integer({ min: 1, max: 3 }),
    workSha256: fc.constant(SHA),
    from: commitId,
    head: commitId,
  }),
  fc.record({
    type: fc.constant("vote-executed" as const),
    record: fc.record({
      item: fc.constant("V1"),
      worker: workerName as fc.Arbitrary<string>,
      command: fc.constant("true"),
      commit: commitId,
      executions: fc.constant(2),
      failures: fc.integer({ min: 0, max: 3 }),
      failsInEmptyDirectory: fc.constant(null),
    }),
  }),
  fc.record({
    type: fc.constant("criterion-executed" as const),
    criterion: fc.constantFrom("AC1", "AC2"),
    execution: commitId.map((commit) => ({ ...EXECUTION, commit })),
  }),
  fc.record({
    type: fc.constant("run-started" as const),
    attempt,
    commit: commitId,
    isolation: fc.constant("process-group"),
    withoutQuota: fc.boolean(),
  }),
  fc.record({ type: fc.constant("executor-prepared" as const), surroundingsSha256: fc.constant(SHA) }),
  fc.record({
    type: fc.constant("lane-retried" as const),
    worker: workerName as fc.Arbitrary<string>,
    lane: laneId,
    reason: fc.constant("network"),
    resumed: fc.boolean(),
  }),
  fc.record({
    type: fc.constant("model-substituted" as const),
    worker: workerName as fc.Arbitrary<string>,
    lane: laneId,
    asked: fc.constant("one"),
    served: fc.constant("other"),
  }),
  fc.record({
    type: fc.constant("sandbox-missing" as const),
    workers: fc.array<string>(workerName, { minLength: 1, maxLength: 2 }),
    reason: fc.constant("none"),
  }),
  fc.record({
    type: fc.constant("run-paused" as const),
    reason: fc.constant("quota" as const),
    lanes: fc.array<string>(laneId, { minLength: 1, maxLength: 2 }),
    until: fc.constant(null),
  }),
  fc.record({
    type: fc.constant("lane-started" as const),
    worker: workerName,
    lane: laneId,
    attempt,
    nonce: fc.constant("n"),
    commit: commitId,
  }),
  fc.record({
    type: fc.constant("lane-started" as const),
    worker: workerName,
    lane: laneId,
    attempt,
    nonce: fc.constant("n"),
    commit: commitId,
    outside: fc.constant({ treeSha256: null }),
  }),
  fc.record({ type: fc.constant("lane-activity" as const), worker: workerName, text: fc.constant("t") }),
  fc.record({
    type: fc.constant("lane-ended" as const),
    worker: workerName,
    lane: laneId,
    attempt,
    end: fc.constantFrom(...ENDS),
    reason: fc.constant(null),
    commit: commitId,
    findings: fc.constant(0),
    receiptSha256: fc.constant(SHA),
    resultSha256: fc.constant(null),
    family: fc.constantFrom(null, "unknown"),
    resumeAt: fc.constant(null),
  }),
  fc.record({
    type: fc.constant("tree-changed" as const),
    workers: fc.array<string>(workerName, { minLength: 1, maxLength: 2 }),
    paths: fc.constant<string[]>(["x"]),
  }),
  fc.record({
    type: fc.constant("reproduction-executed" as const),
    worker: workerName,
    record: fc.record({
      findingId: fc.constant("a#1"),
      command: fc.constant("false"),
      commit: commitId,
      executions: fc.integer({ min: 1, max: 3 }),
      failures: fc.integer({ min: 0, max: 3 }),
      baseline: fc.constantFrom("new" as const, "already-there" as const, "unknown" as const),
    }),
  }),
  fc.record({
    type: fc.constant("run-converged" as const),
    convergenceSha256: fc.constant(SHA),
    round: fc.integer({ min: 1, max: 3 }),
    clusters: fc.constant(0),
    blockers: fc.constant(0),
    kEff: fc.constant(1),
  }),
  fc.record({
    type: fc.constant("gate-decided" as const),
    verdict: fc.constantFrom(...VERDICTS),
    gate,
    commit: commitId,
    looked: fc.constant({}),
  }),
  fc.record({ type: fc.constant("report-writer-fallback" as const), reason: fc.constant("not-configured") }),
  fc.record({ type: fc.constant("report-written" as const), reportSha256: fc.constant(SHA) }),
  fc.record({ type: fc.constant("run-validated" as const), ok: fc.boolean(), broken: fc.constant<string[]>([]) }),
  fc.record({ type: fc.constant("run-ended" as const), verdict: fc.constantFrom(...VERDICTS), gateOpen: fc.boolean() }),
  fc.record({
    type: fc.constant("gate-overridden" as const),
    gate: fc.constantFrom("verdict", "cause"),
    reason: fc.constant("known"),
    by: fc.constant("someone"),
    until: fc.constant(null),
    commit: commitId,
  }),
  fc.record({ type: fc.constant("run-interrupted" as const), signal: fc.constant("interrupt") }),
  fc.record({ type: fc.constant("run-failed" as const), code: fc.constant("OKSTRA_IO_FAILED"), message: fc.constant("m") }),
  fc.record({ type: fc.constant("run-cancelled" as const), by: fc.constant("person") }),
);

/** The event that the lead would put into the log next, so that random orders get deep into a run. */
function expectedEvents(state: RunState, choice: number): readonly RunEventBody[] {
  const lanes = Object.entries(state.lanes);
  const end = ENDS[choice % ENDS.length] ?? "ok";
  if (state.stage === "new")
    return [
      {
        type: "run-prepared",
        runId: "r",
        taskKey: "p/g/t",
        taskType: "final-verification",
        roster: [...(ROSTERS[choice % ROSTERS.length] ?? ["a"])],
        commit: "c1",
        executor: choice % 2 === 0 ? "a" : null,
        manifestSha256: SHA,
        ...(choice % 3 === 0 ? { lead: "agent" as const } : {}),
      },
    ];
  if (state.stage === "prepared" || state.halted)
    return [
      {
        type: "run-started",
        attempt: state.attempt + 1,
        commit: choice % 5 === 0 ? "c2" : "c1",
        isolation: "process-group",
        withoutQuota: choice % 2 === 0,
      },
    ];
  if (state.stage === "running") {
    const [name, lane] = lanes.find(([, each]) => each.state !== "ended" && each.role !== "write") ?? ["", undefined];
    if (lane === undefined) return [advanced(state, choice)];
    const outside = state.lead === "agent" && choice % 2 === 0 ? { outside: { treeSha256: null } } : {};
    if (lane.state === "pending")
      return [
        {
          type: "lane-started",
          worker: lane.worker,
          lane: name,
          attempt: state.attempt,
          nonce: `n${choice}`,
          commit: state.commit,
          ...outside,
        },
      ];
    return [laneEnded(name, state, end)];
  }
  if (state.stage === "converged") {
    const open = choice % 2 === 0;
    if (state.executor !== null && state.round < 3 && choice % 3 === 0) return [planned(state, "execute", state.round + 1)];
    return [
      {
        type: "gate-decided",
        verdict: open ? "accepted" : "blocked",
        gate: { name: "verdict", kind: "escalation", open, reasons: ["all-clear"], override: null },
        commit: state.commit,
        looked: {},
      },
    ];
  }
  const writer = state.lanes["report-writer"];
  if (state.stage === "decided" && writer?.state === "running") return [laneEnded("report-writer", state, end)];
  if (state.stage === "decided" && choice % 4 === 0)
    return [
      { type: "lane-started", worker: "w", lane: "report-writer", attempt: state.attempt, nonce: `n${choice}`, commit: state.commit },
    ];
  if (state.stage === "decided" && choice % 5 === 1 && state.writerFallback === null)
    return [{ type: "report-writer-fallback", reason: "invalid" }];
  if (state.stage === "decided") return [{ type: "report-written", reportSha256: SHA }];
  if (state.stage === "reported") return [{ type: "run-validated", ok: choice % 3 !== 0, broken: [] }];
  if (state.stage === "validated")
    return [{ type: "run-ended", verdict: state.verdict ?? "none", gateOpen: state.gate?.open === true && state.valid === true }];
  return [{ type: "gate-overridden", gate: "verdict", reason: "known", by: "someone", until: null, commit: state.commit }];
}

/** What the lead does when every lane has ended. */
function advanced(state: RunState, choice: number): RunEventBody {
  switch (nextStep(state)) {
    case "pause":
      return { type: "run-paused", reason: "quota", lanes: [...quotaLanes(state)], until: null };
    case "inspect":
      return {
        type: "work-inspected",
        round: state.round,
        workSha256: SHA,
        from: state.commit,
        head: choice % 2 === 0 ? "c2" : state.commit,
      };
    case "plan-review":
      return planned(state, "review", state.round);
    case "plan-votes":
      if (choice % 7 === 0)
        return { type: "criterion-executed", criterion: `AC${choice}`, execution: { ...EXECUTION, commit: state.commit } };
      return choice % 2 === 0 ? planned(state, "vote", state.round) : converged(state);
    case "converge":
      if (choice % 5 !== 0) return converged(state);
      return {
        type: "vote-executed",
        record: {
          item: "V1",
          worker: "a",
          command: "true",
          commit: state.commit,
          executions: 2,
          failures: 0,
          failsInEmptyDirectory: true,
        },
      };
  }
}

function planned(state: RunState, role: "execute" | "review" | "vote", round: number): RunEventBody {
  const workers = role === "execute" ? [state.executor ?? ""] : state.reviewers;
  return {
    type: "lanes-planned",
    round,
    role,
    lanes: workers.map((worker) => ({ lane: laneName(worker, role, round), worker })),
    commit: state.commit,
  };
}

function converged(state: RunState): RunEventBody {
  return { type: "run-converged", round: state.round, convergenceSha256: SHA, clusters: 0, blockers: 0, kEff: 1 };
}

function laneEnded(lane: string, state: RunState, end: (typeof ENDS)[number]): RunEventBody {
  return {
    type: "lane-ended",
    worker: state.lanes[lane]?.worker ?? "",
    lane,
    attempt: state.lanes[lane]?.attempt ?? 0,
    end,
    reason: null,
    commit: state.lanes[lane]?.commit ?? "",
    findings: 0,
    receiptSha256: SHA,
    resultSha256: null,
    family: null,
    resumeAt: null,
  };
}

/** Each step: a number chooses the expected event (most of the time) or an arbitrary one. */
const anySteps = fc.array(fc.record({ expected: fc.integer({ min: 0, max: 9 }), choice: fc.nat({ max: 1000 }), event: anyEvent }), {
  maxLength: 160,
});

interface Step {
  readonly before: RunState;
  readonly event: RunEventBody;
  readonly after: Transition;
}

function drive(steps: readonly { expected: number; choice: number; event: RunEventBody }[]): readonly Step[] {
  const trace: Step[] = [];
  let state: RunState = deepFreeze(NEW_RUN);
  for (const { expected, choice, event: any } of steps) {
    for (const event of expected < 8 ? expectedEvents(state, choice) : [any]) {
      const after = transition(state, deepFreeze(event));
      trace.push({ before: state, event, after });
      state = deepFreeze(after.state);
    }
  }
  return trace;
}

/** A transition that wrote into what it was given would throw. */
function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}

const isFinal = (state: RunState): boolean => state.stage === "ended" || state.stage === "cancelled";
const RUNS = { numRuns: 400 };

/** Checks something at every step of any run. */
function atEachStep(check: (step: Step, earlier: readonly Step[]) => void): void {
  fc.assert(
    fc.property(anySteps, (steps) => {
      const trace = drive(steps);
      for (const [index, step] of trace.entries()) check(step, trace.slice(0, index));
    }),
    RUNS,
  );
}

describe("whatever order events come in", () => {
  test("the generator reaches every stage and every event is accepted at least once", () => {
    const stages = new Set<string>();
    const accepted = new Set<string>();
    const sample = fc.sample(anySteps, { numRuns: 12_000, seed: 7 });
    for (const { event, after } of sample.flatMap(drive)) {
      stages.add(after.state.stage);
      if (after.rejected === null) accepted.add(event.type);
    }
    expect([...stages].sort()).toEqual(
      ["cancelled", "converged", "decided", "ended", "new", "prepared", "reported", "running", "validated"].sort(),
    );
    expect(accepted.size).toBe(27);
  });

  test("an event that does not fit changes nothing and asks for nothing", () => {
    atEachStep(({ before, after }) => {
      if (after.rejected === null) return;
      expect(after.state).toBe(before);
      expect(after.effects).toEqual([]);
    });
  });

  test("a lane ends only after it started in the same attempt and at the same commit; one outside of okstra outlives attempts", () => {
    atEachStep(({ event, before, after }, earlier) => {
      if (event.type !== "lane-ended" || after.rejected !== null) return;
      const mine = earlier.filter((step) => step.after.rejected === null);
      const lastStart = mine.findLastIndex(({ event: each }) => each.type === "lane-started" && each.lane === event.lane);
      const lastEnd = mine.findLastIndex(({ event: each }) => each.type === "lane-ended" && each.lane === event.lane);
      const lastAttempt = mine.findLastIndex(({ event: each }) => each.type === "run-started");
      const isOutside = before.lanes[event.lane]?.outside !== undefined;
      expect(lastStart).toBeGreaterThan(isOutside ? lastEnd : Math.max(lastEnd, lastAttempt));
      expect(mine[lastStart]?.event).toMatchObject({ attempt: event.attempt, commit: event.commit });
    });
  });

  test("what an event makes due is what its state makes due, and nothing is due while a lane runs that is not pending", () => {
    atEachStep(({ before, event, after }) => {
      if (after.rejected !== null || after.state.handoff !== null) return;
      const due = dueEffects(after.state).map((effect) => JSON.stringify(effect));
      for (const effect of after.effects) expect(due).toContain(JSON.stringify(effect));
      if (event.type === "run-started") expect(after.effects).toEqual(dueEffects(after.state));
      // Whoever goes on with what is due, and whoever goes on with what was asked for, do the same when no lane is open.
      const isOpen = Object.values(after.state.lanes).some(({ state }) => state === "running");
      if (!isOpen && after.effects.length === 0 && before.stage !== after.state.stage) expect(due).toEqual([]);
    });
  });

  test("a lane that the leading agent is at keeps its nonce through every end of a process, at one commit", () => {
    atEachStep(({ before, event, after }) => {
      if (after.rejected !== null) return;
      const isStop = event.type === "run-interrupted" || event.type === "run-failed" || event.type === "run-started";
      for (const [name, lane] of Object.entries(before.lanes)) {
        if (lane.state !== "running" || lane.outside === undefined) continue;
        expect(before.lead).toBe("agent");
        if (!isStop || lane.role === "write" || (event.type === "run-started" && event.commit !== lane.commit)) continue;
        // Votes go when a review that they are about is asked again.
        if (lane.role === "vote" && after.state.lanes[name] === undefined) continue;
        expect(after.state.lanes[name]).toEqual(lane);
      }
      if (event.type === "run-started") expect(heldLanes(after.state)).toEqual([]);
    });
  });

  test("no verdict before convergence, and no convergence before every lane ended", () => {
    atEachStep(({ event, before, after }, earlier) => {
      if (after.rejected !== null) return;
      if (event.type === "run-converged")
        expect(Object.values(before.lanes).every((lane) => lane.state === "ended" || lane.role === "write")).toBe(true);
      if (after.state.verdict === null) return;
      const accepted = [...earlier.filter((step) => step.after.rejected === null).map((step) => step.event), event];
      const converged = accepted.findLastIndex((each) => each.type === "run-converged");
      expect(converged).toBeGreaterThan(accepted.findLastIndex((each) => each.type === "run-started"));
    });
  });

  test("a gate opens only by gate-decided or gate-overridden, and an override needs the gate's name", () => {
    atEachStep(({ before, event, after }) => {
      if (after.state.gate?.open !== true || before.gate?.open === true) return;
      expect(["gate-decided", "gate-overridden"]).toContain(event.type);
      if (event.type === "gate-overridden") expect([event.gate, event.commit]).toEqual([before.gate?.name, before.commit]);
    });
  });

  test("after a final stage there is nothing but an override of an ended run, and its report", () => {
    atEachStep(({ before, event, after }) => {
      if (!isFinal(before) || after.rejected !== null) return;
      expect(after.state.stage).toBe(before.stage);
      expect(before.stage).toBe("ended");
      expect(["gate-overridden", "report-written"]).toContain(event.type);
      if (event.type === "report-written") expect(before.gate?.override).not.toBeNull();
      expect(after.effects).toEqual([]);
    });
  });

  test("a halted run goes on by a start or ends by a cancellation, and by nothing else", () => {
    atEachStep(({ before, event, after }) => {
      if (!before.halted || after.rejected !== null) return;
      expect(["run-started", "run-cancelled"]).toContain(event.type);
    });
  });

  test("lanes appear only as planned, of workers that the run knows, and only votes are planned anew", () => {
    atEachStep(({ before, event, after }) => {
      const gone = Object.keys(before.lanes).filter((name) => !Object.hasOwn(after.state.lanes, name));
      const come = Object.keys(after.state.lanes).filter((name) => !Object.hasOwn(before.lanes, name));
      for (const name of gone) expect([event.type, before.lanes[name]?.role]).toEqual(["run-started", "vote"]);
      if (come.length > 0) expect(["run-prepared", "lanes-planned", "lane-started"]).toContain(event.type);
      if (event.type === "lane-started" && come.length > 0) expect(come).toEqual(["report-writer"]);
      const known = [after.state.executor, ...after.state.reviewers];
      for (const lane of Object.values(after.state.lanes)) if (lane.role !== "write") expect(known).toContain(lane.worker);
      for (const change of after.state.treeChanges) for (const worker of change.workers) expect(known).toContain(worker);
      for (const record of after.state.reproductions) expect(known).toContain(record.worker);
    });
  });

  test("reviews follow the work of their round, votes its reviews, and rounds go up by one to three at most", () => {
    atEachStep(({ before, event, after }) => {
      expect(after.state.round).toBeLessThanOrEqual(3);
      expect([0, 1]).toContain(after.state.round - before.round);
      if (event.type !== "lanes-planned" || after.rejected !== null) return;
      const roles = Object.values(before.lanes).flatMap((lane) => (lane.round === event.round ? [lane.role] : []));
      if (event.role === "vote") expect(roles).toContain("review");
      if (event.role === "review") expect(before.works.map((work) => work.round)).toContain(event.round);
    });
  });

  test("effects name only lanes that are waiting", () => {
    atEachStep(({ after }) => {
      const dispatched = after.effects.flatMap((effect) => (effect.type === "dispatch" ? [after.state.lanes[effect.lane]?.state] : []));
      expect(dispatched).toEqual(dispatched.map(() => "pending"));
    });
  });

  test("a start keeps what finished at its commit, what the executor did and earlier rounds, and forgets every other answer", () => {
    atEachStep(({ before, event, after }) => {
      if (event.type !== "run-started" || after.rejected !== null) return;
      for (const [name, lane] of Object.entries(after.state.lanes)) {
        const old = before.lanes[name];
        if (old === undefined || old.role === "write") continue;
        const bound = old.role !== "execute" && old.round === before.round;
        const done = ["ok", "partial", "failed", "timeout"].includes(old.end ?? "");
        const leftOut = event.withoutQuota && old.end === "quota" && old.commit === event.commit;
        const earlier = old.round < before.round;
        const finished = old.state === "ended" && (earlier || leftOut || (done && (!bound || old.commit === event.commit)));
        const outside = old.state === "running" && old.outside !== undefined && old.commit === event.commit;
        expect(lane.state).toBe(outside ? "running" : finished ? "ended" : "pending");
        if (finished || outside) expect(lane).toEqual(old);
      }
      expect([after.state.verdict, after.state.gate, after.state.valid]).toEqual([null, null, null]);
      for (const record of after.state.reproductions) expect(record.commit).toBe(event.commit);
    });
  });

  test("the accepted events alone fold to the same state, without one rejection", () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        const trace = drive(steps);
        const accepted = trace.filter((step) => step.after.rejected === null).map((step) => step.event);
        const folded = foldRun(JSON.parse(JSON.stringify(accepted)) as RunEventBody[]);
        expect(folded.rejected).toEqual([]);
        expect(folded.state).toEqual(trace.at(-1)?.after.state ?? NEW_RUN);
      }),
      RUNS,
    );
  });

  test("a fold tells where a log has an event that does not fit", () => {
    const prepared = expectedEvents(NEW_RUN, 0)[0]!;
    expect(foldRun([prepared, prepared]).rejected).toEqual([{ index: 1, reason: "the run is prepared already" }]);
  });
});

describe("a run that is driven by its own effects", () => {
  /** Pulls effects in any order; interruptions, failures and crashes come in between, and a resume after each. */
  const plan = fc.record({
    roster: fc.constantFrom(...ROSTERS),
    ends: fc.array(fc.constantFrom(...ENDS), { minLength: 12, maxLength: 12 }),
    picks: fc.array(fc.nat({ max: 1000 }), { minLength: 200, maxLength: 200 }),
    faults: fc.array(
      fc.record({ at: fc.nat({ max: 60 }), kind: fc.constantFrom("run-interrupted" as const, "run-failed" as const, "crash" as const) }),
      { maxLength: 6 },
    ),
    cancelAt: fc.oneof(fc.constant(null), fc.nat({ max: 40 })),
    valid: fc.boolean(),
    open: fc.boolean(),
    executes: fc.boolean(),
  });

  test("ends in a bounded number of steps whatever its lanes and the world do", () => {
    fc.assert(
      fc.property(plan, (given) => {
        let state: RunState = NEW_RUN;
        const effects: Effect[] = [];
        const starts = new Map<string, number>();
        let steps = 0;
        const apply = (event: RunEventBody): void => {
          steps += 1;
          const next = transition(state, event);
          expect(next.rejected).toBeNull();
          state = next.state;
          effects.push(...next.effects);
        };
        const start = (): void => {
          effects.length = 0;
          apply({ type: "run-started", attempt: state.attempt + 1, commit: state.commit, isolation: "process-group", withoutQuota: true });
        };
        apply({
          type: "run-prepared",
          runId: "r",
          taskKey: "p/g/t",
          taskType: "final-verification",
          roster: [...given.roster],
          commit: "c1",
          executor: given.executes ? given.roster[0] : null,
          manifestSha256: SHA,
        });
        start();
        const faults = [...given.faults];
        const limit = (faults.length + 1) * (given.roster.length * 4 + 14) * 3 + 2;
        while (!isFinal(state)) {
          expect(steps).toBeLessThanOrEqual(limit);
          if (given.cancelAt !== null && steps > given.cancelAt) {
            apply({ type: "run-cancelled", by: "person" });
            break;
          }
          const fault = faults.findIndex((each) => each.at <= steps);
          if (fault >= 0) {
            const kind = faults.splice(fault, 1)[0]?.kind;
            if (kind === "run-interrupted") apply({ type: "run-interrupted", signal: "interrupt" });
            else if (kind === "run-failed") apply({ type: "run-failed", code: "OKSTRA_IO_FAILED", message: "m" });
            start();
            continue;
          }
          const running = Object.keys(state.lanes).filter((worker) => state.lanes[worker]?.state === "running");
          const pick = given.picks[steps % given.picks.length] ?? 0;
          const choices = effects.length + running.length;
          expect(choices).toBeGreaterThan(0);
          const chosen = pick % choices;
          if (chosen >= effects.length) {
            const worker = running[chosen - effects.length] ?? "";
            apply(laneEnded(worker, state, given.ends[steps % given.ends.length] ?? "ok"));
            continue;
          }
          const [effect] = effects.splice(chosen, 1);
          if (effect?.type === "dispatch") {
            const { lane } = effect;
            starts.set(lane, (starts.get(lane) ?? 0) + 1);
            apply({
              type: "lane-started",
              worker: state.lanes[lane]?.worker ?? "",
              lane,
              attempt: state.attempt,
              nonce: "n",
              commit: state.commit,
            });
          } else if (effect?.type === "advance") {
            const next = advanced(state, pick);
            apply(next.type === "vote-executed" || next.type === "criterion-executed" ? converged(state) : next);
          } else if (effect?.type === "decide" && state.executor !== null && state.round < 3 && pick % 2 === 0)
            apply(planned(state, "execute", state.round + 1));
          else if (effect?.type === "decide")
            apply({
              type: "gate-decided",
              verdict: "blocked",
              gate: { name: "verdict", kind: "escalation", open: given.open, reasons: ["all-clear"], override: null },
              commit: state.commit,
              looked: {},
            });
          else if (effect?.type === "report") apply({ type: "report-written", reportSha256: SHA });
          else if (effect?.type === "validate") apply({ type: "run-validated", ok: given.valid, broken: [] });
          else apply({ type: "run-ended", verdict: state.verdict ?? "none", gateOpen: given.open && given.valid });
        }
        expect(steps).toBeLessThanOrEqual(limit);
        for (const count of starts.values()) expect(count).toBeLessThanOrEqual(given.faults.length + 1);
        if (state.stage === "ended") expect(Object.values(state.lanes).every((lane) => lane.state === "ended")).toBe(true);
      }),
      RUNS,
    );
  });
});
