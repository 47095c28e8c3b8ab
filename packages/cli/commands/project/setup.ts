import { findSetup, type SetupFacts } from "@okstra/app/project/find-setup";
import { previewSetup, setUpProject, type SetupChoices } from "@okstra/app/project/setup";
import { tryCommands } from "@okstra/app/project/try-commands";
import { addCommands, parseNamedCommand } from "@okstra/core/domain/setup";
import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";
import { EXIT_GATE_HOLDS } from "../../exit-codes.ts";
import { describeSetup, documentOf } from "./show-setup.ts";

export interface SetupFlags {
  readonly projectId?: string;
  readonly lang?: "en" | "ko";
  readonly qa?: readonly string[];
  readonly tryQa: boolean;
  readonly sync?: readonly string[];
  readonly copy?: readonly string[];
  readonly workers?: string;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly projectRoot?: string;
}

export async function run(context: CliContext, flags: SetupFlags): Promise<number | void> {
  const app = await context.openApp();
  const dir = resolveDirectory(app, flags.projectRoot);
  const request = { dir, replaceBroken: flags.yes };
  const facts = await findSetup(app, dir, request);
  const choices = readChoices(facts, flags);
  // Whoever wants a document or a preview is no person who wants to be asked.
  const { terminal } = context.streams;
  if (terminal !== null && !flags.yes && !flags.dryRun && !context.ui.json) {
    const { askSetup } = await import("./ask-setup.ts");
    const asked = await askSetup(context, app, { io: { ...terminal, signal: context.interrupted }, facts, request, choices, flags });
    if (asked === null) {
      context.ui.answer({ state: "nothing-chosen" }, "nothing was chosen, and nothing was written");
      return EXIT_GATE_HOLDS;
    }
    const done = await setUpProject(app, { ...request, choices: asked.choices });
    context.ui.answer(
      documentOf(done, { tried: asked.tried, dryRun: false }),
      describeSetup(done, { tried: asked.tried, dryRun: false, told: true }),
    );
    return;
  }
  const plan = await previewSetup(app, { ...request, choices });
  const tried = flags.tryQa ? await tryCommands(app, plan.root, plan.qa, context.interrupted) : null;
  const done = flags.dryRun ? plan : await setUpProject(app, { ...request, choices });
  context.ui.answer(documentOf(done, { tried, dryRun: flags.dryRun }), describeSetup(done, { tried, dryRun: flags.dryRun, told: false }));
}

/** What the flags say, on top of what is there. @throws OKSTRA_USAGE */
function readChoices({ place, sync }: SetupFacts, flags: SetupFlags): SetupChoices {
  const workers = flags.workers
    ?.split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (workers?.length === 0)
    throw new OkstraError("OKSTRA_USAGE", {
      message: "--workers names nobody.",
      hint: "Name them, separated by commas: okstra setup --workers claude,codex. See: okstra workers list",
    });
  return {
    projectId: flags.projectId ?? null,
    lang: flags.lang ?? null,
    qaCommands: flags.qa === undefined ? null : addCommands(place.project.qaCommands ?? [], flags.qa.map(parseNamedCommand)),
    syncDirs: flags.sync === undefined ? null : [...new Set([...sync, ...flags.sync])],
    copy: flags.copy ?? [],
    workers: workers ?? null,
  };
}
