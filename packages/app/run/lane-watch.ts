import type { Budget, BudgetBreach, Cost, Money, Usage } from "@okstra/core/domain/agent-use";
import type { CancelSignal, Clock } from "@okstra/core/ports";
import { passedLimit, spendOf, type RunSpend } from "./run-spend.ts";

export interface LaneWatchOptions {
  readonly clock: Clock;
  readonly lane: string;
  /** The worker's limits; null has none. */
  readonly budget: Budget | null;
  /** Wall time in milliseconds; 0 for a worker that keeps its deadline itself. */
  readonly wallMs: number;
  readonly spend: RunSpend;
  /** The run was interrupted. */
  readonly outer: CancelSignal;
  /** What a usage costs by the table of prices, where the agent does not say. */
  readonly estimate: (usage: Usage, served: string | null) => Money | null;
  readonly onSpend: (tokens: number, cost: Money | null) => void;
}

/** Holds a lane against its budget and the run's: when one is passed its signal fires and says why. */
export interface LaneWatch {
  readonly signal: CancelSignal;
  readonly breach: BudgetBreach | null;
  onOutput(bytes: number): void;
  onUse(usage: Usage, cost: Cost | null, served?: string | null): void;
  /** A sign of life without bytes. */
  onActivity(): void;
  release(): void;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

export function watchLane(options: LaneWatchOptions): LaneWatch {
  const { clock, budget, wallMs, spend, outer } = options;
  const stop = new AbortController();
  let breach: BudgetBreach | null = null;
  let outputBytes = 0;
  let usage: Usage | null = null;
  let cost: Money | null = null;
  let lastSignMs = clock.monotonicMs();
  const timers = new Set<ReturnType<typeof setTimeout>>();

  const end = (passed: BudgetBreach): void => {
    if (stop.signal.aborted) return;
    breach = passed;
    stop.abort();
  };
  const after = (ms: number, then: () => void): void => {
    const timer = setTimeout(
      () => {
        timers.delete(timer);
        then();
      },
      Math.min(Math.max(1, ms), LONGEST_TIMER_MS),
    );
    timers.add(timer);
  };
  const onOuter = (): void => stop.abort();
  const onRun = (): void => {
    if (spend.breach !== null) end(spend.breach);
  };
  if (outer.aborted) stop.abort();
  outer.addEventListener("abort", onOuter, { once: true });
  spend.signal.addEventListener("abort", onRun, { once: true });
  if (spend.signal.aborted) onRun();

  const idleMs = budget?.idleMs ?? 0;
  const watchIdle = (): void => {
    const idle = clock.monotonicMs() - lastSignMs;
    if (idle >= idleMs) end({ scope: "worker", limit: "idle", allowed: `${idleMs}`, used: `${Math.round(idle)}` });
    else after(idleMs - idle, watchIdle);
  };
  if (idleMs > 0) after(idleMs, watchIdle);
  if (wallMs > 0) after(wallMs, () => end({ scope: "worker", limit: "wall", allowed: `${wallMs}`, used: `${wallMs}` }));

  const check = (): void => {
    lastSignMs = clock.monotonicMs();
    const spent = spendOf(usage, cost, outputBytes);
    const passed = budget === null ? null : passedLimit(budget, spent);
    if (passed !== null) end({ scope: "worker", limit: passed.limit, allowed: passed.allowed, used: passed.used });
    spend.update(options.lane, spent);
  };
  return {
    signal: stop.signal,
    get breach() {
      return breach;
    },
    onOutput(bytes) {
      outputBytes += bytes;
      check();
    },
    onUse(now, said, served = null) {
      usage = now;
      cost = said ?? options.estimate(now, served);
      check();
      options.onSpend(now.totalTokens, cost);
    },
    onActivity() {
      lastSignMs = clock.monotonicMs();
    },
    release() {
      for (const timer of timers) clearTimeout(timer);
      outer.removeEventListener("abort", onOuter);
      spend.signal.removeEventListener("abort", onRun);
    },
  };
}
