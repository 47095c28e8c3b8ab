import { spawn } from "node:child_process";
import { constants } from "node:os";
import type { RunInherited } from "@okstra/core/ports";
import { errnoOf } from "../io-error.ts";

/** Shells' own answers: found but not executable, and not found. */
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

/**
 * Runs a program on the person's own terminal and answers its exit status (128 and the number after a signal).
 * While it lives every signal is its own: a terminal's reach it by themselves, others are passed on.
 */
export const runInherited: RunInherited = ({ command, cwd, env }) =>
  new Promise((resolve, reject) => {
    const child = spawn(command[0], command.slice(1), { cwd, env: { ...env }, stdio: "inherit" });
    const before = SIGNALS.map((name) => [name, process.listeners(name)] as const);
    const pass = (name: NodeJS.Signals): void => {
      // A key press goes to the whole foreground group already.
      if ((name === "SIGINT" || name === "SIGQUIT") && process.stdin.isTTY === true) return;
      child.kill(name);
    };
    for (const name of SIGNALS) {
      process.removeAllListeners(name);
      process.on(name, pass);
    }
    const release = (): void => {
      for (const [name, listeners] of before) {
        process.removeListener(name, pass);
        for (const listener of listeners) process.on(name, listener as NodeJS.SignalsListener);
      }
    };
    child.on("error", (error) => {
      release();
      if (errnoOf(error) === "ENOENT") resolve(NOT_FOUND);
      else if (errnoOf(error) === "EACCES") resolve(NOT_EXECUTABLE);
      else reject(error);
    });
    child.on("exit", (code, signal) => {
      release();
      resolve(code ?? 128 + (signal === null ? 0 : (constants.signals[signal] ?? 0)));
    });
  });
