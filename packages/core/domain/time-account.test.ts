import fc from "fast-check";
import { expect, test } from "vitest";
import type { RunEventBody } from "../events.ts";
import { accountTime, GAP_MS, type TaskTime, type TimeScope, type TimeSplit } from "./time-account.ts";
import type { TaskEventBody } from "./task-log.ts";
import type { TimedRunEvent, TimedTaskEvent, TimeState } from "./time-account-line.ts";

const SHA = "0".repeat(64);
const BASE = Date.parse("2026-01-01T00:00:00.000Z");
const at = (ms: number): string => new Date(BASE + ms).toISOString();

const prepared = (taskType: string): RunEventBody => ({
  type: "run-prepared",
  runId: "r",
  taskKey: "p/g/t",
  taskType,
  roster: ["a"],
  commit: "c",
  executor: null,
  manifestSha256: SHA,
});
const started = (attempt = 1): RunEventBody => ({ type: "run-started", attempt, commit: "c", isolation: "none", withoutQuota: false });
const laneStarted = (worker: string, attempt = 1): RunEventBody => ({
  type: "lane-started",
  worker,
  lane: worker,
  attempt,
  nonce: "n",
  commit: "c",
});
const laneEnded = (worker: string, attempt = 1): RunEventBody => ({
  type: "lane-ended",
  worker,
  lane: worker,
  attempt,
  end: "ok",
  reason: null,
  commit: "c",
  findings: 0,
  receiptSha256: SHA,
  resultSha256: null,
  family: null,
  resumeAt: null,
});
const decided = (open: boolean, reasons: string[] = []): RunEventBody => ({
  type: "gate-decided",
  verdict: "none",
  gate: { name: "gate", kind: "escalation", open, reasons, override: null },
  commit: "c",
  looked: {},
});
const ended = (gateOpen: boolean): RunEventBody => ({ type: "run-ended", verdict: "none", gateOpen });
const interrupted: RunEventBody = { type: "run-interrupted", signal: "interrupt" };
const overridden: RunEventBody = { type: "gate-overridden", gate: "gate", reason: "r", by: "b", until: null, commit: "c" };
const answered: TaskEventBody = { type: "answered", id: "Q1", question: "q", text: "t", by: "b" };
const approved: TaskEventBody = { type: "plan-approved", run: 1, planSha256: SHA, by: "b" };
const rejected: TaskEventBody = { type: "plan-rejected", run: 1, planSha256: SHA, by: "b", reason: "r" };
const preFlight: TaskEventBody = {
  type: "gate-checked",
  gate: { name: "pre-flight", kind: "pre-flight", open: false, reasons: ["plan-not-approved"] },
  phase: "implementation",
  looked: {},
};
const cycle: TaskEventBody = { type: "cycle-started", cycle: 2, brief: null, reason: "r", category: null, feedback: [] };

const timed = (events: readonly (readonly [number, RunEventBody])[]): TimedRunEvent[] =>
  events.map(([ms, event]) => ({ ...event, at: at(ms) }));
const run = (type: string, events: readonly (readonly [number, RunEventBody])[], number = 1) => ({
  type,
  run: number,
  events: timed(events),
});

const split = (parts: Partial<TimeSplit>): TimeSplit => {
  const all = { workingMs: 0, waitingForPersonMs: 0, waitingForQuotaMs: 0, stoppedMs: 0, idleMs: 0, ...parts };
  return { ...all, spanMs: Object.values(all).reduce((sum, each) => sum + each, 0) };
};

test("a run, its lanes that overlap, and what okstra does between them", () => {
  const time = accountTime({
    runs: [
      run("error-analysis", [
        [0, prepared("error-analysis")],
        [5, started()],
        [10, laneStarted("a")],
        [20, laneStarted("b")],
        [50, laneEnded("a")],
        [90, laneEnded("b")],
        [100, decided(true)],
        [110, ended(true)],
      ]),
    ],
    taskEvents: [],
  });
  expect(time).toMatchObject({ ...split({ waitingForPersonMs: 5, workingMs: 105 }), lanes: 2, laneMs: 110, busyMs: 80, current: "idle" });
  expect(time.workers).toEqual([
    { worker: "a", lanes: 1, laneMs: 40, busyMs: 40 },
    { worker: "b", lanes: 1, laneMs: 70, busyMs: 70 },
  ]);
});

