import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Output of all workers together after which what is left of it in memory is collected. */
const COLLECT_EVERY_BYTES = 2 * 1024 * 1024;

let traffic = 0;
let collect: (() => void) | undefined;

/**
 * Counts what workers print. V8 lets tens of megabytes of read and dropped buffers lie before it looks; while eight
 * workers flood, that is most of okstra's memory. A collection takes some 10 ms and comes only under such floods.
 */
export function noteTraffic(bytes: number): void {
  traffic += bytes;
  if (traffic < COLLECT_EVERY_BYTES) return;
  traffic = 0;
  collect ??= openCollector();
  collect();
}

/** The engine's own collector, which it shows only when asked; nothing when it does not. */
function openCollector(): () => void {
  try {
    setFlagsFromString("--expose-gc");
    const found: unknown = runInNewContext("gc");
    return typeof found === "function" ? () => void found() : () => {};
  } catch {
    return () => {};
  }
}
