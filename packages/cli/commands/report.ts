import { defineCommand, jsonFlag, projectRootFlag, taskParameter, taskTypeFlag } from "../command.ts";

export const reportCommands = {
  report: defineCommand({
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
  }),
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
