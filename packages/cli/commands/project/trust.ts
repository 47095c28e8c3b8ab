import { trustProject } from "@okstra/app/project/trust";
import type { TrustItem } from "@okstra/core/git-port";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

const MAX_LINES = 40;

export async function run(
  context: CliContext,
  flags: { readonly list: boolean; readonly projectRoot?: string },
  task: string | undefined,
): Promise<void> {
  const app = await context.openApp();
  const answer = await trustProject(app, { dir: resolveDirectory(app, flags.projectRoot), task: task ?? null, list: flags.list });
  const refused = answer.items.filter((item) => item.refusal !== undefined);
  const lines = flags.list
    ? answer.items.map((item) => `${item.trusted ? "approved    " : "not approved"}  ${item.what}`)
    : [
        ...(answer.approved.length > 0 ? ["approved, as it is now:", ...describe(answer.approved)] : []),
        ...(refused.length > 0 ? ["not approved:", ...describe(refused)] : []),
      ];
  const shown =
    lines.length > MAX_LINES ? [...lines.slice(0, MAX_LINES), `… and ${lines.length - MAX_LINES} more (--json has all)`] : lines;
  context.ui.answer(answer, shown.length === 0 ? "nothing to approve" : shown.join("\n"));
}

function describe(items: readonly TrustItem[]): string[] {
  return items.map((item) => `  ${item.what}`);
}
