import { defineCommand, jsonFlag, projectRootFlag } from "../command.ts";

const text = (brief: string, placeholder: string) => ({ kind: "parsed", parse: String, brief, placeholder, optional: true }) as const;

export const statusCommands = {
  status: defineCommand({
    load: async () => (await import("./status/status.ts")).run,
    parameters: {
      flags: {
        project: text("Project id (default: the one of this directory)", "ID"),
        all: { kind: "boolean", brief: "Every project of this machine", default: false, withNegated: false },
        group: text("Only tasks of this group", "GROUP"),
        phase: text("Only tasks at this phase", "TYPE"),
        state: text("waiting, running, paused, stopped, damaged, due, handed-off or done", "STATE"),
        since: text("Only tasks whose newest event is since: 2026-01-31, RFC 3339, or 7d, 12h ago", "T"),
        until: text("Only tasks whose newest event is before", "T"),
        ...projectRootFlag,
        ...jsonFlag,
      },
    },
    brief: "What waits for you, what runs, and the rest",
  }),
};
