import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { OkstraError } from "@okstra/core/errors";
import type { Clock, ProcessEnd, Processes, ProcessSpec } from "@okstra/core/ports";
import { errnoOf } from "../io-error.ts";
import { createBoundedCapture, type BoundedCapture } from "./bounded-capture.ts";
import { listenForCancel } from "./cancel.ts";
import { destroyPipesAfter } from "./drain.ts";
import { findExecutable } from "./find-program.ts";
import { startInGroup } from "./group-tree.ts";
import { DEATH_WAIT_MS, type HeldTree, type ProgramExit, type StartRequest } from "./held-tree.ts";
import { fetchNamespaceTools } from "./isolation.ts";
import { listLiveRoots } from "./live-trees.ts";
import { startInNamespace } from "./namespace-tree.ts";
import { endMarked, RUN_ID_VARIABLE } from "./orphans.ts";
import { createTranscript, type Transcript } from "./transcript.ts";

export { endAllNow } from "./live-trees.ts";

/** What a tree gets between SIGTERM and SIGKILL. */
const GRACE_MS = 2000;
/** How long pipes may stay open after the tree's death: only a process that got away can hold them. */
const DRAIN_MS = 500;
/** The longest time that a timer can hold. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const DEFAULT_PATH = "/usr/bin:/bin";

/**
 * Worker processes on this machine, each held with its whole tree.
 * @param options.isolation forces the weaker way that is otherwise only taken where there are no PID namespaces
 */
export function createProcesses(options: { clock: Clock; isolation?: "process-group" }): Processes {
  const { clock } = options;
  const fetchTools = async (): ReturnType<typeof fetchNamespaceTools> =>
    options.isolation === "process-group" ? null : fetchNamespaceTools();

  const startTree = async (request: StartRequest): Promise<HeldTree> => {
    const tools = await fetchTools();
    const tree = tools === null ? null : await startInNamespace(tools, request);
    return tree ?? startInGroup(request);
  };

  const run = async (spec: ProcessSpec): Promise<ProcessEnd> => {
    await requireDirectory(spec.cwd);
    const program = await requireProgram(spec);
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
    });

    try {
      if (spec.signal.aborted) {
        return report({ exitCode: null, signal: null }, (await fetchTools()) === null ? "process-group" : "pid-namespace");
      }
      const tree = await startTree({
        program,
        args: spec.command.slice(1),
        cwd: spec.cwd,
        env: { ...spec.env, [RUN_ID_VARIABLE]: spec.runId },
        hasStdin: spec.stdin !== undefined,
        runId: spec.runId,
      });
      readOutput(tree, capture, transcript);
      // A program need not read its input; its exit status says whether that matters.
      tree.child.stdin?.on("error", () => {});
      tree.child.stdin?.end(spec.stdin);
      try {
        const exit = await control.watch(tree);
        await tree.finishOff();
        await waitForPipes(tree);
        return report(exit, tree.isolation);
      } finally {
        // Nothing is left to end after a normal course; after a failed start this clears up.
        await tree.finishOff();
      }
    } catch (error) {
      throw error instanceof OkstraError ? error : notStarted(spec.command[0], error);
    } finally {
      control.release();
      transcript?.finish();
    }
  };

  return {
    run,
    findProgram: (name, path) => findExecutable(name, path),
    endOrphans: (runId) => endMarked(runId, listLiveRoots),
    isolation: async () => ((await fetchTools()) === null ? "process-group" : "pid-namespace"),
  };
}

interface Control {
  /** Ends the tree when it is time to; settles when the program has ended, or could not be ended. */
  watch(tree: HeldTree): Promise<ProgramExit>;
  /** Ends the tree for a reason of our own, without calling it cancelled. */
  abandon(): void;
  ended(): ProcessEnd["ended"];
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
    release() {
      clearTimeout(deadline);
      clearTimeout(killTimer);
      stopListening();
    },
  };
}

function readOutput(tree: HeldTree, capture: Record<"stdout" | "stderr", BoundedCapture>, transcript: Transcript | null): void {
  for (const name of ["stdout", "stderr"] as const) {
    const lines = transcript?.openStream();
    tree.child[name]?.on("data", (chunk: Buffer) => {
      capture[name].add(chunk);
      lines?.add(chunk);
    });
  }
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
