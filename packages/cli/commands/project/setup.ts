import { setUpProject } from "@okstra/app/project/setup";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

export async function run(
  context: CliContext,
  flags: { readonly projectId?: string; readonly yes: boolean; readonly projectRoot?: string },
): Promise<void> {
  const app = await context.openApp();
  const answer = await setUpProject(app, {
    dir: resolveDirectory(app, flags.projectRoot),
    projectId: flags.projectId ?? null,
    replaceBroken: flags.yes,
  });
  const untrusted = answer.trust.filter((item) => !item.trusted);
  context.ui.answer(
    answer,
    [
      `${answer.created ? "set up" : "already set up"}: ${answer.projectId} (${answer.path})`,
      ...(untrusted.length > 0
        ? [
            "The repository supplies what nobody approved yet; it does not run until: okstra trust",
            ...untrusted.slice(0, 20).map((item) => `  ${item.what}`),
            ...(untrusted.length > 20 ? [`  … and ${untrusted.length - 20} more: okstra trust --list`] : []),
          ]
        : []),
    ].join("\n"),
  );
}
