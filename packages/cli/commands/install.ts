import { defineCommand, jsonFlag, projectRootFlag } from "../command.ts";

const dryRunFlag = {
  dryRun: { kind: "boolean", brief: "Only say what would be done", default: false, withNegated: false },
} as const;
const scopeFlags = (verb: string) =>
  ({
    user: { kind: "boolean", brief: `${verb} your home, for all projects`, default: false, withNegated: false },
    project: { kind: "boolean", brief: `${verb} this project's main worktree`, default: false, withNegated: false },
  }) as const;

export const installCommands = {
  install: defineCommand({
    load: async () => (await import("./install/install.ts")).runInstall,
    parameters: {
      flags: {
        agents: {
          kind: "parsed",
          parse: String,
          brief: "claude, codex, gemini, cursor, opencode (default: those that are seen here)",
          placeholder: "A,B",
          optional: true,
        },
        ...scopeFlags("Into"),
        ...dryRunFlag,
        ...projectRootFlag,
        ...jsonFlag,
      },
    },
    brief: "Lay okstra's skills where your agents read them; a file that you changed is kept",
  }),
  ensureInstalled: defineCommand({
    load: async () => (await import("./install/install.ts")).runEnsure,
    parameters: { flags: { ...jsonFlag } },
    brief: "Say nothing when all skills are in place, and put them there when they are not",
  }),
  upgrade: defineCommand({
    load: async () => (await import("./install/install.ts")).runUpgrade,
    parameters: { flags: { ...dryRunFlag, ...jsonFlag } },
    brief: "Bring the installed skills to this version",
  }),
  uninstall: defineCommand({
    load: async () => (await import("./install/install.ts")).runUninstall,
    parameters: { flags: { ...scopeFlags("Only from"), ...dryRunFlag, ...projectRootFlag, ...jsonFlag } },
    brief: "Remove the installed skills; what you changed stays, and so do tasks and worktrees",
  }),
};
