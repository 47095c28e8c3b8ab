import { defineCommand, jsonFlag, projectRootFlag, taskParameter } from "../command.ts";

export const taskCommands = {
  path: defineCommand({
    load: async () => (await import("./task/path.ts")).run,
    parameters: { positional: { kind: "tuple", parameters: [taskParameter] }, flags: { ...projectRootFlag, ...jsonFlag } },
    brief: "Print the path of a task's worktree",
  }),
  exec: defineCommand({
    load: async () => (await import("./task/exec.ts")).run,
    parameters: {
      positional: {
        kind: "array",
        parameter: { brief: "Task as <group>/<task>, then -- and the command", placeholder: "group/task -- CMD", parse: String },
        minimum: 2,
      },
      flags: { ...projectRootFlag },
    },
    brief: "Run a command in a task's worktree and answer its exit status: okstra exec <group>/<task> -- CMD …",
  }),
};