test("a plan and questions wait for a person until the last word, apart from work and from idle time", () => {
  const time = accountTime({
    runs: [
      run("implementation-planning", [
        [0, prepared("implementation-planning")],
        [0, started()],
        [100, decided(false, ["plan-not-approved", "clarifications-open"])],
        [110, ended(false)],
      ]),
      run("implementation", [
        [900, prepared("implementation")],
        [900, started()],
        [1000, decided(true)],
        [1000, ended(true)],
      ]),
    ],
    taskEvents: [
      { ...answered, at: at(300) },
      { ...answered, at: at(400) },
      { ...approved, at: at(700) },
    ],
  });
  expect(time).toMatchObject(split({ workingMs: 210, waitingForPersonMs: 590, idleMs: 200 }));
  expect(time.phases.map(({ phase, spanMs }) => [phase, spanMs])).toEqual([
    ["implementation-planning", 900],
    ["implementation", 100],
  ]);
});

test("an interruption, a crash without a word and a quota are told apart, and a crashed lane lasts to the last event", () => {
  const { runs, ...time } = accountTime({
    runs: [
      run("error-analysis", [
        [0, prepared("error-analysis")],
        [0, started(1)],
        [10, interrupted],
        [40, started(2)],
        [50, laneStarted("a", 2)],
        [60, { type: "lane-retried", worker: "a", lane: "a", reason: "r", resumed: false }],
        [500, started(3)],
        [510, laneStarted("a", 3)],
        [520, laneEnded("a", 3)],
        [530, { type: "run-paused", reason: "quota", lanes: ["a"], until: null }],
        [1530, started(4)],
        [1540, ended(true)],
      ]),
    ],
    taskEvents: [{ ...cycle, at: at(1600) }],
  });
  expect(time).toMatchObject(split({ workingMs: 70, stoppedMs: 470, waitingForQuotaMs: 1000, idleMs: 60 }));
  expect(runs[0]?.laneTimes.map(({ attempt, laneMs, end }) => [attempt, laneMs, end])).toEqual([
    [2, 10, null],
    [3, 10, "ok"],
  ]);
  expect(runs[0]).toMatchObject({ attempts: 4, wall: split({ workingMs: 70, stoppedMs: 470, waitingForQuotaMs: 1000 }) });
});

test("a run that died and was never taken up again is stopped from its last event, until another begins", () => {
  const time = accountTime({
    runs: [
      run("error-analysis", [
        [0, prepared("error-analysis")],
        [0, started()],
        [30, laneStarted("a")],
      ]),
      run(
        "error-analysis",
        [
          [100, prepared("error-analysis")],
          [100, started()],
          [150, ended(true)],
        ],
        2,
      ),
    ],
    taskEvents: [],
  });
  expect(time).toMatchObject(split({ workingMs: 80, stoppedMs: 70 }));
});

test("a verified task waits for a person until it is handed off; afterwards nobody is waited for", () => {
  const { segments } = accountTime({
    runs: [
      run("final-verification", [
        [0, prepared("final-verification")],
        [0, started()],
        [10, decided(false, ["blocking-findings"])],
        [10, ended(false)],
        [30, overridden],
      ]),
      run("release-handoff", [
        [50, prepared("release-handoff")],
        [90, { type: "handoff-chosen", planSha256: SHA, how: "hash", by: "b" }],
        [91, started()],
        [95, ended(true)],
      ]),
    ],
    taskEvents: [{ ...cycle, at: at(200) }],
  });
  expect(segments.map(({ state, run: of, fromMs, toMs }) => [state, of, fromMs - BASE, toMs - BASE])).toEqual([
    ["working", 0, 0, 10],
    ["person", 0, 10, 50],
    ["person", 1, 50, 91],
    ["working", 1, 91, 95],
    ["idle", 1, 95, 200],
  ]);
});

