import { updateTask } from "@okstra/app/worktree/update-task";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

export async function run(
  context: CliContext,
  flags: { readonly onto?: string; readonly strategy?: "rebase" | "merge"; readonly projectRoot?: string },
  task: string,
): Promise<void> {
  const app = await context.openApp();
  const answer = await updateTask(app, {
    task,
    dir: resolveDirectory(app, flags.projectRoot),
    onto: flags.onto ?? null,
    strategy: flags.strategy ?? null,
  });
  context.ui.answer(answer, [`${answer.status}  ${answer.path}`, `branch   ${answer.branch}`, `note     ${answer.note}`].join("\n"));
}
