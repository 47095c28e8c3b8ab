import { linkTasks, type LinkAnswer } from "@okstra/app/task/link-tasks";
import { personOf } from "@okstra/app/task/person";
import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

interface Flags {
  readonly after?: readonly string[];
  readonly blocks?: readonly string[];
  readonly unlink: boolean;
  readonly priority?: string;
  readonly projectRoot?: string;
}

export async function run(context: CliContext, flags: Flags, task: string): Promise<void> {
  const [after, blocks] = [flags.after ?? [], flags.blocks ?? []];
  if (flags.unlink && (flags.priority !== undefined || after.length + blocks.length === 0))
    throw new OkstraError("OKSTRA_USAGE", { message: "--unlink takes away what --after and --blocks name, and nothing else." });
  const priority = readPriority(flags.priority);
  const app = await context.openApp();
  const answer = await linkTasks(app, {
    task,
    dir: resolveDirectory(app, flags.projectRoot),
    after,
    blocks,
    unlink: flags.unlink,
    priority,
    by: () => personOf(app),
  });
  context.ui.answer(answer, describeLinks(answer).join("\n"));
}

function readPriority(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (/^-?\d{1,4}$/.test(text)) return Number(text);
  throw new OkstraError("OKSTRA_USAGE", { message: `--priority ${text.slice(0, 40)} is no whole number from -9999 to 9999.` });
}

function describeLinks({ taskKey, after, blocks, priority, changed }: LinkAnswer): readonly string[] {
  const names = (keys: readonly string[]): string => keys.map((key) => key.split("/").slice(1).join("/")).join(", ");
  return [
    `task      ${taskKey}${changed ? "" : " (as it was)"}`,
    ...(after.length === 0 ? [] : [`after     ${names(after)}`]),
    ...(blocks.length === 0 ? [] : [`blocks    ${names(blocks)}`]),
    ...(after.length + blocks.length === 0 ? ["relations none"] : []),
    ...(priority === null ? [] : [`priority  ${priority}`]),
  ];
}
