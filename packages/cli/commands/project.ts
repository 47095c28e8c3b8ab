import { buildRouteMap } from "@stricli/core";
import { defineCommand, jsonFlag, projectRootFlag, taskParameter } from "../command.ts";

const keyParameter = { brief: "Dotted key, for example workers.review.family", placeholder: "key", parse: String } as const;
const showOriginFlag = {
  showOrigin: { kind: "boolean", brief: "Say where each value comes from", default: false, withNegated: false },
} as const;

const several = (brief: string, placeholder: string) =>
  ({ kind: "parsed", parse: String, brief, placeholder, optional: true, variadic: true }) as const;

export const projectCommands = {
  setup: defineCommand({
    load: async () => (await import("./project/setup.ts")).run,
    parameters: {
      flags: {
        projectId: {
          kind: "parsed",
          parse: String,
          brief: "Id of the project (default: the directory's name)",
          placeholder: "ID",
          optional: true,
        },
        lang: { kind: "enum", values: ["en", "ko"], brief: "Language of reports", optional: true },
        qa: several("Check of the project, in place of those that are found; may be said again", "NAME=COMMAND"),
        tryQa: {
          kind: "boolean",
          brief: "Run each check once, here, and say how it ended; one that fails is kept",
          default: false,
          withNegated: false,
        },
        sync: several("Directory of the main worktree to link into new ones, beside those that are; may be said again", "DIR"),
        copy: several("Ignored files to copy into new worktrees: a line of .worktreeinclude; may be said again", "PATTERN"),
        workers: {
          kind: "parsed",
          parse: String,
          brief: "Workers of every phase, beside the project's own checks; separated by commas",
          placeholder: "A,B",
          optional: true,
        },
        dryRun: { kind: "boolean", brief: "Say what would be written, and write nothing", default: false, withNegated: false },
        yes: {
          kind: "boolean",
          brief: "Ask nothing; replace a project.json that cannot be read (it is kept beside)",
          default: false,
          withNegated: false,
        },
        ...projectRootFlag,
        ...jsonFlag,
      },
    },
    brief: "Set up this repository as a project; at a terminal, by questions",
  }),
  checkProject: defineCommand({
    load: async () => (await import("./project/check-project.ts")).run,
    parameters: { flags: { ...projectRootFlag, ...jsonFlag } },
    brief: "Say whether this repository is set up",
  }),
  trust: defineCommand({
    load: async () => (await import("./project/trust.ts")).run,
    parameters: {
      positional: { kind: "tuple", parameters: [{ ...taskParameter, optional: true }] },
      flags: {
        list: { kind: "boolean", brief: "Only show them", default: false, withNegated: false },
        ...projectRootFlag,
        ...jsonFlag,
      },
    },
    brief: "Approve the filters, hooks and agents' settings that the repository, or a task's worktree, supplies as they are now",
  }),
  paths: defineCommand({
    load: async () => (await import("./project/paths.ts")).run,
    parameters: { flags: { shell: { kind: "boolean", brief: "Quoted lines for eval", default: false, withNegated: false }, ...jsonFlag } },
    brief: "Print where okstra keeps its things",
  }),
  config: buildRouteMap({
    routes: {
      get: defineCommand({
        load: async () => (await import("./project/config.ts")).runGet,
        parameters: {
          positional: { kind: "tuple", parameters: [keyParameter] },
          flags: { ...showOriginFlag, ...projectRootFlag, ...jsonFlag },
        },
        brief: "Print one setting",
      }),
      set: defineCommand({
        load: async () => (await import("./project/config.ts")).runSet,
        parameters: {
          positional: { kind: "tuple", parameters: [keyParameter, { brief: "Text, or JSON", placeholder: "value", parse: String }] },
          flags: {
            home: {
              kind: "boolean",
              brief: "For every project of this person (OKSTRA_HOME/config.json)",
              default: false,
              withNegated: false,
            },
            ...projectRootFlag,
            ...jsonFlag,
          },
        },
        brief: "Set one setting",
      }),
      list: defineCommand({
        load: async () => (await import("./project/config.ts")).runList,
        parameters: { flags: { ...showOriginFlag, ...projectRootFlag, ...jsonFlag } },
        brief: "Print every setting",
      }),
    },
    docs: { brief: "Settings of the project and of the person" },
  }),
};
