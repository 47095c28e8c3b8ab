import type { CostReport, CostSum, UnknownCost } from "@okstra/app/cost/sum-cost";
import { formatMoney } from "@okstra/core/domain/money";
import { neutralise } from "@okstra/core/report/neutral-text";
import { countCells, cutToCells, fitToCells } from "../../cells.ts";
import { formatDuration } from "../../format-duration.ts";

const [NAME, LANES, TOKENS, TIME, COST] = [30, 5, 16, 9, 20] as const;
const WIDTH = NAME + LANES + TOKENS + TIME + COST;

/** What was used, in lines of at most 80 cells but for a reason's model and a path. */
export function describeCost(report: CostReport): string {
  const { unknown, damaged } = report;
  const isOneTask = report.taskKey !== null;
  const sections: [string, readonly [string, CostSum][]][] = [
    ["runs", report.runs.map((each) => [`${isOneTask ? "" : `${withoutProject(each.taskKey)} `}${each.type} ${each.run}`, each])],
    ["phases", report.byPhase.map((each) => [each.phase, each])],
    ["workers", report.byWorker.map((each) => [each.worker, each])],
    ["models", report.byModel.map((each) => [each.model, each])],
    ["roles", report.byRole.map((each) => [each.role, each])],
  ];
  return [
    `${fitToCells("", NAME)}${"lanes".padStart(LANES)}${"tokens".padStart(TOKENS)}${"time".padStart(TIME)}${"cost".padStart(COST)}`,
    ...row(report.taskKey === null ? "all tasks" : withoutProject(report.taskKey), report.totals),
    ...sections.flatMap(([title, rows]) => (rows.length === 0 ? [] : ["", title, ...rows.flatMap(([name, sum]) => row(`  ${name}`, sum))])),
    ...(unknown.length === 0 ? [] : ["", ...unknown.map(explain)]),
    ...(damaged.length === 0
      ? []
      : [
          "",
          "records that cannot be relied on, in no sum:",
          ...damaged.map(({ path, reason }) => `  ${neutralise(path)}: ${neutralise(reason)}`),
        ]),
    "",
    ...(report.since === null ? [] : [`lanes that started since ${report.since}`]),
    `costs: what the agents said, else list prices as of ${report.pricesAsOf}`,
  ].join("\n");
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
