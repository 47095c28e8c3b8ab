import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { createBareRemote, type BareRemote } from "@okstra/testkit/remotes/bare-remote";
import { runOkstra, type OkstraAnswer } from "@okstra/testkit/run-okstra";
import { createTestProject, type TestProject } from "@okstra/testkit/test-project";
import { openTestRepo, type TestRepo } from "@okstra/testkit/test-repo";
import { hashFiles } from "@okstra/testkit/tree-hash";

const TASK = "bugs/login";

let project: TestProject;
let remote: BareRemote;
/** Somebody else's clone, in which work is merged. */
let colleague: TestRepo;
let worktree: string;
let branch: string;
let server: Server | null = null;
const sockets: Socket[] = [];
afterEach(async () => {
  project.remove();
  for (const socket of sockets.splice(0)) socket.destroy();
  await new Promise<void>((resolve) => (server === null ? resolve() : server.close(() => resolve())));
  server = null;
});

const LINES = Array.from({ length: 40 }, (_, at) => `line ${at}`);
const text = (changes: Readonly<Record<number, string>> = {}): string => `${LINES.map((line, at) => changes[at] ?? line).join("\n")}\n`;

/** A project with a remote, a task with two commits that the remote's base does not have, and a colleague who has both. */
async function start(): Promise<void> {
  project = await createTestProject({ name: "app" });
  const { repo, home } = project;
  await repo.commit("a file", { "src/long.txt": text() });
  remote = await createBareRemote(home.directory("remotes"), "app.git");
  await repo.git(["remote", "add", "origin", remote.url]);
  await repo.git(["push", "--quiet", remote.url, "main:main", "main:staging"]);
  ({ path: worktree, branch } = await project.provision(TASK, "--category", "bugfix"));
  await repo.commit("Mend the login", { "src/long.txt": text({ 30: "mended" }) }, worktree);
  await repo.commit("Test the login", { "test/login.txt": "a test\n" }, worktree);
  await repo.git(["clone", "--quiet", remote.url, home.directory("colleague")]);
  colleague = openTestRepo(home.directory("colleague"));
  await takeWork();
}

/** The colleague gets the task's branch as it is now. */
const takeWork = (): Promise<string> => colleague.git(["fetch", "--quiet", project.repo.root, `+refs/heads/${branch}:refs/heads/work`]);
const publish = (): Promise<string> => colleague.git(["push", "--quiet", "origin", "main:main"]);
const moveBase = (files: Readonly<Record<string, string>> = { "src/long.txt": text({ 2: "moved" }) }): Promise<string> =>
  colleague.commit("Something else", files);
const done = (...flags: readonly string[]): Promise<OkstraAnswer> => project.okstra(["task", "done", TASK, "--base", "main", ...flags]);
const statusOfTask = (): unknown => project.loadRegistry().tasks[`proj/${TASK}`]?.["status"];
const loadEvents = (): readonly Record<string, unknown>[] => {
  const path = `.project-docs/okstra/tasks/${TASK}/events.jsonl`;
  if (!project.repo.exists(path)) return [];
  const lines = project.repo.read(path).split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ type }) => type === "task-done");
};
/** What came of it, and what is written down since. */
const outcomeOf = ({ status, json }: OkstraAnswer): unknown => ({
  status,
  said: json.error === undefined ? json.how : [json.error.code, json.error.details.missing ?? json.error.message],
  row: statusOfTask(),
  events: loadEvents().length,
});
const doneAs = (how: string): unknown => ({ status: 0, said: how, row: "released", events: 1 });
const notMerged = (missing: number): unknown => ({ status: 10, said: ["OKSTRA_TASK_NOT_MERGED", missing], row: "active", events: 0 });

