import {
  ENDS_ATTEMPT,
  lineUp,
  segmentLine,
  stateAfter,
  type LineItem,
  type Segment,
  type TimedHistory,
  type TimeState,
} from "./time-account-line.ts";

/** A silence of a lane that is longer than this is told: milliseconds of one hour. */
export const GAP_MS = 3_600_000;

/** A stretch of time by what it was, in milliseconds: the parts sum up to `spanMs` exactly. */
export interface TimeSplit {
  readonly spanMs: number;
  /** An attempt of a run went on: lanes, or okstra itself between them. */
  readonly workingMs: number;
  readonly waitingForPersonMs: number;
  readonly waitingForQuotaMs: number;
  /** After an interruption, a failure or a crash, until something went on. */
  readonly stoppedMs: number;
  /** Nothing was due on anybody's word, and nothing went on. */
  readonly idleMs: number;
}

/** From a lane's start to its end, or to the last event of the attempt that it did not outlive. */
interface LaneTime {
  readonly lane: string;
  readonly worker: string;
  readonly attempt: number;
  /** How it ended; null when the attempt ended before it. */
  readonly end: string | null;
  /** Epoch milliseconds. */
  readonly startMs: number;
  /** `endMs - startMs`, as far as it is in the window. */
  readonly laneMs: number;
}

/** A long silence within a lane, which counts as the lane's time all the same. */
interface LaneGap {
  readonly lane: string;
  readonly worker: string;
  /** Epoch milliseconds. */
  readonly startMs: number;
  readonly gapMs: number;
}

/** Time of lanes. Where lanes overlap, `laneMs` has the time of each and `busyMs` has it once. */
export interface LaneSums {
  readonly lanes: number;
  readonly laneMs: number;
  readonly busyMs: number;
}

interface WorkerTime extends LaneSums {
  readonly worker: string;
}

/**
 * Time of one run. Its own split is the share of the task's time that is told under it, the wait that it ended with among
 * it, so that the shares of the runs and the time of none sum up to the task's.
 */
interface RunTime extends TimeSplit, LaneSums {
  readonly type: string;
  readonly run: number;
  /** Epoch milliseconds of its first and last event. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attempts: number;
  /** From its first event to its last by its own events alone: `wall.spanMs` is `endMs - startMs` within the window. */
  readonly wall: TimeSplit;
  readonly laneTimes: readonly LaneTime[];
  readonly workers: readonly WorkerTime[];
  readonly gaps: readonly LaneGap[];
}

interface PhaseTime extends TimeSplit, LaneSums {
  readonly phase: string;
  readonly runs: number;
}

/**
 * Time of a task, from its first event to its last. Without a window and a phase
 * `workingMs + waitingForPersonMs + waitingForQuotaMs + stoppedMs + idleMs = spanMs = endMs - startMs`.
 */
export interface TaskTime extends TimeSplit, LaneSums {
  /** Epoch milliseconds of the first and the last event; null without any. */
  readonly startMs: number | null;
  readonly endMs: number | null;
  /** What the task is at since its last event; null without any. `working` when a run did not say that it ended. */
  readonly current: TimeState | null;
  /** In the order of their first events, those with nothing in the window left out. */
  readonly runs: readonly RunTime[];
  readonly phases: readonly PhaseTime[];
  readonly workers: readonly WorkerTime[];
  /** What is told under no run: before the first one, and after a cycle's beginning or the task's end. */
  readonly between: TimeSplit;
  /** The task's time in its order; of the phase asked for where there is one. */
  readonly segments: readonly Segment[];
  /** How often the clock went back between two events of a log. That time counts as nothing, never as less. */
  readonly clockJumps: number;
}

/** What of a task's time is asked for. */
export interface TimeScope {
  /** Epoch milliseconds, in it; absent: from the beginning. */
  readonly fromMs?: number | undefined;
  /** Epoch milliseconds, not in it; absent: to the end. */
  readonly toMs?: number | undefined;
  /** Only what is told under runs of this type. */
  readonly phase?: string | undefined;
}

