import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { OkstraError } from "@okstra/core/errors";
import type { CallOutside, OutsideAnswer, OutsideCall } from "@okstra/core/handoff-port";
import { systemClock } from "../clock.ts";
import { errnoOf } from "../io-error.ts";
import { listenForCancel } from "./cancel.ts";
import { destroyPipesAfter } from "./drain.ts";
import { findExecutable } from "./find-program.ts";
import { cleanGitEnvironment, FIXED_CONFIG } from "./git-process.ts";
import { startInGroup } from "./group-tree.ts";
import { DEATH_WAIT_MS, waitAtMost, type HeldTree } from "./held-tree.ts";
import { RUN_ID_VARIABLE } from "./orphans.ts";

const STDOUT_MAX_BYTES = 64 * 1024 * 1024;
const STDERR_KEPT_BYTES = 64 * 1024;
/** What a program gets between SIGTERM and SIGKILL. */
const GRACE_MS = 2000;
/** How long pipes may stay open after the group's death: only a process that left the group can hold them. */
const DRAIN_MS = 500;
/** The longest time that a timer can hold. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const DEFAULT_PATH = "/usr/bin:/bin";
/** The file is there, so its interpreter is missing or its format is foreign. */
const UNUSABLE = new Set(["ENOENT", "ENOTDIR", "EACCES", "ENOEXEC"]);

/** The person's way to a remote that git's cleaned environment leaves out, as no call without network needs it. */
const GIT_TRANSPORT_VARIABLES = ["GIT_SSH_VARIANT", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_SSL_CERT", "GIT_SSL_KEY"];
/** No `ext::` and no helper that a URL may name: those run programs. */
const GIT_TRANSPORTS = "file:git:http:https:ssh";

/** What gh and glab get of the person's environment. */
const FORGE_VARIABLES = `
  PATH HOME USER LOGNAME LANG LC_ALL TMPDIR DBUS_SESSION_BUS_ADDRESS XDG_CONFIG_HOME XDG_STATE_HOME XDG_DATA_HOME
  GH_TOKEN GITHUB_TOKEN GH_ENTERPRISE_TOKEN GITHUB_ENTERPRISE_TOKEN GH_HOST GH_CONFIG_DIR
  GITLAB_TOKEN GITLAB_HOST GL_HOST GLAB_CONFIG_DIR
  HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy SSL_CERT_FILE SSL_CERT_DIR`
  .trim()
  .split(/\s+/u);
/** Plain text, no question, no look for a newer version, no telemetry. */
const FORGE_FIXED = {
  GH_PROMPT_DISABLED: "1",
  GLAB_NO_PROMPT: "1",
  GH_NO_UPDATE_NOTIFIER: "1",
  GLAB_CHECK_UPDATE: "false",
  GLAB_SEND_TELEMETRY: "false",
  NO_COLOR: "1",
  CLICOLOR: "0",
  TERM: "dumb",
};

/**
 * The one way to programs that talk with a remote or a forge. A program has a process group and a session of its own,
 * so it has no terminal to ask on, and all of it is ended with the call: SIGTERM at the deadline or when the signal
 * fires, SIGKILL 2 s later; SIGKILL for what is left behind when the program ended by itself. No namespaces: ssh and
 * credential helpers need the person's own user and sockets.
 *
 * A program that is absent or cannot be executed is the answer `not-found`. One that writes more than 64 MiB is ended;
 * the answer is then `by-itself` without an exit code, and stderr's last line says why.
 * @param options.env the person's environment; its PATH is where programs are looked for
 * @throws OKSTRA_DIRECTORY_NOT_FOUND for an absent cwd, OKSTRA_IO_FAILED when the system cannot start a process
 */
export function createCallOutside(options: { env: NodeJS.ProcessEnv }): CallOutside {
  return async (call) => {
    const env = { ...chooseEnvironment(call.program, options.env), ...call.env };
    const args = call.program === "git" ? [...FIXED_CONFIG, ...call.args] : [...call.args];
    const startedAt = systemClock.now();
    const startedMs = systemClock.monotonicMs();
    const report = (end: ProgramAnswer): OutsideAnswer => ({
      argv: [call.program, ...args],
      ...end,
      startedAt,
      durationMs: Math.max(0, Math.round(systemClock.monotonicMs() - startedMs)),
    });

    requireDirectory(call.cwd);
    const program = await findExecutable(call.program, env["PATH"] ?? DEFAULT_PATH);
    if (program === null) return report(unanswered("not-found", `${call.program} is not on PATH\n`));
    if (call.signal.aborted) return report(unanswered("cancelled"));
    try {
      return report(await runInGroup(call, { program, args, env }));
    } catch (error) {
      const errno = errnoOf(error);
      if (errno !== undefined && UNUSABLE.has(errno)) {
        return report(unanswered("not-found", `${program} cannot be started (${errno})\n`));
      }
      throw new OkstraError("OKSTRA_IO_FAILED", {
        message: `${call.program} could not be started: ${error instanceof Error ? error.message : String(error)}`,
        details: { program, errno: errno ?? null },
        cause: error,
      });
    }
  };
}

type ProgramAnswer = Pick<OutsideAnswer, "exitCode" | "ended" | "stdout" | "stderr">;

function unanswered(ended: OutsideAnswer["ended"], stderr = ""): ProgramAnswer {
  return { exitCode: null, ended, stdout: "", stderr };
}

function chooseEnvironment(program: OutsideCall["program"], from: NodeJS.ProcessEnv): Record<string, string> {
  if (program === "git") {
    return { ...cleanGitEnvironment(from), ...pick(from, GIT_TRANSPORT_VARIABLES), GIT_ALLOW_PROTOCOL: GIT_TRANSPORTS };
  }
  return { ...pick(from, FORGE_VARIABLES), ...FORGE_FIXED };
}

function pick(from: NodeJS.ProcessEnv, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]])));
}

