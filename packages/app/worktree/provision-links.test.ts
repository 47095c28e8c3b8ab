import { chmodSync, existsSync, lstatSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTestProject, type TestProject } from "@okstra/testkit/test-project";
import { afterEach, describe, expect, test } from "vitest";

let project: TestProject | null = null;
afterEach(() => {
  project?.remove();
  project = null;
});

async function start(): Promise<TestProject> {
  project = await createTestProject();
  return project;
}

describe("links and files that come along", () => {
  /** Main's own status must be the same before and after, whatever the project ignores. */
  for (const [title, ignore, where] of [
    ["ignored as x", ".scratch\n", "repository"],
    ["ignored as x/", ".scratch/\n", "repository"],
    ["not ignored", "", "repository"],
    ["ignored globally", ".scratch\n", "person"],
    ["ignored globally as x/", ".scratch/\n", "person"],
  ] as const) {
    test(`a link is invisible in the task and main's status stays as it was: ${title}`, async () => {
      const { provision, repo, home } = await start();
      if (where === "repository") await repo.commit("ignore", { ".gitignore": ignore });
      else {
        repo.write("ignore", ignore, { at: home.home });
        home.writeGitConfig(`[core]\n\texcludesFile = ${join(home.home, "ignore")}\n`);
      }
      repo.write(".scratch/note.txt", "note\n");
      const before = await repo.status(repo.root, "--ignored", "--untracked-files=all");
      const one = await provision("g/one");
      const two = await provision("g/two");
      for (const { path } of [one, two]) {
        expect(lstatSync(join(path, ".scratch")).isSymbolicLink()).toBe(true);
        expect(readlinkSync(join(path, ".scratch"))).toBe(join(repo.root, ".scratch"));
        expect(await repo.status(path)).toEqual([]);
        await repo.git(["add", "--all"], { cwd: path });
        expect(await repo.status(path)).toEqual([]);
      }
      expect(one.note).toContain("linked .project-docs, .scratch");
      expect(await repo.status(repo.root, "--ignored", "--untracked-files=all")).toEqual(before);
    });
  }

  test("the environment beats project.json, which beats config.json; set but empty links nothing; a missing source is passed over", async () => {
    const { okstra, repo, home } = await start();
    writeFileSync(join(home.okstraHome, "config.json"), JSON.stringify({ worktreeSyncDirs: ["data"] }));
    repo.write("shared/a.txt", "a\n");
    repo.write("data/b.txt", "b\n");
    const provision = async (task: string, dirs?: string): Promise<string> =>
      (await okstra(["worktree", "provision", task], dirs === undefined ? {} : { env: { OKSTRA_WORKTREE_SYNC_DIRS: dirs } })).json.path;
    const links = (path: string): string[] => readdirSync(path).filter((name) => lstatSync(join(path, name)).isSymbolicLink());
    expect(links(await provision("g/home"))).toEqual(["data"]);
    repo.write(".project-docs/okstra/project.json", JSON.stringify({ projectId: "proj", worktreeSyncDirs: ["shared"] }));
    expect(links(await provision("g/file"))).toEqual(["shared"]);
    expect(links(await provision("g/env", "data:absent"))).toEqual(["data"]);
    expect(links(await provision("g/empty", ""))).toEqual([]);
  });

  test("tracked content is left alone, a source that leads outside is passed over and named", async () => {
    const { provision, repo, home } = await start();
    await repo.commit("track", { "graphify-out/g.txt": "g\n" });
    symlinkSync(home.directory("outside"), join(repo.root, ".scratch"));
    const { path, note } = await provision("g/t");
    expect(lstatSync(join(path, "graphify-out")).isDirectory()).toBe(true);
    expect(note).toContain("graphify-out is in the tree itself");
    expect(note).toContain(".scratch leads outside");
    expect(existsSync(join(path, ".scratch"))).toBe(false);
  });

  test("case 18: .worktreeinclude names ignored files to bring along; .env only if listed, 0600, never staged", async () => {
    const { provision, repo } = await start();
    await repo.commit("ignore", { ".gitignore": ".env*\n*.local\n", ".worktreeinclude": "*.local\n" });
    repo.write(".env", "SECRET=1\n", { mode: 0o644 });
    repo.write("conf/a.local", "a\n", { mode: 0o640 });
    repo.write("not-ignored.txt", "x\n");
    const without = await provision("g/without");
    expect(repo.exists(".env", without.path)).toBe(false);
    expect(repo.read("conf/a.local", without.path)).toBe("a\n");
    repo.write(".worktreeinclude", "*.local\n.env\nnot-ignored.txt\n");
    const { path, note } = await provision("g/with");
    expect(repo.read(".env", path)).toBe("SECRET=1\n");
    expect(lstatSync(join(path, ".env")).mode & 0o777).toBe(0o600);
    expect(lstatSync(join(path, "conf/a.local")).mode & 0o777).toBe(0o640);
    expect(repo.exists("not-ignored.txt", path)).toBe(false);
    expect(note).toContain("copied 2 files");
    await repo.git(["add", "--all"], { cwd: path });
    expect(await repo.status(path)).toEqual([]);
  });

  test("prepare runs once; a failure hands the tree out and is tried again", async () => {
    const { okstra, repo, home } = await start();
    const count = join(home.root, "count");
    repo.write(
      ".project-docs/okstra/project.json",
      JSON.stringify({ projectId: "proj", prepare: `echo x >> '${count}'; test -e '${join(home.root, "ready")}'` }),
    );
    const failed = await okstra(["worktree", "provision", "g/t"]);
    expect([failed.status, failed.json.error.code]).toEqual([1, "OKSTRA_PREPARE_COMMAND_FAILED"]);
    writeFileSync(join(home.root, "ready"), "");
    expect((await okstra(["worktree", "provision", "g/t"])).json.status).toBe("reused");
    expect((await okstra(["worktree", "provision", "g/t"])).json.status).toBe("reused");
    expect(repo.read("count", home.root)).toBe("x\nx\n");
  });

  test("case 20: state is private whatever the umask", async () => {
    const at = await start();
    const before = process.umask(0);
    try {
      await at.provision("g/t");
      chmodSync(join(at.home.okstraHome, "worktrees"), 0o777);
      await at.provision("g/u");
    } finally {
      process.umask(before);
    }
    for (const name of ["", "worktrees", "worktrees/proj", "worktrees/proj/g", "locks"])
      expect(lstatSync(join(at.home.okstraHome, name)).mode & 0o777, name).toBe(0o700);
    expect(lstatSync(join(at.home.okstraHome, "worktrees/registry.json")).mode & 0o777).toBe(0o600);
  });
});
