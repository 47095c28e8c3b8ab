import { OkstraError } from "@okstra/core/errors";
import type { Processes, ProcessEnd, RunningProcess } from "@okstra/core/ports";
import type { AgentDriver, AgentTurn } from "../agents/driver.ts";
import { LineTooLongError, readLines } from "../agents/line-reader.ts";
import { createMessageText } from "../agents/message-text.ts";
import type { HeadlessDialect, JsonObject, Telling, Told } from "./dialect.ts";

const CAPTURE_BYTES = 64 * 1024;
const MAX_TITLE = 200;
/** Permissions kept; the rest is counted. */
const MOST_PERMISSIONS = 200;
/** Lines that are no JSON and get into the transcript; the raw one has all of them. */
const MOST_STRAY_LINES = 200;
/** How long a program may live after it said that it is done: servers of its own may keep it. */
const LINGER_MS = 5000;
/** Characters of an argument that a receipt keeps. */
const MAX_ARGUMENT = 120;

/** The driver of a program that gets its prompt on standard input and tells what it does as one JSON object a line. */
export function createHeadlessDriver(dialect: HeadlessDialect, { processes }: { processes: Processes }): AgentDriver {
  return {
    kind: dialect.kind,
    canResume: (turn) => turn.sessionId !== null && dialect.canResume?.(turn) !== false,
    plan: (request) => [
      ...request.worker.command,
      ...dialect.start(request, { resume: null, prompt: "", transcriptPath: "", log: () => undefined }).args,
    ],
    ...(dialect.files === undefined ? {} : { files: (request) => dialect.files?.(request) ?? [] }),
    async turn(request, options) {
      const [program, ...leading] = request.worker.command;
      if (program === undefined)
        throw new OkstraError("OKSTRA_PREPARE_WORKER_UNKNOWN", { message: `The worker ${request.worker.name} has no command.` });
      const { args, env } = dialect.start(request, options);
      const running = await processes.start({
        command: [program, ...leading, ...args],
        cwd: request.worktree,
        env: { ...request.env, ...env },
        deadlineMs: 0,
        runId: request.runId,
        transcriptPath: options.transcriptPath,
        captureBytes: CAPTURE_BYTES,
        redact: request.redact,
        signal: request.signal,
        sandbox: request.sandbox,
        onOutput: request.onOutput,
      });
      const telling = createTelling(request, options);
      const { broken, wasEnded } = await converse(running, dialect.openReader(telling), telling);
      const end = await running.ended;
      telling.message.end();
      telling.thought.end();
      return describeTurn(dialect, telling, { program, args, broken, wasEnded, end });
    },
  };
}

interface Conversation {
  /** Why the stream could not be read; null when it could. */
  readonly broken: string | null;
  /** Whether it was ended after it had said that it was done. */
  readonly wasEnded: boolean;
}

/** Gives the prompt and reads the stream to its end. Settles when the program is dead. */
async function converse(
  running: RunningProcess,
  read: (event: JsonObject) => void,
  { told, options, request: { redact } }: Telling,
): Promise<Conversation> {
  void running.write(new TextEncoder().encode(options.prompt)).then(() => running.endInput());
  let linger: ReturnType<typeof setTimeout> | undefined;
  let wasEnded = false;
  let stray = 0;
  try {
    for await (const line of readLines(running.output)) {
      if (line.trim() === "") continue;
      const event = parseObject(line);
      if (event !== null) read(event["delta"] === true ? event : (redactTexts(event, redact, "") as JsonObject));
      else if ((stray += 1) <= MOST_STRAY_LINES) options.log("note", `no JSON: ${redact(line).slice(0, MAX_TITLE)}`);
      if (!told.isOver) continue;
      linger ??= setTimeout(() => {
        wasEnded = true;
        running.stop();
      }, LINGER_MS);
    }
    await running.ended;
    return { broken: null, wasEnded };
  } catch (error) {
    running.stop();
    await running.ended;
    return { broken: error instanceof LineTooLongError ? error.message : `its output could not be read: ${String(error)}`, wasEnded };
  } finally {
    clearTimeout(linger);
  }
}

