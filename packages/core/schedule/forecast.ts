import { placeAll } from "./lanes.ts";

/** How long an ended run worked. */
export interface PhaseSample {
  readonly phase: string;
  readonly category: string;
  readonly durationMs: number;
}

/** What is known of how long a phase takes. */
export interface PhaseHistory {
  readonly phase: string;
  /** Whose samples they are: of the same phase and category, or of the same phase. */
  readonly like: "category" | "phase";
  readonly samples: readonly number[];
  /** Milliseconds; null without a sample. */
  readonly medianMs: number | null;
}

/** none: without a sample nothing can be said; thin: with fewer than {@link ENOUGH_SAMPLES} little can. */
export type Basis = "history" | "thin" | "none";

export const ENOUGH_SAMPLES = 5;
export const SIMULATIONS = 2000;

/**
 * The samples that a phase is forecast from: those of its own category when they are enough, else those of the phase.
 * @param all of every phase and category
 */
export function pickHistory(all: readonly PhaseSample[], phase: string, category: string): PhaseHistory {
  const same = all.filter((sample) => sample.phase === phase);
  const own = same.filter((sample) => sample.category === category);
  const isEnough = own.length >= ENOUGH_SAMPLES || own.length === same.length;
  const samples = (isEnough ? own : same).map(({ durationMs }) => durationMs).toSorted((a, b) => a - b);
  return { phase, like: isEnough ? "category" : "phase", samples, medianMs: samples.length === 0 ? null : quantile(samples, 0.5) };
}

/** @param samples the least that any of the phases has */
export function judgeBasis(samples: number): Basis {
  return samples === 0 ? "none" : samples < ENOUGH_SAMPLES ? "thin" : "history";
}

/** A task with the samples of each of its remaining phases, sorted or not; none of them without any. */
export interface ForecastTask {
  readonly taskKey: string;
  readonly after: readonly string[];
  readonly phases: readonly { readonly samples: readonly number[] }[];
  /** Milliseconds that the first phase has had already. */
  readonly spentMs: number;
}

/** Milliseconds since the beginning: half of the simulations end by `p50Ms`, nine of ten by `p90Ms`. */
export interface Finish {
  readonly p50Ms: number;
  readonly p90Ms: number;
}

/**
 * When each task and the whole ends, by simulation: in each one every phase takes as long as one of its samples, drawn
 * evenly, and the tasks go into the lanes in the order given. The same input has the same answer.
 * @param tasks in an order that respects the dependencies
 */
export function simulateFinish(
  tasks: readonly ForecastTask[],
  capacity: number,
  { seed = 1, simulations = SIMULATIONS }: { readonly seed?: number; readonly simulations?: number } = {},
): { readonly tasks: readonly Finish[]; readonly whole: Finish } {
  const random = createRandom(seed);
  const placeOf = new Map(tasks.map(({ taskKey }, index) => [taskKey, index]));
  const before = tasks.map(({ after }, index) => after.flatMap((key) => placeOf.get(key) ?? []).filter((each) => each < index));
  const ends: number[][] = tasks.map(() => []);
  const wholes: number[] = [];
  for (let round = 0; round < simulations; round += 1) {
    const durations = tasks.map(({ phases, spentMs }) =>
      sumPhases(
        phases.map(({ samples }) => draw(samples, random)),
        spentMs,
      ),
    );
    let whole = 0;
    for (const [index, { endMs }] of placeAll(durations, before, capacity).entries()) {
      ends[index]?.push(endMs);
      whole = Math.max(whole, endMs);
    }
    wholes.push(whole);
  }
  return { tasks: ends.map(finishOf), whole: finishOf(wholes) };
}

/** How long phases take together; of the first one some was spent already. */
export function sumPhases(phases: readonly number[], spentMs: number): number {
  return phases.reduce((sum, ms, index) => sum + (index === 0 ? Math.max(0, ms - spentMs) : ms), 0);
}

function draw(samples: readonly number[], random: () => number): number {
  return samples[Math.floor(random() * samples.length)] ?? 0;
}

function finishOf(ends: number[]): Finish {
  const sorted = ends.toSorted((a, b) => a - b);
  return { p50Ms: quantile(sorted, 0.5), p90Ms: quantile(sorted, 0.9) };
}

/** By nearest rank; 0 of nothing. */
function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0;
}

/** Evenly in [0, 1): mulberry32, so that a forecast can be made again. */
function createRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
