import { fromJsonSchema, McpServer, type CallToolResult } from "@modelcontextprotocol/server";
import type { Lane } from "@okstra/app/door/open-lane";
import { DOOR_SERVER } from "@okstra/core/domain/lane-order";
import { laneTools, type LaneTool } from "./lane-tools.ts";
import { serveStreams, type ServeOptions } from "./serve-streams.ts";

/** Serves one lane on the standard streams until its client goes or the signal fires. */
export async function serveLane(lane: Lane, { version, signal, onProblem }: ServeOptions): Promise<void> {
  const tools = laneTools(lane);
  await serveStreams(() => createServer(tools, version), { signal, onProblem });
}

function createServer(tools: readonly LaneTool[], version: string): McpServer {
  const server = new McpServer(
    { name: DOOR_SERVER, version },
    {
      capabilities: { tools: { listChanged: false } },
      instructions: "The lane you work in: read_brief says what is asked; submit_result, once at the end, is how your work counts.",
    },
  );
  for (const { name, description, inputSchema, readOnly, call } of tools) {
    server.registerTool(
      name,
      {
        description,
        // The lane judges what it is given itself and says what is wrong in its own words.
        inputSchema: fromJsonSchema(inputSchema, {
          getValidator: () => (data) => ({ valid: true, data: data as never, errorMessage: undefined }),
        }),
        annotations: { readOnlyHint: readOnly, destructiveHint: false, idempotentHint: readOnly, openWorldHint: false },
      },
      async (given): Promise<CallToolResult> => {
        const { text, refused } = await call(given);
        return { content: [{ type: "text", text }], ...(refused ? { isError: true } : {}) };
      },
    );
  }
  return server;
}
