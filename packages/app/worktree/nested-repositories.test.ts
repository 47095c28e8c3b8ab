/** A repository inside a task's tree: nothing of it runs, and nothing of it is lost. */
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openApp } from "@okstra/testkit/open-app";
import { createTestProject, openTestProject, type TestProject } from "@okstra/testkit/test-project";
import { openTestRepo } from "@okstra/testkit/test-repo";
import { photograph } from "@okstra/testkit/tree-work";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadSurroundings } from "../implementation/load-surroundings.ts";
import { watchTree } from "../run/tree-watch.ts";

let project: TestProject;
let path = "";
let inner = "";
let first = "";
beforeEach(async () => {
  project = await createTestProject();
  ({ path } = await project.provision("g/t"));
  inner = join(path, "sub");
  mkdirSync(inner);
  await project.repo.git(["init", "--quiet", "--initial-branch=main"], { cwd: inner });
  first = await project.repo.commit("inner", { "s.txt": "one\n", ".gitattributes": "* filter=planted\n" }, inner);
});
afterEach(() => project.remove());

const run = (...argv: readonly string[]): ReturnType<TestProject["okstra"]> => project.okstra(["worktree", ...argv]);

async function commitGitlink(commit: string, at = path): Promise<string> {
  await project.repo.git(["update-index", "--add", "--cacheinfo", `160000,${commit},sub`], { cwd: at });
  await project.repo.git(["commit", "--quiet", "-m", "gitlink"], { cwd: at });
  return project.repo.resolve("HEAD", at);
}

/** Its configuration names programs that leave a trace: a filter, and what fetches commits that are missing. */
function plant(): () => readonly string[] {
  const traces = project.home.directory("traces");
  for (const name of ["clean", "uploadpack", "fsmonitor"]) {
    writeFileSync(join(project.home.root, name), `#!/bin/sh\n: > '${traces}/${name}'\n${name === "clean" ? "cat" : "exit 1"}\n`);
    chmodSync(join(project.home.root, name), 0o755);
  }
  const program = (name: string): string => join(project.home.root, name);
  writeFileSync(
    join(inner, ".git/config"),
    [
      `[core]\n\trepositoryformatversion = 1\n\tfsmonitor = ${program("fsmonitor")}`,
      "[extensions]\n\tpartialClone = evil",
      `[remote "evil"]\n\tpromisor = true\n\turl = ${project.repo.root}\n\tuploadpack = ${program("uploadpack")}`,
      `[filter "planted"]\n\tclean = ${program("clean")}\n\trequired = true\n`,
    ].join("\n"),
  );
  return () => readdirSync(traces);
}

