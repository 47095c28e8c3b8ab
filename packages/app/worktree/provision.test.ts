import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTestHome } from "@okstra/testkit/test-home";
import { createTestProject, openTestProject, type TestProject } from "@okstra/testkit/test-project";
import { createTestRepo, openTestRepo } from "@okstra/testkit/test-repo";
import { runOkstra } from "@okstra/testkit/run-okstra";
import { afterEach, describe, expect, test } from "vitest";

let project: TestProject | null = null;
afterEach(() => {
  project?.remove();
  project = null;
});

async function start(options: Parameters<typeof createTestProject>[0] = {}): Promise<TestProject> {
  project = await createTestProject(options);
  return project;
}

/** A failing command: its code, and that nothing of the repository or the registry changed. */
async function expectRefused(
  at: TestProject,
  argv: readonly string[],
  code: string,
  status: number,
  options: { cwd?: string } = {},
): Promise<{ message: string; hint: string; details: Record<string, unknown> }> {
  const look = async (): Promise<unknown> => [
    await at.repo.status(),
    await at.repo.branches(),
    await at.repo.worktrees(),
    existsSync(join(at.home.okstraHome, "worktrees/registry.json")) ? at.loadRegistry() : null,
  ];
  const before = await look();
  const answer = await at.okstra(argv, options);
  expect(answer.json?.error?.code, answer.stdout).toBe(code);
  expect(answer.status).toBe(status);
  expect(answer.json.error.message).not.toContain("\n");
  expect(await look()).toEqual(before);
  return answer.json.error;
}

describe("created", () => {
  test("answers path, branch, base commit, key and a note", async () => {
    const { provision, repo, home, loadRegistry } = await start();
    const head = await repo.resolve("HEAD");
    const answer = await provision("bugs/Login Page", "--category", "bugfix", "-t", "error-analysis");
    const path = join(home.okstraHome, "worktrees/proj/bugs/login-page");
    expect(answer).toEqual({
      status: "created",
      path,
      branch: "fix-login-page",
      baseRef: head,
      taskKey: "proj/bugs/login-page",
      note: expect.stringContaining(`branch fix-login-page at ${head.slice(0, 12)} (HEAD)`),
    });
    expect(await repo.status(path)).toEqual([]);
    expect(await repo.resolve("HEAD", path)).toBe(head);
    expect(repo.read("src/a.txt", path)).toBe("one\n");
    const registry = loadRegistry();
    expect(registry.tasks["proj/bugs/login-page"]).toEqual({
      project_id: "proj",
      task_group: "bugs",
      task_id: "login-page",
      repository: repo.gitDir,
      worktree_path: path,
      branch: "fix-login-page",
      base_ref: head,
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
      last_phase: "error-analysis",
      status: "active",
    });
    expect(registry.branches).toEqual({ [repo.gitDir]: { "fix-login-page": "proj/bugs/login-page" } });
  });

  test("the branch has no upstream, though the base is a remote-tracking one", async () => {
    const { provision, repo, home } = await start();
    await repo.git(["clone", "--quiet", repo.root, join(home.root, "clone")]);
    const clone = await openTestProject(home, openTestRepo(join(home.root, "clone")), "clone");
    const answer = await clone.provision("g/t", "--base-ref", "origin/main");
    expect(answer.status).toBe("created");
    expect(await clone.repo.git(["config", "--get-regexp", "^branch\\.task-t\\."], { okExitCodes: [0, 1] })).toBe("");
    expect((await provision("g/t")).status).toBe("created");
  });

  test("the base is the main worktree's HEAD, from whichever worktree it is called", async () => {
    const { provision, repo, home, okstra } = await start();
    const first = await provision("g/one");
    await repo.commit("in the task", { "x.txt": "x\n" }, first.path);
    const main = await repo.commit("in main", { "y.txt": "y\n" });
    const other = join(home.root, "other");
    await repo.git(["worktree", "add", "--quiet", "-b", "other", other, "HEAD~1"]);
    const answer = await okstra(["worktree", "provision", "g/two", "--project-root", repo.root], { cwd: other });
    expect(answer.json).toMatchObject({ status: "created", baseRef: main });
  });

  test("--base-ref takes branch, tag, short hash and HEAD~1; the base is a commit in the registry", async () => {
    const { provision, repo, loadRegistry } = await start();
    const first = await repo.resolve("HEAD");
    await repo.git(["tag", "v1"]);
    await repo.git(["branch", "side"]);
    await repo.commit("second", { "b.txt": "b\n" });
    for (const [index, base] of ["v1", "side", first.slice(0, 8), "HEAD~1"].entries()) {
      expect(await provision(`g/t${index}`, "--base-ref", base)).toMatchObject({ status: "created", baseRef: first });
    }
    expect(loadRegistry().tasks["proj/g/t0"]?.["base_ref"]).toBe(first);
  });

  test("a detached main worktree is a base like any other", async () => {
    const { provision, repo } = await start();
    const head = await repo.resolve("HEAD");
    await repo.git(["checkout", "--quiet", "--detach"]);
    expect(await provision("g/t")).toMatchObject({ status: "created", baseRef: head });
  });

  test("a repository in a path with spaces and Korean letters; Korean titles stay two tasks", async () => {
    const { provision, repo } = await start({ name: "나의 프로젝트 & co" });
    const one = await provision("버그/로그인 오류");
    const two = await provision("버그/결제 오류");
    expect(one.path).not.toBe(two.path);
    expect(one.taskKey).toMatch(/^proj\/_?-?[0-9a-f]{6}\/.*-?[0-9a-f]{6}$/);
    expect(await repo.status(one.path)).toEqual([]);
    expect(await provision("버그/로그인 오류")).toMatchObject({ status: "reused", path: one.path });
  });

  test("case 15: ids that differ only in case are one task; ../x stays inside", async () => {
    const { provision, home } = await start();
    expect((await provision("Bugs/LOGIN")).path).toBe((await provision("bugs/login")).path);
    const escaped = await provision("../../x");
    expect(escaped.path.startsWith(join(home.okstraHome, "worktrees/proj/"))).toBe(true);
    const long = await provision(`g/${"x".repeat(300)}`);
    expect(long.taskKey.split("/")[2].length).toBeLessThanOrEqual(64);
  });
});

