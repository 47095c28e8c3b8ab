import { findCriticalPath } from "./critical-path.ts";
import {
  ENOUGH_SAMPLES,
  judgeBasis,
  pickHistory,
  SIMULATIONS,
  simulateFinish,
  sumPhases,
  type Basis,
  type Finish,
  type PhaseHistory,
  type PhaseSample,
} from "./forecast.ts";
import { planLanes, type PlacedTask } from "./lanes.ts";
import { orderTasks, type OrderedTask } from "./order.ts";

/** An open task, with what of it is still to be done. */
export interface OpenTask extends OrderedTask {
  readonly category: string;
  readonly cycle: number;
  /** Task types, the due one first; at least one. */
  readonly phases: readonly string[];
  /** Milliseconds that the first phase has had already. */
  readonly spentMs: number;
  /** What answers the gate that holds it; null when none does. */
  readonly held: string | null;
}

export interface ScheduleInput {
  readonly tasks: readonly OpenTask[];
  readonly samples: readonly PhaseSample[];
  /** When the forecast is made, RFC 3339 UTC. */
  readonly at: string;
  /** When the work begins, RFC 3339 UTC. */
  readonly from: string;
  /** Lanes, at least 1. */
  readonly capacity: number;
}

/** A phase of a task at its place; times are RFC 3339 UTC. */
interface ScheduledPhase {
  readonly phase: string;
  /** How many runs its length is known from, and of what: the same phase and category, or the same phase. */
  readonly samples: number;
  readonly like: PhaseHistory["like"];
  readonly medianMs: number | null;
  readonly startAt: string | null;
  readonly endAt: string | null;
}

export interface ScheduledTask {
  /** In the order of the work, from 1. */
  readonly place: number;
  readonly taskKey: string;
  readonly category: string;
  readonly cycle: number;
  readonly priority: number;
  readonly risk: number;
  readonly createdAt: string;
  /** What it waits for, of the tasks of the schedule. */
  readonly after: readonly string[];
  readonly held: string | null;
  readonly critical: boolean;
  readonly basis: Basis;
  readonly samples: number;
  readonly spentMs: number;
  readonly phases: readonly ScheduledPhase[];
  /** Null where there are no dates; so are all times. */
  readonly lane: number | null;
  /** As planned with medians. */
  readonly startAt: string | null;
  readonly endAt: string | null;
  /** When it is finished in half, and in nine of ten of the simulations. */
  readonly p50At: string | null;
  readonly p90At: string | null;
}

export interface Schedule {
  readonly at: string;
  readonly from: string;
  readonly capacity: number;
  readonly basis: Basis;
  /** The least that any phase is known from; 0 too without tasks. */
  readonly samples: number;
  /** What the forecast rests on, in words. */
  readonly words: string;
  readonly simulations: number;
  readonly criticalPath: { readonly taskKeys: readonly string[]; readonly durationMs: number | null };
  readonly finish: { readonly plannedAt: string | null; readonly p50At: string | null; readonly p90At: string | null };
  readonly tasks: readonly ScheduledTask[];
  /** Circles of tasks that wait for each other. */
  readonly cycles: readonly (readonly string[])[];
}

/**
 * Order, lanes, critical path and forecast of open tasks. Only work is counted: no wait for a person, no night. Where a
 * phase was never run there are no dates at all, for every task may come after it; the critical path then is the chain
 * with the most phases.
 */
