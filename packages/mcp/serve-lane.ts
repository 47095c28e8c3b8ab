import { fromJsonSchema, McpServer, type CallToolResult } from "@modelcontextprotocol/server";
import { serveStdio, StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import type { Lane } from "@okstra/app/door/open-lane";
import { DOOR_SERVER } from "@okstra/core/domain/lane-order";
import { laneTools, type LaneTool } from "./lane-tools.ts";

/** Bytes of one message: twice a result, so that one that is too large is told so in words. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

export interface ServeOptions {
  readonly version: string;
  /** Ends the service. */
  readonly signal: AbortSignal;
  /** Told in words what could not be read or written; nothing of it goes to the other side. */
  readonly onProblem: (text: string) => void;
}

/** Serves one lane on the standard streams until its client goes or the signal fires. Only JSON-RPC goes to standard output. */
export async function serveLane(lane: Lane, { version, signal, onProblem }: ServeOptions): Promise<void> {
  const tools = laneTools(lane);
  const transport = new StdioServerTransport(undefined, undefined, { maxBufferSize: MAX_MESSAGE_BYTES });
  const service = serveStdio(() => createServer(tools, version), { transport, onerror: (error) => onProblem(error.message) });
  // The service has set its own by now and starts the transport later.
  const closeService = transport.onclose;
  const closed = new Promise<void>((resolve) => {
    transport.onclose = () => {
      closeService?.();
      resolve();
    };
  });
  const stop = (): void => void service.close();
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  await closed;
  signal.removeEventListener("abort", stop);
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
