import { runInTask } from "@okstra/app/worktree/enter-task";
import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

export async function run(context: CliContext, flags: { readonly projectRoot?: string }, ...words: string[]): Promise<number> {
  const [task = "", program, ...rest] = words;
  if (program === undefined)
    throw new OkstraError("OKSTRA_USAGE", { message: "No command was given.", hint: "okstra exec <group>/<task> -- CMD …" });
  const app = await context.openApp();
  const status = await runInTask(app, { task, dir: resolveDirectory(app, flags.projectRoot), command: [program, ...rest] });
  if (status === 127) context.ui.progress({ type: "command-ended", level: "warning", text: `${program}: exit status 127; is it on PATH?` });
  return status;
}
