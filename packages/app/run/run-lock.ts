import { OkstraError } from "@okstra/core/errors";
import type { Lease } from "@okstra/core/ports";
import type { App } from "../app.ts";

/** Name of the lock of one task's runs in one project. */
export function runLockName(app: App, root: string, taskKey: string): string {
  return `run-${app.sha256(`${root}\n${taskKey}`).slice(0, 24)}`;
}

/**
 * Takes the lock under which one task runs; it lives as long as this process.
 * @throws OKSTRA_TASK_BUSY with who holds it
 */
export async function takeRunLock(app: App, root: string, taskKey: string, what: string): Promise<Lease> {
  const holder = `${what} of ${taskKey} (process ${app.surroundings.processId}, since ${app.clock.now()})`;
  const taken = await app.locks.tryAcquire(runLockName(app, root, taskKey), holder);
  if ("lease" in taken) return taken.lease;
  throw new OkstraError("OKSTRA_TASK_BUSY", {
    message: `${taskKey} is busy: ${taken.holder === "" ? "another okstra" : taken.holder}.`,
    details: { taskKey, holder: taken.holder },
  });
}
