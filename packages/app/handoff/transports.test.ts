import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createHandoffProject, type HandoffProject } from "@okstra/testkit/handoff-project";
import { listMarkedProcesses } from "@okstra/testkit/processes/marked-processes";
import { protectBranch } from "@okstra/testkit/remotes/bare-remote";
import { startGitHttp, type GitHttp, type GitHttpOptions } from "@okstra/testkit/remotes/git-http";
import { quoteShell } from "@okstra/testkit/remotes/quote-shell";
import { spyPrograms } from "@okstra/testkit/remotes/spy-programs";
import { sshStandIn } from "@okstra/testkit/remotes/ssh-stand-in";
import type { OnEvent } from "@okstra/testkit/run-okstra";

// Two dozen runs of okstra in a test, on a machine that does other things too.
vi.setConfig({ testTimeout: 180_000 });

let work: HandoffProject;
let env: Record<string, string>;
let servers: GitHttp[];
beforeEach(async () => {
  env = {};
  servers = [];
  work = await createHandoffProject();
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.close()));
  work.project.remove();
});

const okstra = (flags: readonly string[], onEvent?: OnEvent) =>
  work.project.okstra(["handoff", work.task, ...flags], { env, ...(onEvent === undefined ? {} : { onEvent }) });
const plan = (...flags: readonly string[]) => okstra(["--plan", "--action", "pr", "--base", "main", ...flags]);
const approve = (hash: string, onEvent?: OnEvent) => okstra(["--approve", hash], onEvent);

async function requirePlan(...flags: readonly string[]): Promise<string> {
  const planned = await plan(...flags);
  expect(planned.status, planned.stdout + planned.stderr).toBe(0);
  return planned.json.hash;
}

async function serve(options: GitHttpOptions = {}): Promise<GitHttp> {
  const server = await startGitHttp(dirname(work.remote.path), options);
  servers.push(server);
  return server;
}

const setUrl = (url: string) => work.project.repo.git(["remote", "set-url", "origin", url]);

/** A commit on the remote's main that the task's branch does not have. */
const strangeCommit = () => work.remote.git(["commit-tree", "main^{tree}", "-p", "main", "-m", "by somebody else"]);

