import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { OkstraError } from "@okstra/core/errors";
import type { Clock, ProcessEnd, Processes, ProcessSpec, SandboxRequest } from "@okstra/core/ports";
import { errnoOf } from "../io-error.ts";
import { createBoundedCapture } from "./bounded-capture.ts";
import { listenForCancel } from "./cancel.ts";
import { destroyPipesAfter } from "./drain.ts";
import { findExecutable } from "./find-program.ts";
import { startInGroup } from "./group-tree.ts";
import { DEATH_WAIT_MS, type HeldTree, type ProgramExit, type StartRequest } from "./held-tree.ts";
import { fetchNamespaceTools } from "./isolation.ts";
import { listLiveRoots } from "./live-trees.ts";
import { startInNamespace } from "./namespace-tree.ts";
import { endMarked, RUN_ID_VARIABLE } from "./orphans.ts";
import { createTranscript } from "./transcript.ts";
import { noteTraffic } from "./memory-relief.ts";
import { noConversation, openConversation, type Conversation } from "./conversation.ts";
import { bwrapArguments } from "../sandbox/bwrap.ts";
import { fetchSandboxTool, type SandboxProbe } from "./sandbox-tool.ts";
import { loadRealPaths } from "../sandbox/real-paths.ts";
import { sandboxProfile } from "../sandbox/sandbox-exec.ts";

export { endAllNow } from "./live-trees.ts";

/** What a tree gets between SIGTERM and SIGKILL. */
const GRACE_MS = 2000;
/** How long pipes may stay open after the tree's death: only a process that got away can hold them. */
const DRAIN_MS = 500;
/** How long a reader may let lie what a program left that ended by itself, before the reader is taken for gone. */
const READER_GONE_MS = 10_000;
/** The longest time that a timer can hold. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** What okstra read of an agent is shorter than what the agent printed. */
const LINES_MAX_BYTES = 2 * 1024 * 1024;
const DEFAULT_PATH = "/usr/bin:/bin";

/**
 * Worker processes on this machine, each held with its whole tree.
 * @param options.isolation forces the weaker way that is otherwise only taken where there are no PID namespaces
 * @param options.fetchSandbox answers for the system what a sandbox is made of
 */
