import type { DashboardAnswers } from "./answers.ts";
import { formatNeutral } from "./neutral-document.ts";

/** Bytes that wait for a reader; then its feed waits. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** After which a browser asks again, milliseconds. */
const RETRY_MS = 2000;

export interface StreamParts {
  readonly feed: DashboardAnswers["feed"];
  readonly afterId: string | null;
  readonly heartbeatMs: number;
  /** A reader for whom so much waits, and who takes nothing of it for so long, is cut off; it asks again from what it has. */
  readonly slowMs: number;
  /** Ends the stream: the server closes. */
  readonly closing: AbortSignal;
  /** The reader is too slow: its connection is to be cut. */
  readonly onSlow: () => void;
  readonly onProblem: (thrown: unknown) => void;
  /** Once, however it ended. */
  readonly onEnd: () => void;
}

/** A body of `text/event-stream`. It never fails: a feed that does ends it, and the browser asks again. */
export function createEventStream(parts: StreamParts): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const ending = new AbortController();
  let stream: ReadableStreamDefaultController<Uint8Array> | null = null;
  let heartbeat: NodeJS.Timeout | undefined;
  let onRoom = (): void => undefined;

  const end = (): void => {
    if (ending.signal.aborted) return;
    ending.abort();
    clearInterval(heartbeat);
    onRoom();
    parts.closing.removeEventListener("abort", close);
    parts.onEnd();
  };
  const close = (): void => {
    if (ending.signal.aborted) return;
    end();
    stream?.close();
  };
  const hasRoom = (): boolean => (stream?.desiredSize ?? 0) > 0;
  const send = (text: string): void => {
    if (!ending.signal.aborted) stream?.enqueue(encoder.encode(text));
  };
  /** Resolves when there is room, or the stream has ended, which it does when there is none for too long. */
  const waitForRoom = async (): Promise<void> => {
    if (hasRoom() || ending.signal.aborted) return;
    const cut = setTimeout(() => {
      close();
      parts.onSlow();
    }, parts.slowMs);
    await new Promise<void>((resolve) => {
      onRoom = resolve;
    });
    clearTimeout(cut);
  };
  const pump = async (): Promise<void> => {
    try {
      for await (const { id, message } of parts.feed(parts.afterId, ending.signal)) {
        send(`id: ${id}\nevent: ${message.kind}\ndata: ${formatNeutral(message)}\n\n`);
        await waitForRoom();
        if (ending.signal.aborted) return;
      }
    } catch (thrown) {
      if (!ending.signal.aborted) parts.onProblem(thrown);
    }
    close();
  };

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        stream = controller;
        if (parts.closing.aborted) return close();
        parts.closing.addEventListener("abort", close);
        heartbeat = setInterval(() => hasRoom() && send(": here\n\n"), parts.heartbeatMs);
        send(`retry: ${RETRY_MS}\n\n`);
        void pump();
      },
      pull: () => onRoom(),
      cancel: end,
    },
    new ByteLengthQueuingStrategy({ highWaterMark: MAX_WAITING_BYTES }),
  );
}
