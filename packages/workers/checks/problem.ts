/** One failure or warning that a tool reported, before it becomes a finding. */
export interface Problem {
  /** The tool as a word: eslint, tsc, vitest, jest, pytest, go, cargo, tap, junit, sarif, or the check's name. */
  readonly tool: string;
  /** Test name, rule id or error code: what stays the same when the line moves. */
  readonly rule: string;
  /** One line. */
  readonly message: string;
  readonly level: "error" | "warning";
  readonly category: "test-failure" | "lint" | "type" | "build" | "check-failure";
  /** As the tool wrote it (absolute, or relative to where it ran); null when it named none. */
  readonly file: string | null;
  /** From 1; null when the tool named none. */
  readonly startLine: number | null;
  readonly endLine: number | null;
  /** The tool's own words for this problem, a few lines, for the reproduction. */
  readonly excerpt: string;
}

export interface Parsed {
  readonly problems: readonly Problem[];
  /** False when the report stops in the middle: what was read counts, and the check is not complete. */
  readonly complete: boolean;
}

/** Reads one tool's output. `recognises` looks at the whole text and is true only for this format. */
export interface Format {
  readonly name: string;
  recognises(text: string): boolean;
  parse(text: string): Parsed;
}
