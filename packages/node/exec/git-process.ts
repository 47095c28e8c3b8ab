import { spawn, type ChildProcess } from "node:child_process";
import { statSync } from "node:fs";
import { OkstraError } from "@okstra/core/errors";
import type { CancelSignal } from "@okstra/core/ports";
import { errnoOf } from "../io-error.ts";
import { listenForCancel } from "./cancel.ts";
import { destroyPipesAfter } from "./drain.ts";

interface GitCall {
  readonly cwd: string;
  readonly stdin?: string | Uint8Array;
  /** Added to (and winning over) the cleaned environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Descriptor that git gets as its fd 3, so that a kernel lock on it lives until git ends. */
  readonly inheritFd?: number;
  /** Exit statuses that are an answer, not a failure; [0] unless given. */
  readonly okExitCodes?: readonly number[];
  /** Largest accepted stdout in bytes; 64 MiB unless given. */
  readonly maxBytes?: number;
  /** So many bytes of stdout are wanted: git is ended after them, and the answer says so instead of failing. */
  readonly cutBytes?: number;
  /** Ends git when it fires; the call then fails with OKSTRA_INTERRUPTED. */
  readonly signal?: CancelSignal;
}

interface GitAnswer {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly isCut?: boolean;
}

interface GitRawAnswer {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly isCut?: boolean;
}

export interface GitProcess {
  /**
   * Runs git and answers its stdout as UTF-8 text.
   * @throws OKSTRA_GIT_NOT_FOUND, OKSTRA_GIT_FAILED (details: args, exitCode, signal, stderr), OKSTRA_DISK_FULL,
   *   OKSTRA_INTERRUPTED, OKSTRA_DIRECTORY_NOT_FOUND
   */
  run(args: readonly string[], call: GitCall): Promise<GitAnswer>;
  /** The same with stdout as bytes, for `-z` lists of paths that are not UTF-8 and for file contents. */
  runRaw(args: readonly string[], call: GitCall): Promise<GitRawAnswer>;
}

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
const STDERR_KEPT_BYTES = 64 * 1024;
const STDERR_IN_DETAILS = 2000;
/** How long the pipes may stay open after git's own end: something it left behind may hold them for ever. */
const DRAIN_MS = 1000;

/** No daemon and no background job of git may outlive the call or be started by a repository's configuration. */
export const FIXED_CONFIG = ["-c", "core.fsmonitor=false", "-c", "gc.auto=0", "-c", "maintenance.auto=false"];

const KEPT_GIT_VARIABLES = new Set([
  "GIT_CONFIG_GLOBAL",
  "GIT_CONFIG_SYSTEM",
  "GIT_CONFIG_NOSYSTEM",
  "GIT_SSH",
  "GIT_SSH_COMMAND",
  "GIT_ASKPASS",
  "GIT_CEILING_DIRECTORIES",
]);
const KEPT_GIT_PREFIXES = ["GIT_TRACE", "GIT_AUTHOR_", "GIT_COMMITTER_"];

/**
 * The environment of our own git calls: the caller's, without what would lead git to another repository, index,
 * object store or configuration; in the C locale, without prompts and without optional locks.
 */
export function cleanGitEnvironment(from: NodeJS.ProcessEnv): Record<string, string> {
  const clean: Record<string, string> = {};
  for (const [name, value] of Object.entries(from)) {
    if (value === undefined) continue;
    const isKept = !name.startsWith("GIT_") || KEPT_GIT_VARIABLES.has(name) || KEPT_GIT_PREFIXES.some((prefix) => name.startsWith(prefix));
    if (isKept) clean[name] = value;
  }
  clean["LC_ALL"] = "C";
  clean["GIT_TERMINAL_PROMPT"] = "0";
  clean["GIT_OPTIONAL_LOCKS"] = "0";
  return clean;
}

/** The one way okstra starts git. `program` names another executable than the `git` of PATH. */
export function createGitProcess(options: { program?: string } = {}): GitProcess {
  const program = options.program ?? "git";
  const runRaw = (args: readonly string[], call: GitCall): Promise<GitRawAnswer> => runGit(program, args, call);
  return {
    runRaw,
    run: async (args, call) => {
      const answer = await runRaw(args, call);
      return { ...answer, stdout: answer.stdout.toString("utf8") };
    },
  };
}

