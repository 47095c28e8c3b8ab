/**
 * What the outside must implement for okstra. `app` uses only these; `node` and `workers` implement them;
 * the `main.ts` of a way in (command line, MCP, server) wires the real parts together.
 */
import type { Execution, ReproductionRecord } from "./domain/execution.ts";
import type { QaCommand } from "./domain/project.ts";
import type { Isolation, Receipt } from "./domain/receipt.ts";
import type { Registry, RegistryRow } from "./domain/registry.ts";

/** The part of the platform's AbortSignal that core may name. */
export interface CancelSignal {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

export interface Clock {
  /** RFC 3339 UTC with milliseconds, for people and records; never for order or expiry. */
  now(): string;
  /** Milliseconds from an arbitrary start that never go back; for durations and deadlines. */
  monotonicMs(): number;
}

export interface Ids {
  /** Lower-case hex of `bytes` random bytes. */
  randomHex(bytes: number): string;
}

export type Sha256 = (data: string | Uint8Array) => string;

/**
 * HMAC-SHA-256 under this machine's own key, for records that somebody without the key must not be able to change or
 * to write. It protects nothing from a process that runs as the same user and reads the key.
 */
export interface Sealer {
  /** `mac`: hex of the HMAC of the text's UTF-8. `keyId`: first 16 hex digits of the key's SHA-256. Makes the key with the first use. */
  seal(text: string): Promise<{ keyId: string; mac: string }>;
}

// ---------------------------------------------------------------------------------------------- processes

export interface ProcessSpec {
  /** Program and arguments, never a shell line (use ["sh", "-c", line] where a line is meant). */
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  /** The whole environment of the child; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Wall time in milliseconds after which the tree is ended; 0 means none. */
  readonly deadlineMs: number;
  /** Marks every process of the tree, so that orphans are found and ended by identity. */
  readonly runId: string;
  /** File that gets stdout and stderr as they come, redacted and bounded; null keeps none. */
  readonly transcriptPath: string | null;
  /** Bytes of each stream kept in memory: the first half and the last half. */
  readonly captureBytes: number;
  /** Makes secrets unreadable in one line of output before it is kept anywhere. */
  readonly redact: (text: string) => string;
  /** Ends the tree when it fires. */
  readonly signal: CancelSignal;
}

export interface CapturedStream {
  /** Valid UTF-8; where bytes were left out there is one line that says how many. */
  readonly text: string;
  readonly totalBytes: number;
  readonly truncated: boolean;
}

export interface ProcessEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Why it ended before it wanted to, if so. */
  readonly ended: "by-itself" | "deadline" | "cancelled";
  readonly stdout: CapturedStream;
  readonly stderr: CapturedStream;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly durationMs: number;
  readonly isolation: Isolation;
}

export interface Processes {
  /**
   * Runs a program with its whole tree held: when the promise settles no process of the tree is alive.
   * @throws OKSTRA_PREPARE_WORKER_NOT_FOUND when the program does not exist
   */
  run(spec: ProcessSpec): Promise<ProcessEnd>;
  /** Absolute path of a program on the given PATH (or of a path as it is), or null. */
  findProgram(name: string, path: string): Promise<string | null>;
  /** Ends processes left by a dead okstra, found by their run id; answers how many. */
  endOrphans(runId: string): Promise<number>;
  /** The isolation that `run` will have here. */
  isolation(): Promise<Isolation>;
}

/**
 * Runs a program on the person's own terminal, standard streams and all, and answers its exit status: 127 when
 * it is not found, 126 when it may not be executed, 128 and the number after a signal.
 */
export type RunInherited = (spec: {
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}) => Promise<number>;

// ---------------------------------------------------------------------------------------------- durable state

/** A held lock. `fd` may be inherited by a child, which then keeps the lock alive until it ends too. */
export interface Lease {
  readonly fd: number;
  release(): Promise<void>;
}

export interface Locks {
  /**
   * Takes an exclusive kernel lock on `OKSTRA_HOME/locks/<name>.lock` (`registry` has its own place), waiting up
   * to `waitMs`. A holder is never judged by its age or process id.
   * @throws OKSTRA_LOCK_TIMEOUT
   */
  acquire(name: string, options?: { waitMs?: number; holder?: string; onWait?: () => void }): Promise<Lease>;
  /** The lock if it is free, else what its holder wrote about itself (for people only). */
  tryAcquire(name: string, holder?: string): Promise<{ lease: Lease } | { holder: string }>;
}

