import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createTestRepo, type TestRepo } from "../test-repo.ts";
import { createBareRemote, protectBranch, type BareRemote } from "./bare-remote.ts";
import { startGitHttp, type GitHttp, type GitHttpOptions } from "./git-http.ts";
import { spyPrograms } from "./spy-programs.ts";
import { sshStandIn } from "./ssh-stand-in.ts";

vi.setConfig({ testTimeout: 60_000 });

let directory: string;
beforeAll(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "okstra-remotes-")));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let place: string;
let remote: BareRemote;
let repo: TestRepo;
let servers: GitHttp[] = [];
beforeEach(async () => {
  place = mkdtempSync(join(directory, "a b-"));
  remote = await createBareRemote(place, "team/app's.git");
  repo = await createTestRepo(join(place, "work"));
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.close()));
  servers = [];
});

async function serve(options: GitHttpOptions = {}): Promise<GitHttp> {
  const server = await startGitHttp(place, options);
  servers.push(server);
  return server;
}

interface Push {
  readonly exitCode: number;
  readonly stderr: string;
}

/** git as a person has it: plain, with the test's environment. */
async function git(args: readonly string[], env: Record<string, string> = {}): Promise<Push> {
  const options = { cwd: repo.root, env: { ...process.env, ...env } };
  return promisify(execFile)("git", [...args], options).then(
    ({ stderr }) => ({ exitCode: 0, stderr }),
    (error: { code: number | null; stderr: string }) => ({ exitCode: error.code ?? -1, stderr: error.stderr }),
  );
}

const push = (url: string, env: Record<string, string> = {}): Promise<Push> => git(["push", url, "refs/heads/main:refs/heads/main"], env);
const tip = (branch = "main"): Promise<string> => remote.git(["rev-parse", "--verify", "--quiet", branch], { okExitCodes: [0, 1] });

type Way = { url: string; env: Record<string, string> };
const WAYS: Readonly<Record<string, () => Promise<Way>>> = {
  file: async () => ({ url: remote.url, env: {} }),
  ssh: async () => {
    const ssh = sshStandIn(join(place, "ssh"));
    return { url: ssh.url(remote.path), env: { GIT_SSH: ssh.command } };
  },
  http: async () => ({ url: (await serve()).url("team/app's.git"), env: {} }),
};

for (const [name, open] of Object.entries(WAYS)) {
  describe(`over ${name}`, () => {
    let way: Way;
    beforeEach(async () => {
      way = await open();
    });

    test("a push arrives, a second one is up to date, and a clone has it", async () => {
      repo.write("big.bin", randomBytes(3 * 1024 * 1024));
      const commit = await repo.commit("big", { "text.txt": "ü\n".repeat(1000) });
      await repo.git(["add", "big.bin"]);
      const second = await repo.commit("bigger");
      expect(await push(way.url, way.env)).toMatchObject({ exitCode: 0, stderr: expect.stringContaining("[new branch]") });
      expect(await tip()).toBe(second);
      expect(await push(way.url, way.env)).toMatchObject({ exitCode: 0, stderr: expect.stringContaining("up-to-date") });
      expect(await git(["clone", "--quiet", way.url, join(place, "clone")], way.env)).toMatchObject({ exitCode: 0 });
      expect(await repo.git(["rev-list", "HEAD"], { cwd: join(place, "clone") })).toContain(commit);
    });

    test("a push that is no fast-forward is refused, and the remote keeps what it has", async () => {
      await push(way.url, way.env);
      const kept = await tip();
      await repo.git(["commit", "--amend", "--quiet", "-m", "another"]);
      expect(await push(way.url, way.env)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("[rejected]") });
      expect(await tip()).toBe(kept);
    });

    test("a protected branch is refused with the remote's words, another is not", async () => {
      protectBranch(remote, "ma*");
      protectBranch(remote, "release/*");
      const answer = await push(way.url, way.env);
      expect(answer).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining("[remote rejected] main -> main (pre-receive hook declined)"),
      });
      expect(answer.stderr).toContain("Protected branch update failed for refs/heads/main.");
      expect(await git(["push", way.url, "main:release/1"], way.env)).toMatchObject({ exitCode: 1 });
      expect(await git(["push", way.url, "main:topic/main"], way.env)).toMatchObject({ exitCode: 0 });
      expect(await remote.git(["for-each-ref", "--format=%(refname)"])).toBe("refs/heads/topic/main");
    });

    test("a remote that is gone is git's fatal error", async () => {
      rmSync(remote.path, { recursive: true });
      expect(await push(way.url, way.env)).toMatchObject({ exitCode: 128, stderr: expect.stringContaining("fatal:") });
    });
  });
}

describe("ssh stand-in", () => {
  test("sees the host and the command, and runs no other program than git's", async () => {
    const ssh = sshStandIn(join(place, "ssh"));
    await push(ssh.url(remote.path), { GIT_SSH: ssh.command });
    const command = `git@remote.invalid git-receive-pack '${remote.path.replaceAll("'", "'\\''")}'`;
    expect(ssh.calls()).toEqual([command]);
    const answer = promisify(execFile)(ssh.command, ["host", `touch ${join(place, "witness")}`]);
    await expect(answer).rejects.toMatchObject({ stderr: expect.stringContaining("unrecognized command") });
  });

  test("works with a port, and for git's other ways to name it", async () => {
    const ssh = sshStandIn(join(place, "ssh"));
    const url = ssh.url(remote.path).replace("remote.invalid", "remote.invalid:2222");
    expect(await push(url, { GIT_SSH: ssh.command })).toMatchObject({ exitCode: 0 });
    expect(await push(ssh.url(remote.path), { GIT_SSH_COMMAND: `'${ssh.command}' -v` })).toMatchObject({ exitCode: 0 });
  });

  test("a slow one answers in the end", async () => {
    const ssh = sshStandIn(join(place, "ssh"), { delayMs: 300 });
    expect(await push(ssh.url(remote.path), { GIT_SSH: ssh.command })).toMatchObject({ exitCode: 0 });
    expect(await tip()).toBe(await repo.resolve("main"));
  });

  test("one that never answers ignores SIGTERM", async () => {
    const ssh = sshStandIn(join(place, "ssh"), { delayMs: "never" });
    const child = execFile(ssh.command, ["host", "git-upload-pack '/x'"]);
    const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve(signal ?? code)));
    while (ssh.calls().length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) child.kill(signal);
    // The first signal that is heeded is the one that is told.
    child.kill("SIGKILL");
    expect(await ended).toBe("SIGKILL");
  });
});

