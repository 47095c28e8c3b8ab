import { systemClock } from "@okstra/node/clock";
import { createProcesses } from "@okstra/node/exec/processes";

/** What a sandbox is made of here, or `unavailable` and why. */
export function describeSandboxHere(): ReturnType<ReturnType<typeof createProcesses>["sandbox"]> {
  return createProcesses({ clock: systemClock }).sandbox();
}
