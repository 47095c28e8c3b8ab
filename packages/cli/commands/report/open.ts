import { openReport } from "@okstra/app/report/open-report";
import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

interface Flags {
  readonly taskType?: string;
  readonly run?: string;
  readonly format: "html" | "md";
  readonly print: boolean;
  readonly json: boolean;
  readonly projectRoot?: string;
}

export async function run(context: CliContext, flags: Flags, task: string): Promise<void> {
  const number = flags.run === undefined ? null : readRun(flags.run);
  const app = await context.openApp();
  const answer = await openReport(app, {
    task,
    dir: resolveDirectory(app, flags.projectRoot),
    taskType: flags.taskType ?? null,
    run: number,
    format: flags.format,
    mayOpen: context.streams.terminal !== null && !flags.print && !flags.json,
  });
  if (answer.reason !== null) app.emit({ type: "report-not-opened", level: "note", text: `not opened: ${answer.reason}` });
  context.ui.answer(answer, answer.path);
}

function readRun(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new OkstraError("OKSTRA_USAGE", { message: `--run ${text.slice(0, 40)} is no number of a run.` });
}
