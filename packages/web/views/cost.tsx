import type { TaskRef } from "@okstra/core/dashboard/api";
import type { Money } from "@okstra/core/domain/agent-use";
import { sumMoney } from "@okstra/core/domain/money";
import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import { useApi } from "../api-client.ts";
import { countOf, formatCompact, formatMoney, formatNumber } from "../format.ts";
import { Empty, Failure, Skeleton } from "../parts/states.tsx";
import { taskHash } from "../router.ts";
import { Bars, type Part } from "./charts/bars.tsx";
import { Damaged } from "./charts/damaged.tsx";
import { Scope, scopePath, type ScopeName } from "./charts/scope.tsx";
import { refOfKey } from "./task-key.ts";

interface CostSum {
  readonly tokens: number;
  readonly cost: readonly Money[];
  readonly lanes: number;
  readonly unknownCostLanes: number;
}

/** As far as it is shown of what `okstra cost --json` prints. */
interface Costs {
  readonly totals: CostSum;
  readonly byTask: readonly (CostSum & { readonly taskKey: string })[];
  readonly byDay: readonly (CostSum & { readonly day: string })[];
  readonly runs: readonly (CostSum & { readonly taskKey: string; readonly type: string; readonly run: number })[];
  readonly byWorker: readonly (CostSum & { readonly worker: string })[];
  readonly byModel: readonly (CostSum & { readonly model: string })[];
  readonly byRole: readonly (CostSum & { readonly role: string })[];
  readonly byPhase: readonly (CostSum & { readonly phase: string })[];
  readonly unknown: readonly { readonly reason: string; readonly model: string | null; readonly lanes: number; readonly tokens: number }[];
  readonly damaged: readonly { readonly path: string; readonly reason: string }[];
  readonly pricesAsOf: string;
}

interface CostViewProps {
  readonly query: URLSearchParams;
  /** The one task that it is about. */
  readonly task?: TaskRef | undefined;
}

const NAMES: readonly ScopeName[] = ["project", "group", "since"];

/** What lanes used: tokens and money. */
export function CostView({ query, task }: CostViewProps) {
  const path =
    task === undefined
      ? scopePath("/api/cost", query, NAMES)
      : `/api/cost?${new URLSearchParams({ project: task.project, group: task.group }).toString()}`;
  const { data, failure, reload } = useApi<Costs>(path);
  return (
    <>
      {task === undefined && <Scope page="cost" query={query} names={NAMES} />}
      {failure !== null && <Failure failure={failure} retry={reload} />}
      {data === null && failure === null && <Skeleton lines={12} label="Loading the costs" />}
      {data !== null && <CostsShown costs={data} task={task} />}
    </>
  );
}

type Row = CostSum & { readonly name: string; readonly link?: string };

function CostsShown({ costs, task }: { costs: Costs; task: TaskRef | undefined }) {
  const about = useMemo(() => (task === undefined ? ofAll(costs) : ofTask(costs, task)), [costs, task?.project, task?.group, task?.task]);
  const currencies = about.totals.cost.map(({ currency }) => currency);
  const [chosen, setMeasure] = useState<string | null>(null);
  const measure = chosen !== null && (chosen === TOKENS || currencies.includes(chosen)) ? chosen : (currencies[0] ?? TOKENS);
  const damaged = costs.damaged.map(({ path, reason }) => ({ name: path, reason }));
  if (about.totals.lanes === 0)
    return (
      <>
        <Empty title="No lane has used anything yet." />
        <Damaged records={damaged} />
      </>
    );
  return (
    <>
      <Summary about={about} costs={costs} isTask={task !== undefined} />
      <div class="view-filters">
        <label class="field">
          <span>Bars show</span>
          <select value={measure} onChange={(event) => setMeasure(event.currentTarget.value)}>
            {currencies.map((currency) => (
              <option key={currency} value={currency}>
                cost in {currency}
              </option>
            ))}
            <option value={TOKENS}>tokens</option>
          </select>
        </label>
      </div>
      {about.charts.map(([title, rows]) => (
        <CostChart key={title} title={title} rows={rows} measure={measure} />
      ))}
      <Damaged records={damaged} />
    </>
  );
}

const TOKENS = "tokens";
/** Bars of a chart; the table beside it has all rows. */
const MOST_BARS = 14;

interface About {
  readonly totals: CostSum;
  readonly charts: readonly (readonly [title: string, rows: readonly Row[]])[];
}

function ofAll(costs: Costs): About {
  return {
    totals: costs.totals,
    charts: [
      ["By phase", costs.byPhase.map(({ phase, ...sum }) => ({ name: phase, ...sum }))],
      ["By worker", costs.byWorker.map(({ worker, ...sum }) => ({ name: worker, ...sum }))],
      ["By task", costs.byTask.map(({ taskKey, ...sum }) => ({ name: taskKey, ...sum, ...linkTo(taskKey) })).toSorted(byTokens)],
      ["By model", costs.byModel.map(({ model, ...sum }) => ({ name: model, ...sum }))],
      ["By role", costs.byRole.map(({ role, ...sum }) => ({ name: role, ...sum }))],
      ["By day", costs.byDay.map(({ day, ...sum }) => ({ name: day, ...sum }))],
    ],
  };
}

