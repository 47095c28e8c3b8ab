import { readdirSync, readFileSync } from "node:fs";

/** A process by its identity: a process id is used again, the pair with its start time is not. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot, as /proc/<pid>/stat gives it. */
  readonly startTime: string;
}

export interface ProcessFacts extends ProcessIdentity {
  readonly parent: number;
  readonly group: number;
  /** One letter as in proc(5): Z is a zombie, which is dead. */
  readonly state: string;
}

/** Process ids visible in /proc; empty where there is no /proc. */
export function listProcessIds(): number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/u.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** Null when the process is gone. Fields by proc(5); the second one may itself have spaces and parentheses. */
export function loadFacts(pid: number): ProcessFacts | null {
  const text = readProcFile(pid, "stat");
  if (text === null) return null;
  const fields = text
    .toString("latin1")
    .slice(text.lastIndexOf(")") + 2)
    .split(" ");
  const [state, parent, group] = fields;
  const startTime = fields[19];
  if (state === undefined || parent === undefined || group === undefined || startTime === undefined) return null;
  return { pid, state, parent: Number(parent), group: Number(group), startTime };
}

/** True when the process was started with exactly this `NAME=value`; false when it may not be read. */
export function hasEnvironmentEntry(pid: number, entry: string): boolean {
  const environment = readProcFile(pid, "environ");
  // The cheap search first: nearly all processes end here.
  if (environment === null || !environment.includes(entry)) return false;
  return environment.toString("utf8").split("\0").includes(entry);
}

/** Children of a process's main thread. Needs a kernel with CONFIG_PROC_CHILDREN; empty without it. */
export function listChildren(pid: number): number[] {
  const text = readProcFile(pid, `task/${pid}/children`);
  return text === null ? [] : text.toString("latin1").split(" ").filter(Boolean).map(Number);
}

function readProcFile(pid: number, name: string): Buffer | null {
  try {
    return readFileSync(`/proc/${pid}/${name}`);
  } catch {
    return null;
  }
}
