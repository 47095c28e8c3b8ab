import { run, text_en, buildApplication, type ApplicationText } from "@stricli/core";
import type { App } from "@okstra/app/app";
import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "./command.ts";
import { EXIT_CODES } from "./exit-codes.ts";
import { routes } from "./routes.ts";
import { asOkstraError, createUi, type EventFormat, type Streams } from "./ui.ts";

export interface CliSurroundings {
  readonly streams: Streams;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly openApp: (emit: App["emit"]) => Promise<App>;
  readonly openIndex: CliContext["openIndex"];
  readonly stdinIsTerminal: boolean;
  /** Absent: nobody can be asked. */
  readonly terminal?: CliContext["streams"]["terminal"];
  readonly readStdin: (maxBytes: number) => Promise<string>;
  readonly interrupted: AbortSignal;
}

/** Runs one command line and answers its exit status. Never throws and never leaves a stack trace for bad input. */
export async function runCli(given: readonly string[], surroundings: CliSurroundings): Promise<number> {
  if (given[0] === "__complete") {
    const { answerCompletion } = await import("./completion/complete.ts");
    surroundings.streams.stdout.write(await answerCompletion(given.slice(1), { routes, openIndex: surroundings.openIndex }));
    return 0;
  }
  const argv = given[0] === "help" ? [...given.slice(1), "--help"] : given;
  const own = argv.includes("--") ? argv.slice(0, argv.indexOf("--")) : argv;
  const json = own.includes("--json");
  const ui = createUi(surroundings.streams, { json, events: readEvents(own, json), env: surroundings.env });
  let thrown: unknown = null;
  let usage = "";
  const text: ApplicationText = {
    ...text_en,
    exceptionWhileParsingArguments: (error) => ((usage = error instanceof Error ? error.message : String(error)), ""),
    noCommandRegisteredForInput: ({ input, corrections }) => (
      (usage = `No command "${input}".${corrections.length > 0 ? ` Did you mean ${corrections.join(", ")}?` : ""}`),
      ""
    ),
    exceptionWhileLoadingCommandFunction: (error) => ((thrown = error), ""),
    exceptionWhileLoadingCommandContext: (error) => ((thrown = error), ""),
    exceptionWhileRunningCommand: (error) => ((thrown = error), ""),
  };
  // Help is loaded when it is asked for, or where a command is missing.
  const helped = lacksCommand(own) || own.some((word) => /^(?:--help(?:-?[aA]ll)?|-[hH])$/.test(word));
  const root = helped ? (await import("./help/with-help.ts")).withHelp(routes) : routes;
  const application = buildApplication(root, {
    name: "okstra",
    scanner: { caseStyle: "allow-kebab-for-camel", allowArgumentEscapeSequence: true },
    documentation: { caseStyle: "convert-camel-to-kebab", disableAnsiColor: true },
    localization: { loadText: () => text },
  });
  // stricli writes help to stdout and its own complaints to stderr; complaints are told by us, in one shape.
  const stdout = { write: (part: string) => surroundings.streams.stdout.write(part) };
  const process = { stdout, stderr: { write: () => undefined }, env: {}, exitCode: null as number | string | null };
  let app: Promise<App> | null = null;
  const context: CliContext & { process: typeof process } = {
    process,
    ui,
    openApp: () => (app ??= surroundings.openApp((event) => ui.progress(event))),
    openIndex: surroundings.openIndex,
    streams: {
      stdinIsTerminal: surroundings.stdinIsTerminal,
      readStdin: surroundings.readStdin,
      terminal: surroundings.terminal ?? null,
    },
    interrupted: surroundings.interrupted,
  };
  await run(application, argv, context);
  if (thrown !== null) {
    const error = asOkstraError(thrown);
    ui.error(error);
    return EXIT_CODES[error.kind];
  }
  if (usage !== "" || (typeof process.exitCode === "number" && process.exitCode < 0)) {
    ui.error(new OkstraError("OKSTRA_USAGE", { message: usage === "" ? "The command line cannot be read." : usage }));
    return EXIT_CODES.usage;
  }
  return typeof process.exitCode === "number" ? process.exitCode : 0;
}

/** True when the words name only a group of commands, so that its help is what is answered. */
function lacksCommand(words: readonly string[]): boolean {
  let at: unknown = routes;
  for (const word of words) {
    at = (at as typeof routes).getRoutingTargetForInput(word);
    if (at === undefined || !("getAllEntries" in (at as object))) return false;
  }
  return true;
}

/** `--events ndjson`; under --json the narration is silent unless it is asked for. */
function readEvents(argv: readonly string[], json: boolean): EventFormat {
  const at = argv.indexOf("--events");
  const value = at >= 0 ? argv[at + 1] : argv.find((word) => word.startsWith("--events="))?.slice("--events=".length);
  if (value === "ndjson") return "ndjson";
  return json ? "none" : "text";
}
