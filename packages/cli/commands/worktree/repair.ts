import { repair } from "@okstra/app/worktree/repair";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

export async function run(context: CliContext, flags: { readonly projectRoot?: string }): Promise<void> {
  const app = await context.openApp();
  const actions = await repair(app, resolveDirectory(app, flags.projectRoot));
  context.ui.answer(
    { actions },
    actions.length === 0 ? "nothing to repair" : actions.map(({ action, message }) => `${action.padEnd(12)} ${message}`).join("\n"),
  );
}