test("a merge commit: the task is released, that is written down, and the clean-up is offered", async () => {
  await start();
  await moveBase();
  await colleague.git(["merge", "--quiet", "--no-ff", "-m", "Merge", "work"]);
  await publish();
  const answer = await done();
  expect(outcomeOf(answer)).toEqual(doneAs("merged"));
  const head = await project.repo.resolve("HEAD", worktree);
  const base = { base: "main", baseCommit: await colleague.resolve("main"), commit: head };
  expect(answer.json).toMatchObject({ taskKey: `proj/${TASK}`, ...base, pullRequest: null, alreadyDone: false });
  expect(loadEvents()[0]).toMatchObject({
    ...base,
    how: "merged",
    head,
    pullRequest: null,
    by: process.env["USER"] ?? process.env["LOGNAME"] ?? "unknown",
  });
  expect(answer.json.cleanUp).toMatchObject({
    path: worktree,
    branch,
    removed: false,
    command: `okstra worktree remove ${TASK} --yes`,
    commitCount: 2,
  });
  expect(await project.repo.resolve("HEAD", worktree)).toBe(head);
  const shown = await runOkstra(["task", "done", TASK], { cwd: project.repo.root });
  expect(shown.stdout.split("\n")).toEqual([
    `done      proj/${TASK}: ${head.slice(0, 12)} merged into main at ${base.baseCommit.slice(0, 12)}, as was found before`,
    "released  its records and evidence stay",
    `clean up  okstra worktree remove ${TASK} --yes`,
    `          removes ${worktree} and the branch ${branch}, and keeps aside what is only there`,
    expect.stringMatching(/^ {10}2 commits that are on no other branch here: [0-9a-f]+ Test the login, [0-9a-f]+ Mend the login$/),
    "",
  ]);
  const looks = async (): Promise<unknown> => {
    const [row] = (await project.okstra(["status"])).json.tasks;
    const next = (await project.okstra(["next", TASK])).json;
    const { tasks: open } = (await project.okstra(["schedule"])).json;
    return { row: [row.state, row.why, row.command], next: [next.done, next.due, next.merged], open };
  };
  const end = { row: ["done", "merged into main", null], next: [true, null, { how: "merged", base: "main", commit: head }], open: [] };
  expect(await looks()).toEqual(end);
  const removed = await project.okstra((answer.json.cleanUp.command as string).split(" ").slice(1));
  expect(removed.status, removed.stdout).toBe(0);
  expect(await looks()).toEqual(end);
  expect((await project.okstra(["go", TASK])).json).toMatchObject({ state: "done", runs: [] });
  expect((await project.okstra(["task", "list"])).json.tasks).toMatchObject([{ state: "done", next: "" }]);
  expect((await runOkstra(["next", TASK], { cwd: project.repo.root })).stdout).toContain(
    `done      ${head.slice(0, 12)} merged into main\n`,
  );
});

test("a fast-forward", async () => {
  await start();
  await colleague.git(["merge", "--quiet", "--ff-only", "work"]);
  await publish();
  expect(outcomeOf(await done())).toEqual(doneAs("merged"));
});

test.each(["as it was", "moved before", "moved after"])("a squash onto a base that is %s", async (moved) => {
  await start();
  if (moved === "moved before") await moveBase();
  await colleague.git(["merge", "--quiet", "--squash", "work"]);
  await colleague.commit("Mend the login (#1)");
  if (moved === "moved after") await moveBase({ "src/long.txt": text({ 30: "mended again" }), "other.txt": "x\n" });
  await publish();
  expect(outcomeOf(await done())).toEqual(doneAs("squashed"));
});

test("a rebase onto a base that moved, with a commit that changes nothing among them", async () => {
  await start();
  await project.repo.commit("Nothing", {}, worktree);
  await takeWork();
  await moveBase();
  await colleague.git(["cherry-pick", "main..work~1"]);
  await moveBase({ "between.txt": "x\n" });
  await publish();
  expect(outcomeOf(await done())).toEqual(doneAs("rebased"));
});

test("a branch whose commits change nothing in the end is merged", async () => {
  await start();
  await project.repo.git(["revert", "--no-edit", "HEAD", "HEAD~1"], { cwd: worktree });
  expect(outcomeOf(await done())).toEqual(doneAs("merged"));
});

test("not merged and partly merged: how much is missing is said, and nothing is changed", async () => {
  await start();
  const before = hashFiles(project.home.okstraHome, project.repo.gitDir);
  expect(outcomeOf(await done())).toEqual(notMerged(2));
  expect(outcomeOf(await done("--remove"))).toEqual(notMerged(2));
  await colleague.git(["cherry-pick", "work~1"]);
  await publish();
  const partly = await done("--remove");
  expect(outcomeOf(partly)).toEqual(notMerged(1));
  expect(partly.json.error.message).toContain("1 of 2 commits are missing");
  expect(hashFiles(project.home.okstraHome, project.repo.gitDir)).toEqual(before);
});

test("what differs in white space only is another change", async () => {
  await start();
  await colleague.commit("Nearly", { "src/long.txt": text({ 30: "  mended" }) });
  await colleague.git(["cherry-pick", "work"]);
  await publish();
  expect(outcomeOf(await done())).toEqual(notMerged(1));
});

