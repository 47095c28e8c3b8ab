import { openProject } from "@okstra/app/project/open-project";
import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

export async function run(context: CliContext, flags: { readonly projectRoot?: string }): Promise<void> {
  const app = await context.openApp();
  const opened = await openProject(app, resolveDirectory(app, flags.projectRoot));
  if (!opened.setUp)
    throw new OkstraError("OKSTRA_PROJECT_NOT_SET_UP", { message: `${opened.root} has no okstra setup.`, details: { root: opened.root } });
  context.ui.answer(
    {
      projectId: opened.project.projectId,
      root: opened.root,
      path: `${opened.root}/.project-docs/okstra/project.json`,
      project: opened.project,
    },
    `${opened.project.projectId}  ${opened.root}`,
  );
}
