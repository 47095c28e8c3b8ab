import * as z from "zod";
import { cancelRunOf } from "@okstra/app/mcp/agent-runs";
import { clean, defineTool, handleField } from "../tool.ts";

export const cancelRun = defineTool({
  name: "okstra_cancel_run",
  title: "Stop a run for good",
  description: "Cancels a run: its workers are ended, and it cannot be resumed. The worktree and what was committed stay.",
  input: z.object({ handle: handleField }),
  readOnly: false,
  call: async (parts, { handle }) => clean(parts, [], await cancelRunOf(parts.app, parts.known, handle)),
});
