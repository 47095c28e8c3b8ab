import { buildRouteMap } from "@stricli/core";
import { defineCommand, jsonFlag, projectRootFlag, taskParameter, taskTypeFlag } from "../command.ts";

const oneTask = { positional: { kind: "tuple", parameters: [taskParameter] }, flags: { ...projectRootFlag, ...jsonFlag } };

export const worktreeRoutes = buildRouteMap({
  routes: {
    provision: defineCommand({
      load: async () => (await import("./worktree/provision.ts")).run,
      parameters: {
        positional: oneTask.positional,
        flags: {
          ...taskTypeFlag,
          category: {
            kind: "parsed",
            parse: String,
            brief: "bugfix, feature, refactor, ops or improvement",
            placeholder: "CATEGORY",
            optional: true,
          },
          baseRef: {
            kind: "parsed",
            parse: String,
            brief: "Commit, branch or tag to start from (default: HEAD of the main worktree)",
            placeholder: "REF",
            optional: true,
          },
          ...projectRootFlag,
          ...jsonFlag,
        },
        aliases: { t: "taskType" },
      },
      brief: "Give a task its worktree: make it or find it again",
    }),
    list: defineCommand({
      load: async () => (await import("./worktree/list.ts")).run,
      parameters: {
        flags: {
          all: { kind: "boolean", brief: "Tasks of every project on this machine", default: false, withNegated: false },
          ...projectRootFlag,
          ...jsonFlag,
        },
      },
      brief: "List the tasks of this project",
    }),
    show: defineCommand({ load: async () => (await import("./worktree/show.ts")).run, parameters: oneTask, brief: "Show one task" }),
    release: defineCommand({
      load: async () => (await import("./worktree/release.ts")).run,
      parameters: oneTask,
      brief: "Mark a task released; its directory and branch stay",
    }),
    remove: defineCommand({
      load: async () => (await import("./worktree/remove.ts")).run,
      parameters: {
        positional: oneTask.positional,
        flags: {
          yes: {
            kind: "boolean",
            brief: "Remove it although work would be lost; all of it is kept for restore first",
            default: false,
            withNegated: false,
          },
          yesLarge: {
            kind: "boolean",
            brief: "The same, though the ignored files to keep are over 100 MB",
            default: false,
            withNegated: false,
          },
          ...oneTask.flags,
        },
      },
      brief: "Remove a task's worktree and branch; refuses work that would be lost",
    }),
    restore: defineCommand({
      load: async () => (await import("./worktree/restore.ts")).run,
      parameters: oneTask,
      brief: "Bring a removed task back as it was",
    }),
    adopt: defineCommand({
      load: async () => (await import("./worktree/adopt.ts")).run,
      parameters: {
        positional: { kind: "tuple", parameters: [{ brief: "Existing local branch", placeholder: "branch", parse: String }] },
        flags: {
          task: {
            kind: "parsed",
            parse: String,
            brief: "Name of the task (default: adopted/<branch>)",
            placeholder: "group/task",
            optional: true,
          },
          ...oneTask.flags,
        },
      },
      brief: "Make an existing branch, or the worktree that has it, a task",
    }),
    update: defineCommand({
      load: async () => (await import("./worktree/update.ts")).run,
      parameters: {
        positional: oneTask.positional,
        flags: {
          onto: {
            kind: "parsed",
            parse: String,
            brief: "Commit, branch or tag to move to (default: the task's base as it is now)",
            placeholder: "REF",
            optional: true,
          },
          strategy: {
            kind: "enum",
            values: ["rebase", "merge"],
            brief: "Default: rebase, or merge when the branch is pushed or has merges",
            optional: true,
          },
          ...oneTask.flags,
        },
      },
      brief: "Move a task onto its base as it is now; conflicts are found before anything is touched",
    }),
    repair: defineCommand({
      load: async () => (await import("./worktree/repair.ts")).run,
      parameters: { flags: { ...projectRootFlag, ...jsonFlag } },
      brief: "Mend what crashes, moves and lost files left; never removes work",
    }),
  },
  docs: { brief: "Task worktrees" },
});
