/** What a hand-off asks of the outside: programs that talk with a remote or a forge, and a scan for secrets. */
import type { CancelSignal } from "./ports.ts";

export interface OutsideCall {
  /** `git`, `gh` or `glab`; found on PATH. */
  readonly program: "git" | "gh" | "glab";
  /** Arguments, never a shell line. */
  readonly args: readonly string[];
  readonly cwd: string;
  readonly stdin?: string;
  /** Added to the environment that the program gets, and winning over it. */
  readonly env?: Readonly<Record<string, string>>;
  /** Wall time in milliseconds after which the program and what it started are ended. */
  readonly deadlineMs: number;
  readonly signal: CancelSignal;
}

/** What came of a call; a call that failed is an answer too. */
export interface OutsideAnswer {
  /** Program and arguments as they were started. */
  readonly argv: readonly string[];
  /** Null when it was ended, or is not there. */
  readonly exitCode: number | null;
  readonly ended: "by-itself" | "deadline" | "cancelled" | "not-found";
  /** UTF-8; at most 64 MiB, more ends the program. */
  readonly stdout: string;
  /** The last 64 KiB. */
  readonly stderr: string;
  /** RFC 3339 UTC. */
  readonly startedAt: string;
  readonly durationMs: number;
}

/**
 * Starts a program that needs the person's own way to a remote: their ssh agent, credential helper or forge login. Nothing
 * of it outlives the call. git gets the environment of okstra's own git calls, and may use the transports `file`, `git`,
 * `http`, `https` and `ssh` only; gh and glab get an allow-listed environment with their own tokens and settings. None of
 * the three may ask on a terminal.
 */
export type CallOutside = (call: OutsideCall) => Promise<OutsideAnswer>;

/** A text that would leave the machine. */
export interface OutgoingText {
  /** For people: a path, `message of <commit>`, `title`. */
  readonly name: string;
  readonly content: string;
}

/** A place where a text seems to have a secret. The secret itself is nowhere in it. */
export interface SecretFound {
  readonly name: string;
  /** From 1. */
  readonly line: number;
  /** Rule that matched, e.g. `@secretlint/secretlint-rule-aws`. */
  readonly rule: string;
  /** What it is, in the rule's words, without the secret. */
  readonly what: string;
  /** First 12 hex digits of the SHA-256 of rule and secret: the same secret at another place has the same. */
  readonly fingerprint: string;
}

/** Looks for credentials in texts. Comments in a text that would switch a rule off have no effect. */
export type ScanSecrets = (texts: readonly OutgoingText[]) => Promise<readonly SecretFound[]>;
