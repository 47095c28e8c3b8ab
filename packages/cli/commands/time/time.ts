import { loadTimes } from "@okstra/app/time/load-times";
import { requireTaskType } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";
import { pickProjects } from "../history/history.ts";
import { readTime } from "../history/time-flags.ts";
import { findTasksInState } from "../status/tasks-in-state.ts";
import { showTime, type TimeView } from "./show-time.ts";

interface Flags {
  readonly project?: string;
  readonly all: boolean;
  readonly group?: string;
  readonly phase?: string;
  readonly state?: string;
  readonly since?: string;
  readonly until?: string;
  readonly by?: TimeView["by"];
  readonly bars: boolean;
  readonly projectRoot?: string;
}

export async function run(context: CliContext, flags: Flags, task?: string): Promise<void> {
  const app = await context.openApp();
  const now = app.clock.now();
  const read = (text: string | undefined): string | null => (text === undefined ? null : readTime(text, Date.parse(now)));
  const [since, until] = [read(flags.since), read(flags.until)];
  if (since !== null && until !== null && since >= until)
    throw new OkstraError("OKSTRA_USAGE", { message: "--since is not before --until, so there is no time between them." });
  if (task !== undefined && flags.group !== undefined)
    throw new OkstraError("OKSTRA_USAGE", { message: "Name a task or --group, not both." });
  const report = await loadTimes(app, {
    projects: flags.all || flags.project !== undefined ? pickProjects(await context.openIndex(), flags) : null,
    dir: resolveDirectory(app, flags.projectRoot),
    task: task ?? null,
    group: flags.group ?? null,
    phase: flags.phase === undefined ? null : requireTaskType(flags.phase),
    since,
    until,
    only: flags.state === undefined ? undefined : await findTasksInState(app, pickProjects(await context.openIndex(), flags), flags.state),
  });
  context.ui.answer(report, showTime(report, { by: flags.by ?? (task === undefined ? "task" : "run"), bars: flags.bars, now }));
}
