import type { Budget, BudgetBreach, Money, Usage } from "@okstra/core/domain/agent-use";
import { addMoney, compareMoney, parseMoney } from "@okstra/core/domain/money";
import type { CancelSignal } from "@okstra/core/ports";

/** What one lane has used so far. */
export interface LaneSpend {
  readonly tokens: number;
  /** Null when nobody can tell. */
  readonly cost: Money | null;
  readonly outputBytes: number;
}

/** What all lanes of a run have used together, held against the run's budget. */
export interface RunSpend {
  /** Takes a lane's totals so far in place of those it had. */
  update(lane: string, spent: LaneSpend): void;
  /** Fires once, when a limit of the run is passed. */
  readonly signal: CancelSignal;
  readonly breach: BudgetBreach | null;
  release(): void;
}

/** The longest time that a timer can hold, in milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** @param before what lanes that ended earlier had used; wall time counts from now */
export function createRunSpend(budget: Budget | null, before: Readonly<Record<string, LaneSpend>>): RunSpend {
  const lanes = new Map<string, LaneSpend>(Object.entries(before));
  const stop = new AbortController();
  let breach: BudgetBreach | null = null;
  const wallMs = budget?.wallMs ?? 0;
  const end = (limit: BudgetBreach["limit"], allowed: string, used: string): void => {
    if (breach !== null) return;
    breach = { scope: "run", limit, allowed, used };
    stop.abort();
  };
  const timer = wallMs > 0 ? setTimeout(() => end("wall", `${wallMs}`, `${wallMs}`), Math.min(wallMs, LONGEST_TIMER_MS)) : undefined;
  const check = (): void => {
    const passed = budget === null ? null : passedLimit(budget, total([...lanes.values()], budget));
    if (passed !== null) end(passed.limit, passed.allowed, passed.used);
  };
  check();
  return {
    update(lane, spent) {
      lanes.set(lane, spent);
      check();
    },
    signal: stop.signal,
    get breach() {
      return breach;
    },
    release: () => clearTimeout(timer),
  };
}

function total(lanes: readonly LaneSpend[], budget: Budget): LaneSpend {
  const currency = budget.cost === undefined ? null : parseMoney(budget.cost).currency;
  let cost: Money | null = null;
  for (const lane of lanes) {
    if (lane.cost === null || lane.cost.currency !== currency) continue;
    cost = cost === null ? lane.cost : addMoney(cost, lane.cost);
  }
  return {
    tokens: lanes.reduce((sum, lane) => sum + lane.tokens, 0),
    cost,
    outputBytes: lanes.reduce((sum, lane) => sum + lane.outputBytes, 0),
  };
}

/** The first limit of what can be counted that is passed; a limit of 0 is none. */
export function passedLimit(budget: Budget, spent: LaneSpend): Pick<BudgetBreach, "limit" | "allowed" | "used"> | null {
  const { tokens = 0, outputBytes = 0, cost } = budget;
  if (tokens > 0 && spent.tokens > tokens) return { limit: "tokens", allowed: `${tokens}`, used: `${spent.tokens}` };
  if (outputBytes > 0 && spent.outputBytes > outputBytes)
    return { limit: "output", allowed: `${outputBytes}`, used: `${spent.outputBytes}` };
  const allowed = cost === undefined ? null : parseMoney(cost);
  if (allowed === null || spent.cost === null || Number(allowed.amount) === 0 || spent.cost.currency !== allowed.currency) return null;
  return compareMoney(spent.cost, allowed) > 0 ? { limit: "cost", allowed: allowed.amount, used: spent.cost.amount } : null;
}

/** The first limit of cost that a lane could not be held to, because nobody can tell its cost in that currency; null: none. */
export function unheldCost(budgets: readonly (Budget | null | undefined)[], cost: Money | null): string | null {
  for (const budget of budgets) {
    const limit = budget?.cost === undefined ? null : parseMoney(budget.cost);
    if (limit === null || Number(limit.amount) === 0 || cost?.currency === limit.currency) continue;
    return `${limit.amount} ${limit.currency}`;
  }
  return null;
}

/** The tokens and the cost of a usage as the lead counts them. */
export function spendOf(usage: Usage | null, cost: Money | null, outputBytes: number): LaneSpend {
  return { tokens: usage?.totalTokens ?? 0, cost, outputBytes };
}
