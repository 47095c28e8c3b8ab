import { writeKept } from "@okstra/app/schedule/keep-schedule";
import { loadSchedule } from "@okstra/app/schedule/load-schedule";
import { OkstraError } from "@okstra/core/errors";
import { renderMarkdown } from "@okstra/core/schedule/render";
import { renderCalendar } from "@okstra/core/schedule/render-calendar";
import type { CliContext } from "../../command.ts";
import { pickProjects } from "../history/history.ts";
import { readTime } from "../history/time-flags.ts";
import { showSchedule } from "./show-schedule.ts";

interface Flags {
  readonly project?: string;
  readonly all: boolean;
  readonly group?: string;
  readonly capacity?: string;
  readonly from?: string;
  readonly format: "text" | "md" | "ics";
  readonly save: boolean;
  readonly projectRoot?: string;
}

export async function run(context: CliContext, flags: Flags): Promise<void> {
  const capacity = readCapacity(flags.capacity);
  if (flags.save && flags.all)
    throw new OkstraError("OKSTRA_USAGE", { message: "--save keeps the forecast of one project; leave --all out." });
  const projects = pickProjects(await context.openIndex(), flags);
  const [first, ...more] = projects;
  if (flags.save && more.length > 0)
    throw new OkstraError("OKSTRA_USAGE", {
      message: `--save keeps the forecast of one project, and ${first?.project ?? ""} is ${projects.length} directories.`,
      hint: "Run it in one of them, without --project.",
      details: { roots: projects.map(({ root }) => root) },
    });
  const app = await context.openApp();
  const from = flags.from === undefined ? null : readTime(flags.from, Date.parse(app.clock.now()));
  const { report } = await loadSchedule(app, { projects, group: flags.group ?? null, capacity, from });
  const saved = flags.save && first !== undefined ? await writeKept(app, first, report) : null;
  if (context.ui.json || flags.format === "text") return context.ui.answer({ ...report, saved }, showSchedule(report, saved));
  context.ui.raw(flags.format === "md" ? renderMarkdown(report) : renderCalendar(report));
}

function readCapacity(text: string | undefined): number {
  if (text === undefined) return 1;
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
  throw new OkstraError("OKSTRA_USAGE", { message: `--capacity ${text.slice(0, 40)} is no number from 1 to 999.` });
}
