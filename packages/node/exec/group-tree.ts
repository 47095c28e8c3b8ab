import { spawn, type ChildProcess } from "node:child_process";
import { setTimeout as wait } from "node:timers/promises";
import { askFollowers, DEATH_WAIT_MS, sendSignal, waitForExit, type HeldTree, type StartRequest } from "./held-tree.ts";
import { hasLiveTree, listLiveRoots, registerTree } from "./live-trees.ts";
import { endMarked } from "./orphans.ts";
import { listProcessIds, loadFacts } from "./proc-table.ts";

const POLL_MS = 5;

/** Waits for okstra's end (its input ends then, in whatever way okstra ends) and kills the group. */
const GUARD = 'cat >/dev/null; kill -s KILL -- "-$1"';

/**
 * Starts a program as leader of a process group of its own, for systems without PID namespaces. A process that
 * leaves the group (`setsid`) is not seen; on Linux it is found afterwards by its run id, once no other tree of
 * the run is alive, as it cannot be told whose it is before.
 */
export function startInGroup(request: StartRequest): HeldTree {
  const child = spawn(request.program, [...request.args], {
    cwd: request.cwd,
    env: request.env,
    detached: true,
    stdio: [request.hasStdin ? "pipe" : "ignore", "pipe", "pipe"],
  });
  const exited = waitForExit(child);
  const group = child.pid === undefined ? undefined : -child.pid;
  const guard = child.pid === undefined ? null : startGuard(child.pid);
  let isOver = false;
  let finishing: Promise<void> | undefined;

  const endNow = (): void => {
    if (!isOver) sendSignal(group, "SIGKILL");
  };
  const unregister = registerTree({ runId: request.runId, rootPids: child.pid === undefined ? [] : [child.pid], mayStray: true, endNow });
  const finishOnce = async (): Promise<void> => {
    endNow();
    const giveUpAt = performance.now() + DEATH_WAIT_MS;
    while (child.pid !== undefined && sendSignal(-child.pid, 0) && hasLivingMember(child.pid) && performance.now() < giveUpAt) {
      sendSignal(group, "SIGKILL");
      await wait(POLL_MS);
    }
    isOver = true;
    guard?.kill("SIGKILL");
    unregister();
    if (!hasLiveTree(request.runId)) await endMarked(request.runId, listLiveRoots);
  };
  return {
    isolation: "process-group",
    child,
    exited,
    askToEnd() {
      if (request.isWrapper === true && child.pid !== undefined && askFollowers(child.pid)) return;
      sendSignal(group, "SIGTERM");
    },
    endNow,
    finishOff: () => (finishing ??= finishOnce()),
  };
}

/** A group of zombies is dead: they only wait for a reaper, which may be slow. True where it cannot be known. */
function hasLivingMember(group: number): boolean {
  const pids = listProcessIds();
  if (pids.length === 0) return true;
  return pids.some((pid) => {
    const facts = loadFacts(pid);
    return facts?.group === group && facts.state !== "Z" && facts.state !== "X";
  });
}

function startGuard(pid: number): ChildProcess {
  const guard = spawn("/bin/sh", ["-c", GUARD, "sh", String(pid)], {
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
    cwd: "/",
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  // Without a guard the group still ends with okstra in every way but SIGKILL.
  guard.on("error", () => {});
  guard.stdin?.on("error", () => {});
  return guard;
}
