import type { RunTimes, TaskTimes, TimesReport } from "@okstra/app/time/load-times";
import { addSplits, type LaneSums, type TimeSplit } from "@okstra/core/domain/time-account";
import type { TimeState } from "@okstra/core/domain/time-account-line";
import { neutralise } from "@okstra/core/report/neutral-text";
import { cutToCells, fitToCells } from "../../cells.ts";
import { formatDuration } from "../../format-duration.ts";
import { BAR_PARTS, drawBar } from "./bar.ts";

export interface TimeView {
  readonly by: "task" | "phase" | "worker" | "run";
  readonly bars: boolean;
  /** RFC 3339: for how long a task is at what it is at. */
  readonly now: string;
}

const WIDTH = 80;
const [NAME, COLUMN] = [26, 9] as const;
const [BAR_NAME, BAR] = [27, 43] as const;
/** Gaps and damaged logs told at most, one a line. */
const MAX_NOTES = 10;

const COLUMNS = [["spanMs", "total"], ...BAR_PARTS.map(([part, , name]) => [part, name] as const)] as const;
const LANE_COLUMNS = [
  ["lanes", "lanes"],
  ["laneMs", "lane time"],
  ["busyMs", "busy"],
] as const;

const NOW_AT: Readonly<Record<TimeState, string>> = {
  working: "a run goes on, or died without a word",
  person: "waiting for a person",
  quota: "waiting for a quota",
  stopped: "stopped, waiting to be resumed",
  idle: "idle",
};

/** The times in lines of at most 80 cells, but for paths of damaged logs. */
export function showTime(report: TimesReport, view: TimeView): string {
  if (report.tasks.length === 0 && report.damaged.length === 0) return "no time of any task";
  const table = view.by === "worker" ? showWorkers(report, view.bars) : showSplits(rowsOf(report, view.by), view.bars);
  const [only] = report.tasks;
  const notes = [
    ...(view.by === "run" && report.tasks.length === 1 && only !== undefined ? tellCurrent(only, view.now) : []),
    ...tellWindow(report),
    ...tellGaps(report),
    ...(report.clockJumps === 0 ? [] : [`the clock went back ${count(report.clockJumps, "time")}: that counts as no time`]),
  ];
  return [...table, ...(notes.length === 0 ? [] : ["", ...notes.map((note) => cutToCells(note, WIDTH))]), ...tellDamaged(report)].join(
    "\n",
  );
}

type Row = readonly [string, TimeSplit];

function rowsOf({ tasks, totals, byPhase }: TimesReport, by: "task" | "phase" | "run"): readonly Row[] {
  const keys = new Set(tasks.map(({ taskKey }) => taskKey.split("/")[0]));
  const nameOf = ({ taskKey }: TaskTimes): string => (keys.size > 1 ? taskKey : taskKey.split("/").slice(1).join("/"));
  const between = tasks.map((task) => task.between).filter(({ spanMs }) => spanMs > 0);
  const rows: Row[] =
    by === "task"
      ? tasks.map((task) => [nameOf(task), task] as const)
      : by === "phase"
        ? [
            ...byPhase.map((each) => [each.phase, each] as const),
            ...(between.length === 0 ? [] : [["(between)", addSplits(between)] as const]),
          ]
        : tasks.flatMap((task) => [
            ...(tasks.length > 1 ? [[nameOf(task), task] as const] : []),
            ...task.runs.map((run) => [`${run.type} ${run.run}`, run] as const),
            ...(task.between.spanMs > 0 ? [["(between)", task.between] as const] : []),
          ]);
  return rows.length === 1 && by === "task" ? rows : [...rows, ["total", totals]];
}