export function makeSchedule(input: ScheduleInput): Schedule {
  const { tasks, cycles } = orderTasks(input.tasks);
  const histories = tasks.map(({ phases, category }) => phases.map((phase) => pickHistory(input.samples, phase, category)));
  const leastOf = (each: readonly PhaseHistory[]): number => Math.min(...each.map(({ samples }) => samples.length));
  const samples = tasks.length === 0 ? 0 : Math.min(...histories.map(leastOf));
  const basis = judgeBasis(samples);
  const isDated = basis !== "none";
  const known = tasks.map((task, index) => ({
    taskKey: task.taskKey,
    after: task.after,
    durationMs: isDated ? sumPhases(mediansOf(histories[index] ?? []), task.spentMs) : task.phases.length,
  }));
  const path = findCriticalPath(known);
  const critical = new Set(path.taskKeys);
  const placed = isDated ? planLanes(known, input.capacity) : [];
  const simulated = isDated
    ? simulateFinish(
        tasks.map((task, index) => ({ ...task, phases: histories[index] ?? [] })),
        input.capacity,
      )
    : null;
  const timeOf = createTimes(input.from);
  const keys = new Set(tasks.map(({ taskKey }) => taskKey));
  return {
    at: input.at,
    from: input.from,
    capacity: input.capacity,
    basis,
    samples,
    words: describeBasis(basis, samples, histories.flat()),
    simulations: isDated ? SIMULATIONS : 0,
    criticalPath: { taskKeys: path.taskKeys, durationMs: isDated ? path.durationMs : null },
    finish: { plannedAt: timeOf(lastEnd(placed)), ...finishOf(simulated?.whole ?? null, timeOf) },
    tasks: tasks.map((task, index) => {
      const own = histories[index] ?? [];
      const place = placed[index] ?? null;
      const { taskKey, category, cycle, priority, risk, createdAt, held, spentMs } = task;
      return {
        place: index + 1,
        taskKey,
        category,
        cycle,
        priority,
        risk,
        createdAt,
        after: task.after.filter((key) => keys.has(key)),
        held,
        critical: critical.has(taskKey),
        basis: judgeBasis(leastOf(own)),
        samples: leastOf(own),
        spentMs,
        phases: placePhases(own, spentMs, place, timeOf),
        lane: place?.lane ?? null,
        startAt: timeOf(place?.startMs ?? null),
        endAt: timeOf(place?.endMs ?? null),
        ...finishOf(simulated?.tasks[index] ?? null, timeOf),
      };
    }),
    cycles,
  };
}

type TimeOf = (ms: number | null) => string | null;

function createTimes(from: string): TimeOf {
  const start = Date.parse(from);
  return (ms) => (ms === null ? null : new Date(start + ms).toISOString());
}

function finishOf(finish: Finish | null, timeOf: TimeOf): { p50At: string | null; p90At: string | null } {
  return { p50At: timeOf(finish?.p50Ms ?? null), p90At: timeOf(finish?.p90Ms ?? null) };
}

function lastEnd(placed: readonly PlacedTask[]): number | null {
  return placed.length === 0 ? null : Math.max(...placed.map(({ endMs }) => endMs));
}

function mediansOf(histories: readonly PhaseHistory[]): readonly number[] {
  return histories.map(({ medianMs }) => medianMs ?? 0);
}

function placePhases(
  histories: readonly PhaseHistory[],
  spentMs: number,
  place: PlacedTask | null,
  timeOf: TimeOf,
): readonly ScheduledPhase[] {
  const medians = mediansOf(histories);
  return histories.map(({ phase, like, samples, medianMs }, index) => ({
    phase,
    samples: samples.length,
    like,
    medianMs,
    startAt: timeOf(place === null ? null : place.startMs + sumPhases(medians.slice(0, index), spentMs)),
    endAt: timeOf(place === null ? null : place.startMs + sumPhases(medians.slice(0, index + 1), spentMs)),
  }));
}

function describeBasis(basis: Basis, samples: number, histories: readonly PhaseHistory[]): string {
  if (histories.length === 0) return "There is nothing to forecast: no task is open.";
  const few = [...new Set(histories.filter((each) => each.samples.length < ENOUGH_SAMPLES).map(({ phase }) => phase))].sort();
  if (basis === "history")
    return `Forecast from the history of like phases, at least ${samples} runs each. Only work is counted, no wait for a person.`;
  const never = [...new Set(histories.filter((each) => each.samples.length === 0).map(({ phase }) => phase))].sort();
  if (basis === "none") return `There are no dates: no run of ${never.join(", ")} has ended yet. Only the order can be told.`;
  const runs = samples === 1 ? "1 run" : `${samples} runs`;
  return `The history is too thin to tell: of ${few.join(", ")} no more than ${runs} ended where ${ENOUGH_SAMPLES} would be needed. Take the dates as guesses.`;
}
