import * as z from "zod";
import { createTask as makeTask } from "@okstra/app/task/create-task";
import { decideNext } from "@okstra/app/task/next";
import { clean, defineTool, placeTask, taskField } from "../tool.ts";

export const createTask = defineTool({
  name: "okstra_create_task",
  title: "Make a task",
  description: "Makes a task from a brief; nothing runs yet. The prompt `brief` helps to write one.",
  input: z.object({
    task: taskField,
    brief: z.string().min(1).max(200_000).describe("Markdown: what is asked, why, and how one sees that it is done").optional(),
    category: z.string().min(1).max(40).describe("bugfix, feature, refactor, ops or improvement").optional(),
  }),
  readOnly: false,
  async call(parts, { task, brief, category }) {
    const place = await placeTask(parts, task);
    const facts = await makeTask(parts.app, { ...place, brief: brief ?? null, category: category ?? null, from: null });
    return clean(parts, [place.dir], { taskKey: facts.taskKey, taskDir: facts.taskDir, category: facts.category, next: decideNext(facts) });
  },
});
