import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { findExecutable } from "./find-program.ts";
import { bwrapArguments } from "../sandbox/bwrap.ts";

const SYSTEM_PATH = "/usr/bin:/bin:/usr/local/bin:/run/current-system/sw/bin";
const PROBE_MS = 5000;

export interface SandboxTool {
  readonly state: "bwrap" | "sandbox-exec";
  /** Absolute path. */
  readonly program: string;
}

/** Answers what a sandbox is made of, or why there is none. */
export type SandboxProbe = () => Promise<SandboxTool | { readonly state: "unavailable"; readonly reason: string }>;

/** What the system has does not change while a process lives, so it is asked once. */
let probe: ReturnType<SandboxProbe> | undefined;

/** What a sandbox is made of here, or why there is none; the first call tries it. */
export function fetchSandboxTool(): ReturnType<SandboxProbe> {
  probe ??= probeSandbox();
  return probe;
}

async function probeSandbox(): ReturnType<SandboxProbe> {
  const path = `${SYSTEM_PATH}:${process.env["PATH"] ?? ""}`;
  if (process.platform === "darwin") {
    const program = await findExecutable("sandbox-exec", path);
    return program === null ? { state: "unavailable", reason: "sandbox-exec is not there" } : { state: "sandbox-exec", program };
  }
  if (process.platform !== "linux") return { state: "unavailable", reason: `there is none for ${process.platform}` };
  const program = await findExecutable("bwrap", path);
  if (program === null) return { state: "unavailable", reason: "bwrap is not on PATH (package bubblewrap)" };
  const reason = await tryBwrap(program);
  return reason === null ? { state: "bwrap", program } : { state: "unavailable", reason };
}

/** Runs a program that writes where it may not: a sandbox that lets it is none. */
async function tryBwrap(program: string): Promise<string | null> {
  const directory = await mkdtemp(join(tmpdir(), "okstra-sandbox-"));
  try {
    const request = { writable: [], readOnly: [], hidden: [], exposed: [] };
    const args = await bwrapArguments(request, { ownProcesses: false, isRoot: process.getuid?.() === 0 });
    await promisify(execFile)(program, [...args, "/bin/sh", "-c", 'echo tried > "$1/file"; exit 0', "sh", directory], {
      timeout: PROBE_MS,
      env: { PATH: SYSTEM_PATH },
    });
    return (await readdir(directory)).length === 0 ? null : "bwrap does not keep programs from writing here";
  } catch (error) {
    const words =
      String((error as { stderr?: unknown }).stderr ?? "")
        .trim()
        .split("\n")
        .at(-1) ?? "";
    return `bwrap cannot make one here${words === "" ? "" : `: ${words.slice(0, 200)}`}`;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
