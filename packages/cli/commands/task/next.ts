import { decideNext } from "@okstra/app/task/next";
import { openTask } from "@okstra/app/task/open-task";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";
import { EXIT_GATE_HOLDS } from "../../exit-codes.ts";
import { describeNext } from "./show-task.ts";

export async function run(context: CliContext, flags: { readonly projectRoot?: string }, task: string): Promise<number> {
  const app = await context.openApp();
  const facts = await openTask(app, { task, dir: resolveDirectory(app, flags.projectRoot) });
  const next = decideNext(facts);
  context.ui.answer({ taskKey: facts.taskKey, ...next }, describeNext(next).join("\n"));
  return next.blocked === null ? 0 : EXIT_GATE_HOLDS;
}
