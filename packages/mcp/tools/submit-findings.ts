import * as z from "zod";
import { submitLane } from "@okstra/app/mcp/agent-runs";
import { findingSchema } from "@okstra/core/domain/finding";
import { clean, defineTool, handleField } from "../tool.ts";

export const submitFindings = defineTool({
  name: "okstra_submit_findings",
  title: "Submit findings",
  description:
    "Submits the result of a lane that you perform (okstra_start_run with lead agent): the nonce of its prompt and the findings, or what the lane's step asks for. Judged as every worker's result is; what is wrong is said, and the lane stays open.",
  input: z.object({
    handle: handleField,
    lane: z.string().min(1).max(200),
    result: z.looseObject({
      nonce: z.string().min(1).max(200).describe("Stands in the lane's prompt"),
      findings: z.array(findingSchema).max(5000).describe("Of a review; none is a valid answer").optional(),
      votes: z.array(z.unknown()).max(5000).describe("Of a lane that votes, as its prompt says").optional(),
    }),
  }),
  readOnly: false,
  call: async (parts, { handle, lane, result }, { signal }) =>
    clean(parts, [], await submitLane(parts.app, parts.known, { handle, lane, result }, signal)),
});
