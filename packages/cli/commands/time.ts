import { defineCommand, jsonFlag, projectRootFlag } from "../command.ts";

const text = (brief: string, placeholder: string) => ({ kind: "parsed", parse: String, brief, placeholder, optional: true }) as const;
const switchOf = (brief: string) => ({ kind: "boolean", brief, default: false, withNegated: false }) as const;

export const timeCommands = {
  time: defineCommand({
    load: async () => (await import("./time/time.ts")).run,
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
        phase: text("Only what is told under runs of this phase", "TYPE"),
        state: text("Only tasks that are in this state now: waiting, running, due …", "STATE"),
        since: text("Only time since: 2026-01-31, RFC 3339, or 7d, 12h ago", "T"),
        until: text("Only time until", "T"),
        by: {
          kind: "enum",
          values: ["task", "phase", "worker"],
          brief: "A row for each (default: each task, of one task each run)",
          optional: true,
        },
        bars: switchOf("Bars instead of figures"),
        ...projectRootFlag,
        ...jsonFlag,
      },
    },
    brief: "Where the time of tasks went, waiting for a person apart from working",
    fullDescription:
      "Working is from the start of a run to the end of its attempt; person is a held gate, a plan or questions that wait, a verified task that is not handed off, or a run that is prepared; quota and stopped are until a run goes on; idle is what is left. They sum up to the total.",
  }),
};
