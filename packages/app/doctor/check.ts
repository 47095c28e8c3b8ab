import { OkstraError } from "@okstra/core/errors";

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** One line: what was found. */
  readonly message: string;
  /** The command that mends it; empty when there is nothing to mend. */
  readonly fix: string;
}

export function passed(name: string, message: string): Check {
  return { name, ok: true, message, fix: "" };
}

export function failed(name: string, message: string, fix: string): Check {
  return { name, ok: false, message, fix };
}

/** An error that a check met is its finding. */
export function failedBy(name: string, error: unknown): Check {
  if (!(error instanceof OkstraError)) throw error;
  return failed(name, error.message, error.hint);
}
