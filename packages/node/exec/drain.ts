import type { ChildProcess } from "node:child_process";

/**
 * Bounds the wait for a child's `close` event once its process has ended: a process it left behind may hold the
 * pipes open for ever. After `ms` milliseconds, and after one more look at the pipes so that nothing already
 * written is lost even when the event loop was busy, they are destroyed.
 * @returns stops the timer
 */
export function destroyPipesAfter(child: ChildProcess, ms: number): () => void {
  let immediate: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    // setImmediate runs after the poll phase, in which everything that the pipes hold is read.
    immediate = setImmediate(() => {
      child.stdout?.destroy();
      child.stderr?.destroy();
      child.stdin?.destroy();
    });
  }, ms);
  return () => {
    clearTimeout(timer);
    clearImmediate(immediate);
  };
}
