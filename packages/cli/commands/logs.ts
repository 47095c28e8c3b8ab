import { defineCommand, jsonFlag, projectRootFlag, taskParameter, taskTypeFlag } from "../command.ts";

export const logsCommands = {
  logs: defineCommand({
    load: async () => (await import("./logs/logs.ts")).run,
    parameters: {
      positional: { kind: "tuple", parameters: [taskParameter] },
      flags: {
        ...taskTypeFlag,
        run: { kind: "parsed", parse: String, brief: "Number of the run (default: the newest)", placeholder: "N", optional: true },
        worker: { kind: "parsed", parse: String, brief: "Only this worker's lanes", placeholder: "NAME", optional: true },
        follow: { kind: "boolean", brief: "Go on until the run ends", default: false, withNegated: false },
        ...projectRootFlag,
        ...jsonFlag,
      },
      aliases: { t: "taskType", f: "follow" },
    },
    brief: "What a run's workers did and said",
    fullDescription: "With --json one JSON document a line: lane, worker, at, kind, text, data.",
  }),
};
