import type { RunEvent } from "../events.ts";
import type { Budget, Money } from "./agent-use.ts";
import { addMoney, compareMoney, formatMoney, multiplyPrice, parseMoney } from "./money.ts";

/** A limit is near from so many hundredths of it on. */
const NEAR_PERCENT = 80;

/** The limits of a run and of its workers, as its run.json has them. 0 and absent mean none. */
export interface RunLimits {
  readonly run: Budget | null;
  /** By worker. `deadlineMs`: wall time of each of its lanes. */
  readonly workers: Readonly<Record<string, { readonly deadlineMs: number; readonly budget: Budget | null }>>;
}

/** What lanes used. `cost`: null when nobody can tell. */
export interface Spent {
  readonly tokens: number;
  readonly cost: Money | null;
}

export interface RunUse {
  /** Since the run was last started, milliseconds; null while it is not led. */
  readonly wallMs: number | null;
  /** What lanes of earlier attempts used; it counts for the run only. */
  readonly earlier: readonly Spent[];
  readonly lanes: readonly (Spent & {
    readonly lane: string;
    readonly worker: string;
    /** Since it started, milliseconds; null when it has ended. */
    readonly wallMs: number | null;
  })[];
}

/** A limit of which at least {@link NEAR_PERCENT} hundredths are used. Amounts are worded for a person. */
export interface NearLimit {
  readonly scope: "run" | "worker";
  /** Null for the run's. */
  readonly lane: string | null;
  readonly worker: string | null;
  readonly limit: "tokens" | "cost" | "wall";
  readonly allowed: string;
  readonly used: string;
  /** Whole hundredths, rounded down; over 100 when it is passed. */
  readonly percent: number;
}

/** The limits that are near or passed, the run's first. */
export function findNearLimits(limits: RunLimits, use: RunUse): readonly NearLimit[] {
  const near: NearLimit[] = [];
  const whole = sum([...use.earlier, ...use.lanes], limits.run);
  for (const found of check(limits.run, { ...whole, wallMs: use.wallMs }, limits.run?.wallMs ?? 0))
    near.push({ scope: "run", lane: null, worker: null, ...found });
  for (const { lane, worker, ...spent } of use.lanes) {
    const own = limits.workers[worker];
    if (own === undefined) continue;
    for (const found of check(own.budget, spent, wallOf(own))) near.push({ scope: "worker", lane, worker, ...found });
  }
  return near;
}

/** Milliseconds until the next wall time is near; null when none will be. */
export function findNextWall(limits: RunLimits, use: RunUse): number | null {
  const left = (allowedMs: number, wallMs: number | null): readonly number[] => {
    const rest = wallMs === null || allowedMs <= 0 ? 0 : Math.ceil((allowedMs * NEAR_PERCENT) / 100 - wallMs);
    return rest > 0 ? [rest] : [];
  };
  const all = [
    ...left(limits.run?.wallMs ?? 0, use.wallMs),
    ...use.lanes.flatMap(({ worker, wallMs }) => {
      const own = limits.workers[worker];
      return own === undefined ? [] : left(wallOf(own), wallMs);
    }),
  ];
  return all.length === 0 ? null : Math.min(...all);
}

/** The shorter of two times of which 0 is none. */
function wallOf({ deadlineMs, budget }: RunLimits["workers"][string]): number {
  const wallMs = budget?.wallMs ?? 0;
  return deadlineMs > 0 && wallMs > 0 ? Math.min(deadlineMs, wallMs) : Math.max(deadlineMs, wallMs);
}

