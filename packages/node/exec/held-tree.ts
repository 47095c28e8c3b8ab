import type { ChildProcess } from "node:child_process";
import { listProcessIds, loadFacts } from "./proc-table.ts";
import type { Isolation } from "@okstra/core/domain/receipt";

export interface StartRequest {
  /** Absolute path of an executable file. */
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment of the program. */
  readonly env: Readonly<Record<string, string>>;
  /** False gives the program /dev/null. */
  readonly hasStdin: boolean;
  /** The program is a sandbox that ends at once on SIGTERM and its content with it: only its content is asked to end. */
  readonly isWrapper?: boolean;
  readonly runId: string;
}

export interface ProgramExit {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** A started program and the means to end it with everything that it started. */
export interface HeldTree {
  readonly isolation: Isolation;
  /** Carries the program's pipes; the program itself may be a child of it. */
  readonly child: ChildProcess;
  /** Settles when the program itself has ended; rejects when it could not be started. */
  readonly exited: Promise<ProgramExit>;
  /** SIGTERM to the program's process group. */
  askToEnd(): void;
  /** SIGKILL for all of the tree; synchronous, never throws. */
  endNow(): void;
  /** Ends what is left of the tree; a second call answers as the first. Settles when it is dead, or after 10 s for processes that the kernel cannot end. */
  finishOff(): Promise<void>;
}

/** How long to wait for killed processes to be gone; longer only for ones stuck in the kernel. */
export const DEATH_WAIT_MS = 10_000;

/** Signals a process, or a group by its negative id; false when there is none. */
export function sendSignal(pid: number | undefined, signal: NodeJS.Signals | 0): boolean {
  // 0 and -1 would mean "my own group" and "everything".
  if (pid === undefined || Number.isNaN(pid) || pid === 0 || pid === -1) return false;
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** The promise's value, or undefined after `ms` milliseconds. */
export async function waitAtMost<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** SIGTERM for every process of a group but its leader; false when there is none. */
export function askFollowers(leader: number): boolean {
  const followers = listProcessIds().filter((pid) => pid !== leader && loadFacts(pid)?.group === leader);
  for (const pid of followers) sendSignal(pid, "SIGTERM");
  return followers.length > 0;
}

export function waitForExit(child: ChildProcess): Promise<ProgramExit> {
  return new Promise((resolve, reject) => {
    child.once("exit", (exitCode, signal) => resolve({ exitCode, signal }));
    child.on("error", reject);
  });
}
