import { buildRouteMap } from "@stricli/core";
import { defineCommand, jsonFlag, projectRootFlag } from "../command.ts";
import { run as runHistory } from "./history/history.ts";

const text = (brief: string, placeholder: string) => ({ kind: "parsed", parse: String, brief, placeholder, optional: true }) as const;
const allFlag = { kind: "boolean", brief: "Every project of this machine", default: false, withNegated: false } as const;

export const historyCommands = {
  history: defineCommand({
    // So little that a file of its own would take longer to load.
    load: async () => runHistory,
    parameters: {
      flags: {
        project: text("Project id (default: the one of this directory)", "ID"),
        all: allFlag,
        group: text("Only tasks of this group", "GROUP"),
        task: text("Only this task", "group/task"),
        phase: text("Only runs of this phase", "TYPE"),
        state: text("Only runs in this state or with this verdict", "STATE"),
        since: text("Only runs made since: 2026-01-31, RFC 3339, or 7d, 12h ago", "T"),
        until: text("Only runs made until", "T"),
        limit: text("How many at most (default 20)", "N"),
        ...projectRootFlag,
        ...jsonFlag,
      },
    },
    brief: "Runs of tasks, the newest first",
  }),
  index: buildRouteMap({
    routes: {
      rebuild: defineCommand({
        load: async () => (await import("./index/rebuild.ts")).run,
        parameters: {
          flags: { project: text("Project id (default: the one of this directory)", "ID"), all: allFlag, ...projectRootFlag, ...jsonFlag },
        },
        brief: "Make the lists of runs anew from the projects' files",
      }),
    },
    docs: { brief: "What lists of runs are read from" },
  }),
};