const PARTS = {
  working: "workingMs",
  person: "waitingForPersonMs",
  quota: "waitingForQuotaMs",
  stopped: "stoppedMs",
  idle: "idleMs",
} as const satisfies Record<TimeState, keyof TimeSplit>;

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Where a task's time went. All of it comes from the times of events: an event's time is what the clock said, but never
 * before the event before it, so that a clock that goes back makes no time, and no time is counted twice. A suspended
 * machine is not seen: what a lane slept counts as the lane's, and a silence over {@link GAP_MS} is told among `gaps`.
 * What each state is: {@link segmentLine}.
 */
export function accountTime(history: TimedHistory, scope: TimeScope = {}): TaskTime {
  const { items, clockJumps } = lineUp(history);
  const ofPhase = (run: number | null): boolean => scope.phase === undefined || (run !== null && history.runs[run]?.type === scope.phase);
  const segments = segmentLine(items, history.runs).flatMap((segment) => {
    const span = ofPhase(segment.run) ? clip(segment, scope) : null;
    return span === null ? [] : [{ ...segment, ...span }];
  });
  const runs = history.runs
    .map((_, run) => run)
    .filter((run) => ofPhase(run))
    .flatMap((run) => accountRun(history, run, items, segments, scope) ?? [])
    .toSorted((a, b) => a.time.startMs - b.time.startMs);
  const spans = runs.flatMap((each) => each.spans);
  return {
    startMs: items[0]?.ms ?? null,
    endMs: items.at(-1)?.ms ?? null,
    current: stateAfter(items, history.runs),
    ...splitOf(segments),
    ...sumLanes(spans),
    runs: runs.map(({ time }) => time),
    phases: [...new Set(runs.map(({ time }) => time.type))].map((phase) => {
      const own = runs.filter(({ time }) => time.type === phase);
      return { phase, runs: own.length, ...addSplits(own.map(({ time }) => time)), ...sumLanes(own.flatMap((each) => each.spans)) };
    }),
    workers: sumWorkers(spans),
    between: splitOf(segments.filter(({ run }) => run === null)),
    segments,
    clockJumps,
  };
}

type LaneSpan = Span & Pick<LaneTime, "lane" | "worker" | "attempt" | "end"> & { readonly gaps: readonly Span[] };

function accountRun(
  history: TimedHistory,
  run: number,
  items: readonly LineItem[],
  segments: readonly Segment[],
  scope: TimeScope,
): { time: RunTime; spans: readonly LaneSpan[] } | null {
  const own = items.filter((item) => item.run === run);
  const [first, last, known] = [own[0], own.at(-1), history.runs[run]];
  if (first === undefined || last === undefined || known === undefined) return null;
  const share = splitOf(segments.filter((segment) => segment.run === run));
  const wall = splitOf(segmentLine(own, history.runs).flatMap((segment) => withSpan(segment, scope)));
  const isInWindow = first.ms < (scope.toMs ?? Number.POSITIVE_INFINITY) && last.ms >= (scope.fromMs ?? Number.NEGATIVE_INFINITY);
  if (!isInWindow && share.spanMs === 0) return null;
  const spans = listLanes(own).flatMap((lane) => {
    // A lane that took no time is there all the same.
    const isEmpty = lane.fromMs === lane.toMs && isWithin(lane.fromMs, scope);
    return isEmpty ? [lane] : withSpan(lane, scope);
  });
  const time: RunTime = {
    type: known.type,
    run: known.run,
    startMs: first.ms,
    endMs: last.ms,
    attempts: own.filter(({ event }) => event.type === "run-started").length,
    ...share,
    ...sumLanes(spans),
    wall,
    laneTimes: spans.map(({ lane, worker, attempt, end, fromMs, toMs }) => ({
      lane,
      worker,
      attempt,
      end,
      startMs: fromMs,
      laneMs: toMs - fromMs,
    })),
    workers: sumWorkers(spans),
    gaps: spans.flatMap(({ lane, worker, gaps }) =>
      gaps.flatMap((gap) => withSpan(gap, scope)).map(({ fromMs, toMs }) => ({ lane, worker, startMs: fromMs, gapMs: toMs - fromMs })),
    ),
  };
  return { time, spans };
}