test("what differs in a binary file or in a mode is another change", async () => {
  await start();
  await colleague.git(["merge", "--quiet", "work"]);
  await publish();
  project.repo.write("image.bin", new Uint8Array([0, 1, 2, 255]), { at: worktree });
  await project.repo.git(["add", "image.bin"], { cwd: worktree });
  await project.repo.commit("An image", {}, worktree);
  await project.repo.git(["update-index", "--chmod=+x", "test/login.txt"], { cwd: worktree });
  await project.repo.commit("A mode", {}, worktree);
  await project.repo.git(["reset", "--quiet", "--hard"], { cwd: worktree });
  colleague.write("image.bin", new Uint8Array([0, 1, 3, 255]));
  await colleague.git(["add", "image.bin"]);
  await colleague.commit("Another image");
  await colleague.commit("Another mode", { "test/login.txt": "a test\n" });
  await publish();
  expect(outcomeOf(await done())).toEqual(notMerged(2));
});

test("work that is only in a merge of the branch is missing when its other commits are there", async () => {
  await start();
  await moveBase();
  await publish();
  await project.repo.git(["fetch", "--quiet", "origin"], { cwd: worktree });
  await project.repo.git(["merge", "--quiet", "--no-ff", "--no-edit", "origin/main"], { cwd: worktree });
  project.repo.write("only-here.txt", "work\n", { at: worktree });
  await project.repo.git(["add", "only-here.txt"], { cwd: worktree });
  await project.repo.git(["commit", "--quiet", "--amend", "--no-edit"], { cwd: worktree });
  await colleague.git(["cherry-pick", "work~1", "work"]);
  await publish();
  expect(outcomeOf(await done())).toEqual(notMerged(1));
});

test("what is there already is answered as it was, also when the worktree is gone; later work is proven again", async () => {
  await start();
  await colleague.git(["merge", "--quiet", "work"]);
  await publish();
  const first = await done();
  await moveBase();
  await publish();
  const { pullRequestState: _, ...same } = first.json;
  const again = await project.okstra(["task", "done", TASK, "--base", "staging"]);
  expect([again.status, again.json], again.stdout).toMatchObject([0, { ...same, alreadyDone: true }]);
  await project.repo.commit("Later", { "later.txt": "x\n" }, worktree);
  const later = await done("--remove");
  expect([later.status, later.json.error.code], later.stdout).toEqual([10, "OKSTRA_TASK_NOT_MERGED"]);
  await project.repo.git(["reset", "--quiet", "--hard", "HEAD~1"], { cwd: worktree });
  const removed = await done("--remove");
  expect([removed.status, removed.json.cleanUp.removed, removed.json.cleanUp.command], removed.stdout).toEqual([0, true, null]);
  const last = await done("--remove");
  expect([last.status, last.json.alreadyDone, last.json.cleanUp], last.stdout).toMatchObject([0, true, { removed: true, commitCount: 0 }]);
  expect(loadEvents().length).toBe(1);
});

test("uncommitted work is named, and nothing is changed", async () => {
  await start();
  await colleague.git(["merge", "--quiet", "work"]);
  await publish();
  writeFileSync(join(worktree, "new.txt"), "x");
  writeFileSync(join(worktree, "README.md"), "changed");
  const answer = await done("--remove");
  expect([answer.status, answer.json.error.code, answer.json.error.details], answer.stdout).toMatchObject([
    4,
    "OKSTRA_WORKTREE_HAS_WORK",
    { dirty: ["README.md"], untracked: ["new.txt"], commitCount: 0 },
  ]);
  expect([statusOfTask(), loadEvents()]).toEqual(["active", []]);
});

test("a commit of the worktree that is on no branch is work too", async () => {
  await start();
  await colleague.git(["merge", "--quiet", "work"]);
  await publish();
  await project.repo.git(["switch", "--quiet", "--detach"], { cwd: worktree });
  await project.repo.commit("Apart", { "apart.txt": "x\n" }, worktree);
  const answer = await done();
  expect([answer.status, answer.json.error.code, answer.json.error.details.commitCount]).toEqual([4, "OKSTRA_WORKTREE_HAS_WORK", 1]);
  expect([statusOfTask(), loadEvents()]).toEqual(["active", []]);
});

