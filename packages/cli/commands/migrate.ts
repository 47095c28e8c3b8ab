import { defineCommand, jsonFlag, projectRootFlag } from "../command.ts";

export const migrateCommands = {
  migrate: defineCommand({
    load: async () => (await import("./migrate/migrate.ts")).run,
    parameters: {
      flags: {
        from: {
          kind: "parsed",
          parse: String,
          brief: "Home of the older okstra (default: OKSTRA_HOME, else ~/.okstra)",
          placeholder: "DIR",
          optional: true,
        },
        dryRun: { kind: "boolean", brief: "Only say what would be done", default: false, withNegated: false },
        ...projectRootFlag,
        ...jsonFlag,
      },
    },
    brief: "Take over the tasks and runs of the Python okstra",
    fullDescription:
      "Take over the tasks and runs of the Python okstra: the rows of its registry, and what its records in the projects tell of. It only adds; the older files stay as they are. Runs of then are listed as files of then: they pass no gate and prove no verdict here. End the older okstra first, for the two share no lock.",
  }),
};