describe("removal", () => {
  for (const [title, change] of [
    ["that is clean, with commits that are nowhere else", () => undefined],
    ["with a changed file", () => writeFileSync(join(inner, "s.txt"), "two\n")],
    [
      "with a new file and a branch of the name of a disposable directory",
      () => {
        writeFileSync(join(inner, "new.txt"), "new\n");
        return project.repo.git(["branch", "build/one"], { cwd: inner });
      },
    ],
    ["at another commit", () => project.repo.commit("more", { "m.txt": "m\n" }, inner)],
  ] as const) {
    test(`a repository that a commit names, ${title}, is work; with --yes it comes back whole`, async () => {
      await commitGitlink(first);
      await project.repo.git(["update-ref", "refs/heads/main", await project.repo.resolve("HEAD", path)]);
      await change();
      const ran = plant();
      const before = photograph(path);
      const refused = await run("remove", "g/t");
      expect([refused.status, refused.json.error?.code], refused.stdout).toEqual([4, "OKSTRA_WORKTREE_HAS_WORK"]);
      expect(refused.json.error.details.dirty).toEqual(expect.arrayContaining(["sub/.git/HEAD", "sub/s.txt"]));
      expect(photograph(path)).toEqual(before);
      const removed = await run("remove", "g/t", "--yes");
      expect(removed.status, removed.stdout).toBe(0);
      expect(existsSync(path)).toBe(false);
      const back = await run("restore", "g/t");
      expect(back.status, back.stdout).toBe(0);
      expect(photograph(path)).toEqual(before);
      expect(ran()).toEqual([]);
    });
  }

  test("files without a repository where a commit names one are work too", async () => {
    await commitGitlink(first);
    await project.repo.git(["update-ref", "refs/heads/main", await project.repo.resolve("HEAD", path)]);
    rmSync(join(inner, ".git"), { recursive: true });
    expect((await run("remove", "g/t")).json.error.details.dirty).toContain("sub/s.txt");
  });

  test("one that is not there is no work; one that was deleted comes back deleted", async () => {
    await commitGitlink(first);
    await project.repo.git(["update-ref", "refs/heads/main", await project.repo.resolve("HEAD", path)]);
    rmSync(inner, { recursive: true });
    expect((await run("remove", "g/t")).json.error.details.dirty).toEqual(["sub"]);
    expect((await run("remove", "g/t", "--yes")).status).toBe(0);
    expect((await run("restore", "g/t")).status).toBe(0);
    expect(existsSync(inner)).toBe(false);
    mkdirSync(inner);
    expect((await run("remove", "g/t")).status).toBe(0);
  });

  test("only staged: the index and the repository come back", async () => {
    await project.repo.git(["update-index", "--add", "--cacheinfo", `160000,${first},sub`], { cwd: path });
    writeFileSync(join(inner, "s.txt"), "two\n");
    const ran = plant();
    const before = photograph(path);
    const removed = await run("remove", "g/t", "--yes");
    expect(removed.status, removed.stdout).toBe(0);
    expect((await run("restore", "g/t")).status).toBe(0);
    expect(photograph(path)).toEqual(before);
    expect(ran()).toEqual([]);
    expect(await project.repo.git(["ls-files", "--stage", "sub"], { cwd: path })).toContain(`160000 ${first}`);
  });

  test("untracked, with a branch of the name of a disposable directory: kept whole", async () => {
    await project.repo.git(["branch", "build/one"], { cwd: inner });
    const before = photograph(path);
    const ran = plant();
    expect((await run("remove", "g/t", "--yes")).status).toBe(0);
    expect((await run("restore", "g/t")).status).toBe(0);
    expect(Object.keys(photograph(path))).toEqual(Object.keys(before));
    expect(ran()).toEqual([]);
  });
});

describe("what watches a tree", () => {
  test("notices changes inside a repository, named by a commit or by nothing, and runs nothing of it", async () => {
    const { repo, home } = project;
    const app = await openApp({ env: home.env, cwd: repo.root, emit: () => undefined });
    const place = { worktree: path, mainRoot: repo.root, repository: repo.gitDir, taskKey: "proj/g/t" };
    const ran = plant();
    for (const isNamed of [false, true]) {
      if (isNamed) await commitGitlink(first);
      const manifest = { commit: await repo.resolve("HEAD", path), provision: { path } };
      const watch = await watchTree(app, manifest as Parameters<typeof watchTree>[1]);
      const before = (await loadSurroundings(app, place)).entries;
      watch.laneStarted("anna");
      expect(await watch.laneEnded("anna")).toBeNull();
      for (const text of ["first", "second time"]) {
        watch.laneStarted("anna");
        writeFileSync(join(inner, "s.txt"), `${text}\n`);
        expect(await watch.laneEnded("anna")).toEqual({ workers: ["anna"], paths: [isNamed ? "sub" : "sub/"] });
      }
      const entries = (await loadSurroundings(app, place)).entries.filter((entry) => entry.path.startsWith("sub"));
      expect(entries.map(({ code }) => code)).toEqual([isNamed ? " M" : "??"]);
      expect(before.some((entry) => entry.path === "sub")).toBe(false);
      writeFileSync(join(inner, "s.txt"), "one\n");
    }
    expect(ran()).toEqual([]);
  });
});

