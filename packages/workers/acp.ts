import {
  client,
  methods,
  PROTOCOL_VERSION,
  type LoadSessionResponse,
  type NewSessionResponse,
  type ResumeSessionResponse,
  type Stream,
} from "@agentclientprotocol/sdk";
import { findAgent } from "@okstra/core/domain/agents";
import { OkstraError } from "@okstra/core/errors";
import { POLITE_MS, type Clock, type LaneRequest, type ProcessEnd, type Processes, type RunningProcess } from "@okstra/core/ports";
import { createAcpSession, type AcpSession } from "./acp/session.ts";
import { createMessageStream } from "./acp/message-stream.ts";
import type { AgentDriver, AgentTurn, TurnOptions } from "./agents/driver.ts";

const CAPTURE_BYTES = 64 * 1024;
/** How long a step before the prompt may take: starting, opening the session, its mode and model. */
const OPENING_MS = 120_000;
/** How long the end of an agent may take to be known after it closed its output, before it is taken for alive. */
const DEATH_NEWS_MS = 5000;
/** ACP's code for an agent that wants a person to sign in; programs use it for errors of their own too. */
const AUTH_REQUIRED = -32000;

/** Any agent that speaks the Agent Client Protocol (stable v1) on its standard streams. */
export function createAcpDriver({ processes, clock }: { processes: Processes; clock: Clock }): AgentDriver {
  const resumable = new WeakSet<AgentTurn>();
  return {
    kind: "acp",
    canResume: (turn) => resumable.has(turn),
    async turn(request, options) {
      const [program, ...args] = request.worker.command;
      if (program === undefined)
        throw new OkstraError("OKSTRA_PREPARE_WORKER_UNKNOWN", { message: `The worker ${request.worker.name} has no command.` });
      const running = await processes.start({
        command: [program, ...args],
        cwd: request.worktree,
        env: request.env,
        deadlineMs: 0,
        runId: request.runId,
        transcriptPath: options.transcriptPath,
        captureBytes: CAPTURE_BYTES,
        redact: request.redact,
        // The agent is asked to stop first; see `converse`.
        signal: NEVER,
        sandbox: request.sandbox,
        onOutput: request.onOutput,
      });
      const session = createAcpSession({ request, log: options.log, now: () => clock.now() });
      const spoken = await converse(running, { request, options, session });
      running.stop();
      const end = await running.ended;
      const turn = describeTurn(request, session, spoken, end);
      if (session.canResume) resumable.add(turn);
      return turn;
    },
  };
}

const NEVER = { aborted: false, addEventListener: () => undefined, removeEventListener: () => undefined } as const;

interface Spoken {
  readonly end: AgentTurn["end"];
  readonly failure: string | null;
  /** Whether the session that was to be gone on with was. */
  readonly resumed?: boolean;
  /** Whether the agent died before it was ended. */
  readonly died: boolean;
}

/** The whole conversation: it settles when the agent is done, dead, or was asked to stop and given its time. */
async function converse(
  running: RunningProcess,
  { request, options, session }: { request: LaneRequest; options: TurnOptions; session: AcpSession },
): Promise<Spoken> {
  const stream = createMessageStream(running, {
    note: (text) => options.log("note", text),
    redact: request.redact,
    onUpdate: (params) => session.take(params),
  });
  const connection = client({ name: "okstra" })
    .onRequest(methods.client.session.requestPermission, ({ params }) => session.answerPermission(params))
    .connect(stream as Stream);
  const agent = connection.agent;
  let died = false;
  const over = running.ended.then(
    () => {
      died = true;
    },
    () => undefined,
  );
  const { signal } = request;
  let onStop = (): void => {};
  const stopped = new Promise<Spoken>((resolve) => {
    onStop = () => {
      if (session.id !== null) void agent.notify(methods.agent.session.cancel, { sessionId: session.id }).catch(() => undefined);
      setTimeout(() => resolve({ end: "stopped", failure: null, died: false }), session.id === null ? 0 : POLITE_MS);
    };
    if (signal.aborted) onStop();
    else signal.addEventListener("abort", onStop, { once: true });
  });
  let resumed = options.resume !== null;
  const talk = async (): Promise<Spoken> => {
    const opened = await within(OPENING_MS, "the agent did not answer in time", open(agent, request, options, session));
    resumed = opened.resumed;
    session.began(opened.sessionId);
    const response = await agent.request(methods.agent.session.prompt, {
      sessionId: opened.sessionId,
      // A session that could not be gone on with has heard nothing of the task.
      prompt: [{ type: "text", text: opened.resumed ? options.prompt : request.prompt }],
    });
    session.finished(response);
    if (response.stopReason === "end_turn") return { end: "completed", failure: null, died: false };
    if (response.stopReason === "cancelled" && signal.aborted) return { end: "stopped", failure: null, died: false };
    return { end: "unfinished", failure: `the agent stopped: ${response.stopReason}`, died: false };
  };
  try {
    const talked = talk().catch(async (error: unknown): Promise<Spoken> => {
      // An agent that died closes the connection a moment before its end is known.
      if (/connection closed|stream/i.test(String(error))) await Promise.race([over, delay(DEATH_NEWS_MS)]);
      return { end: "failed", failure: stream.failure() ?? describeError(error, request), died };
    });
    const spoken = await Promise.race([talked, stopped, stream.failed.then((failure): Spoken => ({ end: "failed", failure, died }))]);
    return signal.aborted ? { end: "stopped", failure: null, died: spoken.died, resumed } : { ...spoken, resumed };
  } finally {
    signal.removeEventListener("abort", onStop);
    connection.close();
    stream.close();
  }
}

