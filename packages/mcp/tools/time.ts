import * as z from "zod";
import { defineTool, groupField, phaseField, projectField, readTime, timeField } from "../tool.ts";

export const time = defineTool({
  name: "okstra_time",
  title: "Where the time went",
  description: "Working, waiting for a person, waiting for a quota, stopped and idle time of tasks, in milliseconds.",
  input: z.object({
    project: projectField,
    group: groupField,
    phase: phaseField.optional(),
    since: timeField.optional(),
    until: timeField.optional(),
  }),
  readOnly: true,
  call: ({ answers }, { project, group, phase, since, until }) =>
    answers.time({ project: project ?? null, group: group ?? null, phase: phase ?? null, since: readTime(since), until: readTime(until) }),
});
