import { readFailure } from "@okstra/core/domain/agent-failure";
import type { AttemptRecord, Cost, PermissionRecord, TranscriptEntry, Usage } from "@okstra/core/domain/agent-use";
import { addMoney } from "@okstra/core/domain/money";
import { redactValue } from "@okstra/core/domain/redaction";
import type { Clock, LaneOutcome, LaneRequest, LineFile, Processes, Worker } from "@okstra/core/ports";
import type { AgentDriver, AgentTurn } from "./driver.ts";
import { plannedRequest } from "./planned-request.ts";
import { pickFencedResult } from "./pick-result.ts";

/** Permissions kept in a receipt; the rest is counted, and all of them are in the transcript. */
const MOST_PERMISSIONS = 200;
const MAX_REASON = 300;

const GO_ON =
  "The connection was lost before you had finished. Go on where you were, and deliver your result as you were asked at the beginning.";

/**
 * A worker of an agent: one conversation, a second one after a failure that passes (in the same session where the agent
 * can), and the result by the best way that it came. Whatever else an agent does ends its lane as failed.
 */
export function createAgentWorker(driver: AgentDriver, parts: { processes: Processes; clock: Clock }): Worker {
  return {
    kind: driver.kind,
    planCommand: async (worker, mode) => driver.plan?.(plannedRequest(worker, mode)) ?? worker.command,
    async run(request) {
      const lines = parts.processes.openLines(`${request.laneDir}/transcript.jsonl`, request.redact);
      try {
        return await runLane(driver, parts.clock, request, lines);
      } finally {
        lines.finish();
      }
    },
  };
}

async function runLane(driver: AgentDriver, clock: Clock, request: LaneRequest, lines: LineFile): Promise<LaneOutcome> {
  const log = (kind: TranscriptEntry["kind"], text: string, data?: Readonly<Record<string, unknown>>): void =>
    lines.add(
      JSON.stringify({
        at: clock.now(),
        kind,
        // Before it is JSON: a secret with a quote in it would be another text there.
        text: request.redact(text),
        ...(data === undefined ? {} : { data: redactValue(data, request.redact) as Record<string, unknown> }),
      } satisfies TranscriptEntry),
    );
  const attempts: AttemptRecord[] = [];
  const turns: AgentTurn[] = [];
  const take = async (resume: string | null): Promise<AgentTurn> => {
    const startedAt = clock.now();
    const [earlier] = turns;
    // Every call of onUse replaces the one before, so a second conversation's totals go on top of the first's.
    const counted: LaneRequest =
      earlier === undefined
        ? request
        : {
            ...request,
            onUse: (usage, cost, served) => request.onUse(addUsage(earlier.usage, usage) ?? usage, addCost(earlier.cost, cost), served),
          };
    const turn = await driver.turn(counted, {
      resume,
      prompt: resume === null ? request.prompt : GO_ON,
      transcriptPath: `${request.laneDir}/${turns.length === 0 ? "transcript.log" : "transcript-2.log"}`,
      log,
    });
    turns.push(turn);
    attempts.push({
      startedAt,
      endedAt: clock.now(),
      sessionId: turn.sessionId,
      resumed: resume !== null && turn.resumed !== false,
      exitCode: turn.exitCode,
      signal: turn.signal,
      failure: turn.failure === null ? null : request.redact(turn.failure).slice(0, MAX_REASON),
    });
    if (turn.failure !== null) log("error", turn.failure);
    return turn;
  };

  for (const file of driver.files?.(request) ?? []) await request.door.put(file.name, file.text);
  let turn = await take(null);
  if (turn.end === "failed" && !request.signal.aborted && readFailure(turn.failure ?? "", clock.now()).kind === "transient") {
    const session = turn.sessionId !== null && driver.canResume(turn) ? turn.sessionId : null;
    log("retry", `asked once more ${session === null ? "in a new session" : "in the same session"}: ${turn.failure ?? ""}`);
    turn = await take(session);
  }

  const submitted = await request.door.loadResult();
  const picked = pickResult(turn, submitted);
  const judged = judge(turn, picked, request, clock);
  log("result", judged.reason ?? `delivered by ${picked?.by ?? "nothing"}`);
  return {
    end: judged.end,
    reason: judged.reason,
    // What a lane had given when it was stopped stays too: the lead keeps it as partial where a limit stopped it.
    resultText: judged.end === "ok" || (judged.end === "cancelled" && picked?.refused === null) ? (picked?.text ?? null) : null,
    command: turn.command,
    modelServed: turn.modelServed,
    sessionId: turn.sessionId,
    exitCode: turn.exitCode,
    signal: turn.signal,
    isolation: turn.isolation,
    sandbox: turn.sandbox,
    stdoutBytes: sum(turns, ({ stdoutBytes }) => stdoutBytes),
    stderrBytes: sum(turns, ({ stderrBytes }) => stderrBytes),
    usage: turns.map(({ usage }) => usage).reduce(addUsage, null),
    executions: [],
    reproductions: [],
    agent: {
      cost: sumCosts(turns),
      quotaResetsAt: judged.end === "quota" ? judged.resetsAt : null,
      attempts,
      permissions: turns.flatMap(({ permissions }): readonly PermissionRecord[] => permissions).slice(0, MOST_PERMISSIONS),
      permissionCount: sum(turns, ({ permissionCount }) => permissionCount),
      resultBy: judged.end === "ok" ? (picked?.by ?? null) : null,
      agentVersion: turn.agentVersion,
    },
  };
}

