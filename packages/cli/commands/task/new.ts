import { createTask, takeUpFinding } from "@okstra/app/task/create-task";
import { decideNext } from "@okstra/app/task/next";
import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";
import { readBrief } from "../run/flags.ts";
import { describeNext } from "./show-task.ts";

export async function run(
  context: CliContext,
  flags: { readonly brief?: string; readonly category?: string; readonly from?: string; readonly projectRoot?: string },
  task: string,
): Promise<void> {
  if (flags.brief !== undefined && flags.from !== undefined)
    throw new OkstraError("OKSTRA_USAGE", { message: "--brief and --from exclude each other: the finding is the brief." });
  const app = await context.openApp();
  const dir = resolveDirectory(app, flags.projectRoot);
  const made =
    flags.from === undefined
      ? { brief: flags.brief === undefined ? null : await readBrief(context, app, flags.brief), category: null, from: null }
      : await takeUpFinding(app, { finding: flags.from, dir });
  const facts = await createTask(app, { task, dir, ...made, category: flags.category ?? made.category });
  const next = decideNext(facts);
  const { taskKey, taskDir, category, brief, from } = facts;
  context.ui.answer(
    { taskKey, taskDir, category, brief, from, next },
    [`task      ${taskKey} (${category})`, `records   ${taskDir}`, ...describeNext(next)].join("\n"),
  );
}