test("a silence of a lane over an hour is told and counts as the lane's time", () => {
  const slept = 3 * GAP_MS;
  const { runs } = accountTime({
    runs: [
      run("error-analysis", [
        [0, prepared("error-analysis")],
        [0, started()],
        [0, laneStarted("a")],
        [slept, laneEnded("a")],
        [slept + GAP_MS, ended(true)],
      ]),
    ],
    taskEvents: [],
  });
  expect(runs[0]).toMatchObject({ workingMs: slept + GAP_MS, laneMs: slept, gaps: [{ lane: "a", worker: "a", gapMs: slept }] });
});

test("a clock that goes back makes no time, and one that leaps and comes back does not reorder what happened", () => {
  const time = accountTime({
    runs: [
      run("error-analysis", [
        [0, prepared("error-analysis")],
        [10, started()],
        [100_000, laneStarted("a")],
        [40, laneEnded("a")],
        [50, ended(true)],
      ]),
      run("implementation", [[60, prepared("implementation")]]),
    ],
    taskEvents: [{ ...answered, at: "no time at all" }],
  });
  expect(time).toMatchObject({ clockJumps: 1, ...split({ waitingForPersonMs: 10, workingMs: 99_990 }) });
  expect(time.startMs).toBe(BASE);
  expect(time.runs.map(({ type }) => type)).toEqual(["error-analysis", "implementation"]);
});

test("a task without events has no time", () => {
  expect(accountTime({ runs: [], taskEvents: [] })).toMatchObject({ startMs: null, endMs: null, current: null, runs: [], ...split({}) });
});

// A simulated task, of which every millisecond is known.

type Deed =
  | ("prepare" | "start" | "lane" | "say" | "interrupt" | "fail" | "pause" | "die" | "cancel" | "end")
  | ("override" | "answer" | "approve" | "reject" | "cycle" | "look");

const WHILE_GOING: readonly Deed[] = ["lane", "lane", "lane", "say", "end", "end", "die", "interrupt", "fail", "pause", "cancel"];
const UNFINISHED: readonly Deed[] = ["start", "start", "start", "start", "cancel", "look", "answer", "approve", "cycle", "prepare"];
const FINISHED: readonly Deed[] = ["prepare", "prepare", "prepare", "override", "answer", "approve", "reject", "cycle", "look"];

const move = fc.record({
  /** Which of the deeds that are possible then. */
  deed: fc.nat({ max: 999 }),
  waitMs: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant(60)),
  leapMs: fc.oneof(fc.constant(0), fc.integer({ min: -30, max: 30 })),
  type: fc.constantFrom("error-analysis", "implementation-planning", "final-verification", "release-handoff"),
  worker: fc.constantFrom("a", "b"),
  open: fc.boolean(),
  reasons: fc.subarray(["plan-not-approved", "clarifications-open"]),
  times: fc.integer({ min: 1, max: 3 }),
});
const moves = fc.array(move, { maxLength: 40, size: "max" });
type Move = typeof move extends fc.Arbitrary<infer T> ? T : never;

interface Known {
  /** Time of the event: the clock, never before the event before it. */
  readonly ms: number;
  state: TimeState;
  run: number | null;
  lanes: readonly string[];
}

