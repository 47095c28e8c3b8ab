import { listProjectTasks } from "@okstra/app/task/describe-task";
import { neutralise } from "@okstra/core/report/neutral-text";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

export async function run(context: CliContext, flags: { readonly projectRoot?: string }): Promise<void> {
  const app = await context.openApp();
  const tasks = await listProjectTasks(app, { dir: resolveDirectory(app, flags.projectRoot) });
  const width = Math.max(0, ...tasks.map(({ taskKey }) => taskKey.length));
  const lines = tasks.map(
    ({ taskKey, state, runs, next }) =>
      `${taskKey.padEnd(width)}  ${state.padEnd(7)}  ${runs} run${runs === 1 ? " " : "s"}  ${neutralise(next)}`,
  );
  context.ui.answer({ tasks }, lines.length === 0 ? "no tasks yet: okstra task new <group>/<task> --brief FILE" : lines.join("\n"));
}
