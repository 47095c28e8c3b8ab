import { trustProject } from "@okstra/app/project/setup";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

export async function run(context: CliContext, flags: { readonly projectRoot?: string }): Promise<void> {
  const app = await context.openApp();
  const answer = await trustProject(app, resolveDirectory(app, flags.projectRoot));
  context.ui.answer(
    answer,
    answer.approved.length === 0
      ? "nothing to approve"
      : ["approved, as it is now:", ...answer.approved.map((item) => `  ${item.what}`)].join("\n"),
  );
}
