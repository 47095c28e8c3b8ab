import * as z from "zod";
import { provision as provisionTask } from "@okstra/app/worktree/provision";
import { clean, defineTool, phaseField, placeTask, taskField } from "../tool.ts";

export const provision = defineTool({
  name: "okstra_provision",
  title: "A task's worktree",
  description: "Makes the task's own git worktree and branch, or finds them again; never shared with another task.",
  input: z.object({
    task: taskField,
    phase: phaseField.optional(),
    category: z.string().min(1).max(40).optional(),
    baseRef: z.string().min(1).max(300).describe("Any revision; absent: HEAD of the main worktree").optional(),
  }),
  readOnly: false,
  async call(parts, { task, phase, category, baseRef }) {
    const place = await placeTask(parts, task);
    const answer = await provisionTask(parts.app, {
      ...place,
      taskType: phase ?? null,
      category: category ?? null,
      baseRef: baseRef ?? null,
    });
    return clean(parts, [place.dir], answer);
  },
});
