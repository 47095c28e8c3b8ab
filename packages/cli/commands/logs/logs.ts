import { followLogs } from "@okstra/app/logs/follow-logs";
import { neutralise } from "@okstra/core/report/neutral-text";
import type { LogLine } from "@okstra/app/logs/read-lane-log";
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
    if (context.interrupted.aborted) return;
    context.ui.raw(context.ui.json ? JSON.stringify(line) : describeLine(line));
  }
}

/** One entry on one line or several, each safe for a terminal. */
function describeLine({ lane, at, kind, text }: LogLine): string {
  const time = at === null ? "        " : at.slice(11, 19);
  const head = `${neutralise(time)} ${neutralise(lane)} ${neutralise(kind).padEnd(7)} `;
  return text
    .split(/\r?\n/)
    .map((part, index) => `${index === 0 ? head : " ".repeat(head.length)}${neutralise(part)}`)
    .join("\n");
}
