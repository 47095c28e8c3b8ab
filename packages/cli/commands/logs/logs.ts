import { followLogs, type LogLine } from "@okstra/app/logs/follow-logs";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";
import { readRunNumber } from "../task/run-number.ts";

interface Flags {
  readonly taskType?: string;
  readonly run?: string;
  readonly worker?: string;
  readonly follow: boolean;
  readonly projectRoot?: string;
}

export async function run(context: CliContext, flags: Flags, task: string): Promise<void> {
  const number = readRunNumber(flags.run);
  const app = await context.openApp();
  const lines = followLogs(
    app,
    {
      task,
      dir: resolveDirectory(app, flags.projectRoot),
      taskType: flags.taskType ?? null,
      run: number,
      worker: flags.worker ?? null,
      follow: flags.follow,
    },
    context.interrupted,
  );
  for await (const line of lines) {
    if (!context.ui.hasReader()) return;
    if (context.ui.json) context.ui.documentLine(line);
    else context.ui.raw(describeLine(line));
  }
}

/** One entry on one line or several: time of day in UTC, lane, kind, text. */
function describeLine({ lane, at, kind, text }: LogLine): string {
  const time = at?.slice(11, 19) ?? "";
  const head = `${time.padEnd(8)} ${lane} ${kind.padEnd(7)} `;
  return text
    .split("\n")
    .map((part, index) => `${index === 0 ? head : " ".repeat(head.length)}${part}`)
    .join("\n");
}
