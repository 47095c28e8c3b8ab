import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Why strace cannot meddle with system calls here; null when it can. */
export function findStraceObstacle(): string | null {
  const { status, error } = spawnSync("strace", ["-f", "-qq", "-o", "/dev/null", "-e", "inject=getppid:error=EPERM", "true"], {
    encoding: "utf8",
  });
  if (error !== undefined) return "strace is not installed";
  return status === 0 ? null : "strace may not trace processes here";
}

/**
 * What goes before a command so that strace changes one of its system calls, its children's too. (Not with
 * --seccomp-bpf: with it strace 6.1 counts `when=` wrongly.)
 */
export function injectInto(systemCall: string, effect: string): readonly string[] {
  return ["strace", "-f", "-qq", "-o", "/dev/null", "-e", `trace=${systemCall}`, "-e", `inject=${systemCall}:${effect}`];
}

/** Every system call that changes what a disk holds. */
const MUTATING =
  "openat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,write,pwrite64,writev,fsync,fdatasync,ftruncate,chmod,fchmod,fchmodat,utimensat,copy_file_range,ioctl";

/** What goes before a command so that its changing system calls are written to `log`. */
export function traceInto(log: string): readonly string[] {
  return ["strace", "-f", "--seccomp-bpf", "-qq", "-y", "-s", "0", "-o", log, "-e", `trace=${MUTATING}`];
}

/** The n-th call of a name in one thread, as strace counts for `when=`. */
export interface KillPoint {
  readonly systemCall: string;
  readonly when: number;
  /** The call as it was traced. */
  readonly text: string;
}

/** The traced calls that changed something below `root`, each once, in the order of the log. */
export function listKillPoints(log: string, root: string): readonly KillPoint[] {
  const counts = new Map<string, number>();
  const points = new Map<string, KillPoint>();
  for (const line of readFileSync(log, "utf8").split("\n")) {
    const matched = /^(\d+)\s+([a-z0-9_]+)\((.*)$/u.exec(line);
    if (matched === null) continue;
    const [, thread = "", systemCall = "", rest = ""] = matched;
    const when = (counts.get(`${thread} ${systemCall}`) ?? 0) + 1;
    counts.set(`${thread} ${systemCall}`, when);
    const changes = systemCall === "openat" ? /O_CREAT|O_TRUNC/u.test(rest) : systemCall === "ioctl" ? rest.includes("FICLONE") : true;
    const id = `${systemCall}:${when}`;
    if (changes && rest.includes(root) && !points.has(id)) points.set(id, { systemCall, when, text: `${systemCall}(${rest}` });
  }
  return [...points.values()];
}
