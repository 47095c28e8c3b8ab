import { releaseTask } from "@okstra/app/worktree/list-tasks";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

export async function run(context: CliContext, flags: { readonly projectRoot?: string }, task: string): Promise<void> {
  const app = await context.openApp();
  const view = await releaseTask(app, task, resolveDirectory(app, flags.projectRoot));
  context.ui.answer(view, `released ${view.taskKey}; its directory ${view.path} and branch ${view.branch} stay`);
}
