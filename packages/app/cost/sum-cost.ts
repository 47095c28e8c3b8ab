import type { Cost, Money } from "@okstra/core/domain/agent-use";
import { sumMoney } from "@okstra/core/domain/money";
import { findPrice, priceOf, type PriceTable } from "@okstra/core/domain/prices";
import type { Receipt } from "@okstra/core/domain/receipt";
import { isAgentKind } from "@okstra/core/domain/served-model";
import { formatTaskKey, type TaskKey } from "@okstra/core/domain/task-key";
import { OkstraError } from "@okstra/core/errors";
import type { App } from "../app.ts";
import { openProject } from "../project/open-project.ts";
import { taskDirectory } from "../run/run-paths.ts";
import { findTask } from "../task/open-task.ts";
import { loadLanes, type DamagedRecord, type LaneRecord } from "./load-lanes.ts";
import { loadPrices } from "./load-prices.ts";

/** Sums over some lanes. */
export interface CostSum {
  /** All that were told; a lane that told none adds 0. */
  readonly tokens: number;
  /** Of the lanes whose cost is known, each currency by itself. */
  readonly cost: readonly Money[];
  /** Who says what the cost is: the agents, or the table of prices. */
  readonly sources: readonly Cost["source"][];
  readonly lanes: number;
  readonly unknownCostLanes: number;
  /** Milliseconds of all lanes one after the other. */
  readonly durationMs: number;
}

/** Why nobody can tell what lanes cost. */
export interface UnknownCost {
  /** no-price: no row for the model; no-model: nobody said which served; no-counts: tokens that nobody told apart; no-usage: no tokens told. */
  readonly reason: "no-price" | "no-model" | "no-counts" | "no-usage";
  readonly model: string | null;
  readonly lanes: number;
  readonly tokens: number;
}

export interface CostReport {
  readonly taskKey: string | null;
  readonly since: string | null;
  readonly totals: CostSum;
  readonly runs: readonly (CostSum & { readonly taskKey: string; readonly type: string; readonly run: number })[];
  readonly byWorker: readonly (CostSum & { readonly worker: string })[];
  readonly byModel: readonly (CostSum & { readonly model: string })[];
  readonly byRole: readonly (CostSum & { readonly role: string })[];
  readonly byPhase: readonly (CostSum & { readonly phase: string })[];
  readonly unknown: readonly UnknownCost[];
  /** Receipts that cannot be relied on: what they say is in no sum. */
  readonly damaged: readonly DamagedRecord[];
  readonly pricesAsOf: string;
}

interface Lane extends LaneRecord {
  readonly cost: Cost | null;
}

/** Votes and rulings are one lane: who verifies also adjudicates. */
const ROLE_NAMES = { review: "review", execute: "execution", vote: "verification", write: "report" } as const;
/** Of agents that did not say which model served. */
const UNKNOWN_MODEL = "unknown";
/** Of programs that are no agents. */
const NO_MODEL = "none";

/**
 * What a task's lanes, or those of all tasks of the project, used: every lane of every attempt of every run, verification,
 * adjudication and the report writer among them. A cost that was unknown then is known now if there is a price now.
 * @param since RFC 3339; lanes that started before it are left out
 * @throws OKSTRA_TASK_NOT_FOUND for a task without a record
 */
