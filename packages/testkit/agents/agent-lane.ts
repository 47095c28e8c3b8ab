import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closeDoor, laneJsonSchema, openDoor } from "@okstra/app/door/open-door";
import { openApp } from "../open-app.ts";
import type { Cost, TranscriptEntry, Usage } from "@okstra/core/domain/agent-use";
import type { LaneOutcome, LaneRequest, SandboxRequest } from "@okstra/core/ports";

export const AGENT_NONCE = "0123456789abcdef0123456789abcdef";

/** What a lane of an agent left, with what was told while it ran. */
export interface AgentLane {
  readonly runId: string;
  readonly outcome: LaneOutcome;
  /** The result as data; undefined when there is none. */
  readonly result: unknown;
  readonly transcript: readonly TranscriptEntry[];
  readonly activities: readonly string[];
  readonly uses: readonly (readonly [Usage, Cost | null])[];
  readonly outputBytes: number;
}

export interface AgentLaneOptions {
  readonly kind: "acp" | "claude" | "codex" | "gemini";
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly mode?: LaneRequest["mode"];
  readonly preset?: string | null;
  readonly model?: string | null;
  readonly sandbox?: SandboxRequest | null;
  readonly signal?: AbortSignal;
  /** Bundle of okstra for the door; without it the door's server cannot be started. */
  readonly launcher?: readonly [string, ...string[]];
  readonly onActivity?: (text: string) => void;
  readonly onUse?: (usage: Usage) => void;
  readonly onOutputBytes?: (bytes: number) => void;
}

/** Runs one lane through the real worker of a kind, with real processes, in a small tree of its own. */
export async function runAgentLane(options: AgentLaneOptions): Promise<AgentLane> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "okstra-agent-")));
  try {
    const [tree, laneDir, home] = [join(root, "tree"), join(root, "run/workers/agent"), join(root, "user")];
    for (const directory of [join(tree, "src"), laneDir, home]) mkdirSync(directory, { recursive: true });
    writeFileSync(join(tree, "src/sum.js"), "export function sum(a, b) {\n  return a + b;\n}\n");
    const app = await openApp({
      env: { PATH: process.env["PATH"], HOME: home, OKSTRA_HOME: join(root, "home") },
      cwd: root,
      emit: () => undefined,
      launcher: options.launcher,
    });
    const prompt = `Look at this tree. Its \`nonce\` is \`${AGENT_NONCE}\`. Answer with a result.`;
    const manifest = {
      runId: `agent-${randomBytes(6).toString("hex")}`,
      taskKey: "p/g/t",
      type: "error-analysis",
      project: { id: "p", root: tree },
      provision: { status: "reused" as const, path: tree, branch: "b", baseRef: "", taskKey: "p/g/t", note: "" },
    };
    const lane = { laneDir, lane: "agent", role: "review" as const, worker: "agent", nonce: AGENT_NONCE, prompt };
    const door = await openDoor(app, { manifest, ...lane });
    const activities: string[] = [];
    const uses: (readonly [Usage, Cost | null])[] = [];
    let outputBytes = 0;
    const worker = app.workers.get(options.kind);
    if (worker === undefined) throw new Error(`no worker of kind ${options.kind}`);
    const outcome = await worker.run({
      runId: manifest.runId,
      taskKey: manifest.taskKey,
      phase: manifest.type,
      step: "review",
      worker: {
        name: "agent",
        kind: options.kind,
        preset: options.preset ?? null,
        command: options.command,
        family: "anthropic",
        model: options.model ?? null,
        env: [],
        deadlineMs: 0,
      },
      nonce: AGENT_NONCE,
      prompt,
      worktree: tree,
      headCommit: "",
      baseCommit: null,
      laneDir,
      deadlineMs: 0,
      qaCommands: null,
      env: { PATH: process.env["PATH"] ?? "", HOME: home, ...options.env },
      redact: (text) => text,
      signal: options.signal ?? new AbortController().signal,
      onActivity: (text) => {
        activities.push(text);
        options.onActivity?.(text);
      },
      onOutput: (bytes) => {
        outputBytes += bytes;
        options.onOutputBytes?.(bytes);
      },
      onUse: (usage, cost) => {
        uses.push([usage, cost]);
        options.onUse?.(usage);
      },
      mode: options.mode ?? "read-only",
      sandbox: options.sandbox ?? null,
      door,
      resultJsonSchema: laneJsonSchema(manifest.type, lane.role),
    });
    const transcript = readFileSync(join(laneDir, "transcript.jsonl"), "utf8")
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as TranscriptEntry);
    await closeDoor(app, { laneDir, nonce: AGENT_NONCE });
    return {
      runId: manifest.runId,
      outcome,
      result: outcome.resultText === null ? undefined : JSON.parse(outcome.resultText),
      transcript,
      activities,
      uses,
      outputBytes,
    };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