/** Somebody else's push, at the very moment before okstra's. */
function movesBefore(commit: string): OnEvent {
  return ({ type }) => {
    if (type !== "pushing") return;
    const path = join(work.remote.path, "refs/heads", work.branch);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${commit}\n`);
  };
}

const away = () => `${work.remote.path}.away`;

/** Every file below the directories that has the text, as it is or escaped for a URL. */
function filesWith(text: string, ...directories: readonly string[]): readonly string[] {
  return directories.flatMap((directory) =>
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => readFileSync(path).includes(text)),
  );
}

const records = () => [join(work.project.repo.root, ".project-docs"), work.project.home.okstraHome];

const WAYS: Readonly<Record<string, () => Promise<string>>> = {
  path: async () => work.remote.path,
  file: async () => work.remote.url,
  ssh: async () => {
    const ssh = sshStandIn(work.project.home.directory("ssh"));
    env["GIT_SSH"] = ssh.command;
    return ssh.url(work.remote.path);
  },
  http: async () => (await serve()).url("app.git"),
};

describe.each(Object.entries(WAYS))("over %s", (_, open) => {
  beforeEach(async () => setUrl(await open()));

  test("a plan and its approval push exactly the verified commit, to its branch and to nothing else", async () => {
    const before = await work.remote.git(["for-each-ref"]);
    const hash = await requirePlan();
    expect(await work.remote.git(["for-each-ref"])).toBe(before);
    const done = await approve(hash);
    expect([done.status, done.json.verdict, done.json.valid], done.stdout + done.stderr).toEqual([0, "handed-off", true]);
    expect(await work.remoteCommit()).toBe(work.head);
    const refs = (await work.remote.git(["for-each-ref", "--format=%(refname)"])).split("\n");
    expect(refs).toEqual([`refs/heads/${work.branch}`, "refs/heads/main", "refs/heads/staging"].sort());
    await work.remote.git(["fsck", "--strict", "--connectivity-only"]);
    expect(readdirSync(join(work.project.home.okstraHome, "scratch"))).toEqual([]);
  });

  test("a branch that the remote has already is only moved forward", async () => {
    await work.project.repo.git(["push", "--quiet", work.remote.path, `main:refs/heads/${work.branch}`]);
    const done = await approve(await requirePlan());
    expect([done.status, done.json.handoff.push.end], done.stdout).toEqual([0, "pushed"]);
    expect(await work.remoteCommit()).toBe(work.head);
  });

  test("case 61: a branch that went elsewhere is an error of the plan, and is left alone", async () => {
    const strange = await strangeCommit();
    await work.remote.git(["update-ref", `refs/heads/${work.branch}`, strange]);
    const planned = await plan();
    expect([planned.status, planned.json.error.code]).toEqual([4, "OKSTRA_HANDOFF_NOT_FAST_FORWARD"]);
    expect(planned.json.error.details).toMatchObject({ remote: strange, outgoing: work.head });
    expect(await work.remoteCommit()).toBe(strange);
  });

  test("case 61: a branch that goes elsewhere between plan and approval is not what was planned", async () => {
    const hash = await requirePlan();
    const strange = await strangeCommit();
    await work.remote.git(["update-ref", `refs/heads/${work.branch}`, strange]);
    const refused = await approve(hash);
    expect([refused.status, refused.json.error.code]).toEqual([4, "OKSTRA_HANDOFF_NOT_FAST_FORWARD"]);
    expect(await work.remoteCommit()).toBe(strange);
  });

  test("case 61: a branch that goes elsewhere between asking and pushing is reported, never forced", async () => {
    const strange = await strangeCommit();
    const hash = await requirePlan();
    const done = await approve(hash, movesBefore(strange));
    expect([done.status, done.json.verdict, done.json.valid], done.stdout + done.stderr).toEqual([10, "push-rejected", true]);
    expect(done.json.handoff).toMatchObject({ push: { end: "rejected", reason: expect.stringContaining("rejected") }, outgoing: null });
    expect(await work.remoteCommit()).toBe(strange);
    const again = await approve(hash);
    expect([again.status, again.json.run, await work.remoteCommit()]).toEqual([10, done.json.run, strange]);
  });

  test("case 61: a protected branch is reported with the remote's words", async () => {
    protectBranch(work.remote, "*");
    const done = await approve(await requirePlan());
    expect([done.status, done.json.verdict, done.json.valid], done.stdout + done.stderr).toEqual([10, "push-rejected", true]);
    const words = `Protected branch update failed for refs/heads/${work.branch}.`;
    expect(done.json.handoff.push.reason).toContain(words);
    expect(work.project.repo.read("report.html", done.json.runDir)).toContain(words);
    expect(await work.remoteCommit()).toBeNull();
  });

  test("a remote that is gone is a clear error; once it is back, the same command goes on", async () => {
    renameSync(work.remote.path, away());
    const gone = await plan();
    expect([gone.status, gone.json.error.code], gone.stdout).toEqual([1, "OKSTRA_HANDOFF_REMOTE_FAILED"]);
    renameSync(away(), work.remote.path);
    const hash = await requirePlan();
    const failed = await approve(hash, ({ type }) => {
      if (type === "pushing") renameSync(work.remote.path, away());
    });
    expect([failed.status, failed.json.error.code], failed.stdout).toEqual([1, "OKSTRA_HANDOFF_REMOTE_FAILED"]);
    const still = await okstra([]);
    expect([still.status, still.json.error.code], still.stdout).toEqual([1, "OKSTRA_HANDOFF_REMOTE_FAILED"]);
    renameSync(away(), work.remote.path);
    expect(await work.remoteCommit()).toBeNull();
    const done = await okstra([]);
    expect([done.status, done.json.verdict, done.json.valid], done.stdout + done.stderr).toEqual([0, "handed-off", true]);
    expect(await work.remoteCommit()).toBe(work.head);
  });
});

test("case 61: a branch that is created while the remote takes the push is the remote's refusal", async () => {
  const strange = await strangeCommit();
  const hook = join(work.remote.path, "hooks/update");
  mkdirSync(dirname(hook), { recursive: true });
  writeFileSync(hook, `#!/bin/sh\necho "Somebody was faster." >&2\ngit update-ref "$1" ${strange}\n`);
  chmodSync(hook, 0o755);
  const done = await approve(await requirePlan());
  expect([done.status, done.json.verdict, done.json.valid], done.stdout + done.stderr).toEqual([10, "push-rejected", true]);
  expect(done.json.handoff.push.reason).toMatch(/remote rejected.*Somebody was faster\./s);
  expect(await work.remoteCommit()).toBe(strange);
});

