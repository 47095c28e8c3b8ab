import * as z from "zod";
import { defineTool, groupField, phaseField, projectField } from "../tool.ts";

export const status = defineTool({
  name: "okstra_status",
  title: "Status of tasks",
  description: "All tasks: what waits for a person first, then what runs, then the rest, each with why and the command that goes on.",
  input: z.object({
    project: projectField,
    group: groupField,
    phase: phaseField.optional(),
    state: z.enum(["waiting", "running", "paused", "stopped", "damaged", "due", "handed-off", "done"]).optional(),
  }),
  readOnly: true,
  call: ({ answers }, { project, group, phase, state }) =>
    answers.board({ project: project ?? null, group: group ?? null, phase: phase ?? null, state: state ?? null }),
});
