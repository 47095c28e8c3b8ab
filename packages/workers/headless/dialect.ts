import type { Cost, PermissionRecord, TranscriptEntry, Usage } from "@okstra/core/domain/agent-use";
import type { LaneRequest, ProcessEnd } from "@okstra/core/ports";
import type { AgentTurn, TurnOptions } from "../agents/driver.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** What a stream has told so far. The dialect writes it, the driver reads it. */
export interface Told {
  sessionId: string | null;
  modelServed: string | null;
  agentVersion: string | null;
  usage: Usage | null;
  cost: Cost | null;
  /** RFC 3339 UTC. */
  quotaResetsAt: string | null;
  /** Why it failed, in the vendor's words; null while it has not. */
  failure: string | null;
  structured: unknown;
  /** Whether the event came after which the program has nothing more to say. */
  isOver: boolean;
  readonly permissions: PermissionRecord[];
  permissionCount: number;
}

/** Ways by which a dialect tells what it reads. */
export interface Telling {
  readonly request: LaneRequest;
  readonly options: TurnOptions;
  readonly told: Told;
  readonly log: (kind: TranscriptEntry["kind"], text: string, data?: JsonObject) => void;
  /** A tool that begins: an entry of the transcript and a sign of life for whoever watches. */
  tool(title: string, data?: JsonObject): void;
  /** The agent's words: a whole message (`add` and `end`) or pieces of one. */
  readonly message: { add(text: string): void; end(): void; last(): string };
  readonly thought: { add(text: string): void; end(): void };
  /** Totals of this conversation so far. */
  use(usage: Usage, cost: Cost | null): void;
  /** What the agent says that it was not let do; it asks nobody, its own settings answer. */
  refused(record: PermissionRecord): void;
  serve(model: unknown): void;
  began(sessionId: unknown): void;
}

/** How one vendor's program is started without a terminal, and what its stream means. */
export interface HeadlessDialect {
  readonly kind: string;
  /** Arguments after the worker's own, and what the environment needs beside the lane's. */
  start(request: LaneRequest, options: TurnOptions): { readonly args: readonly string[]; readonly env?: Readonly<Record<string, string>> };
  files?(request: LaneRequest): readonly { readonly name: string; readonly text: string }[];
  /** A reader of one conversation's stream: takes an event after the other and never throws, whatever they are. */
  openReader(telling: Telling): (event: JsonObject) => void;
  /** Whether the session of a turn can be gone on with; absent: each that has an id. */
  canResume?(turn: AgentTurn): boolean;
  /** What an exit status means where the stream says nothing; null: nothing special. */
  describeExit?(end: ProcessEnd): string | null;
}

/** A string of at most `max` characters in one line; empty for what is no string. */
export function toLine(value: unknown, max = 300): string {
  return typeof value === "string" ? value.replaceAll(/\s+/gu, " ").trim().slice(0, max) : "";
}

export function toObject(value: unknown): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

export function toList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A count as an agent gives it; 0 for what is none. */
export function toCount(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(Math.round(value)) && value > 0 ? Math.round(value) : 0;
}

/** RFC 3339 UTC of seconds since 1970; null for what is no such time. */
export function toTime(seconds: unknown): string | null {
  // Until the year 9999.
  if (typeof seconds !== "number" || !(seconds > 0) || seconds > 253_402_300_799) return null;
  return new Date(seconds * 1000).toISOString();
}
