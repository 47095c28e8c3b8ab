import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { quoteShell } from "./remotes/quote-shell.ts";

/** What a person presses. */
export const KEYS = { up: "\u001B[A", down: "\u001B[B", enter: "\r", escape: "\u001B", interrupt: "\u0003", end: "\u0004" } as const;

/** A program at a real pseudo-terminal, and the person in front of it. */
export interface HandoffTerminal {
  /** All that was written to the terminal so far. */
  shown(): string;
  /** Settles when the text was shown after the last key; rejects when the program ends before. */
  waitFor(text: string | RegExp): Promise<void>;
  /** Presses keys. */
  press(...keys: readonly string[]): void;
  /** The terminal goes away, as when its window is closed. */
  hangUp(): void;
  /** Exit status of the program; null when the terminal went away before. */
  readonly ended: Promise<number | null>;
}

const SCRIPT = "/usr/bin/script";

/** Why there is no pseudo-terminal here, or null. */
export function whyNoTerminal(): string | null {
  return existsSync(SCRIPT) && process.platform === "linux" ? null : "there is no script(1) of util-linux here";
}

/** Starts a program at a terminal of 100 columns and 40 rows. @param options.lines of shell before it */
export function openTerminal(
  command: readonly string[],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string | undefined>>; readonly redirect?: string },
): HandoffTerminal {
  const line = `stty cols 100 rows 40; exec ${command.map(quoteShell).join(" ")} ${options.redirect ?? ""}`;
  const child = spawn(SCRIPT, ["-qefc", line, "/dev/null"], {
    cwd: options.cwd,
    env: { ...options.env, TERM: "xterm", NO_COLOR: "1", SHELL: "/bin/sh" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let text = "";
  let seen = 0;
  let running = true;
  const watchers = new Set<() => void>();
  const look = (): void => {
    for (const watcher of watchers) watcher();
  };
  child.stdin.on("error", () => {});
  child.stdout.setEncoding("utf8").on("data", (part: string) => ((text += part), look()));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => {
      running = false;
      resolve(status);
      look();
    });
  });
  return {
    shown: () => text,
    ended,
    waitFor: (wanted) =>
      new Promise((resolve, reject) => {
        const watcher = (): void => {
          const fresh = text.slice(seen);
          if (typeof wanted === "string" ? fresh.includes(wanted) : wanted.test(fresh)) resolve();
          else if (!running) reject(new Error(`the program ended without showing ${String(wanted)}: ${text}`));
          else return;
          watchers.delete(watcher);
        };
        watchers.add(watcher);
        watcher();
      }),
    press(...keys) {
      seen = text.length;
      child.stdin.write(keys.join(""));
    },
    hangUp: () => void child.kill("SIGKILL"),
  };
}
