import { buildRouteMap } from "@stricli/core";
import { defineCommand, jsonFlag, projectRootFlag } from "../command.ts";

const text = (brief: string, placeholder: string) => ({ kind: "parsed", parse: String, brief, placeholder, optional: true }) as const;
const switchOf = (brief: string) => ({ kind: "boolean", brief, default: false, withNegated: false }) as const;
const projectFlag = { project: text("Project id (default: the one of this directory)", "ID") } as const;

export const scheduleRoutes = buildRouteMap({
  routes: {
    show: defineCommand({
      load: async () => (await import("./schedule/schedule.ts")).run,
      parameters: {
        flags: {
          ...projectFlag,
          all: switchOf("Every project of this machine, in the same lanes"),
          group: text("Only tasks of this group, and those that they wait for", "GROUP"),
          capacity: text("Tasks that go on at the same time (default: 1)", "N"),
          from: text("When the work begins: 2026-01-31, RFC 3339 (default: now)", "T"),
          format: { kind: "enum", values: ["text", "md", "ics"], brief: "Text, Markdown with a Gantt, or a calendar", default: "text" },
          save: switchOf("Keep the forecast for okstra schedule check"),
          ...projectRootFlag,
          ...jsonFlag,
        },
      },
      brief: "Order, lanes, critical path and forecast of the open tasks",
      fullDescription:
        "A task comes after all that it waits for (okstra task link); then by priority, risk and age. Risk: 8, 4, 2 and 1 for each open finding of P0, P1, P2 and P3; 3 for a bugfix, 2 for a feature or ops, 1 otherwise; 2 for each fix cycle. Dates are simulated over how long ended runs of the same phase and category worked; waiting for a person is not in them.",
    }),
    check: defineCommand({
      load: async () => (await import("./schedule/check.ts")).run,
      parameters: { flags: { ...projectFlag, ...projectRootFlag, ...jsonFlag } },
      brief: "What slipped since a forecast was kept by okstra schedule --save",
    }),
  },
  defaultCommand: "show",
  docs: { brief: "Order, lanes, critical path and forecast of the open tasks; what slipped since" },
});
