import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTestProject, type TestProject } from "@okstra/testkit/test-project";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

let project: TestProject;
let path = "";
let branch = "";
beforeEach(async () => {
  project = await createTestProject();
  ({ path, branch } = await project.provision("g/t"));
});
afterEach(() => project.remove());

const update = (...flags: readonly string[]): ReturnType<TestProject["okstra"]> => project.okstra(["worktree", "update", "g/t", ...flags]);
const row = (): Record<string, unknown> | undefined => project.loadRegistry().tasks["proj/g/t"];

/** The state that a failure must bring back. */
async function look(): Promise<unknown> {
  const { repo } = project;
  return [await repo.resolve(branch), await repo.status(path, "--ignored"), await repo.git(["symbolic-ref", "HEAD"], { cwd: path }), row()];
}

describe("moved", () => {
  test("rebased when nothing is pushed: base, marker, backup and views follow", async () => {
    const { repo } = project;
    const tip = await repo.commit("own", { "own.txt": "own\n" }, path);
    const base = await repo.commit("base moves", { "m.txt": "m\n" });
    expect((await project.okstra(["worktree", "show", "g/t"])).json).toMatchObject({ behind: 1, baseName: "main" });
    expect((await project.okstra(["worktree", "list"])).json.tasks).toMatchObject([{ behind: 1 }]);
    const answer = await update();
    expect(answer.status, answer.stdout).toBe(0);
    expect(answer.json).toMatchObject({
      status: "updated",
      strategy: "rebase",
      taskKey: "proj/g/t",
      path,
      branch,
      baseRef: base,
      from: tip,
    });
    expect(await repo.resolve("HEAD^", path)).toBe(base);
    expect(repo.read("m.txt", path)).toBe("m\n");
    expect(await repo.resolve(answer.json.backup)).toBe(tip);
    expect(answer.json.backup).toMatch(/^refs\/okstra\/backup\/proj\/g\/t\/\d{8}T\d{9}Z$/);
    expect(row()).toMatchObject({ base_ref: base, status: "active" });
    expect(row()).not.toHaveProperty("pending");
    expect((await project.okstra(["worktree", "show", "g/t"])).json).toMatchObject({ behind: 0, baseRef: base });
    expect((await update()).json).toMatchObject({ status: "current", backup: null });
  });

  test("merged when the branch is pushed, or has merges; --strategy decides otherwise", async () => {
    const { repo } = project;
    const own = await repo.commit("own", { "own.txt": "own\n" }, path);
    await repo.git(["update-ref", `refs/remotes/origin/${branch}`, own]);
    const base = await repo.commit("base moves", { "m.txt": "m\n" });
    const merged = await update();
    expect(merged.json).toMatchObject({ status: "updated", strategy: "merge", baseRef: base });
    expect(await repo.resolve("HEAD^2", path)).toBe(base);
    expect(await repo.resolve("HEAD^1", path)).toBe(own);
    await repo.git(["update-ref", "-d", `refs/remotes/origin/${branch}`]);
    await repo.commit("base again", { "m2.txt": "m\n" });
    expect((await update()).json.strategy).toBe("merge");
    await repo.commit("base a third time", { "m3.txt": "m\n" });
    expect((await update("--strategy", "rebase")).json.strategy).toBe("rebase");
  });

  test("--onto names another base, which is remembered", async () => {
    const { repo } = project;
    await repo.git(["switch", "--quiet", "-c", "release"]);
    const release = await repo.commit("release", { "r.txt": "r\n" });
    await repo.git(["switch", "--quiet", "main"]);
    expect((await update("--onto", "release")).json).toMatchObject({ status: "updated", baseRef: release });
    expect((await project.okstra(["worktree", "show", "g/t"])).json).toMatchObject({ baseName: "release", behind: 0 });
  });

  test("a base that was rewritten: only the task's own commits move", async () => {
    const { repo } = project;
    await repo.commit("own", { "own.txt": "own\n" }, path);
    await repo.git(["commit", "--quiet", "--amend", "-m", "first, rewritten"]);
    const base = await repo.commit("more", { "m.txt": "m\n" });
    expect((await update()).json).toMatchObject({ status: "updated", strategy: "rebase" });
    expect(await repo.git(["rev-list", "--count", `${base}..${branch}`])).toBe("1");
  });

  test("untracked files stay", async () => {
    project.repo.write("mine.txt", "mine\n", { at: path });
    await project.repo.commit("base moves", { "m.txt": "m\n" });
    expect((await update()).status).toBe(0);
    expect(project.repo.read("mine.txt", path)).toBe("mine\n");
  });
});

