import type { Cost, Money } from "@okstra/core/domain/agent-use";
import { sumMoney } from "@okstra/core/domain/money";
import { findPrice, priceOf, type PriceTable } from "@okstra/core/domain/prices";
import type { Receipt } from "@okstra/core/domain/receipt";
import { isAgentKind } from "@okstra/core/domain/served-model";
import type { Project } from "@okstra/core/domain/project";
import { formatTaskKey, parseTaskName, slugSegment, type TaskKey } from "@okstra/core/domain/task-key";
import type { TaskType } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import type { JournalOf } from "@okstra/core/journal-port";
import type { App } from "../app.ts";
import { openProject } from "../project/open-project.ts";
import { taskDirectory } from "../run/run-paths.ts";
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

export interface CostRequest {
  /** Projects by their main worktrees; null: the one of the directory. */
  readonly projects: readonly JournalOf[] | null;
  readonly dir: string;
  /** `<group>/<task>`, in whichever of the projects has it; null: every task. */
  readonly task: string | null;
  readonly group: string | null;
  readonly phase: TaskType | null;
  /** RFC 3339: lanes that started before it, and those from `until` on, are left out. */
  readonly since: string | null;
  readonly until: string | null;
  /** Keys of the tasks that count; absent: all of these. */
  readonly only?: ReadonlySet<string> | undefined;
}

