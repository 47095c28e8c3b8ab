import type { Cost, PermissionRecord, SandboxState, TranscriptEntry, Usage } from "@okstra/core/domain/agent-use";
import type { Isolation } from "@okstra/core/domain/receipt";
import type { LaneRequest } from "@okstra/core/ports";

/** What one conversation with an agent, from its start to the death of its tree, left. */
export interface AgentTurn {
  /**
   * `completed`: the agent says that it is done; `unfinished`: it says that it stopped before it was (a refusal, a limit
   * of its own), so that only what came through the door is a result; `stopped`: the lane's signal fired; `failed`: all else.
   */
  readonly end: "completed" | "unfinished" | "failed" | "stopped";
  /** Why it failed, one line in the agent's or the process's own words; null otherwise. */
  readonly failure: string | null;
  /** The agent's last message, whole, up to a MiB; empty when there is none. */
  readonly lastMessage: string;
  /** What a schema option delivered, parsed; undefined when the mode has none or nothing came. */
  readonly structured: unknown;
  readonly sessionId: string | null;
  /** False when the session that was to be gone on with could not be, and a new one was begun; absent: it was. */
  readonly resumed?: boolean;
  /** The model that answered, as the stream says; null when it does not. */
  readonly modelServed: string | null;
  readonly usage: Usage | null;
  readonly cost: Cost | null;
  /** When the vendor says that a quota is filled again, RFC 3339 UTC. */
  readonly quotaResetsAt: string | null;
  readonly permissions: readonly PermissionRecord[];
  readonly permissionCount: number;
  readonly agentVersion: string | null;
  readonly command: readonly string[];
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly isolation: Isolation;
  readonly sandbox: SandboxState;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
}

export interface TurnOptions {
  /** Session to go on with; null begins one. */
  readonly resume: string | null;
  /** What to say: the lane's prompt, or the word to go on. */
  readonly prompt: string;
  /** Name of the file for the raw streams, in the lane's directory. */
  readonly transcriptPath: string;
  readonly log: (kind: TranscriptEntry["kind"], text: string, data?: Readonly<Record<string, unknown>>) => void;
}

/** How one kind of agent is talked with. Everything that all kinds share (retry, result, receipt) is in agent-worker.ts. */
export interface AgentDriver {
  readonly kind: string;
  /** Never rejects but with an OkstraError of starting the program. */
  turn(request: LaneRequest, options: TurnOptions): Promise<AgentTurn>;
  /** Files that the agent is pointed at; they are written into the door's directory before the first turn. */
  files?(request: LaneRequest): readonly { readonly name: string; readonly text: string }[];
  /** Whether `resume` works with the sessions of this agent, known after the first turn. */
  canResume(turn: AgentTurn): boolean;
  /** Program and arguments of a conversation that begins, for whoever wants to see them; absent: the worker's command. */
  plan?(request: LaneRequest): readonly string[];
}
