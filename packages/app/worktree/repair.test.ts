import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTestProject, type TestProject } from "@okstra/testkit/test-project";
import { openTestRepo } from "@okstra/testkit/test-repo";
import { runOkstra } from "@okstra/testkit/run-okstra";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

let project: TestProject;
beforeEach(async () => {
  project = await createTestProject();
});
afterEach(() => project.remove());

interface Action {
  readonly action: string;
  readonly subject: string;
  readonly message: string;
}

async function repair(cwd = project.repo.root): Promise<readonly Action[]> {
  const answer = await project.okstra(["worktree", "repair"], { cwd });
  expect(answer.status, answer.stdout).toBe(0);
  return answer.json.actions;
}

/** Each repair is done once: the next one finds nothing. */
async function repairOnce(cwd?: string): Promise<readonly Action[]> {
  const actions = await repair(cwd);
  expect(await repair(cwd)).toEqual([]);
  for (const { message } of actions) expect(message).not.toContain("\n");
  return actions;
}

async function doctor(
  cwd = project.repo.root,
): Promise<{ failing: readonly { name: string; message: string; fix: string }[]; status: number; verdict: string }> {
  const { status, json } = await project.okstra(["doctor"], { cwd });
  return { status, verdict: json.verdict, failing: json.checks.filter((check: { ok: boolean }) => !check.ok) };
}

/** Stops provisioning at a step as a kill would. */
async function stopProvision(step: string): Promise<void> {
  await project.okstra(["worktree", "provision", "g/t"], {
    onEvent: (event) => {
      if (event.type === step) throw new Error("stopped");
    },
  });
}

test("nothing to repair", async () => {
  await project.provision("g/t");
  expect(await repair()).toEqual([]);
  expect(await doctor()).toEqual({ status: 0, verdict: "ok", failing: [] });
});

describe("rows in state provisioning", () => {
  for (const step of ["row-reserved", "links-made", "activating"]) {
    test(`stopped at ${step}: doctor tells, repair completes`, async () => {
      await stopProvision(step);
      expect(project.loadRegistry().tasks["proj/g/t"]?.["status"]).toBe("provisioning");
      expect((await doctor()).failing).toMatchObject([
        { name: "tasks", message: expect.stringContaining("never finished"), fix: "okstra worktree repair" },
      ]);
      expect(await repairOnce()).toMatchObject([{ action: "completed", subject: "proj/g/t" }]);
      expect(project.loadRegistry().tasks["proj/g/t"]?.["status"]).toBe("active");
      expect(await project.repo.status(join(project.home.okstraHome, "worktrees/proj/g/t"))).toEqual([]);
      expect((await doctor()).verdict).toBe("ok");
    });
  }

  test("case 23: what a kill inside `git worktree add` leaves is made whole, never handed out", async () => {
    await stopProvision("row-reserved");
    const { repo, home } = project;
    const path = join(home.okstraHome, "worktrees/proj/g/t");
    const base = await repo.resolve("HEAD");
    await repo.git(["worktree", "add", "--quiet", "--no-checkout", "--no-track", "-b", "task-t", path, base]);
    const admin = readFileSync(join(path, ".git"), "utf8").slice("gitdir: ".length).trim();
    writeFileSync(join(admin, "locked"), "initializing");
    writeFileSync(join(admin, "index.lock"), "half");
    writeFileSync(join(repo.gitDir, "refs/heads/task-t.lock"), "");
    writeFileSync(join(path, "README.md"), "# te");
    const answer = await project.provision("g/t");
    expect(answer).toMatchObject({ status: "reused", path, branch: "task-t" });
    expect(await repo.status(path)).toEqual([]);
    expect(repo.read("README.md", path)).toBe("# test\n");
    expect(existsSync(join(repo.gitDir, "refs/heads/task-t.lock"))).toBe(false);
    expect(await doctor()).toEqual({ status: 0, verdict: "ok", failing: [] });
  });

  test("one that cannot be completed is taken back whole", async () => {
    const { repo, home } = project;
    await stopProvision("row-reserved");
    const registry = project.loadRegistry();
    const lost = { ...registry.tasks["proj/g/t"], base_ref: "1".repeat(40) };
    writeFileSync(join(home.okstraHome, "worktrees/registry.json"), JSON.stringify({ ...registry, tasks: { "proj/g/t": lost } }));
    expect(await repairOnce()).toMatchObject([{ action: "rolled-back", subject: "proj/g/t" }]);
    expect(project.loadRegistry().tasks).toEqual({});
    expect(await repo.branches()).toEqual(["main"]);
    expect(await repo.worktrees()).toEqual([repo.root]);
  });

  test("one that a live okstra works on is left alone", async () => {
    const { home, repo } = project;
    let seen: readonly Action[] = [];
    let told: unknown = null;
    await project.okstra(["worktree", "provision", "g/t"], {
      onEvent: (event) => {
        if (event.type === "row-reserved") throw new Error("stopped");
      },
    });
    const { createHash } = await import("node:crypto");
    const lock = join(home.okstraHome, `locks/task-${createHash("sha256").update("proj/g/t").digest("hex").slice(0, 24)}.lock`);
    // The kernel's own tool holds the lock from another process.
    const holder = spawn(
      process.execPath,
      [
        "-e",
        `const { tryLock } = require("fs-native-extensions"); const fd = require("fs").openSync(${JSON.stringify(lock)}, "r+"); if (tryLock(fd)) console.log("held"); setInterval(() => {}, 1000)`,
      ],
      { cwd: process.cwd(), stdio: ["ignore", "pipe", "ignore"] },
    );
    try {
      await once(holder.stdout, "data");
      seen = await repair();
      told = (await doctor()).failing;
    } finally {
      holder.kill("SIGKILL");
      await once(holder, "exit");
    }
    expect(seen).toMatchObject([{ action: "left-alone", message: expect.stringContaining("another okstra") }]);
    expect(told).toEqual([]);
    expect(await repo.branches()).toEqual(["main"]);
  });
});