export interface CostReport {
  readonly taskKey: string | null;
  readonly phase: string | null;
  readonly since: string | null;
  readonly until: string | null;
  readonly totals: CostSum;
  readonly byTask: readonly (CostSum & { readonly taskKey: string })[];
  /** By the UTC day on which lanes started, in order. */
  readonly byDay: readonly (CostSum & { readonly day: string })[];
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
 * What lanes of tasks used: every lane of every attempt of every run, verification, adjudication and the report writer among
 * them, by the prices of their own project. A cost that was unknown then is known now if there is a price now.
 * @throws OKSTRA_TASK_NOT_FOUND for a task without a record, and what {@link openProject} throws
 */
export async function sumCost(app: App, request: CostRequest): Promise<CostReport> {
  const home = await app.projects.loadHomeConfig();
  const from = request.since === null ? Number.NEGATIVE_INFINITY : Date.parse(request.since);
  const to = request.until === null ? Number.POSITIVE_INFINITY : Date.parse(request.until);
  const lanes: Lane[] = [];
  const damaged: DamagedRecord[] = [];
  const unknown: Unexplained[] = [];
  const asOf = new Set<string>();
  const places = await findTasks(app, request);
  for (const { root, project, keys } of places) {
    const prices = await loadPrices(app, project, home);
    asOf.add(prices.asOf);
    for (const key of keys) {
      if (request.only?.has(formatTaskKey(key)) === false) continue;
      const loaded = await loadLanes(app, root, key);
      damaged.push(...loaded.damaged);
      const own = loaded.lanes
        .filter(({ type, receipt: { startedAt } }) => {
          const at = Date.parse(startedAt);
          return (request.phase === null || type === request.phase) && at >= from && at < to;
        })
        .map((lane): Lane => ({ ...lane, cost: costOf(lane.receipt, prices) }));
      lanes.push(...own);
      unknown.push(...own.filter(isUnknown).map((lane) => ({ lane, ...explain(lane, prices) })));
    }
  }
  const byStart = (a: Lane, b: Lane): number => Date.parse(a.receipt.startedAt) - Date.parse(b.receipt.startedAt);
  lanes.sort(byStart);
  unknown.sort((a, b) => byStart(a.lane, b.lane));
  const [only] = places.flatMap(({ keys }) => keys);
  return {
    taskKey: request.task === null || only === undefined ? null : formatTaskKey(only),
    phase: request.phase,
    since: request.since,
    until: request.until,
    totals: sum(lanes),
    byTask: groupBy(lanes, ({ taskKey }) => taskKey).map(([taskKey, own]) => ({ taskKey, ...sum(own) })),
    byDay: groupBy(lanes, dayOf).map(([day, own]) => ({ day, ...sum(own) })),
    runs: groupBy(lanes, ({ taskKey, type, run }) => JSON.stringify([taskKey, type, run])).flatMap(([, own]) =>
      own.slice(0, 1).map(({ taskKey, type, run }) => ({ taskKey, type, run, ...sum(own) })),
    ),
    byWorker: groupBy(lanes, ({ receipt }) => receipt.worker).map(([worker, own]) => ({ worker, ...sum(own) })),
    byModel: groupBy(lanes, modelOf).map(([model, own]) => ({ model, ...sum(own) })),
    byRole: groupBy(lanes, ({ receipt }) => ROLE_NAMES[receipt.role]).map(([role, own]) => ({ role, ...sum(own) })),
    byPhase: groupBy(lanes, ({ type }) => type).map(([phase, own]) => ({ phase, ...sum(own) })),
    unknown: groupUnknown(unknown),
    damaged,
    pricesAsOf: [...asOf].sort().at(-1) ?? "",
  };
}

function dayOf({ receipt }: Lane): string {
  return new Date(receipt.startedAt).toISOString().slice(0, 10);
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

type Unexplained = Pick<UnknownCost, "reason" | "model"> & { readonly lane: Lane };

function explain({ receipt: { usage, modelServed } }: Lane, prices: PriceTable): Pick<UnknownCost, "reason" | "model"> {
  if (usage === null) return { reason: "no-usage", model: modelServed };
  if (modelServed === null) return { reason: "no-model", model: null };
  return { reason: findPrice(modelServed, prices) === null ? "no-price" : "no-counts", model: modelServed };
}

function groupUnknown(all: readonly Unexplained[]): readonly UnknownCost[] {
  return groupBy(all, ({ reason, model }) => JSON.stringify([reason, model])).flatMap(([, own]) =>
    own.slice(0, 1).map(({ reason, model }) => ({ reason, model, lanes: own.length, tokens: sum(own.map(({ lane }) => lane)).tokens })),
  );
}

/** Groups in the order in which their first lanes started. */
function groupBy<T>(lanes: readonly T[], pick: (lane: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const lane of lanes) {
    const group = groups.get(pick(lane));
    if (group === undefined) groups.set(pick(lane), [lane]);
    else group.push(lane);
  }
  return [...groups];
}

interface PlaceOfTasks {
  readonly root: string;
  readonly project: Project;
  readonly keys: readonly TaskKey[];
}

/** @throws OKSTRA_TASK_NOT_FOUND */
async function findTasks(app: App, request: CostRequest): Promise<readonly PlaceOfTasks[]> {
  const roots = request.projects?.map(({ root }) => root) ?? [request.dir];
  const places: PlaceOfTasks[] = [];
  for (const dir of roots) {
    const { root, project } = await openProject(app, dir);
    places.push({ root, project, keys: await listKeys(app, { root, project: project.projectId }, request) });
  }
  if (request.task === null || places.some(({ keys }) => keys.length > 0)) return places;
  const taskKeys = places.map(({ project }) => formatTaskKey(parseTaskName(request.task ?? "", project.projectId, app.sha256)));
  throw new OkstraError("OKSTRA_TASK_NOT_FOUND", {
    message: `${taskKeys[0] ?? request.task} has no record.`,
    hint: "List the tasks: okstra task list",
    details: { taskKeys },
  });
}

async function listKeys(app: App, { root, project }: { root: string; project: string }, request: CostRequest): Promise<readonly TaskKey[]> {
  if (request.task !== null) {
    const key = parseTaskName(request.task, project, app.sha256);
    return (await app.store.exists(taskDirectory(root, key))) ? [key] : [];
  }
  const wanted = request.group === null ? null : slugSegment(request.group, app.sha256);
  const tasks = `${root}/.project-docs/okstra/tasks`;
  const keys: TaskKey[] = [];
  for (const group of await app.store.listDirectory(tasks)) {
    if (wanted !== null && group !== wanted) continue;
    for (const task of await app.store.listDirectory(`${tasks}/${group}`).catch(() => [])) keys.push({ project, group, task });
  }
  return keys;
}
