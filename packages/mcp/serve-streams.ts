import type { McpServer } from "@modelcontextprotocol/server";
import { serveStdio, StdioServerTransport } from "@modelcontextprotocol/server/stdio";

/** Bytes of one message: twice a result, so that one that is too large is told so in words. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

export interface ServeOptions {
  readonly version: string;
  /** Ends the service. */
  readonly signal: AbortSignal;
  /** Told in words what could not be read or written; nothing of it goes to the other side. */
  readonly onProblem: (text: string) => void;
}

/** Serves on the standard streams until the client goes or the signal fires. Only JSON-RPC goes to standard output. */
export async function serveStreams(createServer: () => McpServer, { signal, onProblem }: Omit<ServeOptions, "version">): Promise<void> {
  const transport = new StdioServerTransport(undefined, undefined, { maxBufferSize: MAX_MESSAGE_BYTES });
  const service = serveStdio(createServer, { transport, onerror: (error) => onProblem(error.message) });
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
