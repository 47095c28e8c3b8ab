/** The registry is lost, the disk is full, or a link stands in the way. */
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mountSmallDisk, type SmallDisk } from "@okstra/testkit/faults/small-disk";
import { createTestHome, type TestHome } from "@okstra/testkit/test-home";
import { createTestProject, openTestProject, type TestProject } from "@okstra/testkit/test-project";
import { createTestRepo } from "@okstra/testkit/test-repo";
import { afterEach, beforeEach, describe, expect, test, type TestContext } from "vitest";

let project: TestProject;
beforeEach(async () => {
  project = await createTestProject();
});
afterEach(() => project.remove());

function path(name: string): string {
  return join(project.home.okstraHome, "worktrees", name);
}

describe("case 27: the registry is lost while three tasks are active, and a second project has two", () => {
  const DAMAGES: readonly (readonly [string, (text: string) => string | Buffer | null])[] = [
    ["truncated", (text) => text.slice(0, text.length / 2)],
    ["emptied", () => ""],
    ["only a byte order mark", () => "\uFEFF"],
    ["garbage", () => Buffer.from([0, 255, 254, 123, 10, 128])],
    ["null", () => "null\n"],
    ["an empty object", () => "{}\n"],
    ["rows of another kind", () => '{"schema":2,"tasks":{"proj/g/one":7},"branches":{}}'],
    ["deleted", () => null],
  ];

  for (const [title, damage] of DAMAGES) {
    for (const command of title === "garbage" || title === "deleted"
      ? (["provision", "list", "setup"] as const)
      : (["provision"] as const)) {
      test(`${title}, found by ${command}`, async () => {
        const second = await openTestProject(project.home, await createTestRepo(project.home.directory("second")), "second");
        for (const task of ["g/one", "g/two", "h/three"]) await project.provision(task, "-t", "error-analysis");
        for (const task of ["g/one", "g/four"]) await second.provision(task);
        await project.repo.commit("work", { "w.txt": "w\n" }, path("proj/g/two"));
        // One task's directory is gone too: git's bookkeeping knows it still.
        rmSync(path("proj/h/three"), { recursive: true });
        const before = project.loadRegistry();
        const bad = damage(readFileSync(path("registry.json"), "utf8"));
        if (bad === null) rmSync(path("registry.json"));
        else writeFileSync(path("registry.json"), bad);

        const argv = { provision: ["worktree", "provision", "g/one"], list: ["worktree", "list", "--all"], setup: ["setup"] }[command];
        const answer = await project.okstra(argv);
        expect(answer.status, answer.stdout).toBe(0);
        expect(answer.stderr).toContain(`rebuilt with 5 tasks`);
        expect(project.loadRegistry()).toEqual({ ...before, tasks: sortMembers(before.tasks), branches: before.branches });
        const kept = readdirSync(path("")).filter((name) => name.startsWith("registry.json.bad-"));
        expect(kept).toHaveLength(bad === null ? 0 : 1);
        if (bad !== null) {
          expect(kept[0]).toMatch(/^registry\.json\.bad-\d{17}-[0-9a-f]+$/u);
          expect(readFileSync(path(kept[0] ?? "")).equals(Buffer.from(bad))).toBe(true);
          expect(answer.stderr).toContain(kept[0]);
        }
        const again = await project.okstra(["worktree", "list", "--all"]);
        expect(again.stderr).toBe("");
        expect(await project.provision("h/three")).toMatchObject({ status: "reused", note: expect.stringContaining("restored") });
        expect(await second.provision("g/one")).toMatchObject({ status: "reused" });
        expect(await project.repo.status(path("proj/g/two"))).toEqual([]);
        expect((await project.okstra(["doctor"])).json.verdict).toBe("ok");
      });
    }
  }

  test("a released task stays released, and its branch taken", async () => {
    await project.provision("a/login");
    await project.okstra(["worktree", "release", "a/login"]);
    writeFileSync(path("registry.json"), "{");
    expect((await project.okstra(["worktree", "show", "a/login"])).json.status).toBe("released");
    expect((await project.provision("b/login")).branch).toBe("task-b-login");
  });

  test("the shape of version 1: rows come forward, the old file is kept, once", async () => {
    const made = [await project.provision("g/one"), await project.provision("g/two")];
    const old = {
      tasks: Object.fromEntries(
        Object.entries(project.loadRegistry().tasks).map(([key, { repository: _repository, ...row }]) => [key, row]),
      ),
      branches: Object.fromEntries(made.map(({ branch, taskKey }) => [branch, taskKey])),
    };
    const before = project.loadRegistry();
    writeFileSync(path("registry.json"), JSON.stringify(old));
    const answer = await project.okstra(["worktree", "provision", "g/one"]);
    expect(answer.json).toMatchObject({ status: "reused", path: made[0].path });
    expect(answer.stderr).toContain("registry.v1.json");
    expect(project.loadRegistry()).toEqual(before);
    expect(JSON.parse(readFileSync(path("registry.v1.json"), "utf8"))).toEqual(old);
    expect((await project.okstra(["worktree", "list"])).stderr).toBe("");
  });

  test("a newer schema: what only reads goes on, what would write is refused, the file stays", async () => {
    const made = await project.provision("g/one");
    const text = JSON.stringify({ ...project.loadRegistry(), schema: 3, more: true });
    writeFileSync(path("registry.json"), text);
    expect(await project.provision("g/one")).toMatchObject({ status: "reused", path: made.path });
    expect((await project.okstra(["worktree", "list"])).json).toMatchObject({ tasks: [{ taskKey: "proj/g/one" }] });
    for (const argv of [
      ["worktree", "provision", "g/two"],
      ["worktree", "release", "g/one"],
      ["worktree", "remove", "g/one", "--yes"],
    ]) {
      const refused = await project.okstra(argv);
      expect([refused.status, refused.json.error?.code], argv.join(" ")).toEqual([3, "OKSTRA_REGISTRY_READ_ONLY"]);
    }
    expect(readFileSync(path("registry.json"), "utf8")).toBe(text);
    expect(await project.repo.status(made.path)).toEqual([]);
    expect(await project.repo.branches()).toEqual(["main", "task-one"]);
  });
});

