import * as z from "zod";
import type { Tool } from "./tool.ts";
import { TOOLS } from "./tools/index.ts";

export interface ToolDescription {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** JSON Schema, draft 2020-12. */
  readonly inputSchema: Record<string, unknown>;
  readonly readOnly: boolean;
}

/** What a client is told of all tools. */
export function describeTools(): readonly ToolDescription[] {
  return TOOLS.map(describeTool);
}

export function describeTool({ name, title, description, input, readOnly }: Tool): ToolDescription {
  return { name, title, description, inputSchema: z.toJSONSchema(input, { io: "input" }) as Record<string, unknown>, readOnly };
}