describe("branch names", () => {
  test("names that meet get the group, then six hex digits", async () => {
    const { provision } = await start();
    expect((await provision("a/login", "--category", "bugfix")).branch).toBe("fix-login");
    expect((await provision("b/login", "--category", "bugfix")).branch).toBe("fix-b-login");
    expect((await provision("b-login/x", "--category", "bugfix")).branch).toBe("fix-x");
    expect((await provision("c/b-login", "--category", "bugfix")).branch).toBe("fix-c-b-login");
    expect((await provision("d/c-b-login", "--category", "bugfix")).branch).toBe("fix-d-c-b-login");
  });

  test("the branch of a released task counts as taken", async () => {
    const { provision, okstra } = await start();
    await provision("a/login");
    expect((await okstra(["worktree", "release", "a/login"])).status).toBe(0);
    expect((await provision("b/login")).branch).toBe("task-b-login");
  });

  test("two projects of two repositories may both have fix-login", async () => {
    const first = await start();
    const second = await openTestProject(first.home, await createTestRepo(first.home.directory("second")), "second");
    expect((await first.provision("g/login")).branch).toBe("task-login");
    expect((await second.provision("g/login")).branch).toBe("task-login");
  });

  test("an unknown category only loses its prefix", async () => {
    const { provision } = await start();
    expect((await provision("g/t", "--category", "constructor")).branch).toBe("task-t");
  });

  test("the category that an earlier phase found names the branch", async () => {
    const { provision, repo } = await start();
    repo.write(".project-docs/okstra/tasks/g/t/task.json", JSON.stringify({ workCategory: "feature" }));
    expect((await provision("g/t")).branch).toBe("feat-t");
  });
});

