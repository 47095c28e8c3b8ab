import { defineCommand, jsonFlag, projectRootFlag } from "../command.ts";

export const costCommands = {
  cost: defineCommand({
    load: async () => (await import("./cost/cost.ts")).run,
    parameters: {
      positional: {
        kind: "tuple",
        parameters: [
          { brief: "Task as <group>/<task> (default: all of the project)", placeholder: "group/task", parse: String, optional: true },
        ],
      },
      flags: {
        since: {
          kind: "parsed",
          parse: String,
          brief: "Only lanes that started after this: 2026-01-31, 7d, 12h",
          placeholder: "DATE",
          optional: true,
        },
        ...projectRootFlag,
        ...jsonFlag,
      },
    },
    brief: "Tokens and money that runs used, verification and report writing included",
  }),
};
