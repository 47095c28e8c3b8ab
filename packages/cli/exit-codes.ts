import type { ErrorKind } from "@okstra/core/errors";

/** Done, and the gate holds: blocked, or a person is needed. */
export const EXIT_GATE_HOLDS = 10;

/** The one place that turns the kind of an error into an exit status (docs: architecture). */
export const EXIT_CODES = {
  user: 1,
  external: 1,
  usage: 2,
  config: 3,
  conflict: 4,
  internal: 70,
  interrupted: 130,
  gate: EXIT_GATE_HOLDS,
} as const satisfies Record<ErrorKind, number>;

/** Exit status after a signal: 128 and its number. */
export const SIGNAL_EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
