import { runTask } from "@okstra/app/run/run-task";
import { requireTaskType } from "@okstra/core/domain/work";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";
import { readNotifyFlags, withNotices, type NotifyFlagValues } from "../notify/open-notices.ts";
import { readBrief, readSettingsFlags, type SettingsFlagValues } from "./flags.ts";
import { describeRun, statusOf } from "./show-run.ts";

interface Flags extends SettingsFlagValues, NotifyFlagValues {
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
  const ways = readNotifyFlags(flags);
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
  };
  const options = { prepareOnly: flags.prepareOnly, signal: context.interrupted };
  return withNotices(context, app, ways, async (telling) => {
    const answer = await runTask(telling, request, options);
    context.ui.answer(answer, await describeRun(app, answer));
    return flags.prepareOnly ? 0 : statusOf(answer);
  });
}
