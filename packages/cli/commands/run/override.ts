import { overrideGate } from "@okstra/app/run/override-gate";
import { personOf } from "@okstra/app/task/person";
import { requireTaskType } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";
import { describeRun } from "./show-run.ts";

export async function run(
  context: CliContext,
  flags: { readonly reason: string; readonly until?: string; readonly projectRoot?: string },
  task: string,
  target: string,
): Promise<void> {
  const [phase = "", gate] = target.split(".");
  const taskType = requireTaskType(phase);
  if (flags.reason.trim() === "") throw new OkstraError("OKSTRA_USAGE", { message: "--reason is empty; an override says why." });
  const until = flags.until === undefined ? null : new Date(flags.until);
  if (until !== null && Number.isNaN(until.getTime()))
    throw new OkstraError("OKSTRA_USAGE", { message: `"${flags.until ?? ""}" is no date; say for example 2026-12-31.` });
  const app = await context.openApp();
  const answer = await overrideGate(app, {
    task,
    dir: resolveDirectory(app, flags.projectRoot),
    taskType,
    gate: gate ?? null,
    reason: flags.reason,
    until: until?.toISOString() ?? null,
    by: personOf(app),
  });
  context.ui.answer(answer, await describeRun(app, answer));
}
