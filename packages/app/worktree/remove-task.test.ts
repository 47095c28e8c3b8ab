import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runOkstra } from "@okstra/testkit/run-okstra";
import { createTestProject, type TestProject } from "@okstra/testkit/test-project";
import { makeWork, photograph } from "@okstra/testkit/tree-work";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

let project: TestProject;
let path = "";
let branch = "";
beforeEach(async () => {
  project = await createTestProject();
  await project.repo.commit("ignore", { ".gitignore": "*.log\nbuild/\nnode_modules/\n" });
  ({ path, branch } = await project.provision("g/t"));
});
afterEach(() => project.remove());

const remove = (...flags: readonly string[]): ReturnType<TestProject["okstra"]> => project.okstra(["worktree", "remove", "g/t", ...flags]);
const restore = (): ReturnType<TestProject["okstra"]> => project.okstra(["worktree", "restore", "g/t"]);

describe("what counts as work", () => {
  test("a clean, merged task goes without --yes, and can be restored", async () => {
    const answer = await remove();
    expect(answer.status, answer.stdout).toBe(0);
    expect(answer.json).toMatchObject({ status: "removed", taskKey: "proj/g/t", path, branch, restore: "okstra worktree restore g/t" });
    expect(existsSync(path)).toBe(false);
    expect(await project.repo.branches()).toEqual(["main"]);
    expect(await project.repo.worktrees()).toEqual([project.repo.root]);
    expect(project.loadRegistry()).toMatchObject({ tasks: {}, branches: {} });
    expect((await restore()).json).toMatchObject({ status: "restored", path, branch });
  });

  test("case 43: dirty, untracked, ignored and unpushed work is refused with a list by kind; nothing changes", async () => {
    await makeWork(project.repo, path);
    const before = [photograph(path), await project.repo.status(path), project.loadRegistry(), await project.repo.git(["for-each-ref"])];
    const refused = await remove();
    expect(refused.status).toBe(4);
    expect(refused.json.error).toMatchObject({
      code: "OKSTRA_WORKTREE_HAS_WORK",
      hint: expect.stringContaining("okstra worktree remove g/t --yes"),
      details: {
        kinds: ["dirty", "untracked", "ignored", "commits"],
        dirty: ["crlf.txt", "gone.txt", "src/a.txt", "staged.txt"],
        ignored: expect.arrayContaining(["build/out/a.bin", "debug.log", "@build/x.log"]),
        commits: [expect.stringContaining("on the branch")],
        commitCount: 1,
      },
    });
    expect(refused.json.error.details.untracked).toContain('한글 파일 "q".txt');
    expect([photograph(path), await project.repo.status(path), project.loadRegistry(), await project.repo.git(["for-each-ref"])]).toEqual(
      before,
    );
    expect(existsSync(join(project.home.okstraHome, "trash"))).toBe(false);
  });

  test("without --json the list is told on stderr", async () => {
    project.repo.write("new\u001B[31m.txt", "x\n", { at: path });
    const refused = await runOkstra(["worktree", "remove", "g/t"], { cwd: project.repo.root });
    expect(refused.stdout).toBe("");
    expect(refused.stderr).toContain("untracked: new\\u{1b}[31m.txt");
  });

  for (const [title, make] of [
    ["dirty", () => project.repo.write("src/a.txt", "x\n", { at: path })],
    ["untracked", () => project.repo.write("new.txt", "x\n", { at: path })],
    ["ignored", () => project.repo.write("a.log", "x\n", { at: path })],
    ["ignored inside an ignored directory", () => project.repo.write("build/a", "x\n", { at: path })],
    ["commits", () => project.repo.commit("own", {}, path)],
  ] as const) {
    test(`case 43: ${title} alone is refused`, async () => {
      await make();
      expect((await remove()).json.error.code).toBe("OKSTRA_WORKTREE_HAS_WORK");
      expect(existsSync(path)).toBe(true);
    });
  }

  test("commits count until they are pushed or merged", async () => {
    const { repo, home } = project;
    await repo.commit("own", { "o.txt": "o\n" }, path);
    expect((await remove()).json.error.details.kinds).toEqual(["commits"]);
    await repo.git(["init", "--quiet", "--bare", join(home.root, "remote.git")]);
    await repo.git(["remote", "add", "origin", join(home.root, "remote.git")]);
    await repo.git(["push", "--quiet", "origin", branch]);
    expect((await remove()).status).toBe(0);
    const merged = await project.provision("g/merged");
    await repo.commit("other", { "m.txt": "m\n" }, merged.path);
    await repo.git(["merge", "--quiet", "--no-edit", merged.branch]);
    expect((await project.okstra(["worktree", "remove", "g/merged"])).status).toBe(0);
  });

  test("a commit on a detached HEAD counts and is kept", async () => {
    const { repo } = project;
    await repo.git(["checkout", "--quiet", "--detach"], { cwd: path });
    const lone = await repo.commit("lone", { "l.txt": "l\n" }, path);
    expect((await remove()).json.error.details.commitCount).toBe(1);
    expect((await remove("--yes")).status).toBe(0);
    expect((await restore()).status).toBe(0);
    expect(await repo.resolve("HEAD", path)).toBe(lone);
    expect(await repo.git(["symbolic-ref", "-q", "HEAD"], { cwd: path, okExitCodes: [0, 1] })).toBe("");
  });

  test("okstra's links, unchanged copies and disposable directories do not count, at any depth", async () => {
    const { repo, okstra } = project;
    repo.write(".worktreeinclude", "*.log\n");
    repo.write("conf/a.log", "copied\n");
    const copied = await project.provision("g/copied");
    for (const file of ["node_modules/a/index.js", "packages/x/node_modules/b.js", "build/node_modules/c.js", "target/d", ".venv/e"])
      repo.write(file, "x\n", { at: copied.path });
    expect(repo.exists("conf/a.log", copied.path)).toBe(true);
    const gone = await okstra(["worktree", "remove", "g/copied"]);
    expect(gone.status, gone.stdout).toBe(0);
    const changed = await project.provision("g/changed");
    repo.write("conf/a.log", "changed by the task\n", { at: changed.path });
    expect((await okstra(["worktree", "remove", "g/changed"])).json.error.details.ignored).toEqual(["conf/a.log"]);
  });

  test("`disposable` in config.json replaces the default, and in project.json both", async () => {
    const { repo, home } = project;
    writeFileSync(join(home.okstraHome, "config.json"), JSON.stringify({ disposable: ["out"] }));
    const first = await project.provision("g/first");
    repo.write("out/x", "x\n", { at: first.path });
    expect((await project.okstra(["worktree", "remove", "g/first"])).status).toBe(0);
    repo.write(".project-docs/okstra/project.json", JSON.stringify({ projectId: "proj", disposable: ["build"] }));
    repo.write("build/x", "x\n", { at: path });
    expect((await remove()).status).toBe(0);
    const second = await project.provision("g/second");
    repo.write("node_modules/x", "x\n", { at: second.path });
    expect((await project.okstra(["worktree", "remove", "g/second"])).json.error.details.ignored).toEqual(["node_modules/x"]);
  });

  test("a directory of its own in the place of okstra's link counts", async () => {
    rmSync(join(path, ".project-docs"));
    project.repo.write(".project-docs/mine.txt", "mine\n", { at: path });
    expect((await remove()).json.error.details.untracked).toEqual([".project-docs/mine.txt"]);
  });

  test("a change that the index hides (assume-unchanged, skip-worktree) counts and is kept", async () => {
    const { repo } = project;
    await repo.git(["update-index", "--assume-unchanged", "README.md"], { cwd: path });
    await repo.git(["update-index", "--skip-worktree", "src/a.txt"], { cwd: path });
    expect((await project.okstra(["worktree", "show", "g/t"])).status).toBe(0);
    repo.write("README.md", "hidden change\n", { at: path });
    repo.write("src/a.txt", "another\n", { at: path });
    expect(await repo.status(path)).toEqual([]);
    expect((await remove()).json.error.details.dirty).toEqual(["README.md", "src/a.txt"]);
    expect((await remove("--yes")).status).toBe(0);
    expect((await restore()).status).toBe(0);
    expect([repo.read("README.md", path), repo.read("src/a.txt", path)]).toEqual(["hidden change\n", "another\n"]);
  });

  test("a repository inside the tree is kept whole", async () => {
    const { repo } = project;
    const inner = join(path, "inner");
    mkdirSync(inner);
    await repo.git(["init", "--quiet"], { cwd: inner });
    const lone = await repo.commit("inner", { "i.txt": "i\n" }, inner);
    expect((await remove()).json.error.details.untracked).toContain("inner/i.txt");
    expect((await remove("--yes")).status).toBe(0);
    expect((await restore()).status).toBe(0);
    expect(await repo.resolve("HEAD", inner)).toBe(lone);
  });

  test("initialised submodules are refused, with --yes too: their repositories would go", async () => {
    const { repo, home } = project;
    const sub = join(home.root, "sub");
    mkdirSync(sub);
    await repo.git(["init", "--quiet"], { cwd: sub });
    await repo.git(["commit", "--quiet", "--allow-empty", "-m", "sub"], { cwd: sub });
    await repo.git(["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", sub, "sub"], { cwd: path });
    const refused = await remove("--yes");
    expect([refused.status, refused.json.error.code]).toEqual([4, "OKSTRA_WORKTREE_HAS_WORK"]);
    expect(existsSync(join(path, "sub"))).toBe(true);
  });

  test("an unfinished merge counts; its other side is kept", async () => {
    const { repo } = project;
    await repo.commit("ours", { "src/a.txt": "ours\n" }, path);
    await repo.git(["switch", "--quiet", "-c", "side"]);
    const side = await repo.commit("theirs", { "src/a.txt": "theirs\n" });
    await repo.git(["switch", "--quiet", "main"]);
    await repo.git(["merge", "side"], { cwd: path, okExitCodes: [1] });
    expect((await remove()).json.error.details.operations).toEqual(["merge"]);
    const removed = await remove("--yes");
    expect(removed.status, removed.stdout).toBe(0);
    expect(await repo.resolve(removed.json.refs.merge)).toBe(side);
    const back = await restore();
    expect(back.json.note).toContain("merge was under way");
    expect(repo.read("src/a.txt", path)).toContain("<<<<<<<");
  });
});

