import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OutsideAnswer, OutsideCall } from "@okstra/core/handoff-port";
import { listMarkedProcesses, waitForMarked } from "@okstra/testkit/processes/marked-processes";
import { startGitHttp } from "@okstra/testkit/remotes/git-http";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createCallOutside } from "./outside-call.ts";
import { endAllNow } from "./processes.ts";

const isLinux = process.platform === "linux";
const PATH = process.env["PATH"] ?? "";
const HOUR_MS = 3_600_000;
const FIXED = ["-c", "core.fsmonitor=false", "-c", "gc.auto=0", "-c", "maintenance.auto=false"];

let directory: string;
beforeAll(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "okstra-outside-")));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));
vi.setConfig({ testTimeout: 60_000 });

/** A directory with one program, a shell script, to be the first on PATH. */
function plant(name: string, script: string): string {
  const bin = join(directory, randomBytes(6).toString("hex"));
  mkdirSync(bin);
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, name), 0o755);
  return bin;
}

/** Calls a planted gh that is `script`. */
function callScript(script: string, more: Partial<OutsideCall> = {}, env: NodeJS.ProcessEnv = {}): Promise<OutsideAnswer> {
  return call({ program: "gh", args: ["api", "user"], ...more }, { ...env, PATH: `${plant("gh", script)}:${PATH}` });
}

function call(more: Partial<OutsideCall>, env: NodeJS.ProcessEnv = process.env): Promise<OutsideAnswer> {
  return createCallOutside({ env })({
    program: "git",
    args: ["version"],
    cwd: directory,
    deadlineMs: HOUR_MS,
    signal: new AbortController().signal,
    ...more,
  });
}

/** What a planted program printed by `env -0`. */
function readEnvironment({ stdout }: OutsideAnswer): Record<string, string> {
  const entries = stdout.split("\0").filter((entry) => entry !== "");
  return Object.fromEntries(entries.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]));
}

