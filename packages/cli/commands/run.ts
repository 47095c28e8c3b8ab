import { defineCommand, jsonFlag, projectRootFlag, taskParameter, taskTypeFlag } from "../command.ts";
import { notifyFlags } from "./notify-flags.ts";

const eventsFlag = {
  events: { kind: "enum", values: ["ndjson"], brief: "Write each event as a line of JSON to stderr", optional: true },
} as const;
const settingsFlags = {
  workers: {
    kind: "parsed",
    parse: String,
    brief: "Workers, separated by commas (default: the project's, else checks)",
    placeholder: "A,B",
    optional: true,
  },
  deadline: { kind: "parsed", parse: String, brief: "Wall time of each worker: 90s, 10m, 1h", placeholder: "D", optional: true },
  lang: { kind: "enum", values: ["en", "ko"], brief: "Language of the report", optional: true },
  sandbox: {
    kind: "enum",
    values: ["auto", "require", "off"],
    brief: "Sandbox of the workers (not set: auto for agents, off for command workers)",
    optional: true,
  },
  maxCost: { kind: "parsed", parse: String, brief: "What the whole run may cost: 2.50", placeholder: "AMOUNT", optional: true },
  maxTokens: { kind: "parsed", parse: String, brief: "Tokens that the whole run may use: 200k, 1.5M", placeholder: "N", optional: true },
} as const;
const oneTask = { kind: "tuple", parameters: [taskParameter] } as const;

export const runCommands = {
  run: defineCommand({
    load: async () => (await import("./run/run.ts")).run,
    parameters: {
      positional: oneTask,
      flags: {
        taskType: { kind: "parsed", parse: String, brief: "Phase, for example error-analysis", placeholder: "TYPE" },
        category: {
          kind: "parsed",
          parse: String,
          brief: "bugfix, feature, refactor, ops or improvement",
          placeholder: "CATEGORY",
          optional: true,
        },
        brief: {
          kind: "parsed",
          parse: String,
          brief: "File with what is asked, or - for standard input",
          placeholder: "FILE",
          optional: true,
        },
        baseRef: {
          kind: "parsed",
          parse: String,
          brief: "Commit, branch or tag that a new worktree starts from",
          placeholder: "REF",
          optional: true,
        },
        executor: {
          kind: "parsed",
          parse: String,
          brief: "Worker that edits in an implementation (default: the configured one, else the first that is no checks worker)",
          placeholder: "NAME",
          optional: true,
        },
        here: {
          kind: "boolean",
          brief: "Let an executor edit in the linked worktree that this is called from",
          default: false,
          withNegated: false,
        },
        prepareOnly: {
          kind: "boolean",
          brief: "Write run.json, prompts/ and launch.md, and start nothing",
          default: false,
          withNegated: false,
        },
        lead: {
          kind: "enum",
          values: ["code", "agent"],
          brief: "Who leads (default: code, okstra itself); agent: prepare the run and say what is due, for okstra lead",
          optional: true,
        },
        chat: {
          kind: "parsed",
          parse: String,
          brief: "Workers that the leading agent performs itself, with the family of their model: mine=anthropic",
          placeholder: "NAME[=FAMILY],…",
          optional: true,
        },
        interactive: {
          kind: "boolean",
          brief: "Start an agent on this terminal, in the worktree, to lead the run",
          default: false,
          withNegated: false,
        },
        agent: {
          kind: "parsed",
          parse: String,
          brief: "The agent of --interactive: claude (default), codex, gemini, or a configured worker of such a kind",
          placeholder: "NAME",
          optional: true,
        },
        ...settingsFlags,
        ...notifyFlags,
        ...eventsFlag,
        ...projectRootFlag,
        ...jsonFlag,
      },
      aliases: { t: "taskType" },
    },
    brief: "Run one phase of a task",
  }),
  resume: defineCommand({
    load: async () => (await import("./run/resume.ts")).run,
    parameters: {
      positional: oneTask,
      flags: {
        withoutQuota: {
          kind: "boolean",
          brief: "Go on without the workers whose quota is used up",
          default: false,
          withNegated: false,
        },
        ...taskTypeFlag,
        ...notifyFlags,
        ...eventsFlag,
        ...projectRootFlag,
        ...jsonFlag,
      },
      aliases: { t: "taskType" },
    },
    brief: "Go on with a task's newest run, or with the session of the agent that leads it",
  }),
  cancel: defineCommand({
    load: async () => (await import("./run/cancel.ts")).run,
    parameters: { positional: oneTask, flags: { ...taskTypeFlag, ...projectRootFlag, ...jsonFlag }, aliases: { t: "taskType" } },
    brief: "Stop a task's newest run for good",
  }),
  verify: defineCommand({
    load: async () => (await import("./run/verify.ts")).run,
    parameters: {
      flags: {
        base: {
          kind: "parsed",
          parse: String,
          brief: "Only failures that this commit does not have block",
          placeholder: "REF",
          optional: true,
        },
        head: { kind: "parsed", parse: String, brief: "Commit to judge (default: HEAD)", placeholder: "REF", optional: true },
        strict: { kind: "boolean", brief: "Pass only on accepted, not on conditional-accept", default: false, withNegated: false },
        ...settingsFlags,
        ...eventsFlag,
        ...projectRootFlag,
        ...jsonFlag,
      },
    },
    brief: "Final verification of the branch you are on, without a task",
  }),
  override: defineCommand({
    load: async () => (await import("./run/override.ts")).run,
    parameters: {
      positional: { kind: "tuple", parameters: [taskParameter, { brief: "Phase, or phase.gate", placeholder: "phase", parse: String }] },
      flags: {
        reason: { kind: "parsed", parse: String, brief: "Why; the report keeps it", placeholder: "TEXT" },
        until: { kind: "parsed", parse: String, brief: "Date after which it no longer counts", placeholder: "DATE", optional: true },
        ...projectRootFlag,
        ...jsonFlag,
      },
    },
    brief: "Pass a gate that holds, by name and with a reason",
  }),
};
