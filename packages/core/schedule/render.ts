import { neutralise } from "../report/neutral-text.ts";
import type { Schedule, ScheduledTask } from "./make-schedule.ts";

/**
 * The schedule as Markdown with a Mermaid Gantt. Nothing of a name acts: of names only letters, digits and `_ / -` stay,
 * and no line of the chart begins with one. Times are UTC.
 */
export function renderMarkdown(schedule: Schedule): string {
  const { tasks, finish, capacity, criticalPath } = schedule;
  const lines = [
    "# Schedule",
    "",
    `Made ${showTime(schedule.at)}, for work from ${showTime(schedule.from)} in ${countLanes(capacity)}.`,
    "",
  ];
  lines.push(schedule.words, "");
  if (finish.p90At !== null)
    lines.push(`All is finished by ${showTime(finish.p50At)} in half of the simulations, by ${showTime(finish.p90At)} in nine of ten.`, "");
  if (criticalPath.taskKeys.length > 1)
    lines.push(`Critical path: ${criticalPath.taskKeys.map((key) => nameTask(key, tasks)).join(" → ")}.`, "");
  for (const cycle of schedule.cycles) lines.push(`These wait for each other: ${cycle.map((key) => nameTask(key, tasks)).join(", ")}.`, "");
  if (tasks.length === 0) return lines.join("\n");
  lines.push("| # | Task | Phases left | Lane | Begins | P50 | P90 | After | Waits for you |", "|--|--|--|--|--|--|--|--|--|");
  for (const task of tasks) lines.push(renderRow(task, tasks));
  lines.push("");
  if (finish.plannedAt !== null) lines.push("```mermaid", ...renderGantt(schedule), "```", "");
  return lines.join("\n");
}

function renderRow(task: ScheduledTask, tasks: readonly ScheduledTask[]): string {
  const cells = [
    String(task.place),
    `${nameTask(task.taskKey, tasks)}${task.critical ? " (critical)" : ""}`,
    task.phases.map(({ phase }) => cleanName(phase)).join(", "),
    task.lane === null ? "" : String(task.lane),
    showTime(task.startAt),
    showTime(task.p50At),
    showTime(task.p90At),
    task.after.map((key) => nameTask(key, tasks)).join(", "),
    task.held === null ? "" : "yes",
  ];
  return `| ${cells.join(" | ")} |`;
}

/**
 * Lines of the chart. Its times are written without a zone: a page reads and shows them alike wherever it is.
 * The bars are the medians; two milestones tell when half and nine of ten of the simulations have ended.
 */
function renderGantt({ tasks, finish }: Schedule): readonly string[] {
  const lanes = [...new Set(tasks.flatMap(({ lane }) => lane ?? []))].toSorted((a, b) => a - b);
  const lines = [
    "gantt",
    "    title Schedule (UTC)",
    "    dateFormat YYYY-MM-DDTHH:mm:ss",
    "    axisFormat %Y-%m-%d %H:%M",
    ...lanes.flatMap((lane) => [
      `    section Lane ${lane}`,
      ...tasks
        .filter((task) => task.lane === lane)
        .toSorted((a, b) => compare(a.startAt ?? "", b.startAt ?? ""))
        .map(
          (task) =>
            `    ${task.place}. ${nameTask(task.taskKey, tasks)} :${task.critical ? "crit, " : ""}t${task.place}, ${chartTime(task.startAt, 0)}, ${chartTime(task.endAt, 999)}`,
        ),
    ]),
  ];
  if (finish.p50At === null || finish.p90At === null) return lines;
  return [
    ...lines,
    "    section Finish",
    `    P50 :milestone, p50, ${chartTime(finish.p50At, 999)}, 0d`,
    `    P90 :milestone, p90, ${chartTime(finish.p90At, 999)}, 0d`,
  ];
}

/** Seconds of a chart, with so many milliseconds added before they are cut off. */
function chartTime(at: string | null, addMs: number): string {
  return new Date(Date.parse(at ?? "1970-01-01T00:00:00.000Z") + addMs).toISOString().slice(0, 19);
}

/** The name without the project where all tasks are of one. */
export function nameTask(taskKey: string, tasks: readonly Pick<ScheduledTask, "taskKey">[]): string {
  const projects = new Set(tasks.map((task) => task.taskKey.split("/")[0]));
  return cleanName(projects.size > 1 ? taskKey : taskKey.split("/").slice(1).join("/"));
}

function cleanName(name: string): string {
  return neutralise(name).replaceAll(/[^\p{L}\p{N}_/-]+/gu, "-");
}

/** Minutes, UTC. */
export function showTime(at: string | null): string {
  return at === null ? "" : `${at.slice(0, 10)} ${at.slice(11, 16)}`;
}

export function countLanes(capacity: number): string {
  return capacity === 1 ? "1 lane" : `${capacity} lanes`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
