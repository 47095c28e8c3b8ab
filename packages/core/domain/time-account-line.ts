import type { RunEventBody } from "../events.ts";
import type { TaskEventBody } from "./task-log.ts";

/** Where a moment of a task goes. */
export type TimeState = "working" | "person" | "quota" | "stopped" | "idle";

export type TimedRunEvent = RunEventBody & { readonly at: string };
export type TimedTaskEvent = TaskEventBody & { readonly at: string };

/** A run with its events in the order of its log; the log is whole. */
export interface TimedRun {
  /** Task type. */
  readonly type: string;
  readonly run: number;
  readonly events: readonly TimedRunEvent[];
}

/** All that happened to a task. */
export interface TimedHistory {
  readonly runs: readonly TimedRun[];
  readonly taskEvents: readonly TimedTaskEvent[];
}

/** An event at its place in the history of its task. */
export type LineItem = {
  /** Epoch milliseconds; never before the item before it. */
  readonly ms: number;
} & (
  | {
      /** Place of the run in {@link TimedHistory.runs}. */
      readonly run: number;
      readonly event: TimedRunEvent;
      /** The process that led the run died after this event without a word. */
      readonly died: boolean;
    }
  | { readonly run: null; readonly event: TimedTaskEvent }
);

/** A stretch of a task's time, in epoch milliseconds, `fromMs` in it and `toMs` not. */
export interface Segment {
  readonly state: TimeState;
  /** Place in {@link TimedHistory.runs} of the run that it is told under; null: of none. */
  readonly run: number | null;
  readonly fromMs: number;
  readonly toMs: number;
}

interface Log {
  readonly run: number | null;
  readonly events: readonly (TimedRunEvent | TimedTaskEvent)[];
  /** Epoch milliseconds as the clock said; what is no time has that of the event before it. */
  readonly clock: readonly number[];
  /** Events that are in the line already. */
  at: number;
  /** Whether an attempt goes on after these. */
  isGoing: boolean;
}

/**
 * One line of all events of a task. The events of a log keep their order. Whoever leads a run holds the task's lock, so
 * that from a start of a run to the end of that attempt nothing else happens; otherwise what the clock says is earliest
 * comes first, runs before the task's own log. The time of an item is what the clock said, but never before the item
 * before it.
 * @returns the items, and how often the clock stood before the event before it in the same log
 */
export function lineUp({ runs, taskEvents }: TimedHistory): { readonly items: readonly LineItem[]; readonly clockJumps: number } {
  const all = [...runs.flatMap(({ events }) => events), ...taskEvents].map(({ at }) => Date.parse(at)).filter(Number.isFinite);
  const first = all.reduce((least, each) => Math.min(least, each), all[0] ?? 0);
  const logs = [...runs.map(({ events }, run) => readLog(run, events, first)), readLog(null, taskEvents, first)];
  const items: LineItem[] = [];
  let going: Log | null = null;
  let ms = Number.NEGATIVE_INFINITY;
  for (;;) {
    const log: Log | null = going ?? earliest(logs);
    if (log === null) break;
    const index: number = log.at++;
    ms = Math.max(ms, log.clock[index] ?? ms);
    if (log.run === null) {
      items.push({ run: null, event: taskEvents[index] as TimedTaskEvent, ms });
      continue;
    }
    const events: readonly TimedRunEvent[] = runs[log.run]?.events ?? [];
    const event = events[index] as TimedRunEvent;
    if (event.type === "run-started") log.isGoing = true;
    if (ENDS_ATTEMPT.has(event.type)) log.isGoing = false;
    const died: boolean = log.isGoing && diedAfter(events, index, logs);
    items.push({ run: log.run, event, ms, died });
    going = log.isGoing && !died && log.at < events.length ? log : null;
  }
  const clockJumps = logs.reduce(
    (sum, { clock }) => sum + clock.filter((each, index) => index > 0 && each < (clock[index - 1] ?? each)).length,
    0,
  );
  return { items, clockJumps };
}

/** @param first what the clock is taken to have said before the log's first time, in epoch milliseconds */
function readLog(run: number | null, events: Log["events"], first: number): Log {
  let last = first;
  const clock = events.map(({ at }) => (last = finiteOr(Date.parse(at), last)));
  return { run, events, clock, at: 0, isGoing: false };
}

function finiteOr(value: number, fallback: number): number {
  return Number.isFinite(value) ? value : fallback;
}

function earliest(logs: readonly Log[]): Log | null {
  let found: Log | null = null;
  for (const log of logs) {
    const ms = log.clock[log.at];
    if (ms !== undefined && (found === null || ms < (found.clock[found.at] ?? ms))) found = log;
  }
  return found;
}

/** Events that end an attempt of a run, and its lanes with it. */
export const ENDS_ATTEMPT: ReadonlySet<string> = new Set(["run-interrupted", "run-failed", "run-paused", "run-ended", "run-cancelled"]);

/**
 * Of an attempt that goes on: whether its process died here. It did when the next that the log has is another start, or
 * that somebody cancelled a run whose lanes never ended, or when the log has nothing more and the task went on.
 */
function diedAfter(events: readonly TimedRunEvent[], index: number, logs: readonly Log[]): boolean {
  const next = events[index + 1];
  if (next === undefined) return logs.some(({ at, events: all }) => at < all.length);
  if (next.type === "run-started") return true;
  return next.type === "run-cancelled" && hasRunningLanes(events, index);
}

function hasRunningLanes(events: readonly TimedRunEvent[], index: number): boolean {
  const running = new Set<string>();
  for (const event of events.slice(0, index + 1)) {
    if (event.type === "run-started") running.clear();
    if (event.type === "lane-started") running.add(event.lane);
    if (event.type === "lane-ended") running.delete(event.lane);
  }
  return running.size > 0;
}

