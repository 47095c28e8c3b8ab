import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";
import { COMPLETION_SCRIPTS } from "../../completion/scripts.ts";

/** @throws OKSTRA_USAGE for a shell that is not known */
export async function run(context: CliContext, _flags: object, shell: string): Promise<void> {
  const script = Object.hasOwn(COMPLETION_SCRIPTS, shell) ? COMPLETION_SCRIPTS[shell as keyof typeof COMPLETION_SCRIPTS] : undefined;
  if (script === undefined)
    throw new OkstraError("OKSTRA_USAGE", {
      message: `There is no completion for "${shell.slice(0, 40)}"; there is for ${Object.keys(COMPLETION_SCRIPTS).join(", ")}.`,
    });
  context.ui.answer({ shell, script }, script);
}
