import * as z from "zod";
import { defineTool, groupField, projectField, readTime, timeField } from "../tool.ts";

export const cost = defineTool({
  name: "okstra_cost",
  title: "What it cost",
  description: "Tokens and money by task, phase, worker, model and day, as far as the agents told them.",
  input: z.object({ project: projectField, group: groupField, since: timeField.optional() }),
  readOnly: true,
  call: ({ answers }, { project, group, since }) =>
    answers.cost({ project: project ?? null, group: group ?? null, since: readTime(since) }),
});