type Word = "answers" | "approval" | "other";

/** What a task is at between two events. */
interface Moment {
  readonly run: number | null;
  readonly status: "open" | "prepared" | "going" | "halted" | "quota" | "held" | "to-hand-off";
  /** Why the run's gate was decided as it was. */
  readonly reasons: readonly string[];
  /** While a gate holds: the words of a person that open it. */
  readonly words: readonly Word[];
  /** What it is at when it is opened. */
  readonly opensTo: "open" | "to-hand-off";
}

const NOTHING: Moment = { run: null, status: "open", reasons: [], words: [], opensTo: "open" };

const STATES: Readonly<Record<Moment["status"], TimeState>> = {
  open: "idle",
  prepared: "person",
  going: "working",
  halted: "stopped",
  quota: "quota",
  held: "person",
  "to-hand-off": "person",
};

/**
 * What the time between the items was: the stretches follow one another without a gap, from the first item to the last,
 * and none is empty.
 *
 * - `working`: from run-started to the end of the attempt; a process that died ended it with its last event.
 * - `stopped`: from an interruption, a failure or such a death, until something goes on.
 * - `quota`: from run-paused, until something goes on.
 * - `person`: a run is prepared and not started; its gate holds, until the person's word that opens it or a new run
 *   (of answers in a row the last one is that word); a pre-flight gate holds; a verified task is not handed off.
 * - `idle`: nothing of these; the next step is nobody's wait.
 *
 * A stretch is told under the run whose events made it so; before the first run, and from the beginning of a cycle or the
 * end of the task on, under none.
 */
export function segmentLine(items: readonly LineItem[], runs: readonly Pick<TimedRun, "type">[]): readonly Segment[] {
  const segments: Segment[] = [];
  let moment = NOTHING;
  for (const [index, item] of items.entries()) {
    const next = items[index + 1];
    moment = step(moment, item, next, (run) => runs[run]?.type ?? "");
    if (next === undefined || next.ms <= item.ms) continue;
    const segment: Segment = { state: STATES[moment.status], run: moment.run, fromMs: item.ms, toMs: next.ms };
    const last = segments.at(-1);
    if (last?.state === segment.state && last.run === segment.run) segments.splice(-1, 1, { ...last, toMs: segment.toMs });
    else segments.push(segment);
  }
  return segments;
}

/** What a task is at after all items; null without any. */
export function stateAfter(items: readonly LineItem[], runs: readonly Pick<TimedRun, "type">[]): TimeState | null {
  let moment = NOTHING;
  for (const [index, item] of items.entries()) moment = step(moment, item, items[index + 1], (run) => runs[run]?.type ?? "");
  return items.length === 0 ? null : STATES[moment.status];
}

function step(moment: Moment, item: LineItem, next: LineItem | undefined, typeOf: (run: number) => string): Moment {
  return item.run === null ? stepOfTask(moment, item.event, next) : stepOfRun(moment, item, typeOf(item.run));
}

function stepOfRun(moment: Moment, { run, event, died }: Extract<LineItem, { died: boolean }>, type: string): Moment {
  const at = (status: Moment["status"], more: Partial<Moment> = {}): Moment => ({ ...NOTHING, run, status, ...more });
  switch (event.type) {
    case "run-prepared":
      return at("prepared");
    case "run-started":
      return at(died ? "halted" : "going");
    case "run-interrupted":
    case "run-failed":
      return at("halted");
    case "run-paused":
      return at("quota");
    case "gate-overridden":
      return moment.status === "held" ? opened(moment) : moment;
    default:
  }
  if (run !== moment.run) return moment;
  switch (event.type) {
    case "gate-decided":
      return { ...moment, reasons: event.gate.reasons, status: died ? "halted" : moment.status };
    case "run-ended": {
      // What is verified, or was not handed off after all, waits to be handed off.
      const opensTo =
        type === "final-verification" || (type === "release-handoff" && event.verdict === "cancelled") ? "to-hand-off" : "open";
      return event.gateOpen ? at(opensTo) : at("held", { words: wordsFor(moment.reasons), opensTo });
    }
    case "run-cancelled":
      return at(type === "release-handoff" ? "to-hand-off" : "open");
    default:
      return died ? at("halted") : moment;
  }
}

function stepOfTask(moment: Moment, event: TimedTaskEvent, next: LineItem | undefined): Moment {
  if (moment.status === "going") return moment;
  const isUnfinished = moment.status === "prepared" || moment.status === "halted" || moment.status === "quota";
  switch (event.type) {
    case "task-created":
    case "linked":
    case "migrated":
      return moment;
    case "cycle-started":
    case "task-done":
      return NOTHING;
    case "answered":
      return next?.event.type === "answered" ? moment : hear(moment, "answers");
    case "plan-approved":
      return hear(moment, "approval");
    case "plan-rejected":
      return moment.status === "held" ? { ...moment, status: "open", words: [] } : moment;
    case "gate-checked":
      return event.gate.open || isUnfinished ? moment : { ...moment, status: "held", words: wordsFor(event.gate.reasons), opensTo: "open" };
  }
}

function wordsFor(reasons: readonly string[]): readonly Word[] {
  const words: Word[] = [];
  if (reasons.includes("clarifications-open")) words.push("answers");
  if (reasons.includes("plan-not-approved")) words.push("approval");
  return words.length === 0 ? ["other"] : words;
}

function hear(moment: Moment, word: Word): Moment {
  if (moment.status !== "held" || !moment.words.includes(word)) return moment;
  const words = moment.words.filter((each) => each !== word);
  return words.length === 0 ? opened(moment) : { ...moment, words };
}

function opened(moment: Moment): Moment {
  return { ...moment, status: moment.opensTo, words: [] };
}
