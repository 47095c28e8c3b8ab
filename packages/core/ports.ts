/**
 * What the outside must implement for okstra. `app` uses only these; `node` and `workers` implement them;
 * the `main.ts` of a way in (command line, MCP, server) wires the real parts together.
 */
import type { AttemptRecord, Budget, Cost, PermissionRecord, SandboxSetting, SandboxState, Usage } from "./domain/agent-use.ts";
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
  /** What the tree may write and see; absent or null: what the person may. */
  readonly sandbox?: SandboxRequest | null;
  /** Told of every chunk of either stream, in bytes. */
  readonly onOutput?: (bytes: number) => void;
}

/**
 * Everything may be read and nothing written, but for what is named. All paths absolute; those that do not exist are
 * passed over. Where two name the same place, the later of `writable`, `readOnly`, `hidden`, `exposed` wins.
 */
export interface SandboxRequest {
  readonly writable: readonly string[];
  /** Read-only again inside something writable. */
  readonly readOnly: readonly string[];
  /** Empty for the tree: directories of secrets, okstra's own home. */
  readonly hidden: readonly string[];
  /** Seen again inside something hidden; `writable` says whether it may be written. */
  readonly exposed: readonly { readonly path: string; readonly writable: boolean }[];
}

/** A started program whose streams its starter drives. */
export interface RunningProcess {
  /** Standard output as it comes; with back-pressure: what is not read stays in the pipe. Ends with the program's. */
  readonly output: AsyncIterable<Uint8Array>;
  /** Settles when the bytes are handed over; a program that reads no more is no error. */
  write(bytes: Uint8Array): Promise<void>;
  endInput(): void;
  /** SIGTERM for the tree, and SIGKILL two seconds later; as the spec's signal does. */
  stop(): void;
  /** Settles when no process of the tree is alive and the output was read. Rejects when the transcript cannot be written. */
  readonly ended: Promise<ProcessEnd>;
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
  readonly sandbox: SandboxState;
}

/** A file of lines that is bounded and redacted as it is written. Both calls never throw but for a full or broken disk. */
export interface LineFile {
  add(line: string): void;
  finish(): void;
}

export interface Processes {
  /**
   * Runs a program with its whole tree held: when the promise settles no process of the tree is alive.
   * @throws OKSTRA_PREPARE_WORKER_NOT_FOUND when the program does not exist
   */
  run(spec: ProcessSpec): Promise<ProcessEnd>;
  /**
   * Starts a program for a conversation; the tree is held as by `run`. `spec.stdin` is not allowed.
   * @throws OKSTRA_PREPARE_WORKER_NOT_FOUND, OKSTRA_PREPARE_SANDBOX_UNAVAILABLE
   */
  start(spec: ProcessSpec): Promise<RunningProcess>;
  /** Absolute path of a program on the given PATH (or of a path as it is), or null. */
  findProgram(name: string, path: string): Promise<string | null>;
  /** Ends processes left by a dead okstra, found by their run id; answers how many. */
  endOrphans(runId: string): Promise<number>;
  /** The isolation that `run` will have here. */
  isolation(): Promise<Isolation>;
  /** What a sandbox would be made of here; `unavailable` with the reason in words when there is none that works. */
  sandbox(): Promise<{ readonly state: "bwrap" | "sandbox-exec" | "unavailable"; readonly reason: string | null }>;
  /** Opens a transcript of lines, made anew with mode 0600, bounded in bytes (first and last half). */
  openLines(path: string, redact: (text: string) => string): LineFile;
}

/**
 * Starts a program that outlives this process and says nothing to it. Settles when it has begun; `ended` settles when it ends
 * while this process is still there. @throws OKSTRA_IO_FAILED
 */
export type StartDetached = (request: {
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}) => Promise<{ readonly ended: Promise<void> }>;

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
  /**
   * At most `length` bytes from an offset, with the file's size and what tells it from another file at the same path; null
   * when it is absent. For files that grow and must not be read whole.
   */
  readPart(path: string, from: number, length: number): Promise<{ bytes: Uint8Array; size: number; identity: string } | null>;
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

