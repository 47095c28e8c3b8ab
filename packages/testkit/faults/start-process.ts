import { spawn } from "node:child_process";

export interface ProcessAnswer {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process that a test started; it leads a process group of its own. */
export interface StartedProcess {
  readonly pid: number;
  readonly ended: Promise<ProcessAnswer>;
  /** True until the process has ended and all it had to say was read. */
  isRunning(): boolean;
  /** What it said so far on both streams, as lines. */
  lines(): readonly string[];
  /** Settles when it has said this line; rejects when it ends before. */
  waitForLine(line: string): Promise<void>;
  /** Sends a line to its stdin. */
  say(line: string): void;
  closeStdin(): void;
  /** Signals the process alone, or its whole group. Nothing happens when it has ended. */
  signal(name: NodeJS.Signals, whom?: "process" | "group"): void;
}

const started = new Set<StartedProcess>();

export function startProcess(
  command: readonly [string, ...string[]],
  options: { cwd: string; env?: Readonly<Record<string, string | undefined>> },
): StartedProcess {
  const [program, ...args] = command;
  const child = spawn(program, args, { cwd: options.cwd, env: { ...process.env, ...options.env }, stdio: "pipe", detached: true });
  let stdout = "";
  let stderr = "";
  let running = true;
  const watchers = new Set<() => void>();
  const look = (): void => {
    for (const watcher of watchers) watcher();
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => ((stdout += text), look()));
  child.stderr.setEncoding("utf8").on("data", (text: string) => ((stderr += text), look()));
  child.stdin.on("error", () => {});
  const ended = new Promise<ProcessAnswer>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) => {
      running = false;
      started.delete(self);
      resolve({ status, signal, stdout, stderr });
      look();
    });
  });
  const lines = (): readonly string[] => [...stdout.split("\n"), ...stderr.split("\n")].filter((line) => line !== "");
  const pid = child.pid ?? 0;
  const self: StartedProcess = {
    pid,
    ended,
    isRunning: () => running,
    lines,
    waitForLine(line) {
      return new Promise((resolve, reject) => {
        const watcher = (): void => {
          if (lines().includes(line)) resolve();
          else if (!running) reject(new Error(`the process ended without saying ${line}: ${stdout}${stderr}`));
          else return;
          watchers.delete(watcher);
        };
        watchers.add(watcher);
        watcher();
      });
    },
    say: (line) => void child.stdin.write(`${line}\n`),
    closeStdin: () => void child.stdin.end(),
    signal(name, whom = "process") {
      if (pid === 0) return;
      try {
        process.kill(whom === "group" ? -pid : pid, name);
      } catch {
        // It has ended.
      }
    },
  };
  started.add(self);
  return self;
}

/** Ends what a failing test left running; for `afterEach`. */
export async function endStarted(): Promise<void> {
  for (const each of started) {
    each.signal("SIGKILL", "group");
    await each.ended.catch(() => {});
  }
}

/** Looks every few milliseconds until `look` answers true. A test's own time limit ends it. */
export async function waitUntil(look: () => boolean): Promise<void> {
  while (!look()) await new Promise((resolve) => setTimeout(resolve, 3));
}
