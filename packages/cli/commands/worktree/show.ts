import { showTask, type TaskView } from "@okstra/app/worktree/list-tasks";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

export async function run(context: CliContext, flags: { readonly projectRoot?: string }, task: string): Promise<void> {
  const app = await context.openApp();
  const view = await showTask(app, task, resolveDirectory(app, flags.projectRoot));
  context.ui.answer(view, describeInFull(view));
}

export function describeInFull(view: TaskView): string {
  return [
    `task     ${view.taskKey}`,
    `status   ${view.status}${view.tree === "present" ? "" : ` (worktree ${view.tree})`}`,
    `path     ${view.path}`,
    `branch   ${view.branch}`,
    `base     ${view.baseRef}${view.behind === null ? "" : ` (${view.behind} behind ${view.baseName})`}`,
    `phase    ${view.lastPhase ?? "none"}`,
  ].join("\n");
}
