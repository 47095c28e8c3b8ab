import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTestProject, type TestProject } from "@okstra/testkit/test-project";
import { afterEach, beforeEach, expect, test } from "vitest";

let project: TestProject;
let proof = "";
beforeEach(async () => {
  project = await createTestProject();
  proof = join(project.home.root, "proof");
});
afterEach(() => project.remove());

/** A shell line that leaves a trace when something runs it. */
function trace(name: string): string {
  return `echo ${name} >> '${proof}'`;
}

function traces(): string {
  return existsSync(proof) ? readFileSync(proof, "utf8") : "";
}

function plantHook(directory: string, name: string): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, name), `#!/bin/sh\n${trace(name)}\n`);
  chmodSync(join(directory, name), 0o755);
}

/** Every command that reads or changes the task's worktree. */
async function exercise(): Promise<readonly number[]> {
  const statuses: number[] = [];
  for (const argv of [
    ["worktree", "provision", "g/t"],
    ["worktree", "provision", "g/t"],
    ["worktree", "show", "g/t"],
    ["worktree", "list"],
    ["worktree", "update", "g/t"],
    ["worktree", "remove", "g/t", "--yes"],
    ["worktree", "restore", "g/t"],
    ["doctor"],
    ["worktree", "repair"],
  ]) {
    if (argv[1] === "update") {
      await project.repo.git(["-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--allow-empty", "-m", "own"], {
        cwd: join(project.home.okstraHome, "worktrees/proj/g/t"),
      });
      await project.repo.git(["-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--allow-empty", "-m", "more"]);
    }
    statuses.push((await project.okstra(argv)).status);
  }
  return statuses;
}

test("case 1: a planted core.fsmonitor never runs", async () => {
  await project.repo.git(["config", "core.fsmonitor", trace("fsmonitor")]);
  expect(await exercise()).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0]);
  expect(traces()).toBe("");
});

test("case 2: a planted core.hooksPath and hooks in .git/hooks never run", async () => {
  const own = join(project.home.root, "hooks");
  for (const name of [
    "post-checkout",
    "pre-rebase",
    "post-rewrite",
    "reference-transaction",
    "post-index-change",
    "pre-commit",
    "post-merge",
  ]) {
    plantHook(join(project.repo.gitDir, "hooks"), name);
    plantHook(own, name);
  }
  expect(await exercise()).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0]);
  await project.repo.git(["config", "core.hooksPath", own]);
  await project.okstra(["worktree", "provision", "g/second"]);
  expect(traces()).toBe("");
});

test("case 2: the person's own hooks run", async () => {
  plantHook(join(project.home.root, "hooks"), "post-checkout");
  project.home.writeGitConfig(`[core]\n\thooksPath = ${join(project.home.root, "hooks")}\n[init]\n\tdefaultBranch = main\n`);
  await project.provision("g/t");
  expect(traces()).toBe("post-checkout\n");
});

test("case 3: a repository's own filter does not run until it is trusted, and not again when it changes", async () => {
  const { repo, okstra } = project;
  await repo.commit("attributes", { ".gitattributes": "*.sec filter=mine\n", "a.sec": "stored\n" });
  await repo.git(["config", "filter.mine.smudge", `${trace("smudge")}; sed s/stored/smudged/`]);
  await repo.git(["config", "filter.mine.clean", `${trace("clean")}; cat`]);
  const held = await project.provision("g/held");
  expect(repo.read("a.sec", held.path)).toBe("stored\n");
  expect(held.note).toContain("filter mine does not run");
  expect(traces()).toBe("");
  expect((await okstra(["trust"])).json.approved).toMatchObject([{ id: "filter.mine" }]);
  const trusted = await project.provision("g/trusted");
  expect(repo.read("a.sec", trusted.path)).toBe("smudged\n");
  const before = traces();
  await repo.git(["config", "filter.mine.smudge", `${trace("changed")}; cat`]);
  const changed = await project.provision("g/changed");
  expect(repo.read("a.sec", changed.path)).toBe("stored\n");
  expect(traces()).toBe(before);
});

test("case 3: a required filter that may not run is an error, never an unsmudged tree", async () => {
  const { repo, okstra } = project;
  await repo.commit("attributes", { ".gitattributes": "*.sec filter=mine\n", "a.sec": "stored\n" });
  await repo.git(["config", "filter.mine.smudge", "cat"]);
  await repo.git(["config", "filter.mine.required", "true"]);
  const refused = await okstra(["worktree", "provision", "g/t"]);
  expect([refused.status, refused.json.error.code]).toEqual([3, "OKSTRA_FILTER_NOT_TRUSTED"]);
  expect(await repo.worktrees()).toEqual([repo.root]);
  expect(await repo.branches()).toEqual(["main"]);
});

