import { defineCommand, jsonFlag, projectRootFlag } from "../command.ts";
import { notifyFlags } from "./notify-flags.ts";

const switchOf = (brief: string) => ({ kind: "boolean", brief, default: false, withNegated: false }) as const;

export const watchCommands = {
  watch: defineCommand({
    load: async () => (await import("./watch/watch.ts")).run,
    parameters: {
      flags: {
        project: {
          kind: "parsed",
          parse: String,
          brief: "Project id (default: the one of this directory)",
          placeholder: "ID",
          optional: true,
        },
        all: switchOf("Every project of this machine"),
        once: switchOf("Say what waits now, and end"),
        untilIdle: switchOf("End when no run goes on any more"),
        ...notifyFlags,
        events: { kind: "enum", values: ["ndjson"], brief: "Write each notice as a line of JSON to stderr", optional: true },
        ...projectRootFlag,
        ...jsonFlag,
      },
    },
    brief: "Say what begins to wait for you, which runs end, and which budgets are near",
  }),
};
