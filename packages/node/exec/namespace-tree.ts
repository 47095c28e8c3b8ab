import { spawn, type ChildProcess } from "node:child_process";
import { askFollowers, DEATH_WAIT_MS, sendSignal, waitAtMost, waitForExit, type HeldTree, type StartRequest } from "./held-tree.ts";
import { registerTree } from "./live-trees.ts";
import { RUN_ID_VARIABLE } from "./orphans.ts";
import { listChildren } from "./proc-table.ts";

/** Absolute paths of the util-linux programs that make and enter a namespace, and how they must be used here. */
export interface NamespaceTools {
  readonly setpriv: string;
  readonly unshare: string;
  readonly nsenter: string;
  readonly setsid: string;
  readonly sh: string;
  /** True when the PID namespace needs a user namespace around it (who is not root). */
  readonly withUser: boolean;
  /** PATH of the namespace's first process. */
  readonly path: string;
}

/**
 * The namespace's first process: a shell, because it reaps orphans, that ends when its input ends, which is when
 * okstra is gone. Its end is the end of every process in the namespace.
 */
const FIRST_PROCESS = "echo; cat >/dev/null; exit 0";

/** How long nsenter gets to follow the program's death. */
const STOPPED_WAIT_MS = 1000;

interface Namespace {
  /** Process id, seen from here, of the namespace's first process. */
  readonly initPid: number;
  /** `unshare`, which waits for the first process and hence ends after the last process of the namespace. */
  readonly holder: ChildProcess;
  readonly dead: Promise<unknown>;
}

/**
 * Starts a program in a PID namespace of its own. The program is not the namespace's first process: it is put
 * beside it, so that it has its exact environment, ordinary signal handling and its own exit status.
 *
 * okstra's death in any way ends the tree twice over: the first process sees its input end, and `unshare` has the
 * parent-death signal, which it passes on. The processes outside have that signal as well.
 * @returns null when the system gave no namespace
 */
export async function startInNamespace(tools: NamespaceTools, request: StartRequest): Promise<HeldTree | null> {
  const rootPids: number[] = [];
  let namespace: Namespace | null = null;
  let child: ChildProcess | null = null;
  let isDead = false;
  let finishing: Promise<void> | undefined;

  const endNow = (): void => {
    if (isDead) return;
    if (namespace === null) for (const pid of rootPids) sendSignal(-pid, "SIGKILL");
    else sendSignal(namespace.initPid, "SIGKILL");
    const entered = child;
    if (entered === null || hasEnded(entered)) return;
    // nsenter follows the program's death, as soon as it runs: it stops itself when the program was stopped.
    // Killed at once it would leave the program a zombie to a reaper that may be slow or none.
    sendSignal(entered.pid, "SIGCONT");
    setTimeout(() => {
      if (!hasEnded(entered)) sendSignal(entered.pid, "SIGKILL");
    }, STOPPED_WAIT_MS).unref();
  };
  const unregister = registerTree({ runId: request.runId, rootPids, mayStray: false, endNow });
  const finishOnce = async (): Promise<void> => {
    endNow();
    if (namespace !== null) await waitAtMost(namespace.dead, DEATH_WAIT_MS);
    isDead = true;
    unregister();
  };
  const finishOff = (): Promise<void> => (finishing ??= finishOnce());

  try {
    namespace = await openNamespace(tools, request, rootPids);
    if (namespace === null) {
      unregister();
      return null;
    }
    const enter = ["--target", String(namespace.initPid), ...(tools.withUser ? ["--user", "--preserve-credentials"] : [])];
    child = spawn(
      tools.setpriv,
      [
        "--pdeathsig",
        "KILL",
        tools.nsenter,
        ...enter,
        "--mount",
        "--pid",
        "--root",
        "--wd",
        "--",
        tools.setsid,
        request.program,
        ...request.args,
      ],
      {
        cwd: request.cwd,
        env: request.env,
        detached: true,
        stdio: [request.hasStdin ? "pipe" : "ignore", "pipe", "pipe"],
      },
    );
  } catch (error) {
    await finishOff();
    throw error;
  }
  if (child.pid !== undefined) rootPids.push(child.pid);
  const entered = child;
  return {
    isolation: "pid-namespace",
    child: entered,
    exited: waitForExit(entered),
    askToEnd() {
      // setsid made the program the leader of its own group; nsenter itself must live on to tell how it ended.
      const program = entered.pid === undefined ? undefined : listChildren(entered.pid)[0];
      if (program === undefined) endNow();
      else if (request.isWrapper === true && askFollowers(program)) return;
      else if (!sendSignal(-program, "SIGTERM")) sendSignal(program, "SIGTERM");
    },
    endNow,
    finishOff,
  };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function openNamespace(tools: NamespaceTools, request: StartRequest, rootPids: number[]): Promise<Namespace | null> {
  const user = tools.withUser ? ["--user", "--map-current-user"] : [];
  const holder = spawn(
    tools.setpriv,
    ["--pdeathsig", "KILL", tools.unshare, ...user, "--pid", "--fork", "--kill-child=KILL", "--mount-proc", tools.sh, "-c", FIRST_PROCESS],
    {
      cwd: request.cwd,
      env: { PATH: tools.path, [RUN_ID_VARIABLE]: request.runId },
      detached: true,
      stdio: ["pipe", "pipe", "ignore"],
    },
  );
  if (holder.pid !== undefined) rootPids.push(holder.pid);
  const dead = waitForExit(holder).catch(() => null);
  holder.stdin?.on("error", () => {});
  return new Promise((resolve) => {
    const { stdout } = holder;
    // Its one line says that the namespace is there and its /proc is mounted.
    stdout?.once("data", () => {
      stdout.destroy();
      const initPid = holder.pid === undefined ? undefined : listChildren(holder.pid)[0];
      if (initPid !== undefined) {
        resolve({ initPid, holder, dead });
        return;
      }
      if (holder.pid !== undefined) sendSignal(-holder.pid, "SIGKILL");
      resolve(null);
    });
    void dead.then(() => resolve(null));
  });
}