/** Plays a task and notes what it is at after each event. Lanes are called `<run>:<worker>`. */
function simulate(all: readonly Move[]) {
  const runs: { type: string; run: number; events: TimedRunEvent[] }[] = [];
  const taskEvents: TimedTaskEvent[] = [];
  const known: Known[] = [];
  let [real, skew, reached, newestHead] = [0, 0, 0, -1];
  let clockJumps = 0;
  let state = "nothing" as "nothing" | "prepared" | "going" | "dead" | "halted" | "quota" | "held" | "over" | "verified";
  let waitsFor = new Set<string>();
  let under: number | null = null;
  let attempt = 0;
  const lanes = new Set<string>();
  let diedInLanes = false;
  const STATE = {
    nothing: "idle",
    prepared: "person",
    going: "working",
    dead: "stopped",
    halted: "stopped",
    quota: "quota",
    held: "person",
    over: "idle",
    verified: "person",
  } as const;

  const tick = (log: readonly { readonly at: string }[], isFree: boolean): string => {
    let clock = real + skew;
    // Only a run that goes on sees the clock go back behind the beginning of something that happened before.
    if (!isFree && clock <= newestHead) {
      real += newestHead + 1 - clock;
      clock = newestHead + 1;
    }
    if (!isFree) newestHead = clock;
    reached = known.length === 0 ? clock : Math.max(reached, clock);
    const before = log.at(-1);
    if (before !== undefined && BASE + clock < Date.parse(before.at)) clockJumps += 1;
    return at(clock);
  };
  const note = (): void => void known.push({ ms: BASE + reached, state: STATE[state], run: under, lanes: [...lanes] });
  const emit = (event: RunEventBody, isFree: boolean, change: () => void): void => {
    const own = runs.at(-1)?.events ?? [];
    own.push({ ...event, at: tick(own, isFree) });
    change();
    note();
  };
  const say = (event: TaskEventBody, change: () => void): void => {
    taskEvents.push({ ...event, at: tick(taskEvents, false) });
    change();
    note();
  };
  const halt = (to: "halted" | "quota" | "over" | "verified") => (): void => {
    state = to;
    lanes.clear();
  };
  const type = (): string => runs.at(-1)?.type ?? "";
  const hear = (word: string): void => {
    if (state !== "held" || !waitsFor.delete(word) || waitsFor.size > 0) return;
    state = type() === "final-verification" && under !== null && !isPreFlight ? "verified" : "over";
  };
  let isPreFlight = false;

  for (const move of all) {
    real += move.waitMs;
    const going = state === "going";
    if (going) skew += move.leapMs;
    const deeds = going ? WHILE_GOING : ["prepared", "halted", "quota", "dead"].includes(state) ? UNFINISHED : FINISHED;
    switch (deeds[move.deed % deeds.length]) {
      case "prepare":
        if (going) break;
        runs.push({ type: move.type, run: runs.length + 1, events: [] });
        attempt = 0;
        emit(prepared(move.type), false, () => {
          state = "prepared";
          under = runs.length - 1;
          lanes.clear();
        });
        break;
      case "start":
        if (under !== runs.length - 1 || !["prepared", "halted", "quota", "dead"].includes(state)) break;
        attempt += 1;
        emit(started(attempt), false, () => {
          state = "going";
          lanes.clear();
        });
        break;
      case "lane": {
        const lane = `${runs.length - 1}:${move.worker}`;
        if (!going) break;
        if (lanes.has(lane)) emit(laneEnded(move.worker, attempt), true, () => void lanes.delete(lane));
        else emit(laneStarted(move.worker, attempt), true, () => void lanes.add(lane));
        break;
      }
      case "say":
        if (going) emit({ type: "report-writer-fallback", reason: "r" }, true, () => undefined);
        break;
      case "interrupt":
        if (going) emit(interrupted, true, halt("halted"));
        break;
      case "fail":
        if (going) emit({ type: "run-failed", code: "c", message: "m" }, true, halt("halted"));
        break;
      case "pause":
        if (going) emit({ type: "run-paused", reason: "quota", lanes: ["a"], until: null }, true, halt("quota"));
        break;
      case "die": {
        const last = known.at(-1);
        if (!going || last === undefined) break;
        state = "dead";
        diedInLanes = lanes.size > 0;
        lanes.clear();
        last.state = "stopped";
        last.lanes = [];
        break;
      }
      case "cancel":
        // Of a process that died without lanes nobody can tell whether it lived until then.
        if (under !== runs.length - 1 || (state === "dead" && !diedInLanes)) break;
        if (["prepared", "going", "halted", "quota", "dead"].includes(state) && !(going && lanes.size > 0))
          emit({ type: "run-cancelled", by: "b" }, going, halt(type() === "release-handoff" ? "verified" : "over"));
        break;
      case "end":
        if (lanes.size > 0) break;
        emit(decided(move.open, move.reasons), true, () => undefined);
        emit(ended(move.open), true, () => {
          isPreFlight = false;
          state = !move.open ? "held" : type() === "final-verification" ? "verified" : "over";
          waitsFor = new Set(move.reasons.length === 0 ? ["other"] : move.reasons);
        });
        break;
      case "override":
        if (state === "held" && under === runs.length - 1 && !isPreFlight)
          emit(overridden, false, () => {
            state = type() === "final-verification" ? "verified" : "over";
          });
        break;
      case "answer":
        if (going || taskEvents.at(-1)?.type === "answered") break;
        for (let left = move.times; left > 0; left -= 1) {
          say(answered, () => left === 1 && hear("clarifications-open"));
          real += 1;
        }
        break;
      case "approve":
        if (!going) say(approved, () => hear("plan-not-approved"));
        break;
      case "reject":
        if (!going)
          say(rejected, () => {
            if (state === "held") state = "over";
          });
        break;
      case "cycle":
        if (!going)
          say(cycle, () => {
            state = "nothing";
            under = null;
            lanes.clear();
          });
        break;
      case "look":
        if (!going)
          say(preFlight, () => {
            if (["prepared", "halted", "quota", "dead"].includes(state)) return;
            state = "held";
            isPreFlight = true;
            waitsFor = new Set(["plan-not-approved"]);
          });
        break;
    }
  }
  return { history: { runs, taskEvents }, known, clockJumps };
}

