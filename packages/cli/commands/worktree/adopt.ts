import { adoptBranch } from "@okstra/app/worktree/adopt-branch";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

export async function run(
  context: CliContext,
  flags: { readonly task?: string; readonly projectRoot?: string },
  branch: string,
): Promise<void> {
  const app = await context.openApp();
  const answer = await adoptBranch(app, { branch, task: flags.task ?? null, dir: resolveDirectory(app, flags.projectRoot) });
  context.ui.answer(
    answer,
    [`${answer.status}  ${answer.path}`, `task     ${answer.taskKey}`, `branch   ${answer.branch}`, `note     ${answer.note}`].join("\n"),
  );
}
