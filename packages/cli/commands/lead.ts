import { buildRouteMap } from "@stricli/core";
import { defineCommand, jsonFlag, projectRootFlag, taskParameter, taskTypeFlag } from "../command.ts";

const laneParameter = { brief: "Lane, as okstra lead next names it", placeholder: "lane", parse: String } as const;
const oneTask = { kind: "tuple", parameters: [taskParameter] } as const;
const oneLane = { kind: "tuple", parameters: [taskParameter, laneParameter] } as const;
const ownFlags = { ...taskTypeFlag, ...projectRootFlag, ...jsonFlag } as const;
const aliases = { t: "taskType" } as const;

export const leadRoutes = buildRouteMap({
  routes: {
    next: defineCommand({
      load: async () => (await import("./lead/steps.ts")).next,
      parameters: { positional: oneTask, flags: ownFlags, aliases },
      brief: "What is due in a run that an agent leads, with the exact commands",
    }),
    dispatch: defineCommand({
      load: async () => (await import("./lead/steps.ts")).dispatch,
      parameters: {
        positional: {
          kind: "array",
          parameter: { brief: "Task, then the lanes (default: all that wait)", placeholder: "group/task lane", parse: String },
          minimum: 1,
        },
        flags: ownFlags,
        aliases,
      },
      brief: "Run the workers of lanes; of the lead's own lanes: say where prompt and result are",
    }),
    collect: defineCommand({
      load: async () => (await import("./lead/steps.ts")).collect,
      parameters: {
        positional: oneLane,
        flags: {
          result: {
            kind: "parsed",
            parse: String,
            brief: "File with the result (default: where dispatch said that it goes)",
            placeholder: "FILE",
            optional: true,
          },
          ...ownFlags,
        },
        aliases,
      },
      brief: "Take the result of a lane of the lead's own, or say what is wrong with it",
    }),
    fail: defineCommand({
      load: async () => (await import("./lead/steps.ts")).fail,
      parameters: {
        positional: oneLane,
        flags: { reason: { kind: "parsed", parse: String, brief: "Why; the report keeps it", placeholder: "TEXT" }, ...ownFlags },
        aliases,
      },
      brief: "End a lane of the lead's own that will have no result: it counts as failed",
    }),
    converge: defineCommand({
      load: async () => (await import("./lead/steps.ts")).converge,
      parameters: { positional: oneTask, flags: ownFlags, aliases },
      brief: "When all lanes have ended: plan the lanes that follow, or converge and decide",
    }),
    finish: defineCommand({
      load: async () => (await import("./lead/steps.ts")).finish,
      parameters: { positional: oneTask, flags: ownFlags, aliases },
      brief: "Write and validate the report, and end the run",
    }),
  },
  docs: { brief: "Lead a run from a chat agent: okstra run --lead agent prepares it" },
});
