import { getConfig, listConfig, setConfig, type ConfigEntry } from "@okstra/app/project/config";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

interface Flags {
  readonly showOrigin: boolean;
  readonly projectRoot?: string;
}

export async function runList(context: CliContext, flags: Flags): Promise<void> {
  const app = await context.openApp();
  const entries = await listConfig(app, resolveDirectory(app, flags.projectRoot));
  context.ui.answer({ entries }, entries.map((entry) => describe(entry, flags.showOrigin)).join("\n"));
}

export async function runGet(context: CliContext, flags: Flags, key: string): Promise<void> {
  const app = await context.openApp();
  const entry = await getConfig(app, resolveDirectory(app, flags.projectRoot), key);
  context.ui.answer(entry, flags.showOrigin ? describe(entry, true) : print(entry.value));
}

export async function runSet(
  context: CliContext,
  flags: { readonly home: boolean; readonly projectRoot?: string },
  key: string,
  value: string,
): Promise<void> {
  const app = await context.openApp();
  const entry = await setConfig(app, resolveDirectory(app, flags.projectRoot), key, value, flags.home ? "home" : "project");
  context.ui.answer(entry, `${key} = ${print(entry.value)}  (${entry.path})`);
}

function describe(entry: ConfigEntry, showOrigin: boolean): string {
  return `${entry.key} = ${print(entry.value)}${showOrigin ? `  (${entry.origin}: ${entry.path})` : ""}`;
}

function print(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
