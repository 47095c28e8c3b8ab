import { defineCommand, jsonFlag } from "../command.ts";

export const completionCommands = {
  completion: defineCommand({
    load: async () => (await import("./completion/completion.ts")).run,
    parameters: {
      positional: {
        kind: "tuple",
        parameters: [{ brief: "The shell that you use", placeholder: "bash|zsh|fish|powershell", parse: String }],
      },
      flags: { ...jsonFlag },
    },
    brief: "Print a script that lets your shell complete okstra's commands",
    fullDescription:
      "Prints a script for the shell's start-up file. With it the Tab key completes commands, flags and their values, tasks of the project that you are in, phases, workers, projects and files. It asks okstra itself, so it knows every command of the okstra that is on PATH.",
  }),
};
