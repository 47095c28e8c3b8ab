import { defineCommand, jsonFlag, projectRootFlag } from "../command.ts";

export const convergeCommands = {
  converge: defineCommand({
    load: async () => (await import("./converge/converge.ts")).run,
    parameters: {
      positional: { kind: "array", parameter: { brief: "A further file", placeholder: "file", parse: String } },
      flags: {
        results: {
          kind: "parsed",
          parse: String,
          variadic: true,
          optional: true,
          brief: "A reviewer's file: a worker's result or a SARIF 2.1.0 log; more may follow",
          placeholder: "FILE",
        },
        run: {
          kind: "parsed",
          parse: String,
          optional: true,
          brief: "A run's directory, or a task: its newest run is converged again from what its workers left",
          placeholder: "group/task",
        },
        ...projectRootFlag,
        ...jsonFlag,
      },
    },
    brief: "Group what several reviewers found by defect, and say how far they agree",
    fullDescription:
      "Each file is one reviewer; reviewers of one tool are one voice. Prints clusters of findings with their class: nothing is dropped and nothing is written. No model is asked. Quotes are looked up only for a run of okstra.",
  }),
};
