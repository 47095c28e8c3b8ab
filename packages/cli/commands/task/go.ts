import { goTask } from "@okstra/app/task/go";
import { requireTaskType } from "@okstra/core/domain/work";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";
import { EXIT_GATE_HOLDS } from "../../exit-codes.ts";
import { readNotifyFlags, withNotices, type NotifyFlagValues } from "../notify/open-notices.ts";
import { readBrief, readSettingsFlags, type SettingsFlagValues } from "../run/flags.ts";
import { describeGo } from "./show-task.ts";

interface Flags extends SettingsFlagValues, NotifyFlagValues {
  readonly brief?: string;
  readonly until?: string;
  readonly category?: string;
  readonly projectRoot?: string;
}

export async function run(context: CliContext, flags: Flags, task: string): Promise<number> {
  const until = flags.until === undefined ? null : requireTaskType(flags.until);
  const settings = readSettingsFlags(flags);
  const ways = readNotifyFlags(flags);
  const app = await context.openApp();
  const brief = flags.brief === undefined ? null : await readBrief(context, app, flags.brief);
  const dir = resolveDirectory(app, flags.projectRoot);
  const request = { task, dir, brief, category: flags.category ?? null, until, ...settings };
  return withNotices(context, app, ways, async (telling) => {
    const answer = await goTask(telling, request, context.interrupted);
    context.ui.answer(answer, describeGo(answer));
    return answer.state === "held" ? EXIT_GATE_HOLDS : 0;
  });
}