async function untilExists(path: string): Promise<void> {
  while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe("an answer", () => {
  test("has what was started, its output and its exit status", async () => {
    const answer = await call({ args: ["version"] });
    expect(answer).toMatchObject({ argv: ["git", ...FIXED, "version"], exitCode: 0, ended: "by-itself", stderr: "" });
    expect(answer.stdout).toMatch(/^git version /u);
    expect(new Date(answer.startedAt).toISOString()).toBe(answer.startedAt);
    expect(answer.durationMs).toBeGreaterThanOrEqual(0);
  });

  test("of a failure is an answer too", async () => {
    const answer = await call({ args: ["push", "file:///nowhere/at/all.git", "main"] });
    expect(answer).toMatchObject({ exitCode: 128, ended: "by-itself", stdout: "" });
    expect(answer.stderr).toContain("fatal:");
    expect(await callScript("kill -KILL $$")).toMatchObject({ exitCode: null, ended: "by-itself" });
  });

  test("of gh has its arguments as given, word for word", async () => {
    const args = ["api", "-f", "title=a b; $(id) `id` 'x' \"y\"\nz", ""];
    const answer = await callScript('printf "%s\\0" "$@"', { args });
    expect(answer.argv).toEqual(["gh", ...args]);
    expect(answer.stdout.split("\0").slice(0, -1)).toEqual(args);
  });

  test("tells a program that is not there, and one that cannot be started", async () => {
    const absent = await call({ program: "glab", args: ["api", "user"] }, { PATH: directory });
    expect(absent).toMatchObject({ argv: ["glab", "api", "user"], exitCode: null, ended: "not-found", stdout: "" });
    const bin = plant("gh", "");
    writeFileSync(join(bin, "gh"), "#!/nowhere/at/all\n");
    expect(await call({ program: "gh", args: [] }, { PATH: bin })).toMatchObject({ exitCode: null, ended: "not-found" });
  });

  test("is an error only for a directory that is not there", async () => {
    await expect(call({ cwd: join(directory, "absent") })).rejects.toMatchObject({ code: "OKSTRA_DIRECTORY_NOT_FOUND" });
  });

  test("is bounded: the last 64 KiB of stderr, whole characters", async () => {
    const answer = await callScript(`head -c 300000 /dev/zero | tr '\\0' x >&2; yes é | head -c 90000 >&2; printf end >&2`);
    expect(Buffer.byteLength(answer.stderr)).toBeLessThanOrEqual(64 * 1024);
    expect(Buffer.byteLength(answer.stderr)).toBeGreaterThan(64 * 1024 - 4);
    expect(answer.stderr).toMatch(/^\n?é\n[^]*end$/u);
    expect(answer.stderr).not.toContain("\u{fffd}");
  });

  test("is bounded: more than 64 MiB of stdout ends the program", async () => {
    const answer = await callScript("yes; echo never");
    expect(answer).toMatchObject({ exitCode: null, ended: "by-itself" });
    expect(Buffer.byteLength(answer.stdout)).toBe(64 * 1024 * 1024);
    expect(answer.stderr).toContain("okstra: ended, as it wrote more than 67108864 bytes");
  });
});

describe("input and terminal", () => {
  test("no input is an empty one; given input arrives; nobody must read it", async () => {
    expect((await callScript("cat; echo end")).stdout).toBe("end\n");
    expect((await callScript("cat", { stdin: "a\nü" })).stdout).toBe("a\nü");
    expect(await callScript("exec <&-; exit 3", { stdin: "x".repeat(4 * 1024 * 1024) })).toMatchObject({ exitCode: 3 });
  });

  test("there is no terminal to ask on", async () => {
    const answer = await callScript("if (: </dev/tty) 2>/dev/null; then echo tty; else echo none; fi");
    expect(answer.stdout).toBe("none\n");
  });

  test("git does not ask for a password", async () => {
    const answer = await call({ args: ["credential", "fill"], stdin: "protocol=https\nhost=git.invalid\n\n" });
    expect(answer).toMatchObject({ exitCode: 128, ended: "by-itself" });
    expect(answer.stderr).toContain("terminal prompts disabled");
  });
});

describe("environment", () => {
  const PERSON = {
    HOME: "/home/person",
    CANARY: "canary",
    AWS_SECRET_ACCESS_KEY: "canary",
    NODE_OPTIONS: "canary",
    GH_TOKEN: "token-of-gh",
    GITLAB_TOKEN: "token-of-glab",
    https_proxy: "http://proxy.invalid",
    SSH_AUTH_SOCK: "/agent",
    SSH_ASKPASS: "/askpass",
    GIT_ASKPASS: "/git-askpass",
    GIT_SSH_COMMAND: "ssh -v",
    GIT_SSH_VARIANT: "ssh",
    GIT_DIR: "/elsewhere",
    GIT_CONFIG_COUNT: "1",
    GIT_ALLOW_PROTOCOL: "ext",
    GIT_TERMINAL_PROMPT: "1",
    GH_PROMPT_DISABLED: "",
    TERM: "xterm",
  };

  test("case 55: gh and glab get a list of variables and no other", async () => {
    for (const program of ["gh", "glab"] as const) {
      const bin = plant(program, "env -0");
      const env = readEnvironment(await call({ program, args: [] }, { ...PERSON, PATH: `${bin}:${PATH}` }));
      // The shell adds these by itself.
      for (const name of ["PWD", "SHLVL", "_", "OLDPWD"]) delete env[name];
      expect(env["OKSTRA_RUN_ID"]).toMatch(/^outside-[0-9a-f]{16}$/u);
      delete env["OKSTRA_RUN_ID"];
      expect(env).toEqual({
        PATH: `${bin}:${PATH}`,
        HOME: "/home/person",
        GH_TOKEN: "token-of-gh",
        GITLAB_TOKEN: "token-of-glab",
        https_proxy: "http://proxy.invalid",
        GH_PROMPT_DISABLED: "1",
        GLAB_NO_PROMPT: "1",
        GH_NO_UPDATE_NOTIFIER: "1",
        GLAB_CHECK_UPDATE: "false",
        GLAB_SEND_TELEMETRY: "false",
        NO_COLOR: "1",
        CLICOLOR: "0",
        TERM: "dumb",
      });
    }
  });

  test("git gets what leads to the person's agent and helpers, and nothing that leads elsewhere", async () => {
    const env = readEnvironment(await call({ args: [] }, { ...PERSON, PATH: `${plant("git", "env -0")}:${PATH}` }));
    expect(env).toMatchObject({
      HOME: "/home/person",
      SSH_AUTH_SOCK: "/agent",
      SSH_ASKPASS: "/askpass",
      GIT_ASKPASS: "/git-askpass",
      GIT_SSH_COMMAND: "ssh -v",
      GIT_SSH_VARIANT: "ssh",
      GIT_ALLOW_PROTOCOL: "file:git:http:https:ssh",
      GIT_TERMINAL_PROMPT: "0",
      LC_ALL: "C",
    });
    expect(env).not.toHaveProperty("GIT_DIR");
    expect(env).not.toHaveProperty("GIT_CONFIG_COUNT");
    const bare = readEnvironment(await call({ args: [] }, { PATH: `${plant("git", "env -0")}:${PATH}` }));
    expect(bare).not.toHaveProperty("GIT_ASKPASS");
    expect(bare).not.toHaveProperty("SSH_ASKPASS");
  });

  test("a call's own variables win", async () => {
    const env = readEnvironment(await callScript("env -0", { env: { GH_HOST: "forge.invalid", TERM: "other" } }, { GH_HOST: "of-person" }));
    expect(env).toMatchObject({ GH_HOST: "forge.invalid", TERM: "other" });
  });

  test("a transport that runs programs is refused", async () => {
    const witness = join(directory, "ran");
    const answer = await call({ args: ["ls-remote", `ext::sh -c touch% ${witness}`] });
    expect(answer).toMatchObject({ exitCode: 128, ended: "by-itself" });
    expect(answer.stderr).toContain("transport 'ext' not allowed");
    expect(existsSync(witness)).toBe(false);
  });
});

describe("its end", () => {
  /** Neither it nor its child heeds SIGTERM; it writes its own and the child's process id when both sleep. */
  const stubborn = (witness: string): string =>
    `trap '' TERM INT HUP; sleep 411 & echo "$$ $!" >${witness}.new; mv ${witness}.new ${witness}; while :; do sleep 412; done`;
  const isAlive = (pid: number): boolean => {
    try {
      process.kill(pid, 0);
    } catch {
      return false;
    }
    // A zombie waits for its reaper and is dead.
    return !isLinux || !/\) [ZX] /u.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  };
  const readPids = (witness: string): number[] => readFileSync(witness, "utf8").trim().split(" ").map(Number);

  test("deadline: a program that ignores SIGTERM and its child are gone when the answer comes", async () => {
    const witness = join(directory, "deadline");
    // The deadline may come before the program has begun on a busy machine; then it is given more.
    for (let deadlineMs = 1000; !existsSync(witness); deadlineMs *= 2) {
      const answer = await callScript(`echo begun; ${stubborn(witness)}`, { deadlineMs });
      expect(answer).toMatchObject({ exitCode: null, ended: "deadline" });
      expect(answer.durationMs).toBeGreaterThanOrEqual(deadlineMs);
    }
    expect(readPids(witness).map(isAlive)).toEqual([false, false]);
  });

  test("cancel: the same", async () => {
    const witness = join(directory, "cancel");
    const cancel = new AbortController();
    const answer = callScript(stubborn(witness), { signal: cancel.signal });
    await untilExists(witness);
    cancel.abort();
    expect(await answer).toMatchObject({ exitCode: null, ended: "cancelled" });
    expect(readPids(witness).map(isAlive)).toEqual([false, false]);
  });

  test("cancel: a program that heeds SIGTERM may end in its own way, and has no exit code all the same", async () => {
    const witness = join(directory, "gently");
    const cancel = new AbortController();
    const answer = callScript(`trap 'echo bye; exit 0' TERM; touch ${witness}; while :; do sleep 0.05; done`, { signal: cancel.signal });
    await untilExists(witness);
    cancel.abort();
    expect(await answer).toMatchObject({ exitCode: null, ended: "cancelled", stdout: "bye\n" });
  });

  test("a signal that has fired before starts nothing", async () => {
    const witness = join(directory, "never");
    const answer = await callScript(`touch ${witness}`, { signal: AbortSignal.abort() });
    expect(answer).toMatchObject({ exitCode: null, ended: "cancelled", stdout: "" });
    expect(existsSync(witness)).toBe(false);
  });

  test("an ssh that git started does not outlive the deadline", async (context) => {
    if (!isLinux) context.skip("processes are found by /proc");
    const mark = randomBytes(8).toString("hex");
    const bin = plant("slow-ssh", "trap '' TERM; while :; do sleep 421; done");
    const answer = call({
      args: ["ls-remote", "ssh://host.invalid/repo.git"],
      env: { GIT_SSH: join(bin, "slow-ssh"), GIT_SSH_VARIANT: "ssh", OKSTRA_TEST_MARK: mark },
      deadlineMs: 3000,
    });
    const entry = `OKSTRA_TEST_MARK=${mark}`;
    await waitForMarked(entry, (found) => found.some(({ commandLine }) => commandLine === "sleep 421"), 2500);
    expect(await answer).toMatchObject({ exitCode: null, ended: "deadline" });
    expect(listMarkedProcesses(entry)).toEqual([]);
  });

  test("a slow HTTP remote: git's helper does not outlive the deadline", async (context) => {
    if (!isLinux) context.skip("processes are found by /proc");
    const mark = randomBytes(8).toString("hex");
    const server = await startGitHttp(directory, { delayMs: HOUR_MS });
    try {
      const answer = await call({ args: ["ls-remote", server.url("a.git")], env: { OKSTRA_TEST_MARK: mark }, deadlineMs: 1500 });
      expect(answer).toMatchObject({ exitCode: null, ended: "deadline", stdout: "" });
      expect(listMarkedProcesses(`OKSTRA_TEST_MARK=${mark}`)).toEqual([]);
    } finally {
      await server.close();
    }
  });

  test("what a program leaves behind, in its group or out of it, ends with the call", async (context) => {
    if (!isLinux) context.skip("processes that left the group are found by /proc");
    const mark = randomBytes(8).toString("hex");
    const answer = await callScript("sleep 431 & setsid sleep 432 & echo done", { env: { OKSTRA_TEST_MARK: mark } });
    expect(answer).toMatchObject({ exitCode: 0, ended: "by-itself", stdout: "done\n" });
    expect(listMarkedProcesses(`OKSTRA_TEST_MARK=${mark}`)).toEqual([]);
  });

  test("an interrupted okstra ends live calls", async () => {
    const witness = join(directory, "interrupted");
    const answer = callScript(stubborn(witness));
    await untilExists(witness);
    endAllNow();
    expect(await answer).toMatchObject({ exitCode: null, ended: "by-itself" });
    expect(readPids(witness).map(isAlive)).toEqual([false, false]);
  });
});