describe("removed with --yes and restored", () => {
  test("content, mode and staging of everything come back as they were", async () => {
    await makeWork(project.repo, path);
    const { repo } = project;
    const before = {
      files: photograph(path),
      status: await repo.status(path, "--ignored", "-z"),
      staged: await repo.git(["diff", "--cached"], { cwd: path }),
      tip: await repo.resolve(branch),
    };
    const removed = await remove("--yes");
    expect(removed.status, removed.stdout).toBe(0);
    expect(existsSync(path)).toBe(false);
    expect(await repo.branches()).toEqual(["main"]);
    expect(Object.keys(removed.json.refs).sort()).toEqual(["branch", "index", "work"]);
    expect(removed.json.refs.branch).toMatch(/^refs\/okstra\/trash\/proj\/g\/t\/\d{8}T\d{9}Z\/branch$/);
    expect(statSync(removed.json.archive).mode & 0o777).toBe(0o600);
    expect(statSync(join(removed.json.archive, "..")).mode & 0o777).toBe(0o700);
    expect(await repo.git(["show", `${removed.json.refs.work}:private.txt`])).toBe("only mine");
    const back = await restore();
    expect(back.status, back.stdout).toBe(0);
    expect(back.json).toMatchObject({ status: "restored", taskKey: "proj/g/t", path, branch, archive: removed.json.archive });
    expect({
      files: photograph(path),
      status: await repo.status(path, "--ignored", "-z"),
      staged: await repo.git(["diff", "--cached"], { cwd: path }),
      tip: await repo.resolve(branch),
    }).toEqual(before);
    for (const ref of Object.values(removed.json.refs)) expect(await repo.resolve(String(ref))).not.toBe("");
    expect(existsSync(removed.json.archive)).toBe(true);
    expect((await project.okstra(["doctor"])).json.verdict).toBe("ok");
  });

  test("line endings that a conversion would change come back byte by byte", async () => {
    const { repo } = project;
    await repo.commit("text", { ".gitattributes": "* text=auto eol=lf\n" }, path);
    repo.write("dos.txt", "a\r\nb\r\n", { at: path });
    expect((await remove("--yes")).status).toBe(0);
    expect((await restore()).status).toBe(0);
    expect(repo.read("dos.txt", path)).toBe("a\r\nb\r\n");
  });

  test("the newest entry wins, and a clock that went back does not change that", async () => {
    const { repo, home } = project;
    for (const text of ["first", "second"]) {
      repo.write("note.txt", text, { at: path });
      expect((await remove("--yes")).status).toBe(0);
      if (text === "first") {
        await project.provision("g/t");
        const [stamp] = readdirSync(join(home.okstraHome, "trash/proj/g/t"));
        const later = join(home.okstraHome, "trash/proj/g/t/29990101T000000000Z");
        renameSync(join(home.okstraHome, "trash/proj/g/t", String(stamp)), later);
      }
    }
    expect((await restore()).status).toBe(0);
    expect(repo.read("note.txt", path)).toBe("second");
  });

  test("nothing kept: OKSTRA_TRASH_NOT_FOUND; a task that is there: a conflict", async () => {
    expect((await project.okstra(["worktree", "restore", "g/never"])).json.error.code).toBe("OKSTRA_TRASH_NOT_FOUND");
    await remove();
    await project.provision("g/t");
    const refused = await restore();
    expect([refused.status, refused.json.error.code]).toEqual([4, "OKSTRA_TASK_EXISTS"]);
  });

  test("the branch's name was given to something else meanwhile", async () => {
    await project.repo.commit("own", {}, path);
    await remove("--yes");
    await project.repo.git(["branch", branch]);
    const refused = await restore();
    expect([refused.status, refused.json.error.code]).toEqual([4, "OKSTRA_BRANCH_EXISTS"]);
    expect(existsSync(path)).toBe(false);
    expect(project.loadRegistry().tasks).toEqual({});
  });

  test("an archive over 100 MB needs --yes-large", async () => {
    writeFileSync(join(path, "big.log"), "");
    truncateSync(join(path, "big.log"), 101 * 1024 * 1024);
    const refused = await remove("--yes");
    expect([refused.status, refused.json.error.code]).toEqual([4, "OKSTRA_ARCHIVE_TOO_LARGE"]);
    expect(existsSync(path)).toBe(true);
    const removed = await remove("--yes-large");
    expect(removed.status, removed.stdout).toBe(0);
    expect(statSync(removed.json.archive).size).toBeGreaterThan(101 * 1024 * 1024);
  });

  test("a file that cannot be kept stops the removal", async () => {
    project.repo.write("a.log", "x\n", { at: path });
    writeFileSync(join(project.home.okstraHome, "trash"), "in the way");
    const refused = await remove("--yes");
    expect(refused.status).not.toBe(0);
    expect(existsSync(join(path, "a.log"))).toBe(true);
    expect(await project.repo.branches()).toEqual(["main", branch]);
  });
});

