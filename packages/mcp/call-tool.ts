import type { CallToolResult } from "@modelcontextprotocol/server";
import * as z from "zod";
import { OkstraError } from "@okstra/core/errors";
import { neutraliseBlock } from "@okstra/core/report/neutral-text";
import type { CallContext, Tool, ToolParts } from "./tool.ts";

/** An answer's text at most, in characters: no model reads more, and no client has to hold more. */
const MAX_ANSWER = 2 * 1024 * 1024;

/** Calls a tool; whatever goes wrong is an answer with a code, and never a stack. */
export async function callTool(tool: Tool, parts: ToolParts, given: unknown, context: CallContext): Promise<CallToolResult> {
  try {
    const read = tool.input.safeParse(given ?? {});
    if (!read.success) throw new OkstraError("OKSTRA_USAGE", { message: `${tool.name}: ${describeIssues(read.error)}` });
    const document = await tool.call(parts, read.data as never, context);
    const text = JSON.stringify(document);
    if (text.length > MAX_ANSWER)
      throw new OkstraError("OKSTRA_USAGE", {
        message: `The answer has ${text.length} characters, of at most ${MAX_ANSWER}.`,
        hint: "Ask for less: a limit, a group, or one phase.",
      });
    return { content: [{ type: "text", text }], structuredContent: document as Record<string, unknown> };
  } catch (error) {
    const document = describeError(error);
    return { content: [{ type: "text", text: JSON.stringify(document) }], structuredContent: document, isError: true };
  }
}

/** The document of `--json`, without what only helps who mends okstra. */
export function describeError(error: unknown): Record<string, unknown> {
  const known = error instanceof OkstraError ? error : new OkstraError("OKSTRA_INTERNAL", { message: "A defect of okstra.", cause: error });
  const { code, kind, message, hint } = known;
  return { error: { code, kind, message: neutraliseBlock(message), hint: neutraliseBlock(hint) } };
}

function describeIssues(error: z.ZodError): string {
  return error.issues
    .slice(0, 5)
    .map(({ path, message }) => (path.length === 0 ? message : `${path.map(String).join(".").slice(0, 100)}: ${message}`))
    .join("; ")
    .slice(0, 600);
}
