import { resolve } from "node:path";
import type { App } from "@okstra/app/app";
import { MAX_BRIEF_BYTES } from "@okstra/app/task/brief";
import { parseDuration, type ChatWorker, type SettingsFlags } from "@okstra/app/run/settings";
import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";

export interface SettingsFlagValues {
  readonly workers?: string;
  readonly executor?: string;
  readonly deadline?: string;
  readonly lang?: "en" | "ko";
  readonly sandbox?: "auto" | "require" | "off";
  readonly maxCost?: string;
  readonly maxTokens?: string;
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
    sandbox: flags.sandbox ?? null,
    maxCost: flags.maxCost === undefined ? null : readMaxCost(flags.maxCost),
    maxTokens: flags.maxTokens === undefined ? null : readMaxTokens(flags.maxTokens),
  };
}

function readMaxCost(text: string): string {
  if (/^\d+(?:\.\d+)?(?: [A-Z]{3})?$/.test(text) && Number.parseFloat(text) > 0) return text;
  throw new OkstraError("OKSTRA_USAGE", { message: `"${text}" is no amount of money; say for example 2.50 or "2.50 USD".` });
}

function readMaxTokens(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([kM]?)$/.exec(text);
  const scale = match?.[2] === "k" ? 1000 : match?.[2] === "M" ? 1_000_000 : 1;
  const tokens = Math.round(Number(match?.[1]) * scale);
  if (Number.isSafeInteger(tokens) && tokens > 0) return tokens;
  throw new OkstraError("OKSTRA_USAGE", { message: `"${text}" is no number of tokens; say for example 200000, 200k or 1.5M.` });
}

export interface LeadFlagValues {
  readonly lead?: "code" | "agent";
  readonly chat?: string;
  readonly interactive: boolean;
  readonly agent?: string;
}

/** Who leads, and what it performs itself. @throws OKSTRA_USAGE */
export function readLeadFlags(flags: LeadFlagValues & { readonly prepareOnly: boolean }): Required<Pick<SettingsFlags, "lead" | "chat">> {
  const lead = flags.interactive ? "agent" : (flags.lead ?? "code");
  const wrong =
    flags.interactive && (flags.prepareOnly || flags.lead === "code")
      ? "--interactive lets an agent lead, which excludes --prepare-only and --lead code."
      : flags.agent !== undefined && !flags.interactive
        ? "--agent says which agent --interactive starts."
        : flags.chat !== undefined && lead !== "agent"
          ? "--chat names workers of an agent that leads; say --lead agent or --interactive."
          : null;
  if (wrong !== null) throw new OkstraError("OKSTRA_USAGE", { message: wrong });
  return { lead, chat: (flags.chat ?? "").split(",").flatMap(readChatWorker) };
}

function readChatWorker(text: string): readonly ChatWorker[] {
  const word = text.trim();
  if (word === "") return [];
  const match = /^([a-z0-9][a-z0-9_-]{0,63})(?:=([^\s=]{1,64}))?$/.exec(word);
  if (match?.[1] !== undefined) return [{ name: match[1], family: match[2] ?? null }];
  throw new OkstraError("OKSTRA_USAGE", { message: `"${word}" is no worker of --chat; say for example mine or mine=anthropic.` });
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