describe("refused", () => {
  test("case 44: a live process has its directory there", async () => {
    const child = spawn("sleep", ["60"], { cwd: join(path, "src"), stdio: "ignore" });
    await once(child, "spawn");
    try {
      const refused = await remove("--yes");
      expect([refused.status, refused.json.error.code]).toEqual([4, "OKSTRA_WORKTREE_IN_USE"]);
      expect(refused.json.error.details.processes).toEqual([child.pid]);
      expect(existsSync(path)).toBe(true);
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    expect((await remove()).status).toBe(0);
  });

  test("case 44: okstra itself was called inside", async () => {
    expect((await project.okstra(["worktree", "remove", "g/t"], { cwd: path })).json.error.code).toBe("OKSTRA_WORKTREE_IN_USE");
  });

  test("case 45: a branch is deleted only at the commit that was kept", async () => {
    const { repo } = project;
    let moved = "";
    const answer = await project.okstra(["worktree", "remove", "g/t"], {
      onEvent: (event) => {
        if (event.type !== "tree-removed") return;
        moved = repo.read(".git/refs/heads/main").trim();
        writeFileSync(join(repo.gitDir, "refs/heads", branch), `${moved}\n`);
      },
    });
    expect(moved).not.toBe("");
    expect(answer.status).toBe(0);
    // It stood at main's commit before too: only a branch that differs stays.
    expect(await repo.branches()).toEqual(["main"]);
    const second = await project.provision("g/second");
    const tip = await repo.commit("ahead", {});
    const kept = await project.okstra(["worktree", "remove", "g/second"], {
      onEvent: (event) => {
        if (event.type === "tree-removed") writeFileSync(join(repo.gitDir, "refs/heads", second.branch), `${tip}\n`);
      },
    });
    expect(kept.json.note).toContain(`the branch ${second.branch} stays`);
    expect(await repo.branches()).toContain(second.branch);
  });

  test("case 46: a directory that git does not list as ours is never removed", async () => {
    const { repo } = project;
    rmSync(path, { recursive: true });
    await repo.git(["worktree", "prune"]);
    repo.write("precious.txt", "mine\n", { at: path });
    const refused = await remove("--yes");
    expect([refused.status, refused.json.error.code]).toEqual([4, "OKSTRA_WORKTREE_NOT_OURS"]);
    expect(repo.read("precious.txt", path)).toBe("mine\n");
  });

  test("a worktree that git has locked", async () => {
    await project.repo.git(["worktree", "lock", "--reason", "on a stick", path]);
    const refused = await remove("--yes");
    expect([refused.status, refused.json.error.code]).toEqual([4, "OKSTRA_WORKTREE_LOCKED"]);
    expect(refused.json.error.message).toContain("on a stick");
    rmSync(path, { recursive: true });
    expect((await remove("--yes")).json.error.code).toBe("OKSTRA_WORKTREE_LOCKED");
  });

  test("another branch is checked out there", async () => {
    await project.repo.git(["switch", "--quiet", "-c", "elsewhere"], { cwd: path });
    expect((await remove("--yes")).json.error.code).toBe("OKSTRA_BRANCH_ELSEWHERE");
  });

  test("an unknown task", async () => {
    expect((await project.okstra(["worktree", "remove", "g/none"])).json.error.code).toBe("OKSTRA_TASK_NOT_FOUND");
  });
});

test("a task whose directory is gone: its commits are still asked about, then kept", async () => {
  const { repo } = project;
  const tip = await repo.commit("own", { "o.txt": "o\n" }, path);
  rmSync(path, { recursive: true });
  expect((await remove()).json.error.details.kinds).toEqual(["commits"]);
  const removed = await remove("--yes");
  expect(removed.status, removed.stdout).toBe(0);
  expect(await repo.worktrees()).toEqual([repo.root]);
  expect((await restore()).status).toBe(0);
  expect(await repo.resolve("HEAD", path)).toBe(tip);
});
