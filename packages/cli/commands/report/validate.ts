import { validateTarget } from "@okstra/app/validate/validate-target";
import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";
import { EXIT_CODES } from "../../exit-codes.ts";
import { resolveDirectory } from "../../directory.ts";

export async function run(context: CliContext, flags: { readonly projectRoot?: string }, target: string): Promise<number> {
  const app = await context.openApp();
  const answer = await validateTarget(app, target, resolveDirectory(app, flags.projectRoot));
  const lines = answer.runs.flatMap((each) =>
    each.ok ? [`valid    ${each.runDir}`] : [`BROKEN   ${each.runDir}`, ...each.broken.map((rule) => `  ${rule.code}  ${rule.message}`)],
  );
  const failure = answer.ok
    ? {}
    : {
        error: new OkstraError("OKSTRA_VALIDATION_FAILED", {
          message: `${answer.broken.length} broken rule${answer.broken.length === 1 ? "" : "s"}.`,
          details: { broken: answer.broken },
        }).toDocument(),
      };
  context.ui.answer({ ...answer, ...failure }, lines.join("\n"));
  return answer.ok ? 0 : EXIT_CODES.external;
}
