/** A repository that was laid into a tree brings a configuration of its own: nothing of it may run. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Git, SafeConfig } from "@okstra/core/git-port";
import { createTestHome, type TestHome } from "@okstra/testkit/test-home";
import { createTestRepo, type TestRepo } from "@okstra/testkit/test-repo";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createGitProcess } from "../exec/git-process.ts";
import { createGit } from "./git.ts";

let home: TestHome;
let repo: TestRepo;
let git: Git;
let safe: SafeConfig;
let inner = "";
let commit = "";
beforeEach(async () => {
  home = createTestHome();
  repo = await createTestRepo(home.directory("repo"));
  git = createGit({ process: createGitProcess(), trust: { load: async () => new Map() } });
  inner = join(repo.root, "sub");
  mkdirSync(inner);
  await repo.git(["init", "--quiet", "--initial-branch=main"], { cwd: inner });
  commit = await repo.commit("inner", { "s.txt": "one\n", ".gitattributes": "* filter=planted diff=planted\n" }, inner);
  safe = await git.safeConfig({ commonDir: repo.gitDir, mainRoot: repo.root });
});
afterEach(() => home.remove());

/** Whatever git may run for a repository leaves its name in a directory. */
function plant(gitDir = join(inner, ".git")): { ran(): readonly string[] } {
  const traces = home.directory("traces");
  const hooks = join(gitDir, "hooks");
  mkdirSync(hooks, { recursive: true });
  const script = (name: string, more = ""): string => {
    const path = join(home.root, `planted-${name}`);
    writeFileSync(path, `#!/bin/sh\n: > '${traces}/${name}'\n${more}\n`);
    chmodSync(path, 0o755);
    return path;
  };
  for (const hook of ["post-index-change", "post-checkout", "reference-transaction", "pre-commit", "post-merge", "fsmonitor-watchman"]) {
    renameSync(script(hook), join(hooks, hook));
  }
  writeFileSync(
    join(gitDir, "config"),
    [
      "[core]\n\trepositoryformatversion = 1\n\tbare = false",
      `\tfsmonitor = ${script("fsmonitor")}`,
      `\thooksPath = ${hooks}`,
      `\tpager = ${script("pager")}`,
      "[extensions]\n\tpartialClone = evil",
      `[remote "evil"]\n\tpromisor = true\n\turl = ${repo.root}\n\tuploadpack = ${script("uploadpack")}`,
      `[filter "planted"]\n\tclean = ${script("clean", "cat")}\n\tsmudge = ${script("smudge", "cat")}\n\trequired = true`,
      `[diff "planted"]\n\tcommand = ${script("diff")}\n\ttextconv = ${script("textconv")}`,
      "[status]\n\tsubmoduleSummary = true\n",
    ].join("\n"),
  );
  return { ran: () => readdirSync(traces).sort() };
}

async function addGitlink(): Promise<void> {
  await repo.git(["update-index", "--add", "--cacheinfo", `160000,${commit},sub`]);
  await repo.git(["commit", "--quiet", "-m", "gitlink"]);
}

/** The content differs and has the same size, so that git must read it through the filter. */
function touchInside(): void {
  writeFileSync(join(inner, "s.txt"), "two\n");
}

const status = (options: Partial<Parameters<Git["status"]>[1]> = {}): ReturnType<Git["status"]> =>
  git.status(repo.root, { safe, ...options });

test("what is planted does run when git descends: the test's own proof", async () => {
  await addGitlink();
  const planted = plant();
  touchInside();
  await repo.git(["status", "--porcelain", "--ignore-submodules=none"]);
  expect(planted.ran()).toContain("clean");
});

