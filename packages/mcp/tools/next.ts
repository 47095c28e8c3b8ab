import * as z from "zod";
import { decideNext } from "@okstra/app/task/next";
import { openTask } from "@okstra/app/task/open-task";
import { clean, defineTool, findTask, taskField } from "../tool.ts";

export const next = defineTool({
  name: "okstra_next",
  title: "What is due",
  description: "Which phase of a task is due and why, or what holds it and which command of a person answers.",
  input: z.object({ task: taskField }),
  readOnly: true,
  async call(parts, given) {
    const { of, name } = await parts.known.find(await findTask(parts, given.task));
    const facts = await openTask(parts.app, { task: name, dir: of.root });
    return clean(parts, [of.root], { taskKey: facts.taskKey, ...decideNext(facts) });
  },
});
