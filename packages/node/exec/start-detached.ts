import { spawn } from "node:child_process";
import type { StartDetached } from "@okstra/core/ports";
import { asIoError } from "../io-error.ts";

/**
 * Starts a program that lives on when this process ends: a session of its own, no streams. It is not waited for, and is none of
 * the processes that end with okstra.
 */
export const startDetached: StartDetached = ({ command, cwd, env }) =>
  new Promise((resolve, reject) => {
    const child = spawn(command[0], command.slice(1), { cwd, env: { ...env }, stdio: "ignore", detached: true, windowsHide: true });
    const ended = new Promise<void>((done) => child.once("exit", () => done()));
    child.once("error", (error) => reject(asIoError(error, command[0])));
    child.once("spawn", () => {
      child.unref();
      resolve({ ended });
    });
  });