function sortMembers<T>(rows: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(rows).sort(([a], [b]) => (a < b ? -1 : 1)));
}

describe("case 16: a link in the way is refused, and nothing is written where it leads", () => {
  for (const name of ["worktrees", "worktrees/proj", "worktrees/proj/g", "worktrees/proj/g/t", "locks"]) {
    test(name, async () => {
      const link = join(project.home.okstraHome, name);
      const outside = project.home.directory("outside");
      if (existsSync(link)) renameSync(link, `${link}.old`);
      mkdirSync(join(link, ".."), { recursive: true });
      symlinkSync(outside, link);
      const refused = await project.okstra(["worktree", "provision", "g/t"]);
      expect(refused.status, refused.stdout).toBeGreaterThan(0);
      expect(refused.json.error.code).toBe(name === "worktrees/proj/g/t" ? "OKSTRA_PATH_EXISTS" : "OKSTRA_PATH_IS_LINK");
      expect(refused.json.error.message).toContain(link);
      expect(readdirSync(outside)).toEqual([]);
      expect(lstatSync(link).isSymbolicLink()).toBe(true);
      expect(await project.repo.worktrees()).toEqual([project.repo.root]);
      expect(await project.repo.branches()).toEqual(["main"]);
    });
  }
});

describe("case 24: the disk is full", () => {
  let disk: SmallDisk | null = null;
  let home: TestHome | null = null;
  afterEach(() => {
    disk?.unmount();
    disk = null;
    home?.remove();
    home = null;
  });

  function mount(name: string, context: TestContext): SmallDisk {
    home = createTestHome();
    const mounted = mountSmallDisk(join(home.root, name), "size=3m,mode=700");
    if (typeof mounted === "string") return context.skip(mounted);
    return (disk = mounted);
  }

  test("of OKSTRA_HOME: the old registry is whole, the place is named, the next command works after space is freed", async (context) => {
    const small = mount("okstra-home", context);
    const repo = await createTestRepo((home as TestHome).directory("repo"));
    const at = await openTestProject(home as TestHome, repo, "proj");
    const { path: first } = await at.provision("g/first");
    const before = readFileSync(join(small.path, "worktrees/registry.json"), "utf8");
    small.fill();
    const refused = await at.okstra(["worktree", "provision", "g/t"]);
    expect([refused.status, refused.json.error?.code], refused.stdout).toEqual([1, "OKSTRA_DISK_FULL"]);
    expect(refused.json.error.message).toContain(small.path);
    expect(readFileSync(join(small.path, "worktrees/registry.json"), "utf8")).toBe(before);
    expect(await repo.branches()).toEqual(["main", "task-first"]);
    expect(await repo.worktrees()).toEqual([repo.root, first]);
    // What needs no space goes on.
    expect((await at.okstra(["worktree", "provision", "g/first"])).json.status).toBe("reused");
    small.free();
    expect(await at.provision("g/t")).toMatchObject({ status: "created" });
    expect((await at.okstra(["doctor"])).json.verdict).toBe("ok");
  });

  test("of OKSTRA_HOME in the middle of the checkout: no row, no branch, no tree is left", async (context) => {
    const small = mount("okstra-home", context);
    const repo = await createTestRepo((home as TestHome).directory("repo"));
    const at = await openTestProject(home as TestHome, repo, "proj");
    await at.provision("g/first");
    await repo.commit("large", Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`large${index}.txt`, "x".repeat(100_000)])));
    const refused = await at.okstra(["worktree", "provision", "g/t"]);
    expect([refused.status, refused.json.error?.code], refused.stdout).toEqual([1, "OKSTRA_DISK_FULL"]);
    expect(refused.json.error.message).toContain(`${small.path}/worktrees/proj/g/t`);
    expect(Object.keys(at.loadRegistry().tasks)).toEqual(["proj/g/first"]);
    expect(await repo.branches()).toEqual(["main", "task-first"]);
    expect(await repo.worktrees()).toHaveLength(2);
    expect((await at.okstra(["doctor"])).json.verdict).toBe("ok");
  });

  test("of the project: nothing is left of the task, and the next command works after space is freed", async (context) => {
    const small = mount("repo", context);
    const repo = await createTestRepo(small.path);
    const at = await openTestProject(home as TestHome, repo, "proj");
    await repo.git(["update-ref", "refs/heads/kept", "HEAD"]);
    small.fill();
    const refused = await at.okstra(["worktree", "provision", "g/t"]);
    expect([refused.status, refused.json.error?.code], refused.stdout).toEqual([1, "OKSTRA_DISK_FULL"]);
    expect(refused.json.error.message).toContain(small.path);
    expect(at.loadRegistry().tasks).toEqual({});
    expect(existsSync(join((home as TestHome).okstraHome, "worktrees/proj/g/t"))).toBe(false);
    small.free();
    expect(await repo.branches()).toEqual(["kept", "main"]);
    expect(await at.provision("g/t")).toMatchObject({ status: "created" });
    expect((await at.okstra(["doctor"])).json.verdict).toBe("ok");
  });
});
