import { approvePlan } from "@okstra/app/task/decide-plan";
import { personOf } from "@okstra/app/task/person";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";
import { EXIT_GATE_HOLDS } from "../../exit-codes.ts";
import { readRunNumber } from "./run-number.ts";
import { describePlan } from "./show-task.ts";

export async function run(
  context: CliContext,
  flags: { readonly run?: string; readonly projectRoot?: string },
  task: string,
): Promise<number> {
  const number = readRunNumber(flags.run);
  const app = await context.openApp();
  const answer = await approvePlan(app, { task, dir: resolveDirectory(app, flags.projectRoot), run: number, by: personOf(app) });
  context.ui.answer(answer, describePlan(answer, task));
  return answer.gateOpen ? 0 : EXIT_GATE_HOLDS;
}
