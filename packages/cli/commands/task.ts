import { buildRouteMap } from "@stricli/core";
import { defineCommand, jsonFlag, projectRootFlag, taskParameter } from "../command.ts";
import { notifyFlags } from "./notify-flags.ts";

const oneTask = { kind: "tuple", parameters: [taskParameter] } as const;
const ownFlags = { ...projectRootFlag, ...jsonFlag } as const;
const text = (brief: string, placeholder: string) => ({ kind: "parsed", parse: String, brief, placeholder, optional: true }) as const;
const briefFlag = { brief: text("File with what is asked, or - for standard input", "FILE") } as const;
const categoryFlag = { category: text("bugfix, feature, refactor, ops or improvement", "CATEGORY") } as const;
const runFlag = { run: text("Planning run that is meant (default: the newest; no other can be)", "N") } as const;

const taskRoutes = buildRouteMap({
  routes: {
    new: defineCommand({
      load: async () => (await import("./task/new.ts")).run,
      parameters: {
        positional: oneTask,
        flags: {
          ...briefFlag,
          ...categoryFlag,
          from: text("Finding of another task that this one takes up: <group>/<task>#C3 or #F2", "FINDING"),
          ...ownFlags,
        },
      },
      brief: "Make a task, from a brief or from a finding of another one",
    }),
    list: defineCommand({
      load: async () => (await import("./task/list.ts")).run,
      parameters: { flags: { ...ownFlags } },
      brief: "Tasks of the project, with what is due",
    }),
    show: defineCommand({
      load: async () => (await import("./task/show.ts")).run,
      parameters: { positional: oneTask, flags: { ...ownFlags } },
      brief: "A task's cycles, runs, gates, questions, plan and open findings",
    }),
    link: defineCommand({
      load: async () => (await import("./task/link.ts")).run,
      parameters: {
        positional: oneTask,
        flags: {
          after: { ...text("Task that comes before this one; may be said again", "group/task"), variadic: true },
          blocks: { ...text("Task that comes after this one; may be said again", "group/task"), variadic: true },
          unlink: { kind: "boolean", brief: "Take these relations away", default: false, withNegated: false },
          priority: text("The larger goes first in a schedule (0 when nobody said)", "N"),
          ...ownFlags,
        },
      },
      brief: "Say which tasks come before or after a task; without a flag: show it",
    }),
    done: defineCommand({
      load: async () => (await import("./task/done.ts")).run,
      parameters: {
        positional: oneTask,
        flags: {
          base: text("Branch that has the work (default: the one of the newest hand-off)", "BRANCH"),
          remote: text("Remote that is asked (default: the one of the hand-off, origin, or the only one)", "NAME"),
          deadline: text("Wall time of each call of the remote or the forge: 30s, 2m (default 2m)", "D"),
          remove: { kind: "boolean", brief: "Remove its worktree and branch too; kept for restore", default: false, withNegated: false },
          ...ownFlags,
        },
      },
      brief: "End a task whose work is in the base branch, as the remote shows: merged, squashed or rebased",
    }),
  },
  docs: { brief: "Make tasks and look at them" },
});

export const taskCommands = {
  next: defineCommand({
    load: async () => (await import("./task/next.ts")).run,
    parameters: { positional: oneTask, flags: { ...ownFlags } },
    brief: "Which phase of a task is due, or what holds it",
  }),
  go: defineCommand({
    load: async () => (await import("./task/go.ts")).run,
    parameters: {
      positional: oneTask,
      flags: {
        ...briefFlag,
        until: text("Last phase that is run", "PHASE"),
        workers: text("Workers of every run, separated by commas (default: the project's)", "A,B"),
        executor: text("Worker that edits (default: the configured one)", "NAME"),
        deadline: text("Wall time of each worker: 90s, 10m, 1h", "D"),
        lang: { kind: "enum", values: ["en", "ko"], brief: "Language of the reports", optional: true },
        sandbox: { kind: "enum", values: ["auto", "require", "off"], brief: "Sandbox of the workers", optional: true },
        maxCost: text("What each run may cost: 2.50", "AMOUNT"),
        maxTokens: text("Tokens that each run may use: 200k, 1.5M", "N"),
        ...categoryFlag,
        ...notifyFlags,
        events: { kind: "enum", values: ["ndjson"], brief: "Write each event as a line of JSON to stderr", optional: true },
        ...ownFlags,
      },
    },
    brief: "Run phase after phase until the work is verified or a gate needs a person",
  }),
  approve: defineCommand({
    load: async () => (await import("./task/approve.ts")).run,
    parameters: { positional: oneTask, flags: { ...runFlag, ...ownFlags } },
    brief: "Approve a task's newest plan, and this plan only",
  }),
  reject: defineCommand({
    load: async () => (await import("./task/reject.ts")).run,
    parameters: {
      positional: oneTask,
      flags: {
        reason: { kind: "parsed", parse: String, brief: "Why; the next plan is made with it", placeholder: "TEXT" },
        ...runFlag,
        ...ownFlags,
      },
    },
    brief: "Reject a task's newest plan",
  }),
  answer: defineCommand({
    load: async () => (await import("./task/answer.ts")).run,
    parameters: {
      positional: {
        kind: "array",
        parameter: { brief: "Task as <group>/<task>, then answers as ID=TEXT", placeholder: "group/task [ID=TEXT]", parse: String },
        minimum: 1,
      },
      flags: { file: text("File with answers: a JSON object, or lines ID=TEXT", "FILE"), ...ownFlags },
    },
    brief: "Answer a task's questions; without an answer: list them",
  }),
  task: taskRoutes,
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