function describeTurn(
  dialect: HeadlessDialect,
  { told, request, message }: Telling,
  { program, args, broken, wasEnded, end }: Conversation & { program: string; args: readonly string[]; end: ProcessEnd },
): AgentTurn {
  const failure = request.signal.aborted ? null : (broken ?? told.failure ?? (wasEnded ? null : describeEnd(dialect, told, end)));
  return {
    end: request.signal.aborted ? "stopped" : failure === null ? "completed" : "failed",
    failure,
    lastMessage: message.last(),
    structured: told.structured,
    sessionId: told.sessionId,
    modelServed: told.modelServed,
    usage: told.usage,
    cost: told.cost,
    quotaResetsAt: told.quotaResetsAt,
    permissions: told.permissions,
    permissionCount: told.permissionCount,
    agentVersion: told.agentVersion,
    // Some arguments hold the door's environment or a whole schema: of those the beginning.
    command: [
      program,
      ...request.worker.command.slice(1),
      ...args.map((arg) => (arg.length > MAX_ARGUMENT ? `${arg.slice(0, MAX_ARGUMENT)}…` : arg)),
    ],
    exitCode: end.exitCode,
    signal: end.signal,
    isolation: end.isolation,
    sandbox: end.sandbox,
    stdoutBytes: end.stdout.totalBytes,
    stderrBytes: end.stderr.totalBytes,
  };
}

/** Why the end of the process is no good end; null when it is one. */
function describeEnd(dialect: HeadlessDialect, told: Told, end: ProcessEnd): string | null {
  if (told.isOver && end.exitCode === 0) return null;
  const known = dialect.describeExit?.(end) ?? null;
  const status = end.signal === null ? `exit status ${end.exitCode}` : `signal ${end.signal}`;
  if (end.exitCode !== 0) return `the agent ended with ${status}${known === null ? "" : ` (${known})`}${lastWords(end.stderr.text)}`;
  return `the agent ended before it said that it was done${lastWords(end.stderr.text)}`;
}

function createTelling(request: Telling["request"], options: Telling["options"]): Telling {
  const told: Told = {
    sessionId: null,
    modelServed: null,
    agentVersion: null,
    usage: null,
    cost: null,
    quotaResetsAt: null,
    failure: null,
    structured: undefined,
    isOver: false,
    permissions: [],
    permissionCount: 0,
  };
  const { log } = options;
  return {
    request,
    options,
    told,
    log,
    tool(title, data) {
      const text = request.redact(title).slice(0, MAX_TITLE);
      log("tool", text, data);
      request.onActivity(text);
    },
    message: createMessageText((text) => log("message", text), request.redact),
    thought: createMessageText((text) => log("thought", text), request.redact),
    use(usage, cost) {
      told.usage = usage;
      told.cost = cost ?? told.cost;
      request.onUse(usage, told.cost, told.modelServed);
    },
    refused(record) {
      told.permissionCount += 1;
      if (told.permissions.length < MOST_PERMISSIONS) told.permissions.push(record);
      log("permission", `${record.answer}: ${record.title}`, { tool: record.tool, rule: record.rule });
    },
    serve(model) {
      if (typeof model !== "string" || model === "" || model === told.modelServed) return;
      told.modelServed = shorten(model, request.redact);
      log("model", told.modelServed);
    },
    began(sessionId) {
      if (typeof sessionId !== "string" || sessionId === "" || sessionId === told.sessionId) return;
      told.sessionId = shorten(sessionId, request.redact);
      log("session", told.sessionId);
    },
  };
}

/** A name as it was given, or its beginning: only what is cut is redacted, because a name is also sent back or looked up. */
function shorten(name: string, redact: (text: string) => string): string {
  return name.length <= MAX_TITLE ? name : redact(name).slice(0, MAX_TITLE);
}

/** Members whose short values the dialects compare or send back: they are kept as they are, and redacted where they are written. */
const KEPT = new Set([
  "type",
  "subtype",
  "status",
  "severity",
  "role",
  "model",
  "id",
  "name",
  "tool_name",
  "tool_id",
  "session_id",
  "thread_id",
]);
/** No dialect cuts what is shorter. */
const MAX_KEPT = 80;

/**
 * An event whose texts are redacted before a dialect cuts them: half a secret is not recognised any more. Pieces of a
 * message are not for it, because a secret may go on in the next piece.
 */
function redactTexts(value: unknown, redact: (text: string) => string, name: string): unknown {
  if (typeof value === "string") return KEPT.has(name) && value.length <= MAX_KEPT ? value : redact(value);
  if (Array.isArray(value)) return value.map((each) => redactTexts(each, redact, ""));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, redactTexts(each, redact, key)]));
}

function parseObject(line: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
  } catch {
    return null;
  }
}

function lastWords(stderr: string): string {
  const line = stderr.trimEnd().split("\n").at(-1)?.trim().slice(0, 240) ?? "";
  return line === "" ? "" : `: ${line}`;
}