describe("reused and restored", () => {
  test("a task that the registry has is reused; its phase is touched", async () => {
    const { provision, loadRegistry } = await start();
    const created = await provision("g/t");
    const again = await provision("g/t", "-t", "final-verification");
    expect(again).toMatchObject({ status: "reused", path: created.path, branch: created.branch, baseRef: created.baseRef });
    expect(loadRegistry().tasks["proj/g/t"]?.["last_phase"]).toBe("final-verification");
  });

  test("called inside the task's own worktree: reused; inside another's: skipped, with its owner", async () => {
    const { provision, okstra, loadRegistry } = await start();
    const { path } = await provision("g/t");
    expect((await okstra(["worktree", "provision", "g/t"], { cwd: join(path, "src") })).json).toMatchObject({ status: "reused", path });
    const before = loadRegistry();
    const skipped = await okstra(["worktree", "provision", "g/other"], { cwd: path });
    expect(skipped.status).toBe(0);
    expect(skipped.json).toEqual({
      status: "skipped-in-worktree",
      path,
      branch: "",
      baseRef: "",
      taskKey: "proj/g/other",
      note: expect.stringContaining("proj/g/t"),
    });
    expect(loadRegistry()).toEqual(before);
  });

  test("called inside a linked worktree that is no task's: skipped", async () => {
    const { okstra, repo, home } = await start();
    const other = join(home.root, "other");
    await repo.git(["worktree", "add", "--quiet", "-b", "other", other]);
    expect((await okstra(["worktree", "provision", "g/t"], { cwd: other })).json).toMatchObject({
      status: "skipped-in-worktree",
      branch: "",
      note: expect.stringContaining("no task's"),
    });
    expect(existsSync(join(home.okstraHome, "worktrees/registry.json"))).toBe(false);
  });

  test("a directory that is gone is checked out again from its branch, links and all", async () => {
    const { provision, repo } = await start();
    const { path, branch } = await provision("g/t");
    const tip = await repo.commit("work", { "w.txt": "w\n" }, path);
    rmSync(path, { recursive: true });
    const again = await provision("g/t");
    expect(again).toMatchObject({ status: "reused", path, branch, note: expect.stringContaining("restored") });
    expect(await repo.resolve("HEAD", path)).toBe(tip);
    expect(await repo.status(path)).toEqual([]);
    expect(lstatSync(join(path, ".project-docs")).isSymbolicLink()).toBe(true);
  });

  test("directory and branch gone: an error with the last known commit", async () => {
    const at = await start();
    const { path, branch } = await at.provision("g/t");
    const tip = await at.repo.commit("work", { "w.txt": "w\n" }, path);
    rmSync(path, { recursive: true });
    await at.repo.git(["update-ref", "-d", `refs/heads/${branch}`]);
    const error = await expectRefused(at, ["worktree", "provision", "g/t"], "OKSTRA_BRANCH_LOST", 1);
    expect(error.message).toContain(tip);
    expect(error.hint).toContain(`branch ${branch} ${tip}`);
  });

  test("its parent not mounted: an error", async () => {
    const at = await start();
    const { path } = await at.provision("g/t");
    renameSync(join(path, ".."), join(at.home.root, "unmounted"));
    const error = await expectRefused(at, ["worktree", "provision", "g/t"], "OKSTRA_PATH_NOT_MOUNTED", 1);
    expect(error.message).toContain(path);
  });

  test("another branch checked out there: an error that names both", async () => {
    const at = await start();
    const { path, branch } = await at.provision("g/t");
    await at.repo.git(["switch", "--quiet", "-c", "elsewhere"], { cwd: path });
    const error = await expectRefused(at, ["worktree", "provision", "g/t"], "OKSTRA_BRANCH_ELSEWHERE", 4);
    expect(error.message).toContain("elsewhere");
    expect(error.message).toContain(branch);
    expect(error.hint).toContain(`switch ${branch}`);
  });

  test("a released task is taken up again", async () => {
    const { provision, okstra, loadRegistry } = await start();
    const { path } = await provision("g/t");
    await okstra(["worktree", "release", "g/t"]);
    expect(loadRegistry().tasks["proj/g/t"]?.["status"]).toBe("released");
    expect(loadRegistry().branches).toEqual({});
    expect(existsSync(path)).toBe(true);
    expect(await provision("g/t")).toMatchObject({ status: "reused", path, note: expect.stringContaining("taken up again") });
    expect(loadRegistry().tasks["proj/g/t"]?.["status"]).toBe("active");
    expect(loadRegistry().tasks["proj/g/t"]).not.toHaveProperty("released_at");
  });

  test("a base that is named later is told to be kept", async () => {
    const { provision, repo } = await start();
    const created = await provision("g/t");
    await repo.commit("more", { "m.txt": "m\n" });
    expect(await provision("g/t", "--base-ref", "main")).toMatchObject({
      status: "reused",
      baseRef: created.baseRef,
      note: expect.stringContaining("okstra worktree update"),
    });
  });
});

