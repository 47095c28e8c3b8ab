import { endMarkedNow } from "./orphans.ts";

/** A running tree as the exit handler and the search for strays need to know it. */
interface LiveTree {
  readonly runId: string;
  /** Processes of ours whose descendants and process groups belong to the tree. */
  readonly rootPids: readonly number[];
  /** True when processes may have left the tree unseen, so that they must be searched by run id. */
  readonly mayStray: boolean;
  /** SIGKILL for all of it; synchronous, never throws. */
  endNow(): void;
}

/** Operating-system state of this process, like its child handles: hence one set for the module. */
const liveTrees = new Set<LiveTree>();

/** Keeps the tree known until the returned function is called. */
export function registerTree(tree: LiveTree): () => void {
  liveTrees.add(tree);
  return () => liveTrees.delete(tree);
}

/** Process ids at the roots of all running trees. */
export function listLiveRoots(): Set<number> {
  return new Set([...liveTrees].flatMap((tree) => tree.rootPids));
}

/** True while another tree of this run is running. */
export function hasLiveTree(runId: string): boolean {
  return [...liveTrees].some((tree) => tree.runId === runId);
}

/**
 * Sends SIGKILL to every running tree of this process, for exit and signal handlers: synchronous, never throws.
 * Where there is no PID namespace it also searches once for processes that left their group.
 */
export function endAllNow(): void {
  const strayRuns = new Set<string>();
  for (const tree of liveTrees) {
    tree.endNow();
    if (tree.mayStray) strayRuns.add(tree.runId);
  }
  liveTrees.clear();
  for (const runId of strayRuns) endMarkedNow(runId, new Set());
}
