import type { Readable, Writable } from "node:stream";
import { buildCommand, type Command } from "@stricli/core";
import type { App } from "@okstra/app/app";
import type { JournalOf, ProjectNames, RunJournals } from "@okstra/core/journal-port";
import type { Ui } from "./ui.ts";

/** What lists of runs are read from, without the rest of okstra. */
export interface Index {
  readonly journals: RunJournals;
  /** The project of a directory, by default the current one; null when it is of none. */
  findProject(directory: string | undefined): JournalOf | null;
  /** Of the project's own files, at once. */
  loadNames(of: JournalOf): ProjectNames;
}

/** What a command gets to work with besides its own parameters. */
export interface CliContext {
  readonly process: {
    readonly stdout: { write(text: string): void };
    readonly stderr: { write(text: string): void };
    exitCode?: number | string | null;
  };
  readonly openApp: () => Promise<App>;
  readonly openIndex: () => Promise<Index>;
  readonly ui: Ui;
  readonly streams: {
    readonly stdinIsTerminal: boolean;
    readStdin(maxBytes: number): Promise<string>;
    /** Where a person can be asked; null unless standard input and standard error are terminals. */
    readonly terminal: { readonly input: Readable; readonly output: Writable } | null;
  };
  /** Fires on the first interrupt; every loop ends by it. */
  readonly interrupted: AbortSignal;
}

/** What a command's function answers: its exit status (0 unless said). */
export type CommandFunction<FLAGS, ARGS extends readonly string[]> = (
  context: CliContext,
  flags: FLAGS,
  ...args: ARGS
) => Promise<number | void>;

/** Switches that every command with an answer has. They are read before the command is known, by the way in. */
export const jsonFlag = {
  json: { kind: "boolean", brief: "Print one JSON document on stdout", default: false, withNegated: false },
} as const;

export const projectRootFlag = {
  projectRoot: { kind: "parsed", parse: String, brief: "Directory of the project (default: here)", placeholder: "DIR", optional: true },
} as const;

export const taskTypeFlag = {
  taskType: { kind: "parsed", parse: String, brief: "Phase, for example final-verification", placeholder: "TYPE", optional: true },
} as const;

export const taskParameter = { brief: "Task as <group>/<task>", placeholder: "group/task", parse: String } as const;

/** A command whose function is loaded only when it is called; its result becomes the exit status. */
export function defineCommand<FLAGS extends object, ARGS extends readonly string[]>(declaration: {
  load: () => Promise<CommandFunction<FLAGS, ARGS>>;
  parameters: unknown;
  brief: string;
  fullDescription?: string;
}): Command<CliContext> {
  return buildCommand<FLAGS, ARGS, CliContext>({
    loader: async () => {
      const run = await declaration.load();
      return async function (this: CliContext, flags: FLAGS, ...args: ARGS) {
        const status = await run(this, flags, ...args);
        this.process.exitCode = status ?? 0;
      };
    },
    // The declaration is checked by its own shape at the call; stricli's conditional types cannot be named generically.
    parameters: declaration.parameters as never,
    docs: {
      brief: declaration.brief,
      ...(declaration.fullDescription === undefined ? {} : { fullDescription: declaration.fullDescription }),
    },
  });
}
