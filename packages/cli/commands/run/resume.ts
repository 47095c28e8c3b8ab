import { loadLead, resumeInteractively } from "@okstra/app/lead/interactive";
import { goOnWithoutChat } from "@okstra/app/lead/lead-steps";
import { resumeRun } from "@okstra/app/run/run-task";
import { requireTaskType } from "@okstra/core/domain/work";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";
import { answerLead } from "../lead/show-lead.ts";
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
    const { lead, session } = await loadLead(telling, request);
    if (lead === "agent") {
      const signal = context.interrupted;
      const isAtTerminal = context.streams.terminal !== null && !context.ui.json && !flags.withoutQuota;
      const answer =
        session !== null && isAtTerminal
          ? await resumeInteractively(telling, request, { session, signal })
          : await goOnWithoutChat(telling, request, signal);
      return answerLead(context, telling, answer);
    }
    const answer = await resumeRun(telling, request, context.interrupted);
    context.ui.answer(answer, await describeRun(app, answer));
    return statusOf(answer);
  });
}
