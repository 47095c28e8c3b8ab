import { resolve } from "node:path";
import type { App } from "@okstra/app/app";
import { MAX_BRIEF_BYTES } from "@okstra/app/task/brief";
import { parseDuration, type SettingsFlags } from "@okstra/app/run/settings";
import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";

export interface SettingsFlagValues {
  readonly workers?: string;
  readonly executor?: string;
  readonly deadline?: string;
  readonly lang?: "en" | "ko";
}

/** @throws OKSTRA_USAGE */
export function readSettingsFlags(flags: SettingsFlagValues): SettingsFlags {
  return {
    workers:
      flags.workers === undefined
        ? null
        : flags.workers
            .split(",")
            .map((name) => name.trim())
            .filter((name) => name !== ""),
    executor: flags.executor ?? null,
    deadlineMs: flags.deadline === undefined ? null : parseDuration(flags.deadline),
    lang: flags.lang ?? null,
  };
}

/** Text of `--brief FILE` or, for `-`, of standard input. @throws OKSTRA_PREPARE_BRIEF_* */
export async function readBrief(context: CliContext, app: App, source: string): Promise<string> {
  if (source === "-") return context.streams.readStdin(MAX_BRIEF_BYTES);
  const path = resolve(app.surroundings.cwd, source);
  let text: string | null;
  try {
    text = await app.store.readText(path, { maxBytes: MAX_BRIEF_BYTES });
  } catch (cause) {
    const size = cause instanceof OkstraError ? cause.details["size"] : undefined;
    if (typeof size === "number")
      throw new OkstraError("OKSTRA_PREPARE_BRIEF_TOO_LARGE", {
        message: `The brief ${path} has ${size} bytes; at most ${MAX_BRIEF_BYTES} are taken.`,
        details: { path, size, limit: MAX_BRIEF_BYTES },
      });
    throw new OkstraError("OKSTRA_PREPARE_BRIEF_UNREADABLE", { message: `The brief ${path} cannot be read.`, details: { path }, cause });
  }
  if (text === null)
    throw new OkstraError("OKSTRA_PREPARE_BRIEF_UNREADABLE", { message: `The brief ${path} does not exist.`, details: { path } });
  return text;
}
