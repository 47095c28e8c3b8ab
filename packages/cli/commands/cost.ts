import { defineCommand, jsonFlag, projectRootFlag } from "../command.ts";

const text = (brief: string, placeholder: string) => ({ kind: "parsed", parse: String, brief, placeholder, optional: true }) as const;
const switchOf = (brief: string) => ({ kind: "boolean", brief, default: false, withNegated: false }) as const;

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
        project: text("Project id (default: the one of this directory)", "ID"),
        all: switchOf("Every project of this machine"),
        group: text("Only tasks of this group", "GROUP"),
        phase: text("Only lanes of runs of this phase", "TYPE"),
        state: text("Only tasks that are in this state now: waiting, running, due …", "STATE"),
        since: text("Only lanes that started since: 2026-01-31, RFC 3339, or 7d, 12h ago", "T"),
        until: text("Only lanes that started before", "T"),
        by: {
          kind: "enum",
          values: ["task", "run", "phase", "worker", "model", "role", "day"],
          brief: "Only a row for each of these (default: runs, phases, workers, models and roles)",
          optional: true,
        },
        bars: switchOf("Bars instead of figures"),
        ...projectRootFlag,
        ...jsonFlag,
      },
    },
    brief: "Tokens and money that runs used, verification and report writing included",
  }),
};