describe("a slow remote", () => {
  const MARK = `mark-${process.pid}`;
  const alive = () => listMarkedProcesses(`OKSTRA_TEST_MARK=${MARK}`);

  test("never answers the first question: the error names the deadline, and nothing is left running", async () => {
    const slow = sshStandIn(work.project.home.directory("slow"), { delayMs: "never" });
    await setUrl(slow.url(work.remote.path));
    env = { GIT_SSH: slow.command, OKSTRA_TEST_MARK: MARK };
    const planned = await plan("--deadline", "1s");
    expect([planned.status, planned.json.error.code]).toEqual([1, "OKSTRA_HANDOFF_REMOTE_FAILED"]);
    expect(planned.json.error.message).toMatch(/no answer within 1(?:000 ms| ?s)/);
    expect(planned.json.error.details.ended).toBe("deadline");
    expect(slow.calls()).toHaveLength(1);
    expect(alive()).toEqual([]);
  });

  test("stops answering in the push: nothing is left running, children of ssh included, and it goes on later", async () => {
    const ssh = sshStandIn(work.project.home.directory("ssh"));
    const stuck = join(work.project.home.directory("stuck"), "ssh");
    writeFileSync(
      stuck,
      `#!/bin/sh\ncase "$*" in *git-receive-pack*)\n  trap '' TERM HUP INT\n  setsid sleep 3600 &\n  sleep 3600\n  exit 1\nesac\nexec ${quoteShell(ssh.command)} "$@"\n`,
    );
    chmodSync(stuck, 0o755);
    await setUrl(ssh.url(work.remote.path));
    env = { GIT_SSH: stuck, OKSTRA_TEST_MARK: MARK };
    const hash = await requirePlan();
    const late = await okstra(["--approve", hash, "--deadline", "1s"]);
    expect([late.status, late.json.error.code], late.stdout).toEqual([1, "OKSTRA_HANDOFF_REMOTE_FAILED"]);
    expect(late.json.error.message).toMatch(/push.*no answer within 1(?:000 ms| ?s)/);
    expect(alive()).toEqual([]);
    expect(await work.remoteCommit()).toBeNull();
    env = { GIT_SSH: ssh.command };
    const done = await okstra([]);
    expect([done.status, done.json.verdict, done.json.valid], done.stdout + done.stderr).toEqual([0, "handed-off", true]);
    expect(await work.remoteCommit()).toBe(work.head);
    expect(done.json.handoff.calls.filter(({ ended }: { ended: string }) => ended === "deadline")).toHaveLength(1);
  });

  test("is slower than the deadline over HTTP, and is waited for without one", async () => {
    const server = await serve({ delayMs: 400 });
    await setUrl(server.url("app.git"));
    const planned = await plan("--deadline", "200ms");
    expect([planned.status, planned.json.error?.code], planned.stdout).toEqual([1, "OKSTRA_HANDOFF_REMOTE_FAILED"]);
    expect(planned.json.error.message).toContain("200 ms");
    const done = await approve(await requirePlan());
    expect([done.status, await work.remoteCommit()]).toEqual([0, work.head]);
  });
});

