import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, chmodSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cleanGitEnvironment, createGitProcess } from "./git-process.ts";

const git = createGitProcess();
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "okstra-git-process-"));
  await git.run(["init", "-q"], { cwd: directory });
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** An executable that git is replaced by, where git itself cannot be made to do a thing. */
function script(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

test("input, text and bytes come through", async () => {
  const bytes = Buffer.from([0, 255, 10, 65]);
  const { stdout } = await git.run(["hash-object", "-w", "--stdin"], { cwd: directory, stdin: bytes });
  expect(stdout).toMatch(/^[0-9a-f]{40}\n$/u);
  expect((await git.runRaw(["cat-file", "blob", stdout.trim()], { cwd: directory })).stdout).toEqual(bytes);
});

test("an exit status is an answer only when it was asked for", async () => {
  const args = ["rev-parse", "--verify", "--quiet", "refs/heads/none"];
  expect(await git.run(args, { cwd: directory, okExitCodes: [0, 1] })).toEqual({ exitCode: 1, stdout: "", stderr: "" });
  await expect(git.run(args, { cwd: directory })).rejects.toMatchObject({
    code: "OKSTRA_GIT_FAILED",
    message: "git rev-parse failed: exit status 1",
  });
  await expect(git.run(["-c", "a.b=c", "worktree", "list", "--nonsense"], { cwd: directory })).rejects.toMatchObject({
    code: "OKSTRA_GIT_FAILED",
    message: expect.stringMatching(/^git worktree list failed: error: unknown option/u),
    details: { exitCode: 129, args: ["-c", "a.b=c", "worktree", "list", "--nonsense"], stderr: expect.stringContaining("usage:") },
  });
});

test("an absent git, an absent directory and a signal have their codes", async () => {
  await expect(createGitProcess({ program: "okstra-no-such-git" }).run(["version"], { cwd: directory })).rejects.toMatchObject({
    code: "OKSTRA_GIT_NOT_FOUND",
  });
  await expect(git.run(["version"], { cwd: join(directory, "absent") })).rejects.toMatchObject({ code: "OKSTRA_DIRECTORY_NOT_FOUND" });
  const killed = createGitProcess({ program: script("killed", "kill -9 $$") });
  await expect(killed.run(["gc"], { cwd: directory })).rejects.toMatchObject({ code: "OKSTRA_GIT_FAILED", details: { signal: "SIGKILL" } });
  await expect(git.run(["log", "a\0b"], { cwd: directory })).rejects.toMatchObject({ code: "OKSTRA_GIT_FAILED" });
});

test("case 24: a full disk is told from other failures", async () => {
  const full = createGitProcess({ program: script("full", "echo 'fatal: write error: No space left on device' >&2; exit 128") });
  await expect(full.run(["checkout"], { cwd: directory })).rejects.toMatchObject({ code: "OKSTRA_DISK_FULL" });
});

test("an answer over the limit is an error, not a shorter answer", async () => {
  const { stdout } = await git.run(["hash-object", "-w", "--stdin"], { cwd: directory, stdin: "x".repeat(1000) });
  const args = ["cat-file", "blob", stdout.trim()];
  expect((await git.run(args, { cwd: directory, maxBytes: 1000 })).stdout).toHaveLength(1000);
  await expect(git.run(args, { cwd: directory, maxBytes: 999 })).rejects.toMatchObject({
    code: "OKSTRA_GIT_FAILED",
    message: "git cat-file blob failed: its answer is over 999 bytes",
  });
});

test("it can be interrupted, and what git left behind does not hold it up", async () => {
  const cancel = new AbortController();
  const reading = git.run(["cat-file", "--batch"], { cwd: directory, stdin: "x".repeat(8 * 1024 * 1024), signal: cancel.signal });
  cancel.abort();
  await expect(reading).rejects.toMatchObject({ code: "OKSTRA_INTERRUPTED" });
  const leaving = createGitProcess({ program: script("leaving", "sleep 20 & echo $!") });
  const answer = await leaving.run([], { cwd: directory });
  // Answered while the process it left still holds the pipes.
  expect(process.kill(Number(answer.stdout), 0)).toBe(true);
  process.kill(Number(answer.stdout), "SIGKILL");
});

test("a descriptor is inherited as 3 and outlives ours", async () => {
  const path = join(directory, "inherited");
  const fd = openSync(path, "w");
  const writing = createGitProcess({ program: script("writing", "sleep 0.2; echo kept >&3") }).run([], { cwd: directory, inheritFd: fd });
  closeSync(fd);
  await writing;
  expect(readFileSync(path, "utf8")).toBe("kept\n");
});

test("the environment leads git nowhere else", async () => {
  const env = cleanGitEnvironment({
    PATH: "/bin",
    GIT_DIR: "/x",
    GIT_WORK_TREE: "/x",
    GIT_INDEX_FILE: "/x",
    GIT_CONFIG_COUNT: "1",
    GIT_EXTERNAL_DIFF: "/x",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_CONFIG_GLOBAL: "/g",
    GIT_TRACE2: "1",
    GIT_AUTHOR_NAME: "a",
    GIT_TERMINAL_PROMPT: "1",
    LC_ALL: "ko_KR.UTF-8",
  });
  expect(env).toEqual({
    PATH: "/bin",
    GIT_CONFIG_GLOBAL: "/g",
    GIT_TRACE2: "1",
    GIT_AUTHOR_NAME: "a",
    LC_ALL: "C",
    GIT_TERMINAL_PROMPT: "0",
    GIT_OPTIONAL_LOCKS: "0",
  });
  const marker = join(directory, "fsmonitor-ran");
  await git.run(["config", "core.fsmonitor", script("fsmonitor", `: >'${marker}'`)], { cwd: directory });
  await git.run(["status"], { cwd: directory });
  expect(() => readFileSync(marker)).toThrow("ENOENT");
});
