import { compareReports, type ReportChoice } from "@okstra/app/report/compare-reports";
import { requireTaskType } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";
import { showDiff } from "./show-diff.ts";

interface Flags {
  readonly taskType?: string;
  readonly from?: string;
  readonly to?: string;
  readonly projectRoot?: string;
}

export async function run(context: CliContext, flags: Flags, task: string): Promise<void> {
  const taskType = flags.taskType === undefined ? null : requireTaskType(flags.taskType);
  const [from, to] = [readChoice("--from", flags.from), readChoice("--to", flags.to)];
  const app = await context.openApp();
  const diff = await compareReports(app, { task, dir: resolveDirectory(app, flags.projectRoot), taskType, from, to });
  context.ui.answer(diff, showDiff(diff));
}

/** `3`, `error-analysis:1`, or `error-analysis` for its newest. */
function readChoice(flag: string, text: string | undefined): ReportChoice {
  if (text === undefined) return { type: null, run: null };
  const match = /^(?:([a-z][a-z-]*)(?::|$))?([1-9]\d{0,8})?$/.exec(text);
  if (match === null || text === "" || text.endsWith(":"))
    throw new OkstraError("OKSTRA_USAGE", {
      message: `${flag} ${text.slice(0, 60)} is no run; say for example 3, or error-analysis:1.`,
    });
  const [, type, run] = match;
  return { type: type === undefined ? null : requireTaskType(type), run: run === undefined ? null : Number(run) };
}
