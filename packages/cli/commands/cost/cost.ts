import { sumCost } from "@okstra/app/cost/sum-cost";
import { requireTaskType } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";
import { pickProjects } from "../history/history.ts";
import { readTime } from "../history/time-flags.ts";
import { findTasksInState } from "../status/tasks-in-state.ts";
import { describeCost, type CostView } from "./describe-cost.ts";

interface Flags {
  readonly project?: string;
  readonly all: boolean;
  readonly group?: string;
  readonly phase?: string;
  readonly state?: string;
  readonly since?: string;
  readonly until?: string;
  readonly by?: CostView["by"];
  readonly bars: boolean;
  readonly projectRoot?: string;
}

export async function run(context: CliContext, flags: Flags, task?: string): Promise<void> {
  const app = await context.openApp();
  const now = Date.parse(app.clock.now());
  const read = (text: string | undefined): string | null => (text === undefined ? null : readTime(text, now));
  const [since, until] = [read(flags.since), read(flags.until)];
  if (since !== null && until !== null && since >= until)
    throw new OkstraError("OKSTRA_USAGE", { message: "--since is not before --until, so no lane started between them." });
  if (task !== undefined && flags.group !== undefined)
    throw new OkstraError("OKSTRA_USAGE", { message: "Name a task or --group, not both." });
  const report = await sumCost(app, {
    projects: flags.all || flags.project !== undefined ? pickProjects(await context.openIndex(), flags) : null,
    dir: resolveDirectory(app, flags.projectRoot),
    task: task ?? null,
    group: flags.group ?? null,
    phase: flags.phase === undefined ? null : requireTaskType(flags.phase),
    since,
    until,
    only: flags.state === undefined ? undefined : await findTasksInState(app, pickProjects(await context.openIndex(), flags), flags.state),
  });
  context.ui.answer(report, describeCost(report, { by: flags.by, bars: flags.bars }));
}