describe("a repository that a commit names", () => {
  beforeEach(addGitlink);

  for (const [title, options] of [
    ["as it is", {}],
    ["with ignored files", { ignored: true }],
    ["without untracked files", { untracked: false }],
  ] as const) {
    test(`the status ${title} runs nothing of it and still tells that it changed`, async () => {
      const planted = plant();
      touchInside();
      expect(await status(options)).toEqual([{ code: " M", path: "sub" }]);
      expect(planted.ran()).toEqual([]);
    });
  }

  test("nothing changed in it: nothing is told, whatever its configuration", async () => {
    const planted = plant();
    expect(await status({ ignored: true })).toEqual([]);
    expect(planted.ran()).toEqual([]);
  });

  test.each([
    ["a changed file", () => writeFileSync(join(inner, "s.txt"), "longer than before\n")],
    ["a new file", () => writeFileSync(join(inner, "new.txt"), "new\n")],
    ["a deleted file", () => rmSync(join(inner, "s.txt"))],
    ["something staged", () => repo.git(["update-index", "--force-remove", "s.txt"], { cwd: inner })],
    ["another commit", () => repo.commit("more", { "m.txt": "m\n" }, inner)],
    ["a broken index", () => writeFileSync(join(inner, ".git/index"), "garbage")],
    ["an index that is no file", () => (rmSync(join(inner, ".git/index")), mkdirSync(join(inner, ".git/index")))],
  ] as const)("told: %s", async (_, change) => {
    await change();
    const planted = plant();
    expect(await status()).toEqual([{ code: " M", path: "sub" }]);
    expect(planted.ran()).toEqual([]);
  });

  test("objects that are not there are not fetched by its word", async () => {
    rmSync(join(inner, ".git/objects"), { recursive: true });
    mkdirSync(join(inner, ".git/objects"));
    const planted = plant();
    expect(await status()).toEqual([{ code: " M", path: "sub" }]);
    expect(planted.ran()).toEqual([]);
  });

  test("staged and changed: both letters", async () => {
    const more = await repo.commit("more", { "m.txt": "m\n" }, inner);
    await repo.git(["update-index", "--cacheinfo", `160000,${more},sub`]);
    expect(await status()).toEqual([{ code: "M ", path: "sub" }]);
    touchInside();
    expect(await status()).toEqual([{ code: "MM", path: "sub" }]);
  });

  test("its git directory elsewhere, named by a file", async () => {
    renameSync(join(inner, ".git"), join(home.root, "elsewhere"));
    writeFileSync(join(inner, ".git"), "gitdir: ../../elsewhere\n");
    const planted = plant(join(home.root, "elsewhere"));
    expect(await status()).toEqual([]);
    touchInside();
    expect(await status()).toEqual([{ code: " M", path: "sub" }]);
    expect(planted.ran()).toEqual([]);
  });

  test("a configuration that git cannot read is an error, never a clean tree", async () => {
    writeFileSync(join(inner, ".git/config"), "[core\n");
    await expect(status()).rejects.toMatchObject({ code: "OKSTRA_GIT_FAILED" });
  });

  test("a repository in the repository", async () => {
    const deep = join(inner, "deep");
    mkdirSync(deep);
    await repo.git(["init", "--quiet", "--initial-branch=main"], { cwd: deep });
    const deepest = await repo.commit("deep", { "d.txt": "one\n", ".gitattributes": "* filter=planted\n" }, deep);
    await repo.git(["update-index", "--add", "--cacheinfo", `160000,${deepest},deep`], { cwd: inner });
    await repo.git(["commit", "--quiet", "-m", "deep"], { cwd: inner });
    await repo.git(["update-index", "--cacheinfo", `160000,${await repo.resolve("HEAD", inner)},sub`]);
    await repo.git(["commit", "--quiet", "-m", "moved"]);
    const planted = plant(join(deep, ".git"));
    expect(await status()).toEqual([]);
    writeFileSync(join(deep, "d.txt"), "two\n");
    expect(await status()).toEqual([{ code: " M", path: "sub" }]);
    expect(planted.ran()).toEqual([]);
  });

  test("nothing of the repository changes by looking, and the temporary git directory goes", async () => {
    touchInside();
    const index = readFileSync(join(inner, ".git/index"));
    const before = readdirSync(home.root).sort();
    await status();
    expect(readFileSync(join(inner, ".git/index")).equals(index)).toBe(true);
    expect(readdirSync(home.root).sort()).toEqual(before);
    expect(existsSync(join(inner, ".git/index.lock"))).toBe(false);
  });

  test("one that is not there is not asked about", async () => {
    rmSync(inner, { recursive: true });
    mkdirSync(inner);
    expect(await status()).toEqual([]);
    expect(await git.listGitlinks(repo.root)).toEqual(["sub"]);
  });

  test("recursion that a person set up stays out of it: checkout, reset, read-tree", async () => {
    home.writeGitConfig("[submodule]\n\trecurse = true\n\tactive = .\n");
    await repo.git(["config", "submodule.sub.url", inner]);
    const next = await repo.commit("next", { "README.md": "next\n" });
    const planted = plant();
    touchInside();
    for (const args of [
      ["checkout", "--quiet", "--detach", `${next}~1`],
      ["checkout", "--quiet", "HEAD", "--", "README.md"],
      ["reset", "--quiet", "--hard", next],
      ["read-tree", "-m", "-u", "HEAD"],
      ["update-index", "-q", "--refresh"],
      ["ls-files", "-z", "-v"],
    ])
      await git.run(repo.root, args, { safe, okExitCodes: [0, 1, 128] });
    expect(readFileSync(join(inner, "s.txt"), "utf8")).toBe("two\n");
    expect(planted.ran()).toEqual([]);
  });
});

test("a repository that only the index names", async () => {
  await repo.git(["update-index", "--add", "--cacheinfo", `160000,${commit},sub`]);
  const planted = plant();
  touchInside();
  expect(await status()).toEqual([{ code: "AM", path: "sub" }]);
  expect(planted.ran()).toEqual([]);
});

test("a repository that nothing names is one untracked directory", async () => {
  const planted = plant();
  touchInside();
  for (const ignored of [false, true]) expect(await status({ ignored })).toEqual([{ code: "??", path: "sub/" }]);
  expect(planted.ran()).toEqual([]);
});

test("a worktree with such a repository is removed without running anything of it", async () => {
  await addGitlink();
  const tree = join(home.root, "tree");
  await repo.git(["worktree", "add", "--quiet", "--detach", tree]);
  rmSync(join(tree, "sub"), { recursive: true });
  const planted = plant();
  touchInside();
  renameSync(inner, join(tree, "sub"));
  await git.run(repo.root, ["worktree", "remove", "--force", "--", tree]);
  expect(existsSync(tree)).toBe(false);
  expect(planted.ran()).toEqual([]);
});
