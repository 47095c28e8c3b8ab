import type { CancelSignal } from "./ports.ts";

/** Notices when a project's journal changes, without looking again and again. */
export interface IndexWatch {
  /**
   * Settles when something changed since the last call (several changes in a row count as one), when so many milliseconds
   * passed, or when the signal fires. Where the system cannot watch the directory only the time counts.
   */
  wait(timeoutMs: number, signal: CancelSignal): Promise<void>;
  close(): void;
}

/** Watches `OKSTRA_HOME/index`. Never throws. */
export type WatchIndex = () => IndexWatch;
