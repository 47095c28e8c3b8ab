import { OkstraError } from "@okstra/core/errors";
import type { Lease } from "@okstra/core/ports";
import type { App } from "../app.ts";

/** Name of the lock of one task's runs in one project. */
export function runLockName(app: App, root: string, taskKey: string): string {
  return `run-${app.sha256(`${root}\n${taskKey}`).slice(0, 24)}`;
}

/** What holds the lock for a moment only, to see whether anybody leads a run. */
const LOOK = "a look at the status";
/** A look takes a few milliseconds; several may follow each other. */
const LOOK_MS = 2000;

/** Whether a live process leads a run of the task: it holds the task's lock, which no dead one does. */
export async function isLed(app: App, root: string, taskKey: string): Promise<boolean> {
  const taken = await app.locks.tryAcquire(runLockName(app, root, taskKey), LOOK);
  if (!("lease" in taken)) return taken.holder !== LOOK;
  await taken.lease.release();
  return false;
}

/**
 * Takes the lock under which one task runs; it lives as long as this process. Looks at the status are waited for.
 * @throws OKSTRA_TASK_BUSY with who holds it
 */
export async function takeRunLock(app: App, root: string, taskKey: string, what: string): Promise<Lease> {
  const holder = `${what} of ${taskKey} (process ${app.surroundings.processId}, since ${app.clock.now()})`;
  const name = runLockName(app, root, taskKey);
  let taken = await app.locks.tryAcquire(name, holder);
  if ("holder" in taken && taken.holder === LOOK) {
    const lease = await app.locks.acquire(name, { waitMs: LOOK_MS, holder }).catch(() => null);
    taken = lease === null ? await app.locks.tryAcquire(name, holder) : { lease };
  }
  if ("lease" in taken) return taken.lease;
  throw new OkstraError("OKSTRA_TASK_BUSY", {
    message: `${taskKey} is busy: ${taken.holder === "" ? "another okstra" : taken.holder}.`,
    details: { taskKey, holder: taken.holder },
  });
}
