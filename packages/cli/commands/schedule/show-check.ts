import type { CheckReport } from "@okstra/app/schedule/keep-schedule";
import type { ScheduleChange } from "@okstra/core/schedule/compare-schedules";
import { nameTask, showTime } from "@okstra/core/schedule/render";
import { neutralise } from "@okstra/core/report/neutral-text";
import { cutToCells } from "../../cells.ts";
import { formatDuration } from "../../format-duration.ts";
import { wrapWords } from "./wrap-words.ts";

const WIDTH = 80;

/** What slipped in lines of at most 80 cells, the worst first. */
export function showCheck(report: CheckReport): string {
  const { tasks, finish, slipped } = report;
  const head = `since ${showTime(report.keptAt)} UTC: ${slipped === 0 ? "nothing slipped" : `${slipped} slipped`}`;
  const lines = tasks.flatMap((change) => [
    `${nameTask(change.taskKey, tasks)}: ${describeChange(change)}`,
    ...(change.kind === "new" ? [] : describeLinks(change, tasks)),
  ]);
  const whole =
    finish.byMs === null ? [] : [`all: P90 was ${showTime(finish.p90At)}, is ${showTime(finish.nowP90At)} (${describeMove(finish.byMs)})`];
  const damaged = report.damaged.map(({ taskKey, reason }) => `damaged: ${taskKey}: ${neutralise(reason)}`);
  const words = report.basis === "history" ? [] : wrapWords(report.words, WIDTH);
  return [head, ...lines, ...whole, ...damaged, ...words].map((line) => cutToCells(line, WIDTH)).join("\n");
}

function describeChange({ kind, byMs, p90At, nowP90At, finishedAt }: ScheduleChange): string {
  const by = formatDuration(Math.abs(byMs ?? 0));
  switch (kind) {
    case "finished-late":
      return `finished ${showTime(finishedAt)}, ${by} after its P90`;
    case "overdue":
      return `not finished, ${by} after its P90 of ${showTime(p90At)}`;
    case "later":
    case "earlier":
      return `P90 was ${showTime(p90At)}, is ${showTime(nowP90At)} (${describeMove(byMs ?? 0)})`;
    case "new":
      return `new${nowP90At === null ? "" : `, P90 ${showTime(nowP90At)}`}`;
    case "gone":
      return "its records are gone, or cannot be read";
    case "untold":
      return "not finished; there are no dates to compare";
    case "on-course":
      return `on course, P90 ${showTime(nowP90At)}`;
    case "finished":
      return finishedAt === null ? "finished" : `finished ${showTime(finishedAt)}${byMs === null ? "" : `, ${by} before its P90`}`;
  }
}

function describeMove(byMs: number): string {
  return byMs === 0 ? "the same" : `${formatDuration(Math.abs(byMs))} ${byMs > 0 ? "later" : "earlier"}`;
}

function describeLinks({ afterAdded, afterRemoved }: ScheduleChange, tasks: readonly ScheduleChange[]): readonly string[] {
  const names = (keys: readonly string[]): string => keys.map((key) => nameTask(key, tasks)).join(", ");
  return [
    ...(afterAdded.length === 0 ? [] : [`    comes after ${names(afterAdded)} now`]),
    ...(afterRemoved.length === 0 ? [] : [`    does not come after ${names(afterRemoved)} any more`]),
  ];
}