function showSplits(rows: readonly Row[], bars: boolean): string[] {
  if (bars) {
    const longest = Math.max(...rows.map(([, { spanMs }]) => spanMs));
    return [
      ...rows.map(([name, split]) =>
        `${fitToCells(neutralise(name), BAR_NAME)} ${fitToCells(drawBar(split, longest, BAR), BAR)}${formatMs(split.spanMs).padStart(COLUMN)}`.trimEnd(),
      ),
      "",
      BAR_PARTS.map(([, mark, name]) => `${mark === " " ? "blank" : mark} ${name}`).join("  "),
    ];
  }
  return [
    `${" ".repeat(NAME)}${COLUMNS.map(([, title]) => title.padStart(COLUMN)).join("")}`,
    ...rows.map(
      ([name, split]) => `${fitToCells(neutralise(name), NAME)}${COLUMNS.map(([part]) => formatMs(split[part]).padStart(COLUMN)).join("")}`,
    ),
  ];
}

function showWorkers({ byWorker, totals }: TimesReport, bars: boolean): string[] {
  const rows: readonly (readonly [string, LaneSums])[] = [...byWorker.map((each) => [each.worker, each] as const), ["all lanes", totals]];
  if (bars) {
    const longest = Math.max(...rows.map(([, { busyMs }]) => busyMs));
    return rows.map(([name, { busyMs }]) => {
      const busy = { ...addSplits([]), spanMs: busyMs, workingMs: busyMs };
      return `${fitToCells(neutralise(name), BAR_NAME)} ${fitToCells(drawBar(busy, longest, BAR), BAR)}${formatMs(busyMs).padStart(COLUMN)}`;
    });
  }
  const cell = (part: keyof LaneSums, value: number): string => (part === "lanes" ? String(value) : formatMs(value)).padStart(COLUMN + 2);
  return [
    `${" ".repeat(NAME)}${LANE_COLUMNS.map(([, title]) => title.padStart(COLUMN + 2)).join("")}`,
    ...rows.map(([name, sums]) => `${fitToCells(neutralise(name), NAME)}${LANE_COLUMNS.map(([part]) => cell(part, sums[part])).join("")}`),
    "",
    "lane time: each lane by itself; busy: lanes at the same time count once",
  ];
}

function tellCurrent({ current, endedAt }: TaskTimes, now: string): string[] {
  if (current === null || endedAt === null) return [];
  return [`since ${endedAt} (${formatMs(Math.max(0, Date.parse(now) - Date.parse(endedAt)))}): ${NOW_AT[current]}`];
}

function tellWindow({ phase, since, until }: TimesReport): string[] {
  return [
    ...(phase === null ? [] : [`only what is told under runs of ${phase}`]),
    ...(since === null ? [] : [`only time since ${since}`]),
    ...(until === null ? [] : [`only time until ${until}`]),
  ];
}

function tellGaps({ tasks }: TimesReport): string[] {
  const gaps = tasks.flatMap((task) => task.runs.flatMap((run) => run.gaps.map((gap) => ({ task, run, gap }))));
  const lines = gaps.slice(0, MAX_NOTES).map(({ task, run, gap }) => describeGap(task, run, gap, tasks.length > 1));
  return gaps.length > MAX_NOTES ? [...lines, `… and ${count(gaps.length - MAX_NOTES, "more gap")}`] : lines;
}

function describeGap({ taskKey }: TaskTimes, { type, run }: RunTimes, gap: RunTimes["gaps"][number], several: boolean): string {
  const task = several ? `${taskKey.split("/").slice(1).join("/")} ` : "";
  return neutralise(`no word for ${formatMs(gap.gapMs)} from ${gap.startedAt}: ${gap.lane}, ${task}${type} ${run}`);
}

function tellDamaged({ damaged }: TimesReport): string[] {
  if (damaged.length === 0) return [];
  return [
    "",
    "logs that cannot be relied on, in no sum:",
    ...damaged.map(({ path, reason }) => `  ${neutralise(path)}: ${neutralise(reason)}`),
  ];
}

function formatMs(ms: number): string {
  return ms === 0 ? "-" : ms < 1000 ? "<1s" : formatDuration(ms);
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
