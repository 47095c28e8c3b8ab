import { cancelRun } from "@okstra/app/run/run-task";
import { requireTaskType } from "@okstra/core/domain/work";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

export async function run(
  context: CliContext,
  flags: { readonly taskType?: string; readonly projectRoot?: string },
  task: string,
): Promise<void> {
  const taskType = flags.taskType === undefined ? null : requireTaskType(flags.taskType);
  const app = await context.openApp();
  const answer = await cancelRun(app, { task, dir: resolveDirectory(app, flags.projectRoot), taskType });
  context.ui.answer(answer, `cancelled ${answer.taskKey} ${answer.type} run ${answer.run}`);
}
