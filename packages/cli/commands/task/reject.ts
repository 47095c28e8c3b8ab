import { rejectPlan } from "@okstra/app/task/decide-plan";
import { personOf } from "@okstra/app/task/person";
import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";
import { readRunNumber } from "./run-number.ts";
import { describePlan } from "./show-task.ts";

export async function run(
  context: CliContext,
  flags: { readonly reason: string; readonly run?: string; readonly projectRoot?: string },
  task: string,
): Promise<void> {
  if (flags.reason.trim() === "") throw new OkstraError("OKSTRA_USAGE", { message: "--reason is empty; a rejection says why." });
  const number = readRunNumber(flags.run);
  const app = await context.openApp();
  const dir = resolveDirectory(app, flags.projectRoot);
  const answer = await rejectPlan(app, { task, dir, run: number, by: personOf(app), reason: flags.reason });
  context.ui.answer(answer, describePlan(answer, task));
}