/** Looks at every millisecond by itself. */
function countByHand(known: readonly Known[], scope: TimeScope, types: readonly string[]) {
  const splits = new Map<number | null, Record<TimeState, number>>();
  let [laneMs, busyMs] = [0, 0];
  const byWorker = new Map<string, number>();
  const [first, last] = [known[0]?.ms ?? 0, known.at(-1)?.ms ?? 0];
  let place = 0;
  for (let ms = first; ms < last; ms += 1) {
    while ((known[place + 1]?.ms ?? Number.POSITIVE_INFINITY) <= ms) place += 1;
    const now = known[place];
    if (now === undefined || ms < (scope.fromMs ?? first) || ms >= (scope.toMs ?? last)) continue;
    if (scope.phase !== undefined && (now.run === null || types[now.run] !== scope.phase)) continue;
    const split = splits.get(now.run) ?? { working: 0, person: 0, quota: 0, stopped: 0, idle: 0 };
    split[now.state] += 1;
    splits.set(now.run, split);
    laneMs += now.lanes.length;
    busyMs += now.lanes.length > 0 ? 1 : 0;
    for (const lane of now.lanes) byWorker.set(lane.replace(/^\d+:/, ""), (byWorker.get(lane.replace(/^\d+:/, "")) ?? 0) + 1);
  }
  return { splits, laneMs, busyMs, byWorker };
}

const asSplit = (counted: Record<TimeState, number> | undefined): TimeSplit =>
  split({
    workingMs: counted?.working ?? 0,
    waitingForPersonMs: counted?.person ?? 0,
    waitingForQuotaMs: counted?.quota ?? 0,
    stoppedMs: counted?.stopped ?? 0,
    idleMs: counted?.idle ?? 0,
  });

const pick = ({ spanMs, workingMs, waitingForPersonMs, waitingForQuotaMs, stoppedMs, idleMs }: TimeSplit): TimeSplit => ({
  spanMs,
  workingMs,
  waitingForPersonMs,
  waitingForQuotaMs,
  stoppedMs,
  idleMs,
});

function sumParts(time: TimeSplit): number {
  return time.workingMs + time.waitingForPersonMs + time.waitingForQuotaMs + time.stoppedMs + time.idleMs;
}

const scope: fc.Arbitrary<TimeScope> = fc.record(
  {
    fromMs: fc.integer({ min: BASE - 10, max: BASE + 300 }),
    toMs: fc.integer({ min: BASE, max: BASE + 500 }),
    phase: fc.constantFrom("error-analysis", "implementation-planning", "final-verification"),
  },
  { requiredKeys: [] },
);

test("of random histories every millisecond is where a look at each of them by itself says", () => {
  fc.assert(
    fc.property(moves, scope, (all, window) => {
      const { history, known, clockJumps } = simulate(all);
      const time = accountTime(history, window);
      const byHand = countByHand(
        known,
        window,
        history.runs.map(({ type }) => type),
      );
      const total = [...byHand.splits.values()].map(asSplit);
      expect(pick(time)).toEqual(split(pickParts(total)));
      for (const each of time.runs) expect(pick(each)).toEqual(asSplit(byHand.splits.get(each.run - 1)));
      expect(pick(time.between)).toEqual(asSplit(byHand.splits.get(null)));
      expect([time.laneMs, time.busyMs]).toEqual([byHand.laneMs, byHand.busyMs]);
      expect(Object.fromEntries(time.workers.filter(({ laneMs }) => laneMs > 0).map(({ worker, laneMs }) => [worker, laneMs]))).toEqual(
        Object.fromEntries(byHand.byWorker),
      );
      expect(time.clockJumps).toBe(clockJumps);
    }),
    { numRuns: 3000 },
  );
});

