import { removeTask } from "@okstra/app/worktree/remove-task";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

export async function run(
  context: CliContext,
  flags: { readonly yes: boolean; readonly yesLarge: boolean; readonly projectRoot?: string },
  task: string,
): Promise<void> {
  const app = await context.openApp();
  const answer = await removeTask(app, { task, dir: resolveDirectory(app, flags.projectRoot), yes: flags.yes, yesLarge: flags.yesLarge });
  context.ui.answer(
    answer,
    [
      `removed  ${answer.path}`,
      `branch   ${answer.branch}`,
      `note     ${answer.note}`,
      ...(answer.restore === "" ? [] : [`restore  ${answer.restore}`]),
    ].join("\n"),
  );
}
