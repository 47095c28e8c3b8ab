import { DEFAULT_INTERACTIVE_AGENT, runInteractively } from "@okstra/app/lead/interactive";
import { loadDue } from "@okstra/app/lead/lead-steps";
import { runTask } from "@okstra/app/run/run-task";
import { requireTaskType } from "@okstra/core/domain/work";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";
import { requireTerminal } from "../lead/require-terminal.ts";
import { answerLead } from "../lead/show-lead.ts";
import { readNotifyFlags, withNotices, type NotifyFlagValues } from "../notify/open-notices.ts";
import { readBrief, readLeadFlags, readSettingsFlags, type LeadFlagValues, type SettingsFlagValues } from "./flags.ts";
import { describeRun, statusOf } from "./show-run.ts";

interface Flags extends SettingsFlagValues, LeadFlagValues, NotifyFlagValues {
  readonly taskType: string;
  readonly category?: string;
  readonly brief?: string;
  readonly baseRef?: string;
  readonly here: boolean;
  readonly prepareOnly: boolean;
  readonly projectRoot?: string;
}

export async function run(context: CliContext, flags: Flags, task: string): Promise<number> {
  const taskType = requireTaskType(flags.taskType);
  const settings = readSettingsFlags(flags);
  const leading = readLeadFlags(flags);
  const ways = readNotifyFlags(flags);
  if (flags.interactive) requireTerminal(context);
  const app = await context.openApp();
  const brief = flags.brief === undefined ? null : await readBrief(context, app, flags.brief);
  const request = {
    task,
    dir: resolveDirectory(app, flags.projectRoot),
    taskType,
    category: flags.category ?? null,
    baseRef: flags.baseRef ?? null,
    brief,
    here: flags.here,
    ...settings,
    ...leading,
  };
  const options = { prepareOnly: flags.prepareOnly, signal: context.interrupted };
  return withNotices(context, app, ways, async (telling) => {
    if (flags.interactive)
      return answerLead(
        context,
        telling,
        await runInteractively(telling, request, { agent: flags.agent ?? DEFAULT_INTERACTIVE_AGENT, ...options }),
      );
    if (leading.lead === "agent" && !flags.prepareOnly) {
      await runTask(telling, request, options);
      return answerLead(context, telling, await loadDue(telling, { task, dir: request.dir, taskType }));
    }
    const answer = await runTask(telling, request, options);
    context.ui.answer(answer, await describeRun(app, answer));
    return flags.prepareOnly ? 0 : statusOf(answer);
  });
}
