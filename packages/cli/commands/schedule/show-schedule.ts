import type { ScheduleReport } from "@okstra/app/schedule/load-schedule";
import type { ScheduledTask } from "@okstra/core/schedule/make-schedule";
import { countLanes, nameTask, showTime } from "@okstra/core/schedule/render";
import { neutralise } from "@okstra/core/report/neutral-text";
import { cutToCells, fitToCells } from "../../cells.ts";
import { formatDuration } from "../../format-duration.ts";
import { wrapWords } from "./wrap-words.ts";

const WIDTH = 80;
const [PLACE, NAME, PHASE, LANE] = [4, 22, 13, 5] as const;

/** The schedule in lines of at most 80 cells, but for commands and paths. */
export function showSchedule(report: ScheduleReport, saved: string | null): string {
  const { tasks, finish, criticalPath } = report;
  const isDated = finish.p90At !== null;
  const lines = [...wrapWords(report.words, WIDTH)];
  if (tasks.length > 0) {
    const head = `${fitToCells("#", PLACE)}${fitToCells("task", NAME)} ${fitToCells("left", PHASE)} `;
    lines.push(
      "",
      isDated ? `${head}${fitToCells("lane", LANE)}${fitToCells("P50", 17)}P90` : head.trimEnd(),
      ...tasks.flatMap((task) => describeTask(task, tasks, isDated)),
    );
  }
  if (isDated)
    lines.push("", `all       ${showTime(finish.p50At)} (P50), ${showTime(finish.p90At)} (P90), UTC, in ${countLanes(report.capacity)}`);
  if (criticalPath.taskKeys.length > 1) {
    const names = criticalPath.taskKeys.map((key) => nameTask(key, tasks)).join(", ");
    lines.push(`critical  ${names}${criticalPath.durationMs === null ? "" : `: ${formatDuration(criticalPath.durationMs)}`}`);
  }
  for (const cycle of report.cycles) lines.push(`circle    ${cycle.map((key) => nameTask(key, tasks)).join(", ")} wait for each other`);
  for (const { taskKey, after } of report.missing) lines.push(`missing   ${taskKey} is after ${after}, which cannot be read`);
  for (const { taskKey, reason } of report.damaged) lines.push(`damaged   ${taskKey}: ${neutralise(reason)}`);
  return [...lines.map((line) => cutToCells(line, WIDTH)), ...(saved === null ? [] : [`saved     ${saved}`])].join("\n");
}

function describeTask(task: ScheduledTask, tasks: readonly ScheduledTask[], isDated: boolean): readonly string[] {
  const [first, ...more] = task.phases;
  const phase = `${shorten(first?.phase ?? "")}${more.length === 0 ? "" : ` +${more.length}`}`;
  const name = `${fitToCells(`${task.place}.`, PLACE)}${fitToCells(nameTask(task.taskKey, tasks), NAME)} ${fitToCells(phase, PHASE)} `;
  const dates = isDated ? `${fitToCells(String(task.lane ?? ""), LANE)}${showTime(task.p50At)} ${showTime(task.p90At)}` : "";
  const notes = [
    ...(task.critical && tasks.length > 1 ? ["critical"] : []),
    ...(task.priority === 0 ? [] : [`priority ${task.priority}`]),
    ...(task.after.length === 0 ? [] : [`after ${task.after.map((key) => nameTask(key, tasks)).join(", ")}`]),
    ...(task.held === null ? [] : ["waits for you"]),
  ];
  return [`${name}${dates}`.trimEnd(), ...(notes.length === 0 ? [] : [`    ${notes.join("; ")}`])];
}

/** The last word of a phase tells enough in a narrow column. */
function shorten(phase: string): string {
  const words: Readonly<Record<string, string>> = {
    "requirements-discovery": "discovery",
    "error-analysis": "analysis",
    "implementation-planning": "planning",
    implementation: "implement",
    "final-verification": "verify",
  };
  return words[phase] ?? neutralise(phase);
}
