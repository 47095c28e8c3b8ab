import * as z from "zod";
import type { Answer, Lane } from "@okstra/app/door/open-lane";
import { findingSchema } from "@okstra/core/domain/finding";
import { laneResultSchema } from "@okstra/core/phases/lane-schema";
import { proposedClarificationSchema } from "@okstra/core/phases/requirements-discovery/result-schema";

/** A tool as an agent sees it. None takes a command line, approves, passes a gate or hands off. */
export interface LaneTool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema, draft 2020-12. */
  readonly inputSchema: Record<string, unknown>;
  readonly readOnly: boolean;
  readonly call: (given: unknown) => Promise<Answer>;
}

/** The tools of a lane, by its role: only who reviews asks, and only who reviews or edits has findings. */
export function laneTools(lane: Lane): readonly LaneTool[] {
  const { phase, role } = lane.order;
  const tools: LaneTool[] = [
    {
      name: "read_brief",
      description: "The whole prompt of this lane: what is asked, by which rules, and the nonce of its result.",
      inputSchema: jsonSchema(z.object({})),
      readOnly: true,
      call: () => lane.readBrief(),
    },
  ];
  if (lane.takesFindings)
    tools.push({
      name: "submit_finding",
      description:
        "Keeps one finding as soon as you have it, so that it is not lost if you are cut off, and says at once whether its quote is in its file. It answers the finding's number. What is kept becomes part of the result that you submit; do not repeat it there.",
      inputSchema: jsonSchema(findingSchema),
      readOnly: false,
      call: (given) => lane.submitFinding(given),
    });
  if (lane.takesQuestions)
    tools.push({
      name: "ask_clarification",
      description:
        "Puts a question to the person who reads the report, when the answer decides something that you cannot find out. Nobody answers during this session; do not wait.",
      inputSchema: jsonSchema(proposedClarificationSchema),
      readOnly: false,
      call: (given) => lane.askClarification(given),
    });
  tools.push({
    name: "submit_result",
    description: lane.takesFindings
      ? "Submits the result of this lane, once, at the end; the first valid one stands. Findings kept by submit_finding are added after those given here, so that numbers of findings in the result count its own `findings` from 1, or, when it has none, those that submit_finding answered. An empty list of findings is a valid result."
      : "Submits the result of this lane, once, at the end; the first valid one stands.",
    inputSchema: jsonSchema(laneResultSchema(phase, role)),
    readOnly: false,
    call: (given) => lane.submitResult(given),
  });
  return tools;
}

function jsonSchema(schema: z.ZodType): Record<string, unknown> {
  return z.toJSONSchema(schema, { io: "input" }) as Record<string, unknown>;
}
