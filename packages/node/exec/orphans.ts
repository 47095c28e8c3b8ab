import { setTimeout as wait } from "node:timers/promises";
import { hasEnvironmentEntry, listProcessIds, loadFacts, type ProcessFacts, type ProcessIdentity } from "./proc-table.ts";

/** Set in every process of a run's trees. */
export const RUN_ID_VARIABLE = "OKSTRA_RUN_ID";

const MAX_ROUNDS = 200;
const ROUND_MS = 10;

/**
 * Ends every process marked with the run id, by identity, until a search finds none (or for 2 s: processes that
 * fork faster than they are found). Never the caller, its ancestors, or what belongs to `spared` roots. Linux
 * only; elsewhere there is no way to read another process's environment, and the answer is 0.
 * @returns how many different processes were ended
 */
export async function endMarked(runId: string, spared: () => ReadonlySet<number>): Promise<number> {
  const ended = new Set<string>();
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const found = endMarkedNow(runId, spared());
    if (found.length === 0) break;
    for (const { pid, startTime } of found) ended.add(`${pid}@${startTime}`);
    await wait(ROUND_MS);
  }
  return ended.size;
}

/** One search and SIGKILL of what it found; synchronous, never throws. */
export function endMarkedNow(runId: string, spared: ReadonlySet<number>): ProcessIdentity[] {
  if (process.platform !== "linux") return [];
  const entry = `${RUN_ID_VARIABLE}=${runId}`;
  const untouchable = new Set([process.pid, ...listAncestors(process.pid)]);
  const ended: ProcessIdentity[] = [];
  for (const pid of listProcessIds()) {
    if (untouchable.has(pid) || !hasEnvironmentEntry(pid, entry)) continue;
    const facts = loadFacts(pid);
    if (facts === null || facts.state === "Z" || belongsTo(facts, spared)) continue;
    if (endByIdentity(facts, entry)) ended.push(facts);
  }
  return ended;
}

/** Looks once more right before the signal, so that a process id taken by another process is left alone. */
function endByIdentity(identity: ProcessIdentity, entry: string): boolean {
  const isMarked = hasEnvironmentEntry(identity.pid, entry);
  if (!isMarked || loadFacts(identity.pid)?.startTime !== identity.startTime) return false;
  try {
    process.kill(identity.pid, "SIGKILL");
    return true;
  } catch {
    return false;
  }
}

function belongsTo(facts: ProcessFacts, roots: ReadonlySet<number>): boolean {
  if (roots.size === 0) return false;
  return roots.has(facts.pid) || roots.has(facts.group) || listAncestors(facts.pid).some((pid) => roots.has(pid));
}

function listAncestors(pid: number): number[] {
  const ancestors: number[] = [];
  let parent = loadFacts(pid)?.parent ?? 0;
  while (parent > 0 && !ancestors.includes(parent)) {
    ancestors.push(parent);
    parent = loadFacts(parent)?.parent ?? 0;
  }
  return ancestors;
}