test("a missing parent is made again; the branch then gives the tree back", async () => {
  const { path } = await project.provision("g/t");
  await project.repo.commit("own", { "o.txt": "o\n" }, path);
  rmSync(join(path, ".."), { recursive: true });
  expect((await doctor()).failing).toMatchObject([{ fix: "okstra worktree repair" }]);
  expect(await repairOnce()).toMatchObject([{ action: "parent-made", subject: "proj/g/t" }]);
  expect((await doctor()).failing).toMatchObject([{ fix: expect.stringContaining("okstra worktree provision g/t") }]);
  expect(await project.provision("g/t")).toMatchObject({ status: "reused", path });
  expect(project.repo.read("o.txt", path)).toBe("o\n");
});

test("a repository that moved: rows, trees and links follow", async () => {
  const { home, repo } = project;
  const { path } = await project.provision("g/t");
  project.repo.write("dirty.txt", "dirty\n", { at: path });
  const moved = join(home.root, "moved here");
  renameSync(repo.root, moved);
  expect((await doctor(moved)).failing).toMatchObject([{ name: "tasks", message: expect.stringContaining("is gone") }]);
  expect((await runOkstra(["worktree", "provision", "g/t", "--json"], { cwd: moved })).json.error.code).toBe("OKSTRA_PROJECT_ID_TAKEN");
  expect(await repairOnce(moved)).toMatchObject([
    { action: "relinked", subject: "proj/g/t", message: expect.stringContaining("linked .project-docs again") },
  ]);
  const after = openTestRepo(moved);
  expect(project.loadRegistry().tasks["proj/g/t"]).toMatchObject({ repository: after.gitDir, worktree_path: path });
  expect(project.loadRegistry().branches).toEqual({ [after.gitDir]: { "task-t": "proj/g/t" } });
  expect(readlinkSync(join(path, ".project-docs"))).toBe(join(moved, ".project-docs"));
  expect(await after.status(path)).toEqual(["?? dirty.txt"]);
  expect(await runOkstra(["worktree", "provision", "g/t", "--json"], { cwd: moved })).toMatchObject({
    status: 0,
    json: { status: "reused", path },
  });
  expect(await doctor(moved)).toEqual({ status: 0, verdict: "ok", failing: [] });
});

