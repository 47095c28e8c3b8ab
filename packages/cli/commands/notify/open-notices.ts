import { resolve } from "node:path";
import type { App } from "@okstra/app/app";
import { openDelivery, type Delivery, type NotifyWays } from "@okstra/app/notify/deliver";
import { tellOfRuns } from "@okstra/app/notify/tell-of-runs";
import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";

export interface NotifyFlagValues {
  readonly notify?: readonly string[];
  readonly notifyCommand?: string;
}

const WAYS = ["bell", "desktop", "command"] as const;

/** @returns null when nobody is to be told. @throws OKSTRA_USAGE */
export function readNotifyFlags({ notify, notifyCommand }: NotifyFlagValues): NotifyWays | null {
  const said = (notify ?? []).flatMap((each) => each.split(",")).map((each) => each.trim());
  const ways = new Set(said.filter((way) => way !== ""));
  if (said.length > 0 && ways.size === 0) for (const way of ["bell", "desktop"]) ways.add(way);
  for (const way of ways)
    if (!(WAYS as readonly string[]).includes(way))
      throw new OkstraError("OKSTRA_USAGE", { message: `--notify ${way.slice(0, 40)}: a person is told by ${WAYS.join(", ")}.` });
  const command = notifyCommand === undefined ? null : readCommand(notifyCommand);
  if (ways.has("command") && command === null)
    throw new OkstraError("OKSTRA_USAGE", {
      message: "--notify command needs to know which.",
      hint: 'Say --notify-command "PROGRAM ARG …".',
    });
  if (ways.size === 0 && command === null) return null;
  return { bell: ways.has("bell"), desktop: ways.has("desktop"), command };
}

/** @throws OKSTRA_USAGE */
function readCommand(line: string): readonly [string, ...string[]] {
  if (/["'\\$`|&;<>\0]/.test(line))
    throw new OkstraError("OKSTRA_USAGE", {
      message: "--notify-command is split at spaces and nothing else; no shell reads it.",
      hint: "Put what is to be done into a file that can be executed, and name that.",
    });
  const [program, ...args] = line.split(/\s+/).filter((word) => word !== "");
  if (program === undefined) throw new OkstraError("OKSTRA_USAGE", { message: "--notify-command is empty." });
  return [program, ...args];
}

/** How this command tells a person. What goes wrong with it is a warning, and the first is said at once: no such program. */
export async function openNotices(context: CliContext, app: App, ways: NotifyWays): Promise<Delivery> {
  const { command, ...others } = ways;
  const own = command === null ? null : await findCommand(app, command);
  return openDelivery(app, { ...others, command: own }, () => context.ui.bell(), context.interrupted);
}

async function findCommand(app: App, [name, ...args]: readonly [string, ...string[]]): Promise<readonly [string, ...string[]] | null> {
  const { cwd, env } = app.surroundings;
  const path = name.includes("/") ? resolve(cwd, name) : name;
  const found = await app.processes.findProgram(path, env["PATH"] ?? "/usr/bin:/bin");
  if (found !== null) return [found, ...args];
  app.emit({
    type: "notify-failed",
    level: "warning",
    text: `notify command ${name}: there is no such program, so it tells nobody`,
    data: { way: `notify command ${name}`, reason: "there is no such program" },
  });
  return null;
}

/** Does something with runs in it; with ways to tell, a person is told of them. The answer is printed before that is waited for. */
export async function withNotices<T>(context: CliContext, app: App, ways: NotifyWays | null, lead: (app: App) => Promise<T>): Promise<T> {
  if (ways === null) return lead(app);
  const delivery = await openNotices(context, app, ways);
  const runs = tellOfRuns(app, (notice) => delivery.tell(notice));
  try {
    return await lead(runs.app);
  } finally {
    await runs.finish();
    await delivery.finish();
  }
}
