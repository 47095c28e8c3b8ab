import { setMaxListeners } from "node:events";
import type { CancelSignal } from "@okstra/core/ports";

/** Calls `onAbort` when the signal fires. Many lanes and git calls may share one signal. @returns stops listening */
export function listenForCancel(signal: CancelSignal, onAbort: () => void): () => void {
  // Without this node warns on stderr of a leak from the eleventh listener on.
  if (signal instanceof AbortSignal) setMaxListeners(0, signal);
  signal.addEventListener("abort", onAbort, { once: true });
  return () => signal.removeEventListener("abort", onAbort);
}
