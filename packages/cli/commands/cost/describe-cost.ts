import type { CostReport, CostSum, UnknownCost } from "@okstra/app/cost/sum-cost";
import { formatMoney } from "@okstra/core/domain/money";
import { neutralise } from "@okstra/core/report/neutral-text";
import { countCells, cutToCells, fitToCells } from "../../cells.ts";
import { formatDuration } from "../../format-duration.ts";

const [NAME, LANES, TOKENS, TIME, COST] = [30, 5, 16, 9, 20] as const;
const WIDTH = NAME + LANES + TOKENS + TIME + COST;

export interface CostView {
  /** Absent: runs, phases, workers, models and roles, one after the other. */
  readonly by: keyof typeof SECTIONS | undefined;
  readonly bars: boolean;
}

type Row = readonly [string, CostSum];

const SECTIONS = {
  task: ["tasks", ({ byTask }: CostReport): readonly Row[] => byTask.map((each) => [nameOf(byTask, each.taskKey), each])],
  run: [
    "runs",
    ({ taskKey, runs }: CostReport): readonly Row[] =>
      runs.map((each) => [`${taskKey === null ? `${nameOf(runs, each.taskKey)} ` : ""}${each.type} ${each.run}`, each]),
  ],
  phase: ["phases", ({ byPhase }: CostReport): readonly Row[] => byPhase.map((each) => [each.phase, each])],
  worker: ["workers", ({ byWorker }: CostReport): readonly Row[] => byWorker.map((each) => [each.worker, each])],
  model: ["models", ({ byModel }: CostReport): readonly Row[] => byModel.map((each) => [each.model, each])],
  role: ["roles", ({ byRole }: CostReport): readonly Row[] => byRole.map((each) => [each.role, each])],
  day: ["days, UTC", ({ byDay }: CostReport): readonly Row[] => byDay.map((each) => [each.day, each])],
} as const;
const USUAL = ["run", "phase", "worker", "model", "role"] as const;

/** What was used, in lines of at most 80 cells but for a reason's model and a path. */
export function describeCost(report: CostReport, { by, bars }: CostView): string {
  const { unknown, damaged, phase, since, until } = report;
  const sections = (by === undefined ? USUAL : [by]).map((each) => [SECTIONS[each][0], SECTIONS[each][1](report)] as const);
  const draw = bars ? drawRows(report) : row;
  const total: Row = [report.taskKey === null ? "all tasks" : withoutProject(report.taskKey), report.totals];
  return [
    ...(bars
      ? []
      : [`${fitToCells("", NAME)}${"lanes".padStart(LANES)}${"tokens".padStart(TOKENS)}${"time".padStart(TIME)}${"cost".padStart(COST)}`]),
    ...draw(...total),
    ...sections.flatMap(([title, rows]) =>
      rows.length === 0 ? [] : ["", title, ...rows.flatMap(([name, sum]) => draw(`  ${name}`, sum))],
    ),
    ...(unknown.length === 0 ? [] : ["", ...unknown.map(explain)]),
    ...(damaged.length === 0
      ? []
      : [
          "",
          "records that cannot be relied on, in no sum:",
          ...damaged.map(({ path, reason }) => `  ${neutralise(path)}: ${neutralise(reason)}`),
        ]),
    "",
    ...(phase === null ? [] : [`lanes of runs of ${phase}`]),
    ...(since === null ? [] : [`lanes that started since ${since}`]),
    ...(until === null ? [] : [`lanes that started before ${until}`]),
    `costs: what the agents said, else list prices as of ${report.pricesAsOf}`,
  ].join("\n");
}

/** The project of a key is told when there are several. */
function nameOf(all: readonly { readonly taskKey: string }[], taskKey: string): string {
  return new Set(all.map((each) => each.taskKey.split("/")[0])).size > 1 ? taskKey : withoutProject(taskKey);
}

const [BAR_NAME, BAR] = [30, 29] as const;

/** Bars as long as the part of the whole, by the currency that most runs were paid in; by tokens where no cost is known. */
function drawRows({ totals, runs }: CostReport): (name: string, sum: CostSum) => string[] {
  const runsIn = (currency: string): number => runs.filter(({ cost }) => cost.some((each) => each.currency === currency)).length;
  const [main] = totals.cost.toSorted((a, b) => runsIn(b.currency) - runsIn(a.currency));
  const valueOf = (sum: CostSum): number =>
    main === undefined ? sum.tokens : Number(sum.cost.find(({ currency }) => currency === main.currency)?.amount ?? 0);
  const whole = valueOf(totals);
  return (name, sum) => {
    const value = valueOf(sum);
    const cells = value > 0 && whole > 0 ? Math.max(1, Math.round((value / whole) * BAR)) : 0;
    const others = main === undefined ? 0 : sum.cost.filter(({ currency }) => currency !== main.currency).length;
    const own = sum.cost.find(({ currency }) => currency === main?.currency);
    const told = main === undefined ? `${sum.tokens.toLocaleString("en-US")} tokens` : own === undefined ? "-" : formatMoney(own);
    const more = others + (sum.unknownCostLanes > 0 ? 1 : 0) > 0 ? " +" : "";
    return [
      `${fitToCells(neutralise(name), BAR_NAME)} ${fitToCells("█".repeat(cells), BAR)}${`${told}${more}`.padStart(WIDTH - BAR_NAME - 1 - BAR)}`,
    ];
  };
}

function withoutProject(taskKey: string): string {
  return taskKey.split("/").slice(1).join("/");
}

/** A name with its sums; a name that is long, and a cost that is not the only one, stand on lines of their own. */
function row(name: string, sum: CostSum): string[] {
  const shown = neutralise(name);
  const isLong = countCells(shown) > NAME;
  const [first = "-", ...rest] = [
    ...sum.cost.map(formatMoney),
    ...(sum.unknownCostLanes > 0 ? [`${sum.cost.length > 0 ? "+ " : ""}${sum.unknownCostLanes} unknown`] : []),
  ];
  const counts = `${String(sum.lanes).padStart(LANES)}${sum.tokens.toLocaleString("en-US").padStart(TOKENS)}${formatDuration(sum.durationMs).padStart(TIME)}`;
  return [
    ...(isLong ? [cutToCells(shown, WIDTH)] : []),
    `${fitToCells(isLong ? "" : shown, NAME)}${counts}${first.padStart(COST)}`,
    ...rest.map((cost) => cost.padStart(WIDTH)),
  ];
}

function explain({ reason, model, lanes, tokens }: UnknownCost): string {
  const known = reason === "no-usage" ? "tokens and cost unknown" : `${tokens.toLocaleString("en-US")} tokens known, cost unknown`;
  const why = {
    "no-price": `no price for model ${neutralise(model ?? "")}`,
    "no-model": "the agent did not say which model served",
    "no-counts": `no count for each price of model ${neutralise(model ?? "")}`,
    "no-usage": "the agent did not say",
  }[reason];
  return `${lanes} ${lanes === 1 ? "lane" : "lanes"}: ${known}: ${why}`;
}
