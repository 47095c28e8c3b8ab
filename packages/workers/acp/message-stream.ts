import type { AnyMessage, Stream } from "@agentclientprotocol/sdk";
import type { RunningProcess } from "@okstra/core/ports";
import { LineTooLongError, readLines } from "../agents/line-reader.ts";

/** Lines that are no message, as a program prints that logs to its standard output; with more it is no agent. */
const MOST_STRAY_LINES = 200;
const MAX_STRAY = 300;

/**
 * The messages of a program that speaks JSON-RPC by lines. Only whole messages get through: what the library would
 * complain of on okstra's own terminal is told as a note instead. Bounded by the longest line.
 */
export function createMessageStream(
  running: RunningProcess,
  note: (text: string) => void,
  redact: (text: string) => string,
): Stream & {
  /** Why the stream is no conversation; settles only then. */ readonly failed: Promise<string>;
  failure(): string | null;
  /** Reads no more. */ close(): void;
} {
  const encoder = new TextEncoder();
  const asked = new Set<unknown>();
  let failure: string | null = null;
  let fail = (_reason: string): void => {};
  const failed = new Promise<string>((resolve) => {
    fail = (reason) => {
      failure ??= reason;
      resolve(failure);
    };
  });
  let stray = 0;
  const onStray = (line: string): void => {
    if (line.trim() === "") return;
    stray += 1;
    note(`not a message: ${redact(line).slice(0, MAX_STRAY)}`);
    if (stray > MOST_STRAY_LINES) throw new Error("its output is not the Agent Client Protocol");
  };
  async function* messages(): AsyncGenerator<AnyMessage> {
    for await (const line of readLines(running.output)) {
      const message = parseMessage(line);
      if (message === null) onStray(line);
      else if (isResponse(message) && !asked.delete(message.id)) onStray(line);
      else yield message as unknown as AnyMessage;
    }
  }
  const source = messages();
  const readable = new ReadableStream<AnyMessage>(
    {
      async pull(controller) {
        try {
          const { value, done } = await source.next();
          if (done === true) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          fail(error instanceof LineTooLongError ? error.message : error instanceof Error ? error.message : String(error));
          controller.error(error);
        }
      },
      async cancel() {
        await source.return(undefined);
      },
    },
    { highWaterMark: 1 },
  );
  const writable = new WritableStream<AnyMessage>({
    async write(message) {
      const { id, method } = message as { id?: unknown; method?: unknown };
      if (method !== undefined && id !== undefined) asked.add(id);
      await running.write(encoder.encode(`${JSON.stringify(message)}\n`));
    },
  });
  return { readable, writable, failed, failure: () => failure, close: () => void source.return(undefined).catch(() => undefined) };
}

interface Message {
  readonly id?: unknown;
  readonly method?: unknown;
}

function isResponse(message: Message): boolean {
  return message.method === undefined;
}

/** A JSON-RPC 2.0 message, or null. */
function parseMessage(line: string): Message | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const message = value as Message & { jsonrpc?: unknown; result?: unknown; error?: unknown };
  if (message.jsonrpc !== "2.0") return null;
  if (typeof message.method === "string") return message;
  return message.id !== undefined && (message.result !== undefined || message.error !== undefined) ? message : null;
}