describe("basic authentication", () => {
  const PASSWORD = "s3cret-Pa55-w0rd";
  let server: GitHttp;
  let spy: Awaited<ReturnType<typeof spyPrograms>>;
  beforeEach(async () => {
    server = await serve({ auth: { user: "person", password: PASSWORD } });
    spy = await spyPrograms(work.project.home.directory("spy"), ["git"]);
    env = { PATH: `${spy.path}:${process.env["PATH"]}` };
  });

  /** Nothing that anybody can read later, or sees meanwhile in the list of processes, has it. */
  function expectHidden(...answers: readonly { stdout: string; stderr: string }[]): void {
    expect(filesWith(PASSWORD, ...records())).toEqual([]);
    for (const { stdout, stderr } of answers) expect(stdout + stderr).not.toContain(PASSWORD);
    expect(spy.calls().length).toBeGreaterThan(0);
    expect(JSON.stringify(spy.calls())).not.toContain(PASSWORD);
  }

  test("case 55: a password in the remote's URL gets in, and is in no file, no answer and no argument list", async () => {
    await setUrl(server.url("app.git").replace("http://", `http://person:${PASSWORD}@`));
    const planned = await plan();
    expect(planned.status, planned.stdout).toBe(0);
    expect(planned.json.plan.remote.url).toBe(server.url("app.git").replace("http://", "http://person:***@"));
    const done = await approve(planned.json.hash);
    expect([done.status, done.json.valid], done.stdout + done.stderr).toEqual([0, true]);
    expect(await work.remoteCommit()).toBe(work.head);
    expectHidden(planned, done);
  });

  test("case 55: nor when the login is wrong, the remote refuses, or it is gone", async () => {
    await setUrl(server.url("app.git").replace("http://", `http://stranger:${PASSWORD}@`));
    const refused = await plan();
    expect([refused.status, refused.json.error.code]).toEqual([1, "OKSTRA_HANDOFF_REMOTE_FAILED"]);
    await setUrl(server.url("absent.git").replace("http://", `http://person:${PASSWORD}@`));
    const absent = await plan();
    expect([absent.status, absent.json.error.code]).toEqual([1, "OKSTRA_HANDOFF_REMOTE_FAILED"]);
    await setUrl(server.url("app.git").replace("http://", `http://person:${PASSWORD}@`));
    protectBranch(work.remote, "*");
    const hash = await requirePlan();
    const rejected = await approve(hash);
    expect(rejected.status).toBe(10);
    await server.close();
    const gone = await plan();
    expect([gone.status, gone.json.error.code]).toEqual([1, "OKSTRA_HANDOFF_REMOTE_FAILED"]);
    expectHidden(refused, absent, rejected, gone);
  });

  test("the person's own credential helper is asked, and what it says is nowhere", async () => {
    const helper = join(work.project.home.directory("helper"), "helper");
    writeFileSync(helper, `#!/bin/sh\n[ "$1" = get ] && printf 'username=person\\npassword=%s\\n' '${PASSWORD}'\nexit 0\n`);
    chmodSync(helper, 0o755);
    work.project.home.writeGitConfig(`[credential]\n\thelper = ${helper}\n`);
    await setUrl(server.url("app.git"));
    const planned = await plan();
    expect(planned.status, planned.stdout).toBe(0);
    const done = await approve(planned.json.hash);
    expect([done.status, await work.remoteCommit()], done.stdout).toEqual([0, work.head]);
    expectHidden(planned, done);
  });

  test("case 55: nor a password that the person's own rewrite of the URL puts in", async () => {
    const open = server.url("app.git");
    work.project.home.writeGitConfig(
      `[url "${server.origin.replace("http://", `http://person:${PASSWORD}@`)}/"]\n\tinsteadOf = ${server.origin}/\n`,
    );
    await setUrl(open);
    const planned = await plan();
    expect(planned.status, planned.stdout).toBe(0);
    const done = await approve(planned.json.hash);
    expect([done.status, await work.remoteCommit()], done.stdout).toEqual([0, work.head]);
    protectBranch(work.remote, "*");
    await work.advance("More", { "src/more.txt": "more\n" });
    const rejected = await approve(await requirePlan());
    expect(rejected.status).toBe(10);
    const hash = await requirePlan();
    const gone = await approve(hash, ({ type }) => {
      if (type === "pushing") renameSync(work.remote.path, away());
    });
    expect([gone.status, gone.json.error.code]).toEqual([1, "OKSTRA_HANDOFF_REMOTE_FAILED"]);
    expectHidden(planned, done, rejected, gone);
  });

  test("case 55: nor when git is told to trace, or the password has signs of a URL in it", async () => {
    const odd = "s3cret:p@ss-c@nary";
    const url = server.url("app.git").replace("http://", `http://person:${odd}@`);
    env["GIT_TRACE"] = "1";
    env["GIT_TRACE_CURL"] = "1";
    await setUrl(url);
    const refused = await plan();
    expect([refused.status, refused.json.error.code]).toEqual([1, "OKSTRA_HANDOFF_REMOTE_FAILED"]);
    for (const part of [odd, "c@nary", "nary@"]) expect(refused.stdout + refused.stderr).not.toContain(part);
    const open = server.url("absent.git");
    work.project.home.writeGitConfig(
      `[url "${server.origin.replace("http://", `http://person:${PASSWORD}@`)}/"]\n\tinsteadOf = ${server.origin}/\n`,
    );
    await setUrl(open);
    const absent = await plan();
    expect([absent.status, absent.json.error.code]).toEqual([1, "OKSTRA_HANDOFF_REMOTE_FAILED"]);
    await setUrl(server.url("app.git"));
    protectBranch(work.remote, "*");
    const planned = await plan();
    expect(planned.status, planned.stdout).toBe(0);
    const rejected = await approve(planned.json.hash);
    expect(rejected.status).toBe(10);
    expectHidden(refused, absent, planned, rejected);
    expect(filesWith("c@nary", ...records())).toEqual([]);
  });

  test("a push URL with a password is confirmed by its visible form, and bound with its password", async () => {
    const secret = server.url("app.git").replace("http://", `http://person:${PASSWORD}@`);
    await work.project.repo.git(["config", "remote.origin.pushurl", secret]);
    const mismatch = await plan();
    expect([mismatch.status, mismatch.json.error.code]).toEqual([3, "OKSTRA_HANDOFF_URL_MISMATCH"]);
    const [shown] = mismatch.json.error.details.pushUrls;
    const planned = await plan("--push-url", shown);
    expect(planned.status, planned.stdout).toBe(0);
    const done = await approve(planned.json.hash);
    expect([done.status, await work.remoteCommit()], done.stdout).toEqual([0, work.head]);
    await work.advance("More", { "src/more.txt": "more\n" });
    const second = await plan("--push-url", shown);
    expect(second.status, second.stdout).toBe(0);
    await work.project.repo.git(["config", "remote.origin.pushurl", secret.replace(PASSWORD, "another-password")]);
    const changed = await approve(second.json.hash);
    expect([changed.status, changed.json.error.code]).not.toEqual([0, undefined]);
    expect(await work.remoteCommit()).not.toBe(await work.project.repo.resolve(work.branch));
    expectHidden(mismatch, planned, done, second, changed);
  });
});

test("case 60: a push that is refused because the same commit arrives at that moment by another push is no refusal", async () => {
  const hash = await requirePlan();
  const { remote, branch, head, project } = work;
  await remote.git(["fetch", "--quiet", project.repo.root, branch]);
  // What the other push does, after okstra's was told what the remote has, and before it may change it.
  const hook = join(remote.path, "hooks", "pre-receive");
  mkdirSync(dirname(hook), { recursive: true });
  writeFileSync(hook, `#!/bin/sh\nunset GIT_QUARANTINE_PATH\ngit update-ref refs/heads/${branch} ${head}\n`);
  chmodSync(hook, 0o755);
  const done = await approve(hash);
  expect([done.status, done.json.verdict, done.json.valid], done.stdout + done.stderr).toEqual([0, "handed-off", true]);
  expect(await work.remoteCommit()).toBe(head);
  const [pushed, ...more] = done.json.handoff.calls.filter(({ argv }: { argv: string[] }) => argv.includes("push"));
  expect([pushed.exitCode, more]).toEqual([1, []]);
});