type Agent = ReturnType<ReturnType<typeof client>["connect"]>["agent"];

async function open(
  agent: Agent,
  request: LaneRequest,
  options: TurnOptions,
  session: AcpSession,
): Promise<{ sessionId: string; resumed: boolean }> {
  const known = await agent.request(methods.agent.initialize, {
    protocolVersion: PROTOCOL_VERSION,
    // The agent has its own tools, in its own sandbox: okstra reads and runs nothing for it.
    clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
    clientInfo: { name: "okstra", version: "1" },
  });
  session.met(known);
  if (known.protocolVersion !== PROTOCOL_VERSION)
    throw new Error(`the agent speaks version ${known.protocolVersion} of the Agent Client Protocol, okstra version ${PROTOCOL_VERSION}`);
  const [command, ...args] = request.door.command;
  const place = {
    cwd: request.worktree,
    mcpServers: [{ name: "okstra", command, args, env: Object.entries(request.door.env).map(([name, value]) => ({ name, value })) }],
  };
  if (options.resume !== null && session.canResume) {
    const before = { sessionId: options.resume, ...place };
    const state = await (
      known.agentCapabilities?.sessionCapabilities?.resume
        ? agent.request<ResumeSessionResponse>(methods.agent.session.resume, before)
        : agent.request<LoadSessionResponse | null>(methods.agent.session.load, before)
    ).catch((error: unknown) => {
      if (codeOf(error) === null) throw error;
      // An agent keeps no session in which nothing was said yet.
      options.log("note", `the session cannot be gone on with: ${describeError(error, request)}`);
      return undefined;
    });
    if (state !== undefined) {
      await session.settle(agent, options.resume, state ?? {});
      return { sessionId: options.resume, resumed: true };
    }
  }
  const state = await agent.request<NewSessionResponse>(methods.agent.session.new, place);
  await session.settle(agent, state.sessionId, state);
  return { sessionId: state.sessionId, resumed: false };
}

function describeTurn(request: LaneRequest, session: AcpSession, spoken: Spoken, end: ProcessEnd): AgentTurn {
  const failure =
    spoken.end === "failed" && spoken.died
      ? `the agent ended with ${end.signal === null ? `exit status ${end.exitCode}` : `signal ${end.signal}`}${lastWords(end.stderr.text)}`
      : spoken.failure;
  return {
    end: spoken.end,
    failure,
    ...session.facts(),
    ...(spoken.resumed === undefined ? {} : { resumed: spoken.resumed }),
    command: request.worker.command,
    exitCode: spoken.died ? end.exitCode : null,
    signal: spoken.died ? end.signal : null,
    isolation: end.isolation,
    sandbox: end.sandbox,
    stdoutBytes: end.stdout.totalBytes,
    stderrBytes: end.stderr.totalBytes,
  };
}

function lastWords(stderr: string): string {
  const line = stderr.trimEnd().split("\n").at(-1)?.trim().slice(0, 160) ?? "";
  return line === "" ? "" : `: ${line}`;
}

/** Code of an error that the agent answered; null for an error of another kind. */
function codeOf(error: unknown): number | null {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "number" ? code : null;
}

function describeError(error: unknown, { redact, worker }: LaneRequest): string {
  const message = redact(error instanceof Error ? error.message : String(error));
  if (codeOf(error) === AUTH_REQUIRED && /\b(?:auth\w*|log ?in|sign(?:ed)? ?in)\b/i.test(message)) {
    const agent = findAgent("acp", worker.preset ?? worker.command[0] ?? "");
    const keys = (agent?.env ?? []).filter((name) => /KEY|TOKEN/.test(name)).slice(0, 3);
    return `${message}; start ${worker.command[0]} yourself and sign in${keys.length === 0 ? "" : `, or set ${keys.join(" or ")}`}`;
  }
  return `${message}${redact(describeData((error as { data?: unknown } | null)?.data)).slice(0, 500)}`;
}

function describeData(data: unknown): string {
  try {
    return data === undefined || data === null ? "" : ` ${JSON.stringify(data)}`;
  } catch {
    return " (with data that are nested too deep)";
  }
}

async function within<T>(ms: number, failure: string, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(failure)), ms);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