export function createProcesses(options: {
  clock: Clock;
  isolation?: "process-group" | undefined;
  fetchSandbox?: SandboxProbe | undefined;
}): Processes {
  const { clock, fetchSandbox = fetchSandboxTool } = options;
  const fetchTools = async (): ReturnType<typeof fetchNamespaceTools> =>
    options.isolation === "process-group" ? null : fetchNamespaceTools();

  const startTree = async (request: StartRequest): Promise<HeldTree> => {
    const tools = await fetchTools();
    const tree = tools === null ? null : await startInNamespace(tools, request);
    return tree ?? startInGroup(request);
  };

  const describeIsolation = async (): Promise<HeldTree["isolation"]> => ((await fetchTools()) === null ? "process-group" : "pid-namespace");

  /** Starts the program; the tree is held until `ended` settles. Rejects when it could not be started. */
  const launch = async (
    spec: ProcessSpec,
    isConversation: boolean,
  ): Promise<{ conversation: Conversation; ended: Promise<ProcessEnd> }> => {
    await requireDirectory(spec.cwd);
    const program = await requireProgram(spec);
    const { wrapper, sandbox } = await wrap(spec.sandbox ?? null, fetchSandbox, (await fetchTools()) === null);
    const capture = {
      stdout: createBoundedCapture(spec.captureBytes, spec.redact),
      stderr: createBoundedCapture(spec.captureBytes, spec.redact),
    };
    const control = createControl(spec);
    const transcript = spec.transcriptPath === null ? null : createTranscript(spec.transcriptPath, spec.redact, control.abandon);
    const startedAt = clock.now();
    const startedMs = clock.monotonicMs();
    const report = (exit: ProgramExit, isolation: HeldTree["isolation"]): ProcessEnd => ({
      ...exit,
      ended: control.ended(),
      stdout: capture.stdout.finish(),
      stderr: capture.stderr.finish(),
      startedAt,
      endedAt: clock.now(),
      durationMs: Math.max(0, Math.round(clock.monotonicMs() - startedMs)),
      isolation,
      sandbox,
    });
    const release = (): void => {
      control.release();
      transcript?.finish();
    };

    let tree: HeldTree;
    try {
      if (spec.signal.aborted) {
        const end = report({ exitCode: null, signal: null }, await describeIsolation());
        release();
        return { conversation: noConversation(), ended: Promise.resolve(end) };
      }
      const [first, ...rest] = [...wrapper, program, ...spec.command.slice(1)];
      tree = await startTree({
        program: first ?? program,
        args: rest,
        cwd: spec.cwd,
        env: { ...spec.env, [RUN_ID_VARIABLE]: spec.runId },
        hasStdin: isConversation || spec.stdin !== undefined,
        isWrapper: wrapper.length > 0,
        runId: spec.runId,
      });
    } catch (error) {
      release();
      throw error instanceof OkstraError ? error : notStarted(spec.command[0], error);
    }
    const conversation = openConversation(tree, control.abandon);
    const keep = (name: "stdout" | "stderr"): ((chunk: Buffer) => void) => {
      const lines = transcript?.openStream();
      return (chunk) => {
        capture[name].add(chunk);
        lines?.add(chunk);
        spec.onOutput?.(chunk.length);
        noteTraffic(chunk.length);
      };
    };
    if (isConversation) conversation.keep = keep("stdout");
    else tree.child.stdout?.on("data", keep("stdout"));
    tree.child.stderr?.on("data", keep("stderr"));
    // A program need not read its input; its exit status says whether that matters.
    tree.child.stdin?.on("error", () => {});
    if (!isConversation) tree.child.stdin?.end(spec.stdin);
    const finish = async (): Promise<ProcessEnd> => {
      try {
        const exit = await control.watch(tree);
        await tree.finishOff();
        // What is in the pipe is read to its end by whoever talks with the program, as long as it reads.
        if (isConversation) await conversation.drained(control.wasEnded() ? DRAIN_MS : READER_GONE_MS);
        await waitForPipes(tree);
        return report(exit, tree.isolation);
      } catch (error) {
        throw error instanceof OkstraError ? error : notStarted(spec.command[0], error);
      } finally {
        // Nothing is left to end after a normal course; after a failed start this clears up.
        await tree.finishOff();
        release();
      }
    };
    return { conversation, ended: finish() };
  };

  return {
    run: async (spec) => (await launch(spec, false)).ended,
    async start(spec) {
      if (spec.stdin !== undefined) throw new OkstraError("OKSTRA_INTERNAL", { message: "A conversation has no fixed input." });
      const { conversation, ended } = await launch(spec, true);
      // Whoever waits for the end hears of a failure; nobody must.
      ended.catch(() => {});
      return {
        output: conversation.output,
        write: (bytes) => conversation.write(bytes),
        endInput: () => conversation.endInput(),
        stop: () => conversation.stop(),
        ended,
      };
    },
    findProgram: (name, path) => findExecutable(name, path),
    endOrphans: (runId) => endMarked(runId, listLiveRoots),
    isolation: describeIsolation,
    async sandbox() {
      const tool = await fetchSandbox();
      return { state: tool.state, reason: "reason" in tool ? tool.reason : null };
    },
    openLines(path, redact) {
      const transcript = createTranscript(path, redact, () => {}, LINES_MAX_BYTES);
      const stream = transcript.openStream();
      return { add: (line) => stream.add(Buffer.from(`${line}\n`)), finish: () => transcript.finish() };
    },
  };
}

/** The sandbox's program with its arguments, before the program that is meant. @throws OKSTRA_PREPARE_SANDBOX_UNAVAILABLE */
async function wrap(
  request: SandboxRequest | null,
  fetchSandbox: SandboxProbe,
  ownProcesses: boolean,
): Promise<{ wrapper: readonly string[]; sandbox: ProcessEnd["sandbox"] }> {
  if (request === null) return { wrapper: [], sandbox: "off" };
  const tool = await fetchSandbox();
  switch (tool.state) {
    case "unavailable":
      throw new OkstraError("OKSTRA_PREPARE_SANDBOX_UNAVAILABLE", {
        message: `There is no sandbox here: ${tool.reason}.`,
        details: { reason: tool.reason },
      });
    case "sandbox-exec":
      return { wrapper: [tool.program, "-p", sandboxProfile(await loadRealPaths(request))], sandbox: tool.state };
    case "bwrap": {
      const args = await bwrapArguments(request, { ownProcesses, isRoot: process.getuid?.() === 0 });
      return { wrapper: [tool.program, ...args], sandbox: tool.state };
    }
  }
}