test("case 3: filters of the person's own configuration run", async () => {
  const { repo, home } = project;
  await repo.commit("attributes", { ".gitattributes": "*.sec filter=mine\n", "a.sec": "stored\n" });
  home.writeGitConfig(`[filter "mine"]\n\tsmudge = sed s/stored/smudged/\n\trequired = true\n`);
  const { path } = await project.provision("g/t");
  expect(repo.read("a.sec", path)).toBe("smudged\n");
});

test("case 3: a required filter that fails leaves no tree, no row and no branch", async () => {
  const { repo, home, okstra } = project;
  await repo.commit("attributes", { ".gitattributes": "*.sec filter=mine\n", "a.sec": "stored\n" });
  home.writeGitConfig(`[filter "mine"]\n\tsmudge = false\n\trequired = true\n`);
  const refused = await okstra(["worktree", "provision", "g/t"]);
  expect([refused.status, refused.json.error.code]).toEqual([1, "OKSTRA_GIT_FAILED"]);
  expect(await repo.worktrees()).toEqual([repo.root]);
  expect(await repo.branches()).toEqual(["main"]);
  expect(project.loadRegistry().tasks).toEqual({});
});

test("case 5: a replaced .git file is noticed before git is called there", async () => {
  const { okstra, home } = project;
  const { path } = await project.provision("g/t");
  const trap = join(home.root, "trap");
  mkdirSync(join(trap, "objects"), { recursive: true });
  mkdirSync(join(trap, "refs"), { recursive: true });
  writeFileSync(join(trap, "HEAD"), "ref: refs/heads/main\n");
  writeFileSync(join(trap, "config"), `[core]\n\tfsmonitor = ${trace("fsmonitor")}\n\tworktree = ${path}\n`);
  writeFileSync(join(path, ".git"), `gitdir: ${trap}\n`);
  for (const argv of [
    ["worktree", "provision", "g/t"],
    ["path", "g/t"],
    ["worktree", "update", "g/t"],
  ]) {
    const answer = await okstra(argv);
    expect([answer.status, answer.json.error.code], argv.join(" ")).toEqual([1, "OKSTRA_REPOSITORY_TAMPERED"]);
  }
  expect((await okstra(["worktree", "remove", "g/t", "--yes"])).json.error.code).toBe("OKSTRA_WORKTREE_NOT_OURS");
  const doctor = await okstra(["doctor"]);
  expect(doctor.status).toBe(1);
  expect(doctor.json.checks.filter((check: { ok: boolean }) => !check.ok)).toMatchObject([
    { name: "tasks", fix: expect.stringContaining("worktree repair") },
  ]);
  expect(existsSync(join(path, "README.md"))).toBe(true);
  expect(traces()).toBe("");
});

test("case 6: a rewritten commondir is noticed before git is called there", async () => {
  const { okstra, repo, home } = project;
  const { path } = await project.provision("g/t");
  const admin = readFileSync(join(path, ".git"), "utf8").slice("gitdir: ".length).trim();
  await repo.git(["clone", "--quiet", "--bare", repo.root, join(home.root, "other.git")]);
  appendFileSync(join(home.root, "other.git/config"), `[core]\n\tfsmonitor = ${trace("fsmonitor")}\n`);
  writeFileSync(join(admin, "commondir"), `${join(home.root, "other.git")}\n`);
  for (const argv of [
    ["worktree", "provision", "g/t"],
    ["path", "g/t"],
  ])
    expect((await okstra(argv)).json.error.code).toBe("OKSTRA_REPOSITORY_TAMPERED");
  expect((await okstra(["worktree", "list"], { cwd: path })).json.error.code).toBe("OKSTRA_REPOSITORY_TAMPERED");
  expect((await okstra(["worktree", "remove", "g/t", "--yes"])).json.error.code).toBe("OKSTRA_WORKTREE_NOT_OURS");
  expect(traces()).toBe("");
});

test("case 11: submodules are not recursed into", async () => {
  const { repo, home } = project;
  const sub = join(home.root, "sub");
  mkdirSync(sub);
  await repo.git(["init", "--quiet"], { cwd: sub });
  await repo.git(["commit", "--quiet", "--allow-empty", "-m", "sub"], { cwd: sub });
  await repo.git(["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", sub, "sub"]);
  await repo.git(["commit", "--quiet", "-m", "add sub"]);
  home.writeGitConfig("[submodule]\n\trecurse = true\n");
  const { path } = await project.provision("g/t");
  expect(existsSync(join(path, "sub/.git"))).toBe(false);
  expect(await repo.status(path)).toEqual([]);
});
