import type { HeldTree } from "./held-tree.ts";

/** A program's standard streams in the hands of whoever started it. */
export interface Conversation {
  /** Takes each chunk of the output as it is read; set before the first is. */
  keep: (chunk: Buffer) => void;
  readonly output: AsyncIterable<Uint8Array>;
  write(bytes: Uint8Array): Promise<void>;
  endInput(): void;
  stop(): void;
  /**
   * Settles when the reader has read all that the dead program left, or has gone.
   * @param patienceMs how long the reader may let it lie before it is taken for gone
   */
  drained(patienceMs: number): Promise<void>;
}

/** What is not read stays in the pipe, and the program waits: memory does not grow with its output. */
export function openConversation(tree: HeldTree, stop: () => void): Conversation {
  const { stdin, stdout } = tree.child;
  let state: "unread" | "reading" | "read" = "unread";
  let lastRead = performance.now();
  let onRead = (): void => {};
  const isRead = new Promise<void>((resolve) => {
    onRead = resolve;
  });
  const conversation: Conversation = {
    keep: () => {},
    output: { [Symbol.asyncIterator]: () => read() },
    write(bytes) {
      return new Promise((resolve) => {
        if (stdin === null || stdin.destroyed || stdin.writableEnded) resolve();
        else stdin.write(bytes, () => resolve());
      });
    },
    endInput() {
      stdin?.end();
    },
    stop,
    async drained(patienceMs) {
      // The program may have been silent for long: what it left now is still to be read.
      lastRead = performance.now();
      // A stream that nobody has begun to read is not waited for.
      while (state === "reading" && performance.now() - lastRead < patienceMs) {
        let timer: NodeJS.Timeout | undefined;
        const pause = new Promise<void>((resolve) => {
          timer = setTimeout(resolve, patienceMs / 10);
        });
        await Promise.race([isRead, pause]);
        clearTimeout(timer);
      }
    },
  };
  async function* read(): AsyncGenerator<Uint8Array> {
    if (state !== "unread" || stdout === null) return;
    state = "reading";
    try {
      for await (const chunk of stdout as AsyncIterable<Buffer>) {
        lastRead = performance.now();
        conversation.keep(chunk);
        yield chunk;
        lastRead = performance.now();
      }
    } catch {
      // The pipe was closed from this side: the program's end tells why.
    } finally {
      state = "read";
      onRead();
    }
  }
  return conversation;
}

/** Of a program that was not started. */
export function noConversation(): Conversation {
  return {
    keep: () => {},
    output: (async function* nothing(): AsyncGenerator<Uint8Array> {})(),
    write: async () => {},
    endInput: () => {},
    stop: () => {},
    drained: async () => {},
  };
}