function pickParts(all: readonly TimeSplit[]): Partial<TimeSplit> {
  const sum = (part: keyof TimeSplit): number => all.reduce((total, each) => total + each[part], 0);
  return {
    workingMs: sum("workingMs"),
    waitingForPersonMs: sum("waitingForPersonMs"),
    waitingForQuotaMs: sum("waitingForQuotaMs"),
    stoppedMs: sum("stoppedMs"),
    idleMs: sum("idleMs"),
  };
}

/** What holds of every account, whatever the events are. */
function checkSums(time: TaskTime): void {
  expect(sumParts(time)).toBe(time.spanMs);
  for (const each of [...time.runs, ...time.runs.map(({ wall }) => wall), ...time.phases, time.between]) {
    expect(sumParts(each)).toBe(each.spanMs);
    for (const part of Object.values(pick(each))) expect(part).toBeGreaterThanOrEqual(0);
  }
  const shares = [...time.phases, time.between].reduce((sum, { spanMs }) => sum + spanMs, 0);
  expect(shares).toBe(time.spanMs);
  expect(time.runs.reduce((sum, { spanMs }) => sum + spanMs, time.between.spanMs)).toBe(time.spanMs);
  expect(time.segments.every(({ fromMs, toMs }) => toMs > fromMs)).toBe(true);
  expect(time.busyMs).toBeLessThanOrEqual(Math.min(time.laneMs, time.workingMs));
  for (const worker of time.workers) expect(worker.busyMs).toBeLessThanOrEqual(worker.laneMs);
}

test("the parts of every account sum up to the span from the first event to the last, and windows that meet to the whole", () => {
  fc.assert(
    fc.property(moves, fc.integer({ min: 0, max: 400 }), (all, cut) => {
      const { history } = simulate(all);
      const whole = accountTime(history);
      checkSums(whole);
      expect(whole.spanMs).toBe((whole.endMs ?? 0) - (whole.startMs ?? 0));
      for (const each of whole.runs) {
        expect(each.wall.spanMs).toBe(each.endMs - each.startMs);
        expect(each.wall.workingMs).toBe(each.workingMs);
      }
      const parts = [accountTime(history, { toMs: BASE + cut }), accountTime(history, { fromMs: BASE + cut })];
      for (const part of parts) checkSums(part);
      expect(parts.reduce((sum, { spanMs }) => sum + spanMs, 0)).toBe(whole.spanMs);
      expect(parts.reduce((sum, { laneMs }) => sum + laneMs, 0)).toBe(whole.laneMs);
      expect(parts.reduce((sum, { busyMs }) => sum + busyMs, 0)).toBe(whole.busyMs);
    }),
    { numRuns: 1000 },
  );
});

test("events in any order with any times give no negative time", () => {
  const anyRun = fc.array(
    fc.tuple(
      fc.integer({ min: -1000, max: 1000 }),
      fc.constantFrom(
        prepared("error-analysis"),
        started(1),
        started(2),
        laneStarted("a"),
        laneEnded("a"),
        interrupted,
        decided(false),
        ended(false),
        overridden,
      ),
    ),
    { maxLength: 20 },
  );
  fc.assert(
    fc.property(fc.array(anyRun, { maxLength: 3 }), fc.array(fc.integer({ min: -1000, max: 1000 }), { maxLength: 5 }), (all, words) => {
      const time = accountTime({
        runs: all.map((events, index) => run("error-analysis", events, index + 1)),
        taskEvents: words.map((ms) => ({ ...answered, at: at(ms) })),
      });
      expect(sumParts(time)).toBe((time.endMs ?? 0) - (time.startMs ?? 0));
      for (const part of Object.values(pick(time))) expect(part).toBeGreaterThanOrEqual(0);
      for (const each of time.runs) expect(each.laneMs).toBeGreaterThanOrEqual(each.busyMs);
    }),
  );
});
