import { buildRouteMap } from "@stricli/core";
import { defineCommand, jsonFlag, projectRootFlag } from "../command.ts";

const text = (brief: string, placeholder: string) => ({ kind: "parsed", parse: String, brief, placeholder, optional: true }) as const;
const ownFlags = { ...projectRootFlag, ...jsonFlag } as const;

export const workersRoutes = buildRouteMap({
  routes: {
    list: defineCommand({
      load: async () => (await import("./workers/list.ts")).run,
      parameters: { flags: { ...ownFlags } },
      brief: "Every worker: what is configured, what is on PATH, and how it would be started",
    }),
    add: defineCommand({
      load: async () => (await import("./workers/add.ts")).run,
      parameters: {
        positional: {
          kind: "array",
          parameter: {
            brief: "Name of the worker, then, where it needs one, -- and its command",
            placeholder: "NAME -- CMD",
            parse: String,
          },
          minimum: 1,
        },
        flags: {
          kind: text("command, acp, claude, codex or gemini (default: what an agent of that name is)", "KIND"),
          preset: text("For kind acp: a known agent, e.g. opencode", "AGENT"),
          command: text("Program and arguments in one word; without quotes in it", "LINE"),
          model: text("Model's id or alias", "MODEL"),
          family: text("Family, over what the model says", "FAMILY"),
          home: {
            kind: "boolean",
            brief: "For every project of this person (OKSTRA_HOME/config.json)",
            default: false,
            withNegated: false,
          },
          replace: { kind: "boolean", brief: "Replace a worker of that name", default: false, withNegated: false },
          ...ownFlags,
        },
      },
      brief: "Configure a worker: okstra workers add NAME --kind KIND [-- CMD …]",
    }),
    test: defineCommand({
      load: async () => (await import("./workers/test.ts")).run,
      parameters: {
        positional: {
          kind: "array",
          parameter: { brief: "Workers (default: the configured ones and the known agents on PATH)", placeholder: "NAME", parse: String },
        },
        flags: { ...ownFlags },
      },
      brief: "Try workers with a fake model on loopback and nothing of yours: no key, no settings",
    }),
  },
  docs: { brief: "Agents and other programs that do the work" },
});