/** The rows of any home's registry, old or current, with each one's repository as its worktree says; nothing is changed. */
export interface ForeignRegistry {
  readonly path: string;
  readonly state: "current" | "absent" | "old" | "newer" | "unreadable";
  readonly rows: Registry["tasks"];
  readonly reason: string;
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
  /** Reads the registry of a home, this one's or another. */
  readOf(home: string): Promise<ForeignRegistry>;
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
  /**
   * Ends the lane: an interruption, the deadline or a budget; the lead knows which. An agent is asked to stop first
   * (at most {@link POLITE_MS}), then its tree is ended.
   */
  readonly signal: CancelSignal;
  readonly onActivity: (text: string) => void;
  /** A sign of life with the bytes it had; the lead counts them against the budget. */
  readonly onOutput: (bytes: number) => void;
  /** What the lane has used so far, not what was added; every call replaces the one before. `cost`: as the agent says, null when it does not; `served`: the model by then. */
  readonly onUse: (usage: Usage, cost: Cost | null, served?: string | null) => void;
  /** Whether the worker may edit the tree: agents start in their edit mode or in their read-only or plan mode by it. */
  readonly mode: "read-only" | "edit";
  readonly sandbox: SandboxRequest | null;
  /** The door for results: how an agent starts `okstra mcp --worker` for this lane, and where that leaves what came through. */
  readonly door: LaneDoor;
  /** JSON Schema of the result, for headless modes that take one. */
  readonly resultJsonSchema: Readonly<Record<string, unknown>>;
}

/** How long an agent that was asked to stop may take before its tree is ended, in milliseconds. */
export const POLITE_MS = 1000;

/** An agent's session gets the command as its MCP server `okstra`. */
export interface LaneDoor {
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** The submitted result as text, or null; what stands there is judged by the lead once more. */
  readonly loadResult: () => Promise<string | null>;
  /** Directory of the door; the only place beside its `tmp` that a lane in a sandbox may write for okstra. */
  readonly directory: string;
  /** Writes a file of the lead's own there, by a plain name, and answers its path. */
  readonly put: (name: string, text: string) => Promise<string>;
}

export interface WorkerSettings {
  readonly name: string;
  readonly kind: string;
  /** Row of the table of agents that the worker is of, e.g. `opencode`; null for none. */
  readonly preset: string | null;
  readonly command: readonly string[];
  readonly family: string;
  readonly model: string | null;
  readonly env: readonly string[];
  readonly deadlineMs: number;
  /** Hard limits of each lane of the worker; absent or null: none. */
  readonly budget?: Budget | null;
  /** The worker's own setting; absent or null: the run's. */
  readonly sandbox?: SandboxSetting | null;
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
  readonly usage: Usage | null;
  readonly agent?: AgentOutcome;
  readonly sandbox: SandboxState;
  /** Executions that okstra's own code made, with the records of what they showed; empty for foreign workers. */
  readonly executions: readonly Execution[];
  readonly reproductions: readonly ReproductionRecord[];
}

/** What only agents leave. */
export interface AgentOutcome {
  /** As the agent's stream says; null when it does not. */
  readonly cost: Cost | null;
  /** When a quota that is used up is filled again, RFC 3339 UTC; null when the agent did not say. */
  readonly quotaResetsAt: string | null;
  readonly attempts: readonly AttemptRecord[];
  readonly permissions: readonly PermissionRecord[];
  /** How many there were; `permissions` has at most 200. */
  readonly permissionCount: number;
  /** Which way the result came. */
  readonly resultBy: "door" | "schema" | "message" | null;
  readonly agentVersion: string | null;
}

/** A command of a project that was found in its files; as a member of `qaCommands` has it. */
export type FoundCommand = { readonly name: string; readonly command: string; readonly format?: string };

export interface Worker {
  readonly kind: string;
  run(request: LaneRequest): Promise<LaneOutcome>;
  /** Commands that tell whether the code in a directory is good; only a worker that finds such. */
  findCommands?(directory: string): Promise<readonly FoundCommand[]>;
  /** Commands that are no check until somebody names them as one, such as the project's build; only a worker that finds such. */
  suggestCommands?(directory: string): Promise<readonly FoundCommand[]>;
  /** Program and arguments of a lane, as far as they are the same for every lane; absent: the worker's command as it is. */
  planCommand?(worker: WorkerSettings, mode: LaneRequest["mode"]): Promise<readonly string[]>;
}