test("--remove: worktree and branch go and come back; a file that only the worktree has keeps it there", async () => {
  await start();
  await colleague.git(["merge", "--quiet", "--squash", "work"]);
  await colleague.commit("Squashed");
  await publish();
  const head = await project.repo.resolve("HEAD", worktree);
  writeFileSync(join(project.repo.gitDir, "info/exclude"), "local.env\n", { flag: "a" });
  writeFileSync(join(worktree, "local.env"), "x");
  const refused = await done("--remove");
  expect([refused.status, refused.json.error.code, refused.json.error.details.ignored]).toEqual([
    4,
    "OKSTRA_WORKTREE_HAS_WORK",
    ["local.env"],
  ]);
  expect([statusOfTask(), loadEvents().length]).toEqual(["released", 1]);
  rmSync(join(worktree, "local.env"));
  const removed = await done("--remove");
  const { cleanUp } = removed.json;
  expect([removed.status, cleanUp.removed, project.repo.exists(worktree, "/")], removed.stdout).toEqual([0, true, false]);
  expect(await project.repo.branches()).not.toContain(branch);
  expect(cleanUp.restore).toBe(`okstra worktree restore ${TASK}`);
  expect((await project.okstra(["worktree", "restore", TASK])).status).toBe(0);
  expect(await project.repo.resolve("HEAD", worktree)).toBe(head);
  expect(await project.repo.resolve(`refs/heads/${branch}`)).toBe(head);
});

test("the base must be named, and must be there", async () => {
  await start();
  const unnamed = await project.okstra(["task", "done", TASK]);
  const absent = await project.okstra(["task", "done", TASK, "--base", "nowhere"]);
  const own = await project.okstra(["task", "done", TASK, "--base", branch]);
  for (const { status, json } of [unnamed, absent, own])
    expect([status, json.error.code, json.error.details.candidates]).toEqual([1, "OKSTRA_HANDOFF_BASE_NOT_FOUND", ["staging", "main"]]);
  expect((await project.okstra(["task", "done", "bugs/nobody", "--base", "main"])).json.error.code).toBe("OKSTRA_TASK_NOT_FOUND");
  expect((await done("--remote", "nowhere")).json.error.code).toBe("OKSTRA_HANDOFF_NO_REMOTE");
  expect((await done("--deadline", "soon")).status).toBe(2);
  const inside = await project.okstra(["task", "done", TASK, "--base", "main"], { env: { OKSTRA_RUN_ID: "x" } });
  expect([inside.status, inside.json.error.code]).toEqual([10, "OKSTRA_GATE_HOLDS"]);
});

test("a remote that is gone, and one that never answers", async () => {
  await start();
  server = createServer((socket) => void sockets.push(socket));
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await project.repo.git(["remote", "add", "slow", `git://127.0.0.1:${port}/app.git`]);
  const slow = await done("--remote", "slow", "--deadline", "1500ms");
  expect([slow.status, slow.json.error.code], slow.stdout).toEqual([1, "OKSTRA_HANDOFF_REMOTE_FAILED"]);
  expect(slow.json.error.message).toContain("no answer within 1500 ms");
  rmSync(remote.path, { recursive: true });
  const gone = await done();
  expect([gone.status, gone.json.error.code], gone.stdout).toEqual([1, "OKSTRA_HANDOFF_REMOTE_FAILED"]);
  expect([statusOfTask(), loadEvents()]).toEqual(["active", []]);
});

test("without a remote the local branch is asked", async () => {
  await start();
  await project.repo.git(["remote", "remove", "origin"]);
  expect(outcomeOf(await done())).toEqual(notMerged(2));
  await project.repo.git(["merge", "--quiet", "--no-ff", "--no-edit", branch]);
  expect(outcomeOf(await done())).toEqual(doneAs("merged"));
});

test("what is planted in the project has no effect: rewrites, where to push, hooks, a local branch of that name", async () => {
  await start();
  const { repo, home } = project;
  const evil = await createBareRemote(home.directory("remotes"), "evil.git");
  await repo.git(["push", "--quiet", evil.url, `${branch}:main`]);
  await repo.git(["config", `url.${evil.url}.insteadOf`, remote.url]);
  await repo.git(["config", `url.${evil.url}.pushInsteadOf`, remote.url]);
  await repo.git(["config", "remote.origin.pushurl", evil.url]);
  await repo.git(["config", "remote.origin.uploadpack", `touch ${join(home.root, "pwned")}; git-upload-pack`]);
  await repo.git(["config", "core.fsmonitor", `touch ${join(home.root, "pwned")}`]);
  await repo.git(["update-ref", "refs/heads/main", branch]);
  await repo.git(["update-ref", "refs/remotes/origin/main", branch]);
  for (const hook of ["reference-transaction", "post-checkout", "post-index-change"])
    repo.write(`.git/hooks/${hook}`, `#!/bin/sh\ntouch ${join(home.root, "pwned")}\n`, { mode: 0o755 });
  expect(outcomeOf(await done())).toEqual(notMerged(2));
  await colleague.git(["merge", "--quiet", "--no-ff", "--no-edit", "work"]);
  await publish();
  expect(outcomeOf(await done())).toEqual(doneAs("merged"));
  expect(repo.exists("pwned", home.root)).toBe(false);
});
