import {
  client,
  methods,
  PROTOCOL_VERSION,
  type LoadSessionResponse,
  type NewSessionResponse,
  type ResumeSessionResponse,
  type SessionNotification,
  type Stream,
} from "@agentclientprotocol/sdk";
import { OkstraError } from "@okstra/core/errors";
import { POLITE_MS, type Clock, type LaneRequest, type ProcessEnd, type Processes, type RunningProcess } from "@okstra/core/ports";
import { createAcpSession, type AcpSession } from "./acp/session.ts";
import { createMessageStream } from "./acp/message-stream.ts";
import type { AgentDriver, AgentTurn, TurnOptions } from "./agents/driver.ts";

const CAPTURE_BYTES = 64 * 1024;
/** How long a step before the prompt may take: starting, opening the session, its mode and model. */
const OPENING_MS = 120_000;

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
  /** Whether the agent died before it was ended. */
  readonly died: boolean;
}

/** The whole conversation: it settles when the agent is done, dead, or was asked to stop and given its time. */
async function converse(
  running: RunningProcess,
  { request, options, session }: { request: LaneRequest; options: TurnOptions; session: AcpSession },
): Promise<Spoken> {
  const stream = createMessageStream(running, (text) => options.log("note", text), request.redact);
  const connection = client({ name: "okstra" })
    .onRequest(methods.client.session.requestPermission, ({ params }) => session.answerPermission(params))
    // Parsed by ourselves: what an agent sends amiss is a note in its transcript, not a line on okstra's terminal.
    .onNotification(
      methods.client.session.update,
      (params: unknown) => params as SessionNotification,
      ({ params }) => session.take(params),
    )
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
  const talk = async (): Promise<Spoken> => {
    const opened = await within(OPENING_MS, "the agent did not answer in time", open(agent, request, options, session));
    session.began(opened.sessionId);
    const response = await agent.request(methods.agent.session.prompt, {
      sessionId: opened.sessionId,
      prompt: [{ type: "text", text: options.prompt }],
    });
    session.finished(response);
    if (response.stopReason === "end_turn") return { end: "completed", failure: null, died: false };
    if (response.stopReason === "cancelled" && signal.aborted) return { end: "stopped", failure: null, died: false };
    return { end: "failed", failure: `the agent stopped: ${response.stopReason}`, died: false };
  };
  try {
    const talked = talk().catch(async (error: unknown): Promise<Spoken> => {
      // An agent that died closes the connection a moment before its end is known.
      if (/connection closed|stream/i.test(String(error))) await Promise.race([over, delay(POLITE_MS)]);
      return { end: "failed", failure: stream.failure() ?? describeError(error, request.redact), died };
    });
    const spoken = await Promise.race([talked, stopped, stream.failed.then((failure): Spoken => ({ end: "failed", failure, died }))]);
    return signal.aborted ? { end: "stopped", failure: null, died: spoken.died } : spoken;
  } finally {
    signal.removeEventListener("abort", onStop);
    connection.close();
    stream.close();
  }
}

type Agent = ReturnType<ReturnType<typeof client>["connect"]>["agent"];

async function open(agent: Agent, request: LaneRequest, options: TurnOptions, session: AcpSession): Promise<{ sessionId: string }> {
  const known = await agent.request(methods.agent.initialize, {
    protocolVersion: PROTOCOL_VERSION,
    // The agent has its own tools, in its own sandbox: okstra reads and runs nothing for it.
    clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
    clientInfo: { name: "okstra", version: "1" },
  });
  session.met(known);
  const [command, ...args] = request.door.command;
  const place = {
    cwd: request.worktree,
    mcpServers: [{ name: "okstra", command, args, env: Object.entries(request.door.env).map(([name, value]) => ({ name, value })) }],
  };
  const { agentCapabilities } = known;
  if (options.resume !== null && agentCapabilities?.sessionCapabilities?.resume) {
    const state = await agent.request<ResumeSessionResponse>(methods.agent.session.resume, { sessionId: options.resume, ...place });
    await session.settle(agent, options.resume, state);
    return { sessionId: options.resume };
  }
  if (options.resume !== null && agentCapabilities?.loadSession === true) {
    const state = await agent.request<LoadSessionResponse | null>(methods.agent.session.load, { sessionId: options.resume, ...place });
    await session.settle(agent, options.resume, state ?? {});
    return { sessionId: options.resume };
  }
  const state = await agent.request<NewSessionResponse>(methods.agent.session.new, place);
  await session.settle(agent, state.sessionId, state);
  return { sessionId: state.sessionId };
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

function describeError(error: unknown, redact: LaneRequest["redact"]): string {
  const message = redact(error instanceof Error ? error.message : String(error));
  const data = (error as { data?: unknown } | null)?.data;
  const details = data === undefined || data === null ? "" : ` ${redact(JSON.stringify(data)).slice(0, 500)}`;
  return `${message}${details}`;
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