function* check(
  budget: Budget | null,
  spent: Spent & { readonly wallMs: number | null },
  allowedMs: number,
): Generator<Pick<NearLimit, "limit" | "allowed" | "used" | "percent">> {
  const tokens = budget?.tokens ?? 0;
  if (tokens > 0 && spent.tokens * 100 >= tokens * NEAR_PERCENT)
    yield { limit: "tokens", allowed: `${tokens} tokens`, used: `${spent.tokens}`, percent: Math.floor((spent.tokens * 100) / tokens) };
  const cost = budget?.cost === undefined ? null : parseMoney(budget.cost);
  if (cost !== null && spent.cost?.currency === cost.currency && Number(cost.amount) > 0 && reaches(spent.cost, cost, NEAR_PERCENT))
    yield { limit: "cost", allowed: formatMoney(cost), used: formatMoney(spent.cost), percent: percentOf(spent.cost, cost) };
  if (allowedMs > 0 && spent.wallMs !== null && spent.wallMs * 100 >= allowedMs * NEAR_PERCENT)
    yield {
      limit: "wall",
      allowed: `${Math.round(allowedMs / 1000)} s`,
      used: `${Math.round(spent.wallMs / 1000)}`,
      percent: Math.floor((spent.wallMs * 100) / allowedMs),
    };
}

/** Exact: binary fractions would be off at the very limit. */
function reaches(used: Money, allowed: Money, percent: number): boolean {
  const times = ({ amount, currency }: Money, by: number): Money => ({ amount: multiplyPrice(amount, by), currency });
  return compareMoney(times(used, 100), times(allowed, percent)) >= 0;
}

/** The quotient of binary fractions may be one off at a whole hundredth; then the exact comparison says which it is. */
function percentOf(used: Money, allowed: Money): number {
  const near = Math.round((Number(used.amount) * 100) / Number(allowed.amount));
  return reaches(used, allowed, near) ? near : near - 1;
}

/** Of the cost what is in the currency of the budget. */
function sum(all: readonly Spent[], budget: Budget | null): Spent {
  const currency = budget?.cost === undefined ? null : parseMoney(budget.cost).currency;
  let cost: Money | null = null;
  for (const each of all)
    if (each.cost !== null && each.cost.currency === currency) cost = cost === null ? each.cost : addMoney(cost, each.cost);
  return { tokens: all.reduce((tokens, each) => tokens + each.tokens, 0), cost };
}

/** What a lane's receipts say it used. */
export interface LaneReceipt extends Spent {
  readonly lane: string;
  readonly attempt: number;
}

/**
 * What a run has used, from its events and the receipts of its lanes.
 * @param live what lanes that run have used so far, by lane, where that is known
 * @param nowMs of the same clock as the events' times
 */
export function foldUse(
  events: readonly RunEvent[],
  receipts: readonly LaneReceipt[],
  live: ReadonlyMap<string, Spent>,
  nowMs: number,
): RunUse {
  let attempt = 0;
  let startedAt: string | null = null;
  const lanes = new Map<string, { worker: string; at: string | null }>();
  for (const event of events) {
    if (event.type === "run-started") {
      [attempt, startedAt] = [event.attempt, event.at];
      lanes.clear();
    } else if (event.type === "lane-started") lanes.set(event.lane, { worker: event.worker, at: event.at });
    else if (event.type === "lane-ended") lanes.set(event.lane, { worker: event.worker, at: null });
    else if (HALTS.has(event.type)) startedAt = null;
  }
  const since = (at: string | null): number | null => (at === null || startedAt === null ? null : Math.max(0, nowMs - Date.parse(at)));
  const own = (lane: string): LaneReceipt | undefined => receipts.find((each) => each.lane === lane && each.attempt === attempt);
  const used = new Set<LaneReceipt>();
  const now = [...lanes].map(([lane, { worker, at }]) => {
    const receipt = own(lane);
    if (receipt !== undefined) used.add(receipt);
    const { tokens = 0, cost = null } = receipt ?? live.get(lane) ?? {};
    return { lane, worker, wallMs: since(at), tokens, cost };
  });
  return { wallMs: since(startedAt), earlier: receipts.filter((each) => !used.has(each)), lanes: now };
}

const HALTS: ReadonlySet<string> = new Set(["run-paused", "run-interrupted", "run-failed", "run-cancelled", "run-ended"]);
