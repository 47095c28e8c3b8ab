import { fileURLToPath } from "node:url";
import type { App } from "@okstra/app/app";
import { createApp, type AppOptions } from "@okstra/cli/open-app";

/** The directory of the okstra under test: this tree. */
const RUNTIME = fileURLToPath(new URL("../..", import.meta.url)).replace(/[\\/]$/u, "");

/** The real parts, wired as the installed command wires them; `runtime`: another package's directory. */
export async function openApp(options: Omit<AppOptions, "runtime"> & { readonly runtime?: string | undefined }): Promise<App> {
  return createApp({ ...options, runtime: options.runtime ?? RUNTIME });
}