/** The document tells of one task only what its runs used. */
function ofTask(costs: Costs, { project, group, task }: TaskRef): About {
  const runs = costs.runs.filter(({ taskKey }) => taskKey === `${project}/${group}/${task}`);
  const phases = [...new Set(runs.map(({ type }) => type))];
  return {
    totals: addSums(runs),
    charts: [
      ["By phase", phases.map((phase) => ({ name: phase, ...addSums(runs.filter(({ type }) => type === phase)) }))],
      ["By run", runs.map(({ type, run, ...sum }) => ({ name: `${type} ${run}`, ...sum }))],
    ],
  };
}

function addSums(sums: readonly CostSum[]): CostSum {
  return {
    tokens: sums.reduce((total, each) => total + each.tokens, 0),
    cost: sumMoney(sums.flatMap(({ cost }) => cost)),
    lanes: sums.reduce((total, each) => total + each.lanes, 0),
    unknownCostLanes: sums.reduce((total, each) => total + each.unknownCostLanes, 0),
  };
}

function byTokens(a: Row, b: Row): number {
  return b.tokens - a.tokens;
}

function linkTo(taskKey: string): { link?: string } {
  const ref = refOfKey(taskKey);
  return ref === null ? {} : { link: taskHash(ref, "cost") };
}

const REASONS: Readonly<Record<string, string>> = {
  "no-price": "there is no price of the model",
  "no-model": "nobody said which model served",
  "no-counts": "the tokens were not told apart",
  "no-usage": "no tokens were told",
};

function Summary({ about: { totals }, costs, isTask }: { about: About; costs: Costs; isTask: boolean }) {
  return (
    <section aria-labelledby="cost-summary" class="panel summary">
      <h2 id="cost-summary">In short</h2>
      <p>
        {countOf(totals.lanes, "lane")} used <b>{countOf(totals.tokens, "token")}</b>
        {totals.cost.length > 0 && (
          <>
            {" "}
            and cost <b>{formatMoney(totals.cost)}</b>
          </>
        )}
        .
        {totals.unknownCostLanes > 0 &&
          ` Of ${countOf(totals.unknownCostLanes, "lane")} nobody can tell what ${totals.unknownCostLanes === 1 ? "it" : "they"} cost: the true sum is higher.`}{" "}
        <span class="quiet">Prices as of {costs.pricesAsOf}.</span>
      </p>
      {!isTask && costs.unknown.length > 0 && (
        <ul class="plain-list">
          {costs.unknown.map(({ reason, model, lanes, tokens }) => (
            <li key={`${reason} ${model ?? ""}`}>
              {countOf(lanes, "lane")}
              {model !== null && (
                <>
                  {" "}
                  of <code>{model}</code>
                </>
              )}
              : {REASONS[reason] ?? reason}
              {tokens > 0 && ` (${countOf(tokens, "token")})`}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function CostChart({ title, rows, measure }: { title: string; rows: readonly Row[]; measure: string }) {
  const chart = useMemo(() => {
    const drawn = rows.slice(0, MOST_BARS);
    const values = drawn.map((row) => valueOf(row, measure));
    const part: Part = { name: measure, tone: measure === TOKENS ? "tokens" : "money", values };
    return { labels: drawn.map(({ name }) => name), parts: [part] };
  }, [rows, measure]);
  const format = useMemo(() => formatOf(measure), [measure]);
  if (rows.length === 0) return null;
  const most = rows.toSorted((a, b) => valueOf(b, measure) - valueOf(a, measure))[0];
  const summary = `${title}: ${most?.name ?? ""} used the most, ${most === undefined ? "" : `${formatNumber(most.tokens)} tokens${most.cost.length === 0 ? "" : `, ${formatMoney(most.cost)}`}`}.`;
  return (
    <section class="chart-section">
      <h2>{title}</h2>
      <p class="quiet">
        {summary}
        {rows.length > MOST_BARS && ` The chart has the first ${MOST_BARS}, the table all ${rows.length}.`}
      </p>
      <Bars summary={summary} labels={chart.labels} parts={chart.parts} format={format} />
      <div class="table-frame" role="region" tabIndex={0} aria-label={`${title}, as a table`}>
        <table class="table">
          <thead>
            <tr>
              <th scope="col">{title.replace("By ", "").replace(/^./u, (letter) => letter.toUpperCase())}</th>
              {["Tokens", "Cost", "Lanes", "Of unknown cost"].map((name) => (
                <th key={name} scope="col" class="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.name}>
                <th scope="row">{nameOf(row)}</th>
                <td class="number">{formatNumber(row.tokens)}</td>
                <td class="number">{row.cost.length > 0 ? formatMoney(row.cost) : row.unknownCostLanes > 0 ? "unknown" : "none"}</td>
                <td class="number">{row.lanes}</td>
                <td class="number">{row.unknownCostLanes}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function nameOf({ name, link }: Row): ComponentChildren {
  return link === undefined ? name : <a href={link}>{name}</a>;
}

function valueOf(row: CostSum, measure: string): number {
  if (measure === TOKENS) return row.tokens;
  return Number(row.cost.find(({ currency }) => currency === measure)?.amount ?? 0);
}

function formatOf(measure: string): (value: number) => string {
  return measure === TOKENS ? formatCompact : (value) => formatMoney([{ amount: String(value), currency: measure }]);
}
