import { restoreTask } from "@okstra/app/worktree/restore-task";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

export async function run(context: CliContext, flags: { readonly projectRoot?: string }, task: string): Promise<void> {
  const app = await context.openApp();
  const answer = await restoreTask(app, { task, dir: resolveDirectory(app, flags.projectRoot) });
  context.ui.answer(answer, [`restored ${answer.path}`, `branch   ${answer.branch}`, `note     ${answer.note}`].join("\n"));
}