interface Picked {
  readonly text: string;
  readonly by: "door" | "schema" | "message";
  readonly refused: string | null;
}

/** The door is best: what came through it was checked while the agent could still mend it. */
function pickResult(turn: AgentTurn, submitted: string | null): Picked | null {
  if (submitted !== null) return { text: submitted, by: "door", refused: null };
  if (turn.structured !== undefined && turn.structured !== null)
    return { text: JSON.stringify(turn.structured), by: "schema", refused: null };
  const fenced = pickFencedResult(turn.lastMessage);
  if (fenced === null) return null;
  return "refused" in fenced ? { text: "", by: "message", refused: fenced.refused } : { text: fenced.text, by: "message", refused: null };
}

function judge(
  turn: AgentTurn,
  picked: Picked | null,
  request: LaneRequest,
  clock: Clock,
): { end: LaneOutcome["end"]; reason: string | null; resetsAt: string | null } {
  const ended = (end: LaneOutcome["end"], reason: string | null, resetsAt: string | null = null): ReturnType<typeof judge> => ({
    end,
    // Before it is cut: half a secret is not recognised any more.
    reason: reason === null ? null : request.redact(reason).replaceAll(/\s+/g, " ").slice(0, MAX_REASON),
    resetsAt,
  });
  if (turn.end === "stopped" || request.signal.aborted) return ended("cancelled", "the run was interrupted");
  if (turn.end === "failed") {
    const failure = readFailure(turn.failure ?? "", clock.now());
    const isQuota = failure.kind === "quota" || turn.quotaResetsAt !== null;
    if (isQuota) return ended("quota", turn.failure ?? "the quota is used up", turn.quotaResetsAt ?? failure.resetsAt);
    return ended("failed", turn.failure ?? "the agent failed");
  }
  if (turn.end === "unfinished" && picked?.by !== "door") return ended("failed", turn.failure);
  if (picked === null) return ended("failed", "the agent ended without a result");
  return picked.refused === null ? ended("ok", null) : ended("failed", picked.refused);
}

function sum<T>(items: readonly T[], pick: (item: T) => number): number {
  return items.reduce((total, item) => total + pick(item), 0);
}

const COUNTS = ["inputTokens", "cachedInputTokens", "cacheWriteTokens", "outputTokens"] as const;

function addUsage(one: Usage | null, other: Usage | null): Usage | null {
  if (one === null || other === null) return one ?? other;
  const counts = Object.fromEntries(
    COUNTS.flatMap((name) => (one[name] === undefined && other[name] === undefined ? [] : [[name, (one[name] ?? 0) + (other[name] ?? 0)]])),
  );
  return {
    ...counts,
    ...(one.mixed === true || other.mixed === true ? { mixed: true } : {}),
    totalTokens: one.totalTokens + other.totalTokens,
  };
}

/** One conversation that used something and whose cost is not known makes the sum unknown. */
function sumCosts(turns: readonly AgentTurn[]): Cost | null {
  const paid = turns.filter(({ usage, cost }) => usage !== null || cost !== null);
  return paid.some(({ cost }) => cost === null) ? null : paid.map(({ cost }) => cost).reduce(addCost, null);
}

/** Two conversations of one agent are paid in one currency. */
function addCost(one: Cost | null, other: Cost | null): Cost | null {
  if (one === null || other === null) return one ?? other;
  return one.currency === other.currency ? { ...other, ...addMoney(one, other) } : null;
}
