import { openApp } from "@okstra/testkit/open-app";
import type { Surroundings, WorkRecord } from "@okstra/core/domain/work-record";
import { createTestProject, type TestProject } from "@okstra/testkit/test-project";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { App } from "../app.ts";
import { inspectWork } from "./inspect-work.ts";
import { loadSurroundings, type WorkPlace } from "./load-surroundings.ts";

let project: TestProject;
let app: App;
let path = "";
let branch = "";
let other = { path: "", branch: "" };
let place: WorkPlace;
let before: Surroundings;

beforeEach(async () => {
  project = await createTestProject();
  ({ path, branch } = await project.provision("g/t"));
  other = await project.provision("g/other");
  app = await openApp({ env: project.home.env, cwd: project.repo.root, emit: () => undefined });
  place = { worktree: path, mainRoot: project.repo.root, repository: project.repo.gitDir, taskKey: "proj/g/t" };
  await project.repo.git(["tag", "v1", "main"]);
  await project.repo.git(["branch", "side", "main"]);
  before = await loadSurroundings(app, place);
});
afterEach(() => project.remove());

const git = (...args: readonly string[]): Promise<string> => project.repo.git(args, { cwd: path });
const changed = async (): Promise<WorkRecord["otherRefs"]> =>
  (await inspectWork(app, { ...place, before, plan: null, testFirst: [] })).otherRefs;

test("case 41: a new branch, a moved and a new tag, a branch that moved or is gone, a note", async () => {
  const own = await project.repo.commit("own", { "src/a.txt": "own\n" }, path);
  await git("branch", "new", "HEAD");
  await git("tag", "--force", "v1", "HEAD");
  await git("tag", "--annotate", "-m", "two", "v2", "HEAD");
  await git("update-ref", "refs/heads/side", "HEAD");
  await git("notes", "add", "-m", "note", "HEAD");
  const { head } = before;
  expect(await changed()).toEqual([
    { ref: "refs/heads/new", from: null, to: own },
    { ref: "refs/heads/side", from: head, to: own },
    { ref: "refs/notes/commits", from: null, to: await project.repo.resolve("refs/notes/commits") },
    { ref: "refs/tags/v1", from: head, to: own },
    { ref: "refs/tags/v2", from: null, to: await project.repo.resolve("refs/tags/v2") },
  ]);
  await git("branch", "--quiet", "--delete", "--force", "side");
  expect(await changed()).toContainEqual({ ref: "refs/heads/side", from: head, to: null });
});

test("another task that works at the same time raises no alarm: commits, rewrites, a new task, a removed one", async () => {
  const { repo } = project;
  await repo.commit("theirs", { "src/b.txt": "b\n" }, other.path);
  expect(await changed()).toEqual([]);
  await repo.git(["commit", "--quiet", "--amend", "-m", "theirs, better"], { cwd: other.path });
  const third = await project.provision("g/third");
  await repo.commit("third", { "src/c.txt": "c\n" }, third["path"]);
  expect(await changed()).toEqual([]);
  await repo.commit("base moves", { "m.txt": "m\n" });
  before = await loadSurroundings(app, place);
  const updated = await project.okstra(["worktree", "update", "g/third"]);
  expect(updated.status, updated.stdout).toBe(0);
  const removed = await project.okstra(["worktree", "remove", "g/other", "--yes"]);
  expect(removed.status, removed.stdout).toBe(0);
  expect(await repo.git(["for-each-ref", "refs/okstra"])).not.toBe("");
  expect(await changed()).toEqual([]);
});

test("case 41: another task's branch that is moved from here is named", async () => {
  const theirs = await project.repo.commit("theirs", { "src/b.txt": "b\n" }, other.path);
  const own = await project.repo.commit("own", { "src/a.txt": "own\n" }, path);
  await git("update-ref", `refs/heads/${other.branch}`, "HEAD");
  expect(await changed()).toEqual([{ ref: `refs/heads/${other.branch}`, from: before.head, to: own }]);
  await git("update-ref", `refs/heads/${other.branch}`, theirs);
  expect(await changed()).toEqual([]);
  await git("update-ref", "-d", `refs/heads/${other.branch}`);
  expect(await changed()).toEqual([{ ref: `refs/heads/${other.branch}`, from: before.head, to: null }]);
});

test("a stash is named unless it was made on another task's branch", async () => {
  project.repo.write("src/a.txt", "theirs\n", { at: other.path });
  await project.repo.git(["stash", "--quiet"], { cwd: other.path });
  expect(await changed()).toEqual([]);
  project.repo.write("src/a.txt", "own\n", { at: path });
  await git("stash", "push", "--quiet", "-m", "put: away");
  expect((await changed()).map(({ ref }) => ref)).toEqual(["refs/stash"]);
});

test("a fetch is no alarm, a push of the task's branch is", async () => {
  const { repo, home } = project;
  await repo.git(["clone", "--quiet", "--bare", repo.root, `${home.root}/remote.git`]);
  await repo.git(["remote", "add", "origin", `${home.root}/remote.git`]);
  before = await loadSurroundings(app, place);
  await repo.git(["fetch", "--quiet", "origin", "main:refs/remotes/origin/main", `main:refs/remotes/origin/other/${branch}`]);
  expect(await changed()).toEqual([]);
  const own = await repo.commit("own", { "src/a.txt": "own\n" }, path);
  await git("push", "--quiet", "origin", "HEAD");
  expect(await changed()).toEqual([{ ref: `refs/remotes/origin/${branch}`, from: null, to: own }]);
  before = await loadSurroundings(app, place);
  await git("switch", "--quiet", "--detach");
  expect(await changed()).toEqual([]);
});

test("case 45: a new recovery ref is okstra's own, one that is gone is named", async () => {
  await project.repo.git(["update-ref", "refs/okstra/backup/proj/g/t/1", "main"]);
  expect(await changed()).toEqual([]);
  before = await loadSurroundings(app, place);
  await git("update-ref", "-d", "refs/okstra/backup/proj/g/t/1");
  expect(await changed()).toEqual([{ ref: "refs/okstra/backup/proj/g/t/1", from: before.head, to: null }]);
});
