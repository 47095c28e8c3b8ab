import { describeTask } from "@okstra/app/task/describe-task";
import { openTask } from "@okstra/app/task/open-task";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";
import { describeTaskCard } from "./show-task.ts";

export async function run(context: CliContext, flags: { readonly projectRoot?: string }, task: string): Promise<void> {
  const app = await context.openApp();
  const facts = await openTask(app, { task, dir: resolveDirectory(app, flags.projectRoot) });
  const description = await describeTask(app, facts);
  context.ui.answer(description, describeTaskCard(description));
}
