import { provision } from "@okstra/app/worktree/provision";
import { requireTaskType } from "@okstra/core/domain/work";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

interface Flags {
  readonly taskType?: string;
  readonly category?: string;
  readonly baseRef?: string;
  readonly projectRoot?: string;
}

export async function run(context: CliContext, flags: Flags, task: string): Promise<void> {
  const taskType = flags.taskType === undefined ? null : requireTaskType(flags.taskType);
  const app = await context.openApp();
  const answer = await provision(app, {
    task,
    dir: resolveDirectory(app, flags.projectRoot),
    taskType,
    category: flags.category ?? null,
    baseRef: flags.baseRef ?? null,
  });
  context.ui.answer(
    answer,
    [`${answer.status}  ${answer.path}`, ...(answer.branch === "" ? [] : [`branch   ${answer.branch}`]), `note     ${answer.note}`].join(
      "\n",
    ),
  );
}