describe("clashes and bad input", () => {
  test("a directory that nobody knows: an error with the command that clears it", async () => {
    const at = await start();
    const path = join(at.home.okstraHome, "worktrees/proj/g/t");
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, "mine.txt"), "mine\n");
    const error = await expectRefused(at, ["worktree", "provision", "g/t"], "OKSTRA_PATH_EXISTS", 4);
    expect(error.message).toContain(path);
    expect(error.hint).toContain(`mv ${path}`);
    expect(at.repo.read("mine.txt", path)).toBe("mine\n");
  });

  test("a branch that nobody knows: an error with the command that clears it", async () => {
    const at = await start();
    await at.repo.git(["branch", "task-t"]);
    const error = await expectRefused(at, ["worktree", "provision", "g/t"], "OKSTRA_BRANCH_EXISTS", 4);
    expect(error.hint).toContain("okstra worktree adopt task-t");
  });

  test("a project id that another repository has", async () => {
    const first = await start();
    await first.provision("g/t");
    const other = await createTestRepo(first.home.directory("other"));
    const refused = await first.okstra(["setup", "--project-id", "proj"], { cwd: other.root });
    expect(refused.json.error.code).toBe("OKSTRA_PROJECT_ID_TAKEN");
    expect(refused.json.error.message).toContain(first.repo.gitDir);
    other.write(".project-docs/okstra/project.json", JSON.stringify({ projectId: "proj" }));
    const taken = await first.okstra(["worktree", "provision", "g/t"], { cwd: other.root });
    expect(taken.status).toBe(4);
    expect(taken.json.error.code).toBe("OKSTRA_PROJECT_ID_TAKEN");
    expect(taken.json.error.message).toContain(other.gitDir);
  });

  test("case 7, case 8: unsafe refs are refused before git sees them", async () => {
    const at = await start();
    for (const ref of ["--upload-pack=touch x", "$(touch x)", "a`b`", "a|b", "a\u202Eb", "a b"]) {
      await expectRefused(at, ["worktree", "provision", "g/t", `--base-ref=${ref}`], "OKSTRA_REF_UNSAFE", 2);
    }
    expect(at.repo.exists("x")).toBe(false);
  });

  test("a base that is no commit", async () => {
    const at = await start();
    const tree = await at.repo.resolve("HEAD^{tree}");
    for (const ref of ["nothing", tree, "v9.9"])
      expect(
        (await expectRefused(at, ["worktree", "provision", "g/t", "--base-ref", ref], "OKSTRA_BASE_REF_NOT_FOUND", 1)).message,
      ).toContain(ref);
  });

  test("unknown task type, bad key, no directory", async () => {
    const at = await start();
    expect((await expectRefused(at, ["worktree", "provision", "g/t", "-t", "cooking"], "OKSTRA_TASK_TYPE_UNKNOWN", 2)).message).toContain(
      "final-verification",
    );
    for (const key of ["g", "/t", "g/"]) await expectRefused(at, ["worktree", "provision", key], "OKSTRA_TASK_KEY_INVALID", 2);
    await expectRefused(at, ["worktree", "provision", "g/t", "--project-root", "nowhere"], "OKSTRA_DIRECTORY_NOT_FOUND", 1);
  });

  test("an empty repository, a bare one, one without setup, a broken project.json", async () => {
    const at = await start();
    const empty = await openTestProject(at.home, await createTestRepo(at.home.directory("empty"), { empty: true }), "empty");
    expect((await empty.okstra(["worktree", "provision", "g/t"])).json.error.code).toBe("OKSTRA_REPOSITORY_EMPTY");
    const bare = await createTestRepo(at.home.directory("bare.git"), { bare: true });
    const inBare = await at.okstra(["worktree", "provision", "g/t"], { cwd: bare.root });
    expect([inBare.status, inBare.json.error.code]).toEqual([1, "OKSTRA_REPOSITORY_BARE"]);
    const plain = await createTestRepo(at.home.directory("plain"));
    const notSetUp = await at.okstra(["worktree", "provision", "g/t"], { cwd: plain.root });
    expect([notSetUp.status, notSetUp.json.error.code]).toEqual([3, "OKSTRA_PROJECT_NOT_SET_UP"]);
    plain.write(".project-docs/okstra/project.json", "{ broken");
    const broken = await at.okstra(["worktree", "provision", "g/t"], { cwd: plain.root });
    expect([broken.status, broken.json.error.code]).toEqual([3, "OKSTRA_PROJECT_INVALID"]);
    expect(existsSync(join(at.home.okstraHome, "worktrees/registry.json"))).toBe(false);
  });

  test("no git: skipped, exit 0, no registry row", async () => {
    const home = createTestHome();
    try {
      const plain = home.directory("plain");
      const answer = await runOkstra(["worktree", "provision", "g/t", "--json"], { cwd: plain });
      expect(answer.status).toBe(0);
      expect(answer.json).toEqual({
        status: "skipped-not-git",
        path: plain,
        branch: "",
        baseRef: "",
        taskKey: "plain/g/t",
        note: expect.any(String),
      });
      expect(existsSync(home.okstraHome)).toBe(false);
    } finally {
      home.remove();
    }
  });

  test("case 16: a link among the parents is refused", async () => {
    const at = await start();
    const outside = at.home.directory("outside");
    mkdirSync(join(at.home.okstraHome, "worktrees/proj"), { recursive: true });
    symlinkSync(outside, join(at.home.okstraHome, "worktrees/proj/g"));
    await expectRefused(at, ["worktree", "provision", "g/t"], "OKSTRA_PATH_IS_LINK", 1);
    expect(readdirSync(outside)).toEqual([]);
  });
});
