import type { StreamMessage } from "@okstra/core/dashboard/api";
import type { CancelSignal } from "@okstra/core/ports";
import type { App } from "../app.ts";
import type { Cleaners } from "./clean-texts.ts";
import { FeedRing } from "./feed-ring.ts";
import type { KnownProjects } from "./known-tasks.ts";
import { createTaskWatch } from "./watch-tasks.ts";

export interface FeedMessage {
  readonly id: string;
  readonly message: StreamMessage;
}

export interface Feed {
  /**
   * What happens from now on, or after the message with an id; a `reset` first where that is not known. It ends with the
   * signal. What is asked for after the `reset` came misses nothing.
   */
  listen(after: string | null, signal: CancelSignal): AsyncGenerator<FeedMessage>;
  close(): void;
}

/** One source for all who listen; nothing is looked at while nobody does, and what happened meanwhile is told then. */
export function createFeed(app: App, known: KnownProjects, cleaners: Cleaners): Feed {
  const ring = new FeedRing(app.ids.randomHex(8));
  const watch = createTaskWatch({ app, known, cleaners, publish: (message) => ring.add(message) });
  let isClosed = false;
  return {
    async *listen(after, signal) {
      const wake = (): void => ring.wake();
      signal.addEventListener("abort", wake, { once: true });
      const reset = (): FeedMessage => ({ id: ring.idOf(ring.last), message: { kind: "reset" } });
      // Whether listening ended is another question after each wait.
      const isOver = (): boolean => signal.aborted || isClosed;
      try {
        await watch.hold();
        if (isOver()) return;
        let at = ring.find(after);
        if (at === null) {
          at = ring.last;
          yield reset();
        }
        while (!isOver()) {
          const messages = ring.after(at);
          if (messages === null) {
            at = ring.last;
            yield reset();
          } else if (messages.length === 0) await ring.next();
          else
            for (const { number, message } of messages) {
              if (isOver()) return;
              at = number;
              yield { id: ring.idOf(number), message };
            }
        }
      } finally {
        watch.release();
        signal.removeEventListener("abort", wake);
      }
    },
    close() {
      isClosed = true;
      watch.close();
      ring.wake();
    },
  };
}