describe("HTTP server", () => {
  test("tells what it was asked", async () => {
    const server = await serve();
    await push(server.url("team/app's.git"));
    expect(server.requests()).toEqual([
      "GET /team/app's.git/info/refs?service=git-receive-pack 200",
      "POST /team/app's.git/git-receive-pack 200",
    ]);
    expect(await push(server.url("absent.git"))).toMatchObject({ exitCode: 128, stderr: expect.stringContaining("not found") });
  });

  test("a slow one answers in the end, and its close ends a call that waits", async () => {
    expect(await push((await serve({ delayMs: 200 })).url("team/app's.git"))).toMatchObject({ exitCode: 0 });
    const server = await serve({ delayMs: 3_600_000 });
    const url = server.url("team/app's.git");
    const answer = push(url);
    while (server.pending() === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    await server.close();
    expect(await answer).toMatchObject({ exitCode: 128 });
    expect(await push(url)).toMatchObject({ exitCode: 128, stderr: expect.stringContaining("Failed to connect") });
  });

  test("refuses after so many requests, in the middle of a push too", async () => {
    const server = await serve({ refuseAfter: 1 });
    expect((await push(server.url("team/app's.git"))).exitCode).not.toBe(0);
    expect(server.requests()).toEqual([
      "GET /team/app's.git/info/refs?service=git-receive-pack 200",
      "POST /team/app's.git/git-receive-pack 503",
    ]);
    expect(await tip()).toBe("");
  });

  test("wants the user and password that it was given", async () => {
    const server = await serve({ auth: { user: "u", password: "p w" } });
    const url = server.url("team/app's.git");
    expect(await push(url, { GIT_TERMINAL_PROMPT: "0" })).toMatchObject({ exitCode: 128 });
    expect(await push(url.replace("http://", "http://u:wrong@"), { GIT_TERMINAL_PROMPT: "0" })).toMatchObject({ exitCode: 128 });
    expect(await push(url.replace("http://", "http://u:p%20w@"))).toMatchObject({ exitCode: 0 });
    expect(await tip()).toBe(await repo.resolve("main"));
  });
});

describe("spied programs", () => {
  test("are what they are, and every call is written down word for word", async () => {
    const spy = await spyPrograms(join(place, "spy's"), ["git"]);
    const env = { PATH: `${spy.path}:${process.env["PATH"]}` };
    expect(spy.calls()).toEqual([]);
    const before = Date.now();
    const odd = ["", "a b", "new\nline", "'\"$(id)`id`\\", "ü", "-n"];
    expect(await git(["push", remote.url, "main"], env)).toMatchObject({ exitCode: 0 });
    expect(await git(["rev-parse", "--sq-quote", ...odd], env)).toMatchObject({ exitCode: 0 });
    expect((await git(["no-such-command"], env)).exitCode).toBe(1);
    expect(spy.calls().map(({ program, argv }) => [program, ...argv])).toEqual([
      ["git", "push", remote.url, "main"],
      ["git", "rev-parse", "--sq-quote", ...odd],
      ["git", "no-such-command"],
    ]);
    for (const { at } of spy.calls()) expect(Date.parse(at)).toBeGreaterThanOrEqual(Math.floor(before / 1000) * 1000);
  });

  test("calls at the same time do not mix", async () => {
    const spy = await spyPrograms(join(place, "spy"), ["git"]);
    const env = { PATH: `${spy.path}:${process.env["PATH"]}` };
    const words = Array.from({ length: 20 }, (_, index) => String(index).repeat(5000));
    await Promise.all(words.map((word) => git(["rev-parse", "--sq-quote", word], env)));
    expect(
      spy
        .calls()
        .map(({ argv }) => argv[2])
        .sort(),
    ).toEqual([...words].sort());
  });

  test("a script can stand for a program that need not be there", async () => {
    const script = join(place, "gh stand-in");
    writeFileSync(script, '#!/bin/sh\necho "$1 for $GH_HOST"; cat; exit 4\n');
    chmodSync(script, 0o755);
    const spy = await spyPrograms(join(place, "spy"), ["gh"], { instead: { gh: script } });
    const answer = promisify(execFile)(join(spy.path, "gh"), ["api", "user"], {
      env: { PATH: process.env["PATH"], GH_HOST: "forge.invalid" },
    });
    answer.child.stdin?.end("body");
    await expect(answer).rejects.toMatchObject({ code: 4, stdout: "api for forge.invalid\nbody" });
    expect(spy.calls()).toMatchObject([{ program: "gh", argv: ["api", "user"] }]);
    await expect(spyPrograms(join(place, "none"), ["no-such-program"])).rejects.toThrow("no-such-program");
  });
});
