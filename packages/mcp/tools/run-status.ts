import * as z from "zod";
import { waitForRun } from "@okstra/app/mcp/agent-runs";
import { clean, defineTool, handleField } from "../tool.ts";

export const runStatus = defineTool({
  name: "okstra_run_status",
  title: "Where a run is",
  description:
    "State and lanes of a run. With waitMs it answers when the run ended or needs somebody, at the latest after that time; giving up the wait leaves the run alone.",
  input: z.object({ handle: handleField, waitMs: z.int().min(0).max(60_000).optional() }),
  readOnly: true,
  async call(parts, { handle, waitMs = 0 }, { signal, tell }) {
    const status = await waitForRun(parts.app, parts.known, { handle, waitMs }, signal, (now) =>
      tell(`${now.state}: ${now.lanes.map(({ lane, state, end }) => `${lane} ${end ?? state}`).join(", ")}`),
    );
    return clean(parts, [], status);
  },
});
