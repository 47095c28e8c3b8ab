import { existsSync, lstatSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTestProject, type TestProject } from "@okstra/testkit/test-project";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

let project: TestProject;
beforeEach(async () => {
  project = await createTestProject();
});
afterEach(() => project.remove());

const adopt = (...argv: readonly string[]): ReturnType<TestProject["okstra"]> => project.okstra(["worktree", "adopt", ...argv]);

describe("a branch", () => {
  test("gets a worktree at the task's path; its base is where it left main", async () => {
    const { repo, home } = project;
    const base = await repo.resolve("HEAD");
    await repo.git(["switch", "--quiet", "-c", "fix/login"]);
    const tip = await repo.commit("work", { "w.txt": "w\n" });
    await repo.git(["switch", "--quiet", "main"]);
    await repo.commit("main goes on", { "m.txt": "m\n" });
    const answer = await adopt("fix/login");
    const path = join(home.okstraHome, "worktrees/proj/adopted/login");
    expect(answer.json).toEqual({
      status: "created",
      path,
      branch: "fix/login",
      baseRef: base,
      taskKey: "proj/adopted/login",
      note: expect.stringContaining("adopted fix/login"),
    });
    expect(await repo.resolve("HEAD", path)).toBe(tip);
    expect(await project.provision("adopted/login")).toMatchObject({ status: "reused", path, branch: "fix/login" });
    expect((await project.okstra(["worktree", "show", "adopted/login"])).json).toMatchObject({ behind: 1, baseName: "main" });
  });

  test("--task names it; a name without a prefix is the task", async () => {
    await project.repo.git(["branch", "wild_idea"]);
    await project.repo.git(["branch", "feat-a/b"]);
    expect((await adopt("wild_idea", "--task", "ideas/first")).json).toMatchObject({
      status: "created",
      taskKey: "proj/ideas/first",
      branch: "wild_idea",
    });
    expect((await adopt("feat-a/b")).json).toMatchObject({ taskKey: "proj/adopted/a-b", branch: "feat-a/b" });
  });

  test("a slip of the lock: a crash after the row is healed and keeps the branch", async () => {
    const { repo } = project;
    await repo.git(["switch", "--quiet", "-c", "side"]);
    const tip = await repo.commit("work", { "w.txt": "w\n" });
    await repo.git(["switch", "--quiet", "main"]);
    await project.okstra(["worktree", "adopt", "side"], {
      onEvent: (event) => {
        if (event.type === "row-reserved") throw new Error("stopped");
      },
    });
    const { path } = await project.provision("adopted/side");
    expect(await repo.resolve("HEAD", path)).toBe(tip);
  });
});

describe("a worktree", () => {
  let tree = "";
  beforeEach(async () => {
    tree = join(project.home.root, "my tree");
    await project.repo.git(["worktree", "add", "--quiet", "-b", "feat-mine", tree]);
    writeFileSync(join(tree, "untracked.txt"), "mine\n");
  });

  test("stays where it is and as it is", async () => {
    const { repo } = project;
    const answer = await adopt("feat-mine");
    expect(answer.json).toMatchObject({ status: "reused", path: tree, branch: "feat-mine", taskKey: "proj/adopted/mine" });
    expect(await repo.status(tree)).toEqual(["?? untracked.txt"]);
    expect(lstatSync(join(tree, ".project-docs")).isSymbolicLink()).toBe(true);
    expect(await project.provision("adopted/mine", "-t", "error-analysis")).toMatchObject({ status: "reused", path: tree });
    expect((await project.okstra(["path", "adopted/mine"])).json).toEqual({ path: tree });
    expect((await project.okstra(["worktree", "provision", "adopted/mine"], { cwd: tree })).json).toMatchObject({ status: "reused" });
    expect((await project.okstra(["worktree", "list"])).json.tasks).toMatchObject([{ path: tree, tree: "present", status: "active" }]);
    expect((await project.okstra(["doctor"])).json.verdict).toBe("ok");
  });

  test("is removed and restored like any other; it comes back below OKSTRA_HOME", async () => {
    const { repo, home } = project;
    await adopt("feat-mine");
    expect((await project.okstra(["worktree", "remove", "adopted/mine"])).json.error.details.untracked).toEqual(["untracked.txt"]);
    expect((await project.okstra(["worktree", "remove", "adopted/mine", "--yes"])).status).toBe(0);
    expect(existsSync(tree)).toBe(false);
    const back = await project.okstra(["worktree", "restore", "adopted/mine"]);
    expect(back.json).toMatchObject({ path: join(home.okstraHome, "worktrees/proj/adopted/mine"), branch: "feat-mine" });
    expect(repo.read("untracked.txt", back.json.path)).toBe("mine\n");
  });

  test("that was deleted is checked out again below OKSTRA_HOME", async () => {
    const { repo, home } = project;
    await adopt("feat-mine");
    rmSync(tree, { recursive: true });
    const path = join(home.okstraHome, "worktrees/proj/adopted/mine");
    expect(await project.provision("adopted/mine")).toMatchObject({ status: "reused", path, note: expect.stringContaining("restored") });
    expect((await repo.worktrees()).toSorted()).toEqual([path, repo.root].toSorted());
    expect((await project.okstra(["doctor"])).json.verdict).toBe("ok");
  });

  test("is found again when the registry is lost, if okstra knows the repository", async () => {
    await project.provision("g/t");
    await adopt("feat-mine");
    const before = project.loadRegistry();
    writeFileSync(join(project.home.okstraHome, "worktrees/registry.json"), "garbage");
    await project.okstra(["worktree", "list"]);
    expect(project.loadRegistry()).toEqual(before);
  });
});

describe("refused", () => {
  test("a branch that is a task's, released ones too", async () => {
    const { branch } = await project.provision("g/t");
    const owned = await adopt(branch);
    expect([owned.status, owned.json.error.code]).toEqual([4, "OKSTRA_BRANCH_OWNED"]);
    expect(owned.json.error.message).toContain("proj/g/t");
    await project.okstra(["worktree", "release", "g/t"]);
    expect((await adopt(branch)).json.error.code).toBe("OKSTRA_BRANCH_OWNED");
  });

  test("a branch that the main worktree has checked out, with what to do", async () => {
    const refused = await adopt("main");
    expect([refused.status, refused.json.error.code]).toEqual([4, "OKSTRA_BRANCH_ELSEWHERE"]);
    expect(refused.json.error.hint).toContain(`git -C ${project.repo.root} switch`);
  });

  test("no such branch; one that only the remote has says how to make it", async () => {
    const { repo } = project;
    expect((await adopt("none")).json.error.code).toBe("OKSTRA_BRANCH_NOT_FOUND");
    await repo.git(["update-ref", "refs/remotes/origin/there", "HEAD"]);
    expect((await adopt("there")).json.error.hint).toContain("branch there origin/there");
  });

  test("a task of that name, a directory in the way", async () => {
    const { repo, home } = project;
    await project.provision("adopted/x");
    await repo.git(["branch", "x"]);
    expect((await adopt("x")).json.error.code).toBe("OKSTRA_TASK_EXISTS");
    await repo.git(["branch", "y"]);
    repo.write("worktrees/proj/adopted/y/file", "mine\n", { at: home.okstraHome });
    expect((await adopt("y")).json.error.code).toBe("OKSTRA_PATH_EXISTS");
  });

  test("case 7: a branch that begins with -", async () => {
    expect((await project.okstra(["worktree", "adopt", "--json", "--", "--help"])).json.error.code).toBe("OKSTRA_REF_UNSAFE");
  });
});
