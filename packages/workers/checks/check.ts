/** One command of the project that passes or fails. */
export interface Check {
  /** Short and unique in its project: typecheck, lint, test, go vet, make check. */
  readonly name: string;
  /** A line for sh, run in the root of the tree; it ends by itself and does not change tracked files if it can be told not to. */
  readonly command: string;
  /** Name of the format that the output is in, when it is known. */
  readonly format?: string;
  /** Where the command writes its report, relative to the root, when that is not its output. */
  readonly reportFile?: string;
  readonly timeoutMs?: number;
}

/** What a check is for; a kind that one file of the project gives is not asked of a Makefile as well. */
export type CheckKind = "types" | "lint" | "tests" | "check";

export interface FoundCheck extends Check {
  readonly kind: CheckKind;
}

export interface ProjectRoot {
  /** Text of a file by its path relative to the root; null when there is none. */
  readText(relative: string): Promise<string | null>;
}