describe("update", () => {
  const MISSING = "1".repeat(40);

  test("what git would fetch missing commits with does not run, though it does when git is left alone", async () => {
    const base = await commitGitlink(first);
    await project.repo.git(["reset", "--quiet", "--hard", base]);
    await commitGitlink(await project.repo.commit("second", { "m.txt": "m\n" }, inner));
    await commitGitlink(MISSING, project.repo.root);
    const ran = plant();
    for (const strategy of ["merge", "rebase"]) {
      const refused = await run("update", "g/t", "--strategy", strategy);
      expect([refused.status, refused.json.error?.code], refused.stdout).toEqual([4, "OKSTRA_UPDATE_CONFLICT"]);
      expect(refused.json.error.details.files).toEqual(["sub"]);
    }
    expect(ran()).toEqual([]);
    await project.repo.git(["merge-tree", "--write-tree", "HEAD", "main"], { cwd: path, okExitCodes: [0, 1, 128] });
    expect(ran()).toEqual(["uploadpack"]);
  });

  test("nor in a commit between, where the repository was moved and moved back", async () => {
    const base = await commitGitlink(first);
    await project.repo.git(["reset", "--quiet", "--hard", base]);
    await commitGitlink("2".repeat(40));
    await commitGitlink(first);
    await commitGitlink(MISSING, project.repo.root);
    const ran = plant();
    const before = [await project.repo.resolve("HEAD", path), photograph(path)];
    const refused = await run("update", "g/t", "--strategy", "rebase");
    expect([refused.status, refused.json.error?.code], refused.stdout).toEqual([4, "OKSTRA_UPDATE_CONFLICT"]);
    expect([await project.repo.resolve("HEAD", path), photograph(path)]).toEqual(before);
    expect(ran()).toEqual([]);
  });

  test("nor in a partial clone, whose own missing objects are fetched where no repository is named", async () => {
    const { repo } = project;
    const base = await commitGitlink(first);
    await repo.git(["reset", "--quiet", "--hard", base]);
    await repo.git(["config", "remote.origin.promisor", "true"]);
    await commitGitlink(await repo.commit("second", { "m.txt": "m\n" }, inner));
    await commitGitlink(MISSING, repo.root);
    const ran = plant();
    expect((await run("update", "g/t")).json.error.code).toBe("OKSTRA_UPDATE_CONFLICT");
    expect(ran()).toEqual([]);
  });

  test("a partial clone fetches what a merge lacks", async () => {
    const { repo, home } = project;
    const remote = join(home.root, "remote.git");
    await repo.git(["clone", "--quiet", "--bare", repo.root, remote]);
    for (const [name, value] of [
      ["uploadpack.allowFilter", "true"],
      ["uploadpack.allowAnySHA1InWant", "true"],
    ] as const)
      await repo.git(["config", name, value], { cwd: remote });
    const clone = home.directory("clone");
    await repo.git(["clone", "--quiet", "--filter=blob:none", "--no-local", remote, clone]);
    const partial = await openTestProject(home, openTestRepo(clone), "partial");
    const made = await partial.provision("g/p");
    await repo.commit("own", { "own.txt": "own\n" }, made.path);
    const base = await repo.commit("base", { "b.txt": "only at the remote\n" });
    await repo.git(["push", "--quiet", remote, "main"]);
    await repo.git(["fetch", "--quiet"], { cwd: clone });
    const answer = await partial.okstra(["worktree", "update", "g/p", "--onto", "origin/main"]);
    expect(answer.json, answer.stdout).toMatchObject({ status: "updated", baseRef: base });
    expect(repo.read("b.txt", made.path)).toBe("only at the remote\n");
  });

  test("a base that moves a repository which is there and clean goes on; its files stay", async () => {
    const base = await commitGitlink(first);
    await project.repo.git(["reset", "--quiet", "--hard", base]);
    await project.repo.commit("own", { "own.txt": "own\n" }, path);
    const second = await project.repo.commit("second", { "m.txt": "m\n" }, inner);
    await project.repo.git(["reset", "--quiet", "--hard", first], { cwd: inner });
    await commitGitlink(second, project.repo.root);
    const ran = plant();
    const answer = await run("update", "g/t");
    expect(answer.json, answer.stdout).toMatchObject({ status: "updated" });
    expect(project.repo.read("s.txt", inner)).toBe("one\n");
    expect(ran()).toEqual([]);
  });

  for (const [title, files] of [
    ["a file", { sub: "a file\n" }],
    ["a directory", { "sub/other.txt": "x\n" }],
  ] as const) {
    test(`a base that has ${title} in the place of a repository is refused: git would delete it`, async () => {
      const base = await commitGitlink(first);
      await project.repo.git(["reset", "--quiet", "--hard", base]);
      await project.repo.git(["rm", "--quiet", "--cached", "sub"]);
      rmSync(join(project.repo.root, "sub"), { recursive: true, force: true });
      await project.repo.commit("replaced", files);
      const before = photograph(path);
      for (const strategy of ["merge", "rebase"]) {
        const refused = await run("update", "g/t", "--strategy", strategy);
        expect([refused.status, refused.json.error?.code], refused.stdout).toEqual([4, "OKSTRA_TREE_DIRTY"]);
        expect(refused.json.error.details.files).toEqual(["sub"]);
      }
      expect(photograph(path)).toEqual(before);
    });
  }
});