test("case 34: a tree on a disk that is not mounted stays registered", async () => {
  const { repo, home } = project;
  const { path } = await project.provision("g/t");
  renameSync(join(home.okstraHome, "worktrees/proj/g"), join(home.root, "unmounted"));
  await repair();
  await project.okstra(["worktree", "list"]);
  await project.provision("h/u");
  expect(await repo.worktrees()).toContain(path);
  rmSync(join(home.okstraHome, "worktrees/proj/g"), { recursive: true, force: true });
  renameSync(join(home.root, "unmounted"), join(home.okstraHome, "worktrees/proj/g"));
  expect(await repo.status(path)).toEqual([]);
});

test("a tree with okstra's marker and no row gets its row back; a foreign directory is only named", async () => {
  const { home } = project;
  const { path, branch } = await project.provision("g/t", "--category", "bugfix", "-t", "error-analysis");
  await project.provision("g/other");
  const registry = project.loadRegistry();
  const row = registry.tasks["proj/g/t"];
  const { "proj/g/t": _gone, ...tasks } = registry.tasks;
  writeFileSync(join(home.okstraHome, "worktrees/registry.json"), JSON.stringify({ schema: 2, tasks, branches: {} }));
  const foreign = join(home.okstraHome, "worktrees/proj/g/foreign");
  mkdirSync(foreign);
  writeFileSync(join(foreign, "mine.txt"), "mine\n");
  expect((await doctor()).failing.map(({ fix }) => fix)).toEqual([expect.stringContaining("mv "), "okstra worktree repair"]);
  expect(await repair()).toMatchObject([
    { action: "foreign", subject: foreign },
    { action: "registered", subject: "proj/g/t" },
  ]);
  expect(project.loadRegistry().tasks["proj/g/t"]).toEqual(row);
  expect(await project.provision("g/t")).toMatchObject({ status: "reused", path, branch });
  expect(readFileSync(join(foreign, "mine.txt"), "utf8")).toBe("mine\n");
  expect(await repair()).toMatchObject([{ action: "foreign" }]);
});

test("left-over temporary files are swept, under the lock of the file they were for", async () => {
  const { home } = project;
  const { path: tree } = await project.provision("g/t");
  const admin = readFileSync(join(tree, ".git"), "utf8").slice("gitdir: ".length).trim();
  const left = [
    join(home.okstraHome, "worktrees/.registry.json.0123456789ab.tmp"),
    join(home.okstraHome, ".trust.json.0123456789ab.tmp"),
    join(admin, "okstra-index.0123456789ab.tmp"),
  ];
  for (const path of left) writeFileSync(path, "half");
  expect((await doctor()).failing).toMatchObject([
    { name: "tasks", fix: "okstra worktree repair" },
    { name: "temporary-files", fix: "okstra worktree repair" },
  ]);
  expect((await repairOnce()).map(({ action }) => action)).toEqual(["swept", "swept", "swept"]);
  for (const path of left) expect(existsSync(path)).toBe(false);
});

test("case 33: a `git worktree list` that fails is never read as no worktrees", async () => {
  const { repo, home } = project;
  const { path } = await project.provision("g/t");
  writeFileSync(join(repo.gitDir, "config"), "[core\nbroken");
  const repaired = await project.okstra(["worktree", "repair"]);
  expect([repaired.status, repaired.json.error.code]).toEqual([1, "OKSTRA_GIT_FAILED"]);
  expect((await project.okstra(["worktree", "remove", "g/t", "--yes"])).json.error.code).toBe("OKSTRA_GIT_FAILED");
  const outside = await doctor(home.home);
  expect(outside.status).toBe(1);
  expect(outside.failing.map(({ message }) => message).join("\n")).toContain("git");
  expect(existsSync(join(path, "README.md"))).toBe(true);
  expect(project.loadRegistry().tasks["proj/g/t"]?.["status"]).toBe("active");
});

test("outside a repository repair still mends what it can", async () => {
  const { home } = project;
  await stopProvision("links-made");
  expect(await repair(home.home)).toMatchObject([{ action: "completed", subject: "proj/g/t" }]);
});
