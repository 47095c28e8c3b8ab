import { loadStatus, TASK_STATES, type TaskState, type TaskStatus } from "@okstra/app/status/load-status";
import { neutralise } from "@okstra/core/report/neutral-text";
import { cutToCells } from "../../cells.ts";
import type { CliContext } from "../../command.ts";
import { formatDuration } from "../../format-duration.ts";
import { pickProjects, type HistoryFlags } from "../history/history.ts";
import { readTime } from "../history/time-flags.ts";
import { requireTaskState } from "./tasks-in-state.ts";

type Flags = Pick<HistoryFlags, "project" | "all" | "group" | "phase" | "state" | "since" | "until" | "projectRoot">;

export async function run(context: CliContext, flags: Flags): Promise<void> {
  if (flags.state !== undefined) requireTaskState(flags.state);
  const projects = pickProjects(await context.openIndex(), flags);
  const app = await context.openApp();
  const now = Date.parse(app.clock.now());
  const [since, until] = [flags.since, flags.until].map((text) => (text === undefined ? null : readTime(text, now)));
  const all = await loadStatus(app, projects, { group: flags.group ?? null, phase: flags.phase ?? null, state: flags.state ?? null });
  // Nobody knows when a damaged task changed, so it is in every time.
  const tasks = all.filter((task) => task.since === null || (task.since >= (since ?? "") && task.since < (until ?? "~")));
  const counts = Object.fromEntries(TASK_STATES.map((state) => [state, tasks.filter((task) => task.state === state).length]));
  // Whoever wants the document does not wait for the measuring of lines.
  context.ui.answer({ tasks, counts }, context.ui.json ? "" : describe(tasks, projects.length > 1, now));
}

const TITLES: Readonly<Record<TaskState, string>> = {
  waiting: "waiting for you",
  running: "running",
  paused: "waiting for a quota or for the agent that leads",
  stopped: "stopped",
  damaged: "damaged",
  due: "can go on",
  "handed-off": "handed off",
  done: "done",
};
const WIDTH = 80;

function describe(tasks: readonly TaskStatus[], severalProjects: boolean, now: number): string {
  if (tasks.length === 0) return "no tasks";
  return TASK_STATES.flatMap((state) => {
    const own = tasks.filter((task) => task.state === state);
    if (own.length === 0) return [];
    return [`${TITLES[state]} (${own.length})`, ...own.flatMap((task) => describeTask(task, severalProjects, now))];
  }).join("\n");
}

function describeTask(task: TaskStatus, severalProjects: boolean, now: number): readonly string[] {
  const name = severalProjects ? task.taskKey : task.taskKey.split("/").slice(1).join("/");
  const age = task.since === null ? "" : ` ${formatDuration(Math.max(0, now - Date.parse(task.since)))}`;
  const line = (text: string): string => cutToCells(neutralise(text), WIDTH);
  return [
    line(`  ${name}  ${task.phase ?? ""}${task.cycle > 1 ? ` (cycle ${task.cycle})` : ""}${age}: ${task.why}`),
    ...task.lanes.map(({ lane, since }) => line(`    ${lane} for ${formatDuration(Math.max(0, now - Date.parse(since)))}`)),
    // A command is to be copied, so it is never cut.
    ...(task.command === null ? [] : [neutralise(`    ${task.command}`)]),
  ];
}
