import * as z from "zod";
import { loadRunResult } from "@okstra/app/mcp/agent-runs";
import { clean, defineTool, handleField } from "../tool.ts";

export const runResult = defineTool({
  name: "okstra_run_result",
  title: "What came of a run",
  description: "Verdict, gate, lanes and counts of findings of a run, and where its report is; `ended` says whether it is final.",
  input: z.object({ handle: handleField }),
  readOnly: true,
  call: async (parts, { handle }) => clean(parts, [], await loadRunResult(parts.app, parts.known, handle)),
});
