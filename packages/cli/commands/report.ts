import { buildRouteMap } from "@stricli/core";
import { defineCommand, jsonFlag, projectRootFlag, taskParameter, taskTypeFlag } from "../command.ts";

const text = (brief: string, placeholder: string) => ({ kind: "parsed", parse: String, brief, placeholder, optional: true }) as const;
const switchOf = (brief: string) => ({ kind: "boolean", brief, default: false, withNegated: false }) as const;

const showCommand = defineCommand({
  load: async () => (await import("./report/report.ts")).run,
  parameters: {
    positional: { kind: "tuple", parameters: [taskParameter] },
    flags: {
      ...taskTypeFlag,
      format: { kind: "enum", values: ["md", "html", "json", "sarif", "path"], brief: "Form of the report", default: "md" },
      lang: { kind: "enum", values: ["en", "ko"], brief: "Language of md and html (default: the report's own)", optional: true },
      ...projectRootFlag,
      ...jsonFlag,
    },
    aliases: { t: "taskType" },
  },
  brief: "Print a task's newest report",
});

const reportMap = buildRouteMap({
  routes: {
    // A task has a slash, so that no task is named like one of these.
    show: showCommand,
    find: defineCommand({
      load: async () => (await import("./report/find.ts")).run,
      parameters: {
        positional: {
          kind: "array",
          parameter: { brief: "Words that the report has to have, all of them", placeholder: "WORD", parse: String },
        },
        flags: {
          project: text("Project id (default: the one of this directory)", "ID"),
          all: switchOf("Every project of this machine"),
          group: text("Only tasks of this group", "GROUP"),
          phase: text("Only reports of this phase", "TYPE"),
          verdict: text("Only reports with this verdict", "VERDICT"),
          since: text("Only reports made since: 2026-01-31, RFC 3339, or 7d, 12h ago", "T"),
          until: text("Only reports made until", "T"),
          limit: text("How many at most (default 20)", "N"),
          ...projectRootFlag,
          ...jsonFlag,
        },
      },
      brief: "Find reports, the newest first",
      fullDescription:
        "Words are looked for in the task key, the brief, the claims and files of findings, and the verdict; letter case does not count.",
    }),
    open: defineCommand({
      load: async () => (await import("./report/open.ts")).run,
      parameters: {
        positional: { kind: "tuple", parameters: [taskParameter] },
        flags: {
          ...taskTypeFlag,
          run: text("Number of the run (default: the newest)", "N"),
          format: { kind: "enum", values: ["html", "md"], brief: "Form of the report", default: "html" },
          print: switchOf("Print the path and open nothing"),
          ...projectRootFlag,
          ...jsonFlag,
        },
        aliases: { t: "taskType" },
      },
      brief: "Open a report with the system's program for it, or print where it is",
      fullDescription: "Without a terminal, with --print and with --json nothing is opened.",
    }),
    diff: defineCommand({
      load: async () => (await import("./report/diff.ts")).run,
      parameters: {
        positional: { kind: "tuple", parameters: [taskParameter] },
        flags: {
          ...taskTypeFlag,
          from: text("Run that is compared: N, or TYPE:N (default: the one before)", "RUN"),
          to: text("Run that it is compared with: N, or TYPE:N (default: the newest)", "RUN"),
          ...projectRootFlag,
          ...jsonFlag,
        },
        aliases: { t: "taskType" },
      },
      brief: "Compare two reports of a task: findings new, gone and persistent",
    }),
  },
  defaultCommand: "show",
  docs: {
    brief: "Print a task's newest report; find, open and compare reports",
    fullDescription: "Print a task's newest report: okstra report <group>/<task>. Or find, open and compare reports.",
  },
});

/** Without what stricli tells wrongly about a default command: its other name, one level too high. */
const reportRoutes: typeof reportMap = {
  ...reportMap,
  getOtherAliasesForInput: (input, caseStyle) =>
    input === "" ? { original: [], "convert-camel-to-kebab": [] } : reportMap.getOtherAliasesForInput(input, caseStyle),
};

export const reportCommands = {
  report: reportRoutes,
  validate: defineCommand({
    load: async () => (await import("./report/validate.ts")).run,
    parameters: {
      positional: {
        kind: "tuple",
        parameters: [{ brief: "Task as <group>/<task>, or a run's directory", placeholder: "task|dir", parse: String }],
      },
      flags: { ...projectRootFlag, ...jsonFlag },
    },
    brief: "Check that a task's runs are what they claim to be",
  }),
  schema: defineCommand({
    load: async () => (await import("./report/schema.ts")).run,
    parameters: {
      positional: {
        kind: "tuple",
        parameters: [{ brief: "worker-result, report, run, project or event", placeholder: "name", parse: String }],
      },
      flags: { ...jsonFlag },
    },
    brief: "Print a published JSON Schema",
  }),
};