function runGit(program: string, args: readonly string[], call: GitCall): Promise<GitRawAnswer> {
  return new Promise((resolve, reject) => {
    if (call.signal?.aborted === true) {
      reject(interrupted(args));
      return;
    }
    let child: ChildProcess;
    try {
      child = spawn(program, [...FIXED_CONFIG, ...args], {
        cwd: call.cwd,
        env: { ...cleanGitEnvironment(process.env), ...call.env },
        stdio: [call.stdin === undefined ? "ignore" : "pipe", "pipe", "pipe", ...(call.inheritFd === undefined ? [] : [call.inheritFd])],
        windowsHide: true,
      });
    } catch (error) {
      reject(notStarted(program, args, call.cwd, error));
      return;
    }

    const maxBytes = call.cutBytes ?? call.maxBytes ?? DEFAULT_MAX_BYTES;
    const stdout: Buffer[] = [];
    let stdoutBytes = 0;
    let stderr = Buffer.alloc(0);
    let stop: "cancelled" | "too-large" | null = null;
    let stopDraining = (): void => {};

    const end = (reason: "cancelled" | "too-large"): void => {
      stop ??= reason;
      child.kill("SIGTERM");
    };
    const stopListening = call.signal === undefined ? null : listenForCancel(call.signal, () => end("cancelled"));
    const release = (): void => {
      stopDraining();
      stopListening?.();
    };

    child.stdout?.on("data", (chunk: Buffer) => {
      stdoutBytes += chunk.length;
      if (stdoutBytes <= maxBytes) stdout.push(chunk);
      else if (stop === null) {
        if (call.cutBytes !== undefined) stdout.push(chunk.subarray(0, maxBytes - (stdoutBytes - chunk.length)));
        end("too-large");
      }
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      const whole = Buffer.concat([stderr, chunk]);
      stderr = whole.length > STDERR_KEPT_BYTES ? Buffer.from(whole.subarray(-STDERR_KEPT_BYTES)) : whole;
    });
    // git may end before it has read everything: its exit status says whether that was a failure.
    child.stdin?.on("error", () => {});
    child.stdin?.end(call.stdin);

    child.on("error", (error) => {
      release();
      reject(notStarted(program, args, call.cwd, error));
    });
    child.on("exit", () => {
      stopDraining = destroyPipesAfter(child, DRAIN_MS);
    });
    child.on("close", (exitCode, signal) => {
      release();
      const errorText = stderr.toString("utf8");
      if (stop === "cancelled") reject(interrupted(args));
      else if (stop === "too-large" && call.cutBytes !== undefined)
        resolve({ exitCode: exitCode ?? 0, stdout: Buffer.concat(stdout), stderr: errorText, isCut: true });
      else if (stop === "too-large") reject(failed(args, exitCode, signal, errorText, `its answer is over ${maxBytes} bytes`));
      else if (exitCode === null) reject(failed(args, exitCode, signal, errorText, `it was ended by ${signal ?? "a signal"}`));
      else if ((call.okExitCodes ?? [0]).includes(exitCode)) resolve({ exitCode, stdout: Buffer.concat(stdout), stderr: errorText });
      else reject(failed(args, exitCode, signal, errorText, summarise(errorText) ?? `exit status ${exitCode}`));
    });
  });
}

function failed(args: readonly string[], exitCode: number | null, signal: string | null, stderr: string, reason: string): OkstraError {
  const details = { args: [...args], exitCode, signal, stderr: stderr.slice(-STDERR_IN_DETAILS) };
  if (/No space left on device|Disk quota exceeded/u.test(stderr)) {
    return new OkstraError("OKSTRA_DISK_FULL", { message: `No space left on the disk for ${nameCall(args)}: ${reason}`, details });
  }
  return new OkstraError("OKSTRA_GIT_FAILED", { message: `${nameCall(args)} failed: ${reason}`, details });
}

function interrupted(args: readonly string[]): OkstraError {
  return new OkstraError("OKSTRA_INTERRUPTED", { message: `${nameCall(args)} was interrupted.`, details: { args: [...args] } });
}

function notStarted(program: string, args: readonly string[], cwd: string, error: unknown): OkstraError {
  const errno = errnoOf(error);
  // The system answers ENOENT for an absent working directory too.
  if (errno === "ENOENT" || errno === "ENOTDIR") {
    if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true) {
      return new OkstraError("OKSTRA_DIRECTORY_NOT_FOUND", {
        message: `There is no directory ${cwd}.`,
        details: { path: cwd },
        cause: error,
      });
    }
  }
  if (errno === "ENOENT" || errno === "EACCES") {
    return new OkstraError("OKSTRA_GIT_NOT_FOUND", {
      message: `The program ${program} cannot be started (${errno}).`,
      details: { program, errno },
      cause: error,
    });
  }
  return new OkstraError("OKSTRA_GIT_FAILED", {
    message: `${nameCall(args)} could not be started: ${error instanceof Error ? error.message : String(error)}`,
    details: { args: [...args], exitCode: null, signal: null, stderr: "" },
    cause: error,
  });
}

/** `git worktree add` of an argument array: the first two words that are neither options nor their values. */
function nameCall(args: readonly string[]): string {
  const words: string[] = [];
  for (let index = 0; index < args.length && words.length < 2; index += 1) {
    const arg = args[index] ?? "";
    if (words.length === 0 && (arg === "-c" || arg === "-C")) index += 1;
    else if (/^[a-z][a-z-]*$/u.test(arg)) words.push(arg);
    else if (words.length > 0) break;
  }
  return ["git", ...words].join(" ");
}

/** The line of stderr that says why: the first fatal or error line, else the last line. */
function summarise(stderr: string): string | null {
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  return lines.find((line) => line.startsWith("fatal:")) ?? lines.find((line) => line.startsWith("error:")) ?? lines.at(-1) ?? null;
}
