import * as z from "zod";
import { defineTool } from "../tool.ts";

export const search = defineTool({
  name: "okstra_search",
  title: "Search tasks and findings",
  description: "Tasks and findings in which every word occurs: names, briefs, claims, files, ids.",
  input: z.object({ query: z.string().min(1).max(200), limit: z.int().min(1).max(100).optional() }),
  readOnly: true,
  call: ({ answers }, { query, limit = 20 }) => answers.search({ q: query, limit }),
});
