import { findTaskPath } from "@okstra/app/worktree/enter-task";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

export async function run(context: CliContext, flags: { readonly projectRoot?: string }, task: string): Promise<void> {
  const app = await context.openApp();
  const path = await findTaskPath(app, task, resolveDirectory(app, flags.projectRoot));
  context.ui.answer({ path }, path);
}
