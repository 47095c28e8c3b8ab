import { readdirSync, readFileSync } from "node:fs";

interface MarkedProcess {
  readonly pid: number;
  readonly commandLine: string;
}

/** Living processes (zombies are not) with this `NAME=value` in their environment, wherever they hang. Linux only. */
export function listMarkedProcesses(entry: string): MarkedProcess[] {
  const found: MarkedProcess[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/u.test(name)) continue;
    try {
      if (!readFileSync(`/proc/${name}/environ`, "utf8").split("\0").includes(entry)) continue;
      found.push({ pid: Number(name), commandLine: readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim() });
    } catch {
      // Gone meanwhile, or another user's.
    }
  }
  return found;
}

/**
 * Looks every 20 ms until the marked processes are as wanted.
 * @returns what was there at the last look: as wanted, or not within `ms`
 */
export async function waitForMarked(entry: string, isWanted: (found: MarkedProcess[]) => boolean, ms: number): Promise<MarkedProcess[]> {
  const giveUpAt = performance.now() + ms;
  for (;;) {
    const found = listMarkedProcesses(entry);
    if (isWanted(found) || performance.now() > giveUpAt) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