interface Control {
  /** Ends the tree when it is time to; settles when the program has ended, or could not be ended. */
  watch(tree: HeldTree): Promise<ProgramExit>;
  /** Ends the tree for a reason of our own, without calling it cancelled. */
  abandon(): void;
  ended(): ProcessEnd["ended"];
  /** True when the tree was ended from here, whatever the reason. */
  wasEnded(): boolean;
  release(): void;
}

/** The deadline counts from here. */
function createControl(spec: ProcessSpec): Control {
  let ended: ProcessEnd["ended"] = spec.signal.aborted ? "cancelled" : "by-itself";
  let mustEnd = spec.signal.aborted;
  let hasExited = false;
  let held: HeldTree | null = null;
  let killTimer: NodeJS.Timeout | undefined;
  let giveUp = (): void => {};
  const isGivenUp = new Promise<void>((resolve) => {
    giveUp = resolve;
  });

  const endTree = (tree: HeldTree): void => {
    tree.askToEnd();
    killTimer = setTimeout(() => {
      tree.endNow();
      killTimer = setTimeout(giveUp, DEATH_WAIT_MS);
    }, GRACE_MS);
  };
  const end = (reason: ProcessEnd["ended"]): void => {
    if (mustEnd || hasExited) return;
    mustEnd = true;
    ended = reason;
    if (held !== null) endTree(held);
  };
  const stopListening = listenForCancel(spec.signal, () => end("cancelled"));
  const deadline = spec.deadlineMs > 0 ? setTimeout(() => end("deadline"), Math.min(spec.deadlineMs, LONGEST_TIMER_MS)) : undefined;

  return {
    async watch(tree) {
      held = tree;
      if (mustEnd) endTree(tree);
      const exit = await Promise.race([tree.exited, isGivenUp]);
      hasExited = true;
      clearTimeout(killTimer);
      return exit ?? { exitCode: null, signal: "SIGKILL" };
    },
    abandon: () => end("by-itself"),
    ended: () => ended,
    wasEnded: () => mustEnd,
    release() {
      clearTimeout(deadline);
      clearTimeout(killTimer);
      stopListening();
    },
  };
}

async function waitForPipes(tree: HeldTree): Promise<void> {
  const { child } = tree;
  const open = [child.stdout, child.stderr].filter((stream) => stream !== null && !stream.closed);
  const stopDraining = destroyPipesAfter(child, DRAIN_MS);
  await Promise.all(open.map((stream) => new Promise((resolve) => stream?.once("close", resolve))));
  stopDraining();
  child.stdin?.destroy();
}

async function requireDirectory(path: string): Promise<void> {
  const isDirectory = await stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
  if (!isDirectory)
    throw new OkstraError("OKSTRA_DIRECTORY_NOT_FOUND", { message: `There is no directory ${path} to work in.`, details: { path } });
}

async function requireProgram(spec: ProcessSpec): Promise<string> {
  const [name] = spec.command;
  const program = await findExecutable(name, spec.env["PATH"] ?? DEFAULT_PATH, spec.cwd);
  if (program !== null) return program;
  throw new OkstraError("OKSTRA_PREPARE_WORKER_NOT_FOUND", {
    message: name.includes("/") ? `The program ${name} does not exist or is not executable.` : `The program ${name} is not on PATH.`,
    hint: `Install ${basename(name)}, or mend the worker's command.`,
    details: { program: name },
  });
}

function notStarted(name: string, error: unknown): OkstraError {
  const errno = errnoOf(error) ?? null;
  // The file is there, so it is its interpreter that is missing, or its format that is foreign.
  const isUnusable = errno === "ENOENT" || errno === "EACCES" || errno === "ENOEXEC";
  return new OkstraError(isUnusable ? "OKSTRA_PREPARE_WORKER_NOT_FOUND" : "OKSTRA_IO_FAILED", {
    message: `The program ${name} could not be started: ${error instanceof Error ? error.message : String(error)}`,
    details: { program: name, errno },
    cause: error,
  });
}
