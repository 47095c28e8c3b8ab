import * as z from "zod";
import { defineTool, findTask, taskField } from "../tool.ts";

export const task = defineTool({
  name: "okstra_task",
  title: "One task",
  description: "A task with its brief, runs, gates, open questions, plan, worktree and branch.",
  input: z.object({ task: taskField }),
  readOnly: true,
  call: async (parts, given) => parts.answers.task(await findTask(parts, given.task)),
});