/** Rejects with the system's own error when the program cannot be started. */
async function runInGroup(
  call: OutsideCall,
  start: { program: string; args: readonly string[]; env: Record<string, string> },
): Promise<ProgramAnswer> {
  // Processes that leave the group are found by this mark.
  const runId = `outside-${randomBytes(8).toString("hex")}`;
  const tree = startInGroup({
    ...start,
    env: { ...start.env, [RUN_ID_VARIABLE]: runId },
    cwd: call.cwd,
    hasStdin: call.stdin !== undefined,
    runId,
  });
  const stop = createStop(tree, call);
  const stdout = collectHead(tree, () => stop.because("too-large"));
  const stderr = collectTail(tree);
  // A program need not read its input; its exit status says whether that matters.
  tree.child.stdin?.on("error", () => {});
  tree.child.stdin?.end(call.stdin);
  try {
    const exit = await Promise.race([tree.exited, stop.gaveUp]);
    stop.release();
    await tree.finishOff();
    await waitForPipes(tree);
    const reason = stop.reason();
    return {
      exitCode: reason === null ? (exit?.exitCode ?? null) : null,
      ended: reason === "deadline" || reason === "cancelled" ? reason : "by-itself",
      stdout: stdout(),
      stderr: `${stderr()}${reason === "too-large" ? `\nokstra: ended, as it wrote more than ${STDOUT_MAX_BYTES} bytes\n` : ""}`,
    };
  } finally {
    stop.release();
    await tree.finishOff();
  }
}

type StopReason = "deadline" | "cancelled" | "too-large";

interface Stop {
  /** Ends the group for the first reason that comes; later ones change nothing. */
  because(reason: StopReason): void;
  reason(): StopReason | null;
  /** Settles when the program could not be ended by SIGKILL for 10 s. */
  readonly gaveUp: Promise<null>;
  /** No reason counts any more. */
  release(): void;
}

/** The deadline counts from here. */
function createStop(tree: HeldTree, call: OutsideCall): Stop {
  let reason: StopReason | null = null;
  let isReleased = false;
  let killTimer: NodeJS.Timeout | undefined;
  let giveUp = (): void => {};
  const gaveUp = new Promise<null>((resolve) => {
    giveUp = () => resolve(null);
  });
  const because = (why: StopReason): void => {
    if (reason !== null || isReleased) return;
    reason = why;
    tree.askToEnd();
    killTimer = setTimeout(() => {
      tree.endNow();
      killTimer = setTimeout(giveUp, DEATH_WAIT_MS);
    }, GRACE_MS);
  };
  const deadline = setTimeout(() => because("deadline"), Math.min(Math.max(0, call.deadlineMs), LONGEST_TIMER_MS));
  const stopListening = listenForCancel(call.signal, () => because("cancelled"));
  return {
    because,
    reason: () => reason,
    gaveUp,
    release() {
      isReleased = true;
      clearTimeout(deadline);
      clearTimeout(killTimer);
      stopListening();
    },
  };
}

function collectHead({ child }: HeldTree, onTooMuch: () => void): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  child.stdout?.on("data", (chunk: Buffer) => {
    const kept = chunk.subarray(0, STDOUT_MAX_BYTES - bytes);
    if (kept.length > 0) chunks.push(kept);
    bytes += kept.length;
    if (kept.length < chunk.length) onTooMuch();
  });
  return () => Buffer.concat(chunks).toString("utf8");
}

function collectTail({ child }: HeldTree): () => string {
  let tail = Buffer.alloc(0);
  child.stderr?.on("data", (chunk: Buffer) => {
    const whole = Buffer.concat([tail, chunk]);
    tail = whole.length > STDERR_KEPT_BYTES ? Buffer.from(whole.subarray(-STDERR_KEPT_BYTES)) : whole;
  });
  return () => {
    // A cut inside a character leaves up to three of its bytes at the start.
    let start = 0;
    while (tail.length === STDERR_KEPT_BYTES && start < 3 && ((tail[start] ?? 0) & 0xc0) === 0x80) start += 1;
    return tail.toString("utf8", start);
  };
}

async function waitForPipes({ child }: HeldTree): Promise<void> {
  const open = [child.stdout, child.stderr].filter((stream) => stream !== null && !stream.closed);
  const stopDraining = destroyPipesAfter(child, DRAIN_MS);
  await waitAtMost(Promise.all(open.map((stream) => new Promise((resolve) => stream?.once("close", resolve)))), DEATH_WAIT_MS);
  stopDraining();
  child.stdin?.destroy();
}

function requireDirectory(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new OkstraError("OKSTRA_DIRECTORY_NOT_FOUND", { message: `There is no directory ${path} to work in.`, details: { path } });
}
