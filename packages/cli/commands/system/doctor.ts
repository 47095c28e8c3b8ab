import { diagnose } from "@okstra/app/doctor/diagnose";
import { neutralise } from "@okstra/core/report/neutral-text";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

export async function run(context: CliContext, flags: { readonly projectRoot?: string }): Promise<number> {
  const app = await context.openApp();
  const { checks, verdict } = await diagnose(app, resolveDirectory(app, flags.projectRoot));
  const lines = checks.flatMap(({ name, ok, message, fix }) => [
    `${ok ? "ok  " : "FAIL"} ${name.padEnd(16)} ${neutralise(message)}`,
    ...(ok ? [] : [`     mend it: ${neutralise(fix)}`]),
  ]);
  context.ui.answer({ checks, verdict }, [...lines, `verdict: ${verdict}`].join("\n"));
  return verdict === "ok" ? 0 : 1;
}
