import { resumeRun } from "@okstra/app/run/run-task";
import { requireTaskType } from "@okstra/core/domain/work";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";
import { readNotifyFlags, withNotices, type NotifyFlagValues } from "../notify/open-notices.ts";
import { describeRun, statusOf } from "./show-run.ts";

export async function run(
  context: CliContext,
  flags: { readonly taskType?: string; readonly projectRoot?: string; readonly withoutQuota: boolean } & NotifyFlagValues,
  task: string,
): Promise<number> {
  const taskType = flags.taskType === undefined ? null : requireTaskType(flags.taskType);
  const ways = readNotifyFlags(flags);
  const app = await context.openApp();
  const request = { task, dir: resolveDirectory(app, flags.projectRoot), taskType, withoutQuota: flags.withoutQuota };
  return withNotices(context, app, ways, async (telling) => {
    const answer = await resumeRun(telling, request, context.interrupted);
    context.ui.answer(answer, await describeRun(app, answer));
    return statusOf(answer);
  });
}