/**
 * The only writer of state. Writes are a temporary file, fsync, rename, fsync of the directory; files 0600,
 * directories 0700 whatever the umask. A file that is the person's own (project.json, git's exclude file) is given
 * another `mode`.
 */
export interface Store {
  /** Null when absent. `regularFileOnly` refuses links, pipes and devices. */
  readText(path: string, options?: { maxBytes?: number; regularFileOnly?: boolean }): Promise<string | null>;
  writeText(path: string, text: string, options?: { mode?: number }): Promise<void>;
  /** Creates with O_EXCL; false when the file is there already. */
  createText(path: string, text: string): Promise<boolean>;
  /** Appends whole lines and fsyncs. */
  appendLines(path: string, lines: readonly string[]): Promise<void>;
  /** A directory of okstra's own: private, corrected when it is not. */
  ensureDirectory(path: string): Promise<void>;
  /** A directory in the person's project, made with the person's umask and never corrected. */
  ensureSharedDirectory(path: string): Promise<void>;
  listDirectory(path: string): Promise<readonly string[]>;
  exists(path: string): Promise<boolean>;
  remove(path: string): Promise<void>;
}

export interface RegistryReport {
  readonly registry: Registry;
  /** In plain words, what was set aside, rebuilt or brought forward; empty when nothing was. */
  readonly notes: readonly string[];
  readonly readOnly: boolean;
}

/** What registry.json is, looked at without healing anything. */
export interface RegistryPeek {
  readonly state: "current" | "absent" | "old" | "newer" | "unreadable";
  /** Empty when it cannot be read. */
  readonly registry: Registry;
  readonly reason: string;
}

export interface RegistryStore {
  /** For a diagnosis: changes nothing. */
  peek(): Promise<RegistryPeek>;
  load(): Promise<RegistryReport>;
  /**
   * Reads, changes and replaces the registry under its lock. `change` must be quick: no git, no processes.
   * @throws OKSTRA_REGISTRY_READ_ONLY for a registry of a newer schema
   */
  update<T>(change: (registry: Registry) => { registry: Registry; result: T }): Promise<{ result: T; notes: readonly string[] }>;
  /** Finds a released row that has moved to registry.history.jsonl. */
  findInHistory(key: string): Promise<RegistryRow | null>;
  findBranchInHistory(repository: string, branch: string): Promise<RegistryRow | null>;
}

// ---------------------------------------------------------------------------------------------- workers

export interface LaneRequest {
  readonly runId: string;
  readonly taskKey: string;
  readonly phase: string;
  /** What the lane is for: review, execute, vote or write. */
  readonly step: string;
  readonly worker: WorkerSettings;
  readonly nonce: string;
  readonly prompt: string;
  /** Directory the worker works in; the project root where there is no git. */
  readonly worktree: string;
  readonly headCommit: string;
  /** Commit to tell new failures from old ones by; null when there is none or it is the head itself. */
  readonly baseCommit: string | null;
  /** `workers/<name>` of the run; the worker writes its transcript here. */
  readonly laneDir: string;
  readonly deadlineMs: number;
  /** Commands of the project for the `checks` worker; null: it finds them. */
  readonly qaCommands: readonly QaCommand[] | null;
  readonly env: Readonly<Record<string, string>>;
  readonly redact: (text: string) => string;
  readonly signal: CancelSignal;
  readonly onActivity: (text: string) => void;
}

export interface WorkerSettings {
  readonly name: string;
  readonly kind: string;
  readonly command: readonly string[];
  readonly family: string;
  readonly model: string | null;
  readonly env: readonly string[];
  readonly deadlineMs: number;
}

/** What a lane left: the receipt without what only the lead knows, and the result's text as it was written. */
export interface LaneOutcome {
  readonly end: Receipt["end"];
  readonly reason: string | null;
  readonly resultText: string | null;
  readonly command: readonly string[];
  readonly modelServed: string | null;
  readonly sessionId: string | null;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly isolation: Isolation;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  readonly usage: Readonly<Record<string, unknown>> | null;
  /** Executions that okstra's own code made, with the records of what they showed; empty for foreign workers. */
  readonly executions: readonly Execution[];
  readonly reproductions: readonly ReproductionRecord[];
}

export interface Worker {
  readonly kind: string;
  run(request: LaneRequest): Promise<LaneOutcome>;
  /** Commands that tell whether the code in a directory is good; only a worker that finds such. */
  findCommands?(directory: string): Promise<readonly { readonly name: string; readonly command: string }[]>;
}
