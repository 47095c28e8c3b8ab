import { methods, type AnyMessage, type Stream } from "@agentclientprotocol/sdk";
import type { RunningProcess } from "@okstra/core/ports";
import { hasMoreValues } from "../agents/count-values.ts";
import { readLines } from "../agents/line-reader.ts";

/** Lines that are no message, as a program prints that logs to its standard output; with more it is no agent. */
const MOST_STRAY_LINES = 200;
const MOST_STRAY_CHARACTERS = 1024 * 1024;
const MAX_STRAY = 300;
/** Values in one message; with more it is no message that any agent needs. */
const MOST_VALUES = 200_000;
/** Requests of the agent whose answers it has not taken. With more, nothing is read until it takes some. */
const MOST_UNANSWERED = 64;

/**
 * The messages of a program that speaks JSON-RPC by lines. Only whole messages get through to the library, and no
 * notifications: what it would complain of on okstra's own terminal is told as a note instead, and updates that it does
 * not know are none of its business. Bounded by the longest line, and by the answers that an agent does not read: the
 * library would keep them all.
 */
export function createMessageStream(
  running: Pick<RunningProcess, "output" | "write">,
  {
    note,
    redact,
    onUpdate,
  }: {
    note: (text: string) => void;
    redact: (text: string) => string;
    /** Gets the parameters of each `session/update`, whatever they are, in the order in which all messages come. */
    onUpdate: (params: unknown) => void;
  },
): Stream & {
  /** Why the stream is no conversation; settles only then. */ readonly failed: Promise<string>;
  failure(): string | null;
  /** Reads no more. */ close(): void;
} {
  const encoder = new TextEncoder();
  const asked = new Set<unknown>();
  let unanswered = 0;
  let isClosed = false;
  let onAnswer = (): void => {};
  let failure: string | null = null;
  let fail = (_reason: string): void => {};
  const failed = new Promise<string>((resolve) => {
    fail = (reason) => {
      failure ??= reason;
      resolve(failure);
    };
  });
  let stray = 0;
  let strayCharacters = 0;
  const onStray = (line: string): void => {
    if (line.trim() === "") return;
    stray += 1;
    strayCharacters += line.length;
    note(`not a message: ${redact(line).slice(0, MAX_STRAY)}`);
    if (stray > MOST_STRAY_LINES || strayCharacters > MOST_STRAY_CHARACTERS) throw new Error("its output is not the Agent Client Protocol");
  };
  async function* messages(): AsyncGenerator<AnyMessage> {
    for await (const line of readLines(running.output)) {
      if (hasMoreValues(line, MOST_VALUES)) throw new Error(`a message of its output has more than ${MOST_VALUES} values`);
      const message = parseMessage(line);
      if (message === null || (isResponse(message) && !asked.delete(message.id))) {
        onStray(line);
        continue;
      }
      if (message.method !== undefined && !("id" in message)) {
        if (message.method === methods.client.session.update) onUpdate(message.params);
        continue;
      }
      if (message.method !== undefined) unanswered += 1;
      yield message as unknown as AnyMessage;
      while (unanswered >= MOST_UNANSWERED && !isClosed) await new Promise<void>((resolve) => (onAnswer = resolve));
      if (isClosed) return;
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
          fail(error instanceof Error ? error.message : String(error));
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
      if (method !== undefined) return;
      unanswered -= 1;
      onAnswer();
    },
  });
  const close = (): void => {
    isClosed = true;
    onAnswer();
    void source.return(undefined).catch(() => undefined);
  };
  return { readable, writable, failed, failure: () => failure, close };
}

interface Message {
  readonly params?: unknown;
  readonly id?: unknown;
  readonly method?: unknown;
}

function isResponse(message: Message): boolean {
  return message.method === undefined;
}

/** A JSON-RPC 2.0 message, or null: also for one that the library would answer with the whole message in an error. */
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
  const isId = message.id === null || typeof message.id === "string" || Number.isFinite(message.id);
  if (message.method !== undefined) return typeof message.method === "string" && (isId || !("id" in message)) ? message : null;
  return isId && (message.result !== undefined || message.error !== undefined) ? message : null;
}
