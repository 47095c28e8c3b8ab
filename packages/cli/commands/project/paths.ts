import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";

export async function run(context: CliContext, flags: { readonly shell: boolean; readonly json: boolean }): Promise<void> {
  const { surroundings } = await context.openApp();
  const paths = {
    OKSTRA_HOME: surroundings.home,
    OKSTRA_RUNTIME: surroundings.runtime,
    OKSTRA_VERSION: surroundings.version,
    OKSTRA_PYTHONPATH: surroundings.env["PYTHONPATH"] ?? "",
  };
  if (flags.shell && flags.json) throw new OkstraError("OKSTRA_USAGE", { message: "--shell and --json exclude each other." });
  const shell = Object.entries(paths)
    .map(([name, value]) => `${name}=${quote(value)}`)
    .join("\n");
  const document = {
    home: paths.OKSTRA_HOME,
    runtime: paths.OKSTRA_RUNTIME,
    version: paths.OKSTRA_VERSION,
    pythonpath: paths.OKSTRA_PYTHONPATH,
  };
  if (flags.shell) context.ui.raw(shell);
  else context.ui.answer(document, shell);
}

/** One word for any POSIX shell. */
function quote(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}
