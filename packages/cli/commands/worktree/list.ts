import { openProject } from "@okstra/app/project/open-project";
import { listTasks, type TaskView } from "@okstra/app/worktree/list-tasks";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

export async function run(context: CliContext, flags: { readonly all: boolean; readonly projectRoot?: string }): Promise<void> {
  const app = await context.openApp();
  const project = flags.all ? null : (await openProject(app, resolveDirectory(app, flags.projectRoot))).project.projectId;
  const tasks = await listTasks(app, { project });
  context.ui.answer({ tasks }, tasks.length === 0 ? "no tasks" : tasks.map(describeTask).join("\n"));
}

/** One line of the list: state, key, branch, and what is not as it should be. */
export function describeTask(task: TaskView): string {
  const trouble = task.tree === "present" ? "" : `  (${task.tree})`;
  const behind = task.behind === null || task.behind === 0 ? "" : `  ${task.behind} behind ${task.baseName}`;
  return `${task.status.padEnd(12)} ${task.taskKey}  ${task.branch}${behind}${trouble}`;
}