describe("refused, with everything as it was", () => {
  test("a conflict is found before anything is touched", async () => {
    const { repo } = project;
    await repo.commit("own", { "src/a.txt": "own\n" }, path);
    await repo.commit("base", { "src/a.txt": "base\n" });
    const before = await look();
    for (const flags of [[], ["--strategy", "merge"]]) {
      const refused = await update(...flags);
      expect([refused.status, refused.json.error.code]).toEqual([4, "OKSTRA_UPDATE_CONFLICT"]);
      expect(refused.json.error.details.files).toEqual(["src/a.txt"]);
      expect(await look()).toEqual(before);
      expect(await repo.git(["for-each-ref", "refs/okstra"])).toBe("");
    }
  });

  test("a conflict in a commit between, which the probe cannot see, is taken back", async () => {
    const { repo } = project;
    await repo.commit("one", { "src/a.txt": "own\n" }, path);
    await repo.commit("two", { "src/a.txt": "one\n" }, path);
    await repo.commit("base", { "src/a.txt": "base\n" });
    const before = await look();
    const refused = await update("--strategy", "rebase");
    expect([refused.status, refused.json.error.code]).toEqual([4, "OKSTRA_UPDATE_CONFLICT"]);
    expect(refused.json.error.details.files).toEqual(["src/a.txt"]);
    expect(await look()).toEqual(before);
    expect(await repo.git(["for-each-ref", "--format=%(refname)", "refs/okstra/backup"])).toContain("refs/okstra/backup/proj/g/t/");
  });

  test("uncommitted changes, an unfinished merge, another branch", async () => {
    const { repo } = project;
    await repo.commit("base moves", { "m.txt": "m\n" });
    repo.write("src/a.txt", "dirty\n", { at: path });
    const dirty = await update();
    expect([dirty.status, dirty.json.error.code]).toEqual([4, "OKSTRA_TREE_DIRTY"]);
    expect(dirty.json.error.details.files).toEqual(["src/a.txt"]);
    await repo.git(["checkout", "--quiet", "src/a.txt"], { cwd: path });
    await repo.git(["switch", "--quiet", "-c", "elsewhere"], { cwd: path });
    expect((await update()).json.error.code).toBe("OKSTRA_BRANCH_ELSEWHERE");
  });

  test("an untracked file that the base would overwrite", async () => {
    const { repo } = project;
    repo.write("m.txt", "mine\n", { at: path });
    await repo.commit("base moves", { "m.txt": "m\n" });
    const before = await look();
    expect((await update()).json.error.code).toBe("OKSTRA_UPDATE_FAILED");
    expect(await look()).toEqual(before);
    expect(repo.read("m.txt", path)).toBe("mine\n");
  });

  test("a base that is no commit, an unsafe one, an unknown strategy", async () => {
    expect((await update("--onto", "nothing")).json.error.code).toBe("OKSTRA_BASE_REF_NOT_FOUND");
    expect((await update("--onto=--exec=x")).json.error.code).toBe("OKSTRA_REF_UNSAFE");
    expect((await update("--strategy", "octopus")).status).toBe(2);
  });
});

test("case 22: an update that was interrupted is taken back by the next command", async () => {
  const { repo } = project;
  const tip = await repo.commit("own", { "src/a.txt": "own\n" }, path);
  await repo.commit("base", { "src/a.txt": "base\n" });
  await project.okstra(["worktree", "update", "g/t", "--strategy", "rebase"], { onEvent: () => undefined });
  // As a kill in the middle of git's rebase leaves it: the row says so, the rebase stands.
  const stamp = "20260101T000000000Z";
  await repo.git(["update-ref", `refs/okstra/backup/proj/g/t/${stamp}`, tip]);
  const registry = project.loadRegistry();
  const edited = {
    ...registry,
    tasks: {
      "proj/g/t": {
        ...registry.tasks["proj/g/t"],
        pending: { step: "updating", stamp, onto: await repo.resolve("main"), ontoName: "main" },
      },
    },
  };
  writeFileSync(join(project.home.okstraHome, "worktrees/registry.json"), JSON.stringify(edited));
  await repo.git(["rebase", "main"], { cwd: path, okExitCodes: [1] });
  expect((await project.okstra(["doctor"])).json.checks.filter((check: { ok: boolean }) => !check.ok)).toMatchObject([
    { fix: "okstra worktree repair" },
  ]);
  expect((await project.okstra(["path", "g/t"])).json.error.code).toBe("OKSTRA_WORKTREE_MISSING");
  expect(await project.provision("g/t")).toMatchObject({ status: "reused" });
  expect(await repo.resolve("HEAD", path)).toBe(tip);
  expect(await repo.git(["symbolic-ref", "--short", "HEAD"], { cwd: path })).toBe(branch);
  expect(row()).not.toHaveProperty("pending");
  expect(existsSync(join(path, ".git"))).toBe(true);
});

test("how far tasks are behind is told in one look for all of them", async () => {
  const { repo } = project;
  const one = await repo.commit("one", { "1.txt": "1\n" });
  await project.provision("g/second", "--base-ref", "main");
  await repo.commit("two", { "2.txt": "2\n" });
  await repo.commit("three", { "3.txt": "3\n" });
  await project.provision("g/pinned", "--base-ref", one);
  await project.provision("g/gone");
  await repo.git(["worktree", "remove", "--force", join(project.home.okstraHome, "worktrees/proj/g/gone")]);
  await repo.git(["branch", "-D", "task-gone"]);
  const { tasks } = (await project.okstra(["worktree", "list"])).json;
  expect(Object.fromEntries(tasks.map((task: { taskKey: string; behind: number | null }) => [task.taskKey, task.behind]))).toEqual({
    "proj/g/t": 3,
    "proj/g/second": 2,
    "proj/g/pinned": 0,
    "proj/g/gone": null,
  });
});
