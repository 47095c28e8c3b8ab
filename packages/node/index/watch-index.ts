import { mkdirSync, watch, type FSWatcher } from "node:fs";
import { join } from "node:path";
import type { WatchIndex } from "@okstra/core/notify-port";

/** A journal's line and its size are written one after the other: one change. */
const SETTLE_MS = 30;

/** Watches a home's `index` directory, which is made when it is not there: the first run of all is to be seen as well. */
export function createWatchIndex(home: string): WatchIndex {
  return () => {
    let changed = false;
    let wake = (): void => undefined;
    const watcher = open(join(home, "index"), () => {
      changed = true;
      wake();
    });
    return {
      wait(timeoutMs, signal) {
        return new Promise((resolve) => {
          const done = (): void => {
            clearTimeout(timer);
            signal.removeEventListener("abort", done);
            wake = () => undefined;
            changed = false;
            resolve();
          };
          const settle = (): void => {
            wake = () => undefined;
            clearTimeout(timer);
            timer = setTimeout(done, SETTLE_MS);
          };
          let timer = setTimeout(done, timeoutMs);
          signal.addEventListener("abort", done, { once: true });
          if (signal.aborted) return done();
          wake = settle;
          if (changed) settle();
        });
      },
      close: () => watcher?.close(),
    };
  };
}

/** Null where the directory can be neither made nor watched. */
function open(directory: string, onChange: () => void): FSWatcher | null {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const watcher = watch(directory, onChange);
    // A directory that was removed is no longer watched; the caller looks again by time.
    watcher.on("error", () => watcher.close());
    return watcher;
  } catch {
    return null;
  }
}
