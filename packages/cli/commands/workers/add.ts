import { listKnownWorkers } from "@okstra/app/workers/known-workers";
import { addWorker } from "@okstra/app/workers/add-worker";
import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

interface Flags {
  readonly kind?: string;
  readonly preset?: string;
  readonly command?: string;
  readonly model?: string;
  readonly family?: string;
  readonly home: boolean;
  readonly replace: boolean;
  readonly projectRoot?: string;
}

export async function run(context: CliContext, flags: Flags, ...words: string[]): Promise<void> {
  const [name = "", ...argv] = words;
  const app = await context.openApp();
  // `okstra workers add claude` is enough for an agent that is known by that name.
  const known = listKnownWorkers({}, {}).get(name)?.config;
  const kind = flags.kind ?? known?.kind;
  if (kind === undefined)
    throw new OkstraError("OKSTRA_USAGE", { message: `What is ${name}? Say --kind command, acp, claude, codex or gemini.` });
  const preset = flags.preset ?? (flags.kind === undefined && kind === "acp" ? known?.preset : undefined);
  const answer = await addWorker(app, {
    dir: resolveDirectory(app, flags.projectRoot),
    name,
    kind,
    preset: preset ?? null,
    command: readCommand(flags.command, argv),
    model: flags.model ?? null,
    family: flags.family ?? null,
    where: flags.home ? "home" : "project",
    replace: flags.replace,
  });
  const missing = answer.program !== null || answer.worker.kind === "checks" ? [] : [answer.install ?? "its program is not there yet"];
  context.ui.answer(
    answer,
    [
      `${name} = ${JSON.stringify(answer.worker)}  (${answer.path})`,
      ...missing.map((cure) => `not on PATH yet: ${cure}`),
      `try it: okstra workers test ${name}`,
    ].join("\n"),
  );
}

/** @throws OKSTRA_USAGE */
function readCommand(line: string | undefined, argv: readonly string[]): readonly string[] | null {
  if (line === undefined) return argv.length === 0 ? null : argv;
  if (argv.length > 0) throw new OkstraError("OKSTRA_USAGE", { message: "--command and -- CMD exclude each other." });
  if (/["'\\$`]/.test(line))
    throw new OkstraError("OKSTRA_USAGE", {
      message: "--command is split at spaces and nothing else.",
      hint: "Give the words by themselves: okstra workers add NAME --kind KIND -- PROGRAM ARGS",
    });
  return line.split(/\s+/).filter((word) => word !== "");
}
