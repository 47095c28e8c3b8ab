import * as z from "zod";
import { defineTool, groupField, projectField } from "../tool.ts";

export const schedule = defineTool({
  name: "okstra_schedule",
  title: "Schedule of open tasks",
  description: "Order, lanes, critical path and forecast (P50 and P90) of the open tasks; says when the history is too thin for dates.",
  input: z.object({ project: projectField, group: groupField, capacity: z.int().min(1).max(1000).optional() }),
  readOnly: true,
  call: ({ answers }, { project, group, capacity }) =>
    answers.schedule({ project: project ?? null, group: group ?? null, capacity: capacity ?? null }),
});