export async function sumCost(app: App, request: { task: string | null; since: string | null; dir: string }): Promise<CostReport> {
  const opened = await openProject(app, request.dir);
  const { root } = opened;
  const task = request.task === null ? null : await requireTask(app, root, request.task, request.dir);
  const prices = await loadPrices(app, opened.project, await app.projects.loadHomeConfig());
  const all: LaneRecord[] = [];
  const damaged: DamagedRecord[] = [];
  for (const key of task === null ? await listTasks(app, root, opened.project.projectId) : [task]) {
    const loaded = await loadLanes(app, root, key);
    all.push(...loaded.lanes);
    damaged.push(...loaded.damaged);
  }
  const since = request.since === null ? Number.NEGATIVE_INFINITY : Date.parse(request.since);
  const lanes = all
    .filter(({ receipt }) => Date.parse(receipt.startedAt) >= since)
    .sort((a, b) => Date.parse(a.receipt.startedAt) - Date.parse(b.receipt.startedAt))
    .map((lane): Lane => ({ ...lane, cost: costOf(lane.receipt, prices) }));
  return {
    taskKey: task === null ? null : formatTaskKey(task),
    since: request.since,
    totals: sum(lanes),
    runs: groupBy(lanes, ({ taskKey, type, run }) => JSON.stringify([taskKey, type, run])).flatMap(([, own]) =>
      own.slice(0, 1).map(({ taskKey, type, run }) => ({ taskKey, type, run, ...sum(own) })),
    ),
    byWorker: groupBy(lanes, ({ receipt }) => receipt.worker).map(([worker, own]) => ({ worker, ...sum(own) })),
    byModel: groupBy(lanes, modelOf).map(([model, own]) => ({ model, ...sum(own) })),
    byRole: groupBy(lanes, ({ receipt }) => ROLE_NAMES[receipt.role]).map(([role, own]) => ({ role, ...sum(own) })),
    byPhase: groupBy(lanes, ({ type }) => type).map(([phase, own]) => ({ phase, ...sum(own) })),
    unknown: explainUnknown(lanes, prices),
    damaged,
    pricesAsOf: prices.asOf,
  };
}

function costOf({ cost, usage, modelServed }: Receipt, prices: PriceTable): Cost | null {
  if (cost !== null || usage === null || modelServed === null) return cost;
  return priceOf(usage, modelServed, prices);
}

function modelOf({ receipt }: Lane): string {
  return receipt.modelServed ?? (isAgentKind(receipt.kind) ? UNKNOWN_MODEL : NO_MODEL);
}

/** An agent that was asked has used something, told or not; what other programs use is not okstra's to know. */
function isUnknown({ receipt, cost }: Lane): boolean {
  if (cost !== null) return false;
  return receipt.usage === null ? isAgentKind(receipt.kind) && receipt.attempts.length > 0 : receipt.usage.totalTokens > 0;
}

function sum(lanes: readonly Lane[]): CostSum {
  const costs = lanes.flatMap(({ cost }) => (cost === null ? [] : [cost]));
  return {
    tokens: lanes.reduce((total, { receipt }) => total + (receipt.usage?.totalTokens ?? 0), 0),
    cost: sumMoney(costs),
    sources: [...new Set(costs.map(({ source }) => source))].sort(),
    lanes: lanes.length,
    unknownCostLanes: lanes.filter(isUnknown).length,
    durationMs: lanes.reduce((total, { receipt }) => total + receipt.durationMs, 0),
  };
}

function explainUnknown(lanes: readonly Lane[], prices: PriceTable): readonly UnknownCost[] {
  const explain = ({ receipt: { usage, modelServed } }: Lane): Pick<UnknownCost, "reason" | "model"> => {
    if (usage === null) return { reason: "no-usage", model: modelServed };
    if (modelServed === null) return { reason: "no-model", model: null };
    return { reason: findPrice(modelServed, prices) === null ? "no-price" : "no-counts", model: modelServed };
  };
  return groupBy(lanes.filter(isUnknown), (lane) => JSON.stringify(explain(lane))).flatMap(([, own]) =>
    own.slice(0, 1).map((first) => ({ ...explain(first), lanes: own.length, tokens: sum(own).tokens })),
  );
}

/** Groups in the order in which their first lanes started. */
function groupBy(lanes: readonly Lane[], pick: (lane: Lane) => string): [string, Lane[]][] {
  const groups = new Map<string, Lane[]>();
  for (const lane of lanes) {
    const group = groups.get(pick(lane));
    if (group === undefined) groups.set(pick(lane), [lane]);
    else group.push(lane);
  }
  return [...groups];
}

async function requireTask(app: App, root: string, task: string, dir: string): Promise<TaskKey> {
  const { key } = await findTask(app, { task, dir });
  if (await app.store.exists(taskDirectory(root, key))) return key;
  const taskKey = formatTaskKey(key);
  throw new OkstraError("OKSTRA_TASK_NOT_FOUND", { message: `${taskKey} has no record.`, details: { taskKey } });
}

async function listTasks(app: App, root: string, project: string): Promise<TaskKey[]> {
  const tasks = `${root}/.project-docs/okstra/tasks`;
  const keys: TaskKey[] = [];
  for (const group of await app.store.listDirectory(tasks))
    for (const task of await app.store.listDirectory(`${tasks}/${group}`)) keys.push({ project, group, task });
  return keys;
}