/** The lanes of a run in the order of their starts, each attempt's by itself. */
function listLanes(own: readonly LineItem[]): readonly LaneSpan[] {
  const spans: LaneSpan[] = [];
  const running = new Map<string, Omit<LaneSpan, "toMs" | "end"> & { place: number; lastMs: number; gaps: Span[] }>();
  const close = (lane: string, toMs: number, end: string | null): void => {
    const open = running.get(lane);
    if (open === undefined) return;
    const { place, lastMs: _, ...span } = open;
    running.delete(lane);
    spans[place] = { ...span, toMs, end };
  };
  let started = 0;
  for (const item of own) {
    const { event, ms } = item;
    if ("lane" in event && typeof event.lane === "string") hear(running.get(event.lane), ms);
    if (event.type === "lane-started") {
      const { lane, worker, attempt } = event;
      close(lane, ms, null);
      running.set(lane, { lane, worker, attempt, fromMs: ms, place: started++, lastMs: ms, gaps: [] });
    } else if (event.type === "lane-ended") close(event.lane, ms, event.end);
    const isOver = ENDS_ATTEMPT.has(event.type) || (item.run !== null && item.died);
    if (isOver) for (const lane of running.keys()) close(lane, ms, null);
  }
  const endMs = own.at(-1)?.ms ?? 0;
  for (const lane of running.keys()) close(lane, endMs, null);
  return spans;
}

function hear(lane: { lastMs: number; gaps: Span[] } | undefined, ms: number): void {
  if (lane === undefined) return;
  if (ms - lane.lastMs > GAP_MS) lane.gaps.push({ fromMs: lane.lastMs, toMs: ms });
  lane.lastMs = ms;
}

/** Sums of splits, part by part. */
export function addSplits(splits: readonly TimeSplit[]): TimeSplit {
  const sum = (part: keyof TimeSplit): number => splits.reduce((total, split) => total + split[part], 0);
  return {
    spanMs: sum("spanMs"),
    workingMs: sum("workingMs"),
    waitingForPersonMs: sum("waitingForPersonMs"),
    waitingForQuotaMs: sum("waitingForQuotaMs"),
    stoppedMs: sum("stoppedMs"),
    idleMs: sum("idleMs"),
  };
}

function splitOf(segments: readonly Segment[]): TimeSplit {
  const split = { spanMs: 0, workingMs: 0, waitingForPersonMs: 0, waitingForQuotaMs: 0, stoppedMs: 0, idleMs: 0 };
  for (const { state, fromMs, toMs } of segments) {
    split[PARTS[state]] += toMs - fromMs;
    split.spanMs += toMs - fromMs;
  }
  return split;
}

function sumLanes(spans: readonly Span[]): LaneSums {
  return {
    lanes: spans.length,
    laneMs: spans.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0),
    busyMs: measureUnion(spans),
  };
}

function sumWorkers(spans: readonly LaneSpan[]): readonly WorkerTime[] {
  const names = [...new Set(spans.map(({ worker }) => worker))];
  return names.map((worker) => ({ worker, ...sumLanes(spans.filter((span) => span.worker === worker)) }));
}

/** Milliseconds in at least one of the spans. */
function measureUnion(spans: readonly Span[]): number {
  let total = 0;
  let reached = Number.NEGATIVE_INFINITY;
  for (const { fromMs, toMs } of spans.toSorted((a, b) => a.fromMs - b.fromMs)) {
    total += Math.max(0, toMs - Math.max(fromMs, reached));
    reached = Math.max(reached, toMs);
  }
  return total;
}

function clip({ fromMs, toMs }: Span, scope: TimeScope): Span | null {
  const from = Math.max(fromMs, scope.fromMs ?? fromMs);
  const to = Math.min(toMs, scope.toMs ?? toMs);
  return to > from ? { fromMs: from, toMs: to } : null;
}

function withSpan<T extends Span>(span: T, scope: TimeScope): T[] {
  const clipped = clip(span, scope);
  return clipped === null ? [] : [{ ...span, ...clipped }];
}

function isWithin(ms: number, { fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY }: TimeScope): boolean {
  return ms >= fromMs && ms < toMs;
}
