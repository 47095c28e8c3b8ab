import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createTestProject, type TestProject } from "@okstra/testkit/test-project";
import { makeWork, photograph } from "@okstra/testkit/tree-work";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

let project: TestProject;
let path = "";
beforeEach(async () => {
  project = await createTestProject();
  await project.repo.commit("ignore", { ".gitignore": "*.log\nbuild/\nnode_modules/\n" });
  ({ path } = await project.provision("g/t"));
});
afterEach(() => project.remove());

const remove = (...flags: readonly string[]): ReturnType<TestProject["okstra"]> => project.okstra(["worktree", "remove", "g/t", ...flags]);
const restore = (): ReturnType<TestProject["okstra"]> => project.okstra(["worktree", "restore", "g/t"]);

describe("case 22: stopped between any two steps", () => {
  const STEPS = ["work-archived", "work-pinned", "trash-written", "removing", "tree-removed", "branch-deleted", "row-dropped"];

  /** Stops the removal at a step as a kill would: nothing after it happens. */
  async function stopAt(step: string): Promise<void> {
    const stopped = await project.okstra(["worktree", "remove", "g/t", "--yes"], {
      onEvent: (event) => {
        if (event.type === step) throw new Error(`stopped at ${step}`);
      },
    });
    expect(stopped.stdout).toContain(`stopped at ${step}`);
  }

  for (const step of STEPS) {
    test(`after ${step}: all work is there or comes back`, async () => {
      await makeWork(project.repo, path);
      const before = photograph(path);
      await stopAt(step);
      const again = await remove("--yes");
      expect([0, 1]).toContain(again.status);
      if (again.status === 1) expect(again.json.error.code).toBe("OKSTRA_TASK_NOT_FOUND");
      expect(existsSync(path)).toBe(false);
      expect(await project.repo.branches()).toEqual(["main"]);
      expect(project.loadRegistry().tasks).toEqual({});
      const back = await restore();
      expect(back.status, back.stdout).toBe(0);
      expect(photograph(path)).toEqual(before);
      expect((await project.okstra(["doctor"])).json.verdict).toBe("ok");
    });

    test(`after ${step}: provision answers with a whole tree, never a half-deleted one`, async () => {
      await makeWork(project.repo, path);
      await stopAt(step);
      const answer = await project.provision("g/t");
      expect(["created", "reused"]).toContain(answer.status);
      const deleted = (await project.repo.status(path)).filter((line) => line.startsWith(" D"));
      expect(deleted).toEqual(answer.status === "reused" ? [" D gone.txt"] : []);
    });
  }

  for (const withGitFile of [true, false]) {
    test(`in the middle of git's own deletion, ${withGitFile ? "before" : "after"} its .git file went`, async () => {
      await makeWork(project.repo, path);
      const before = photograph(path);
      await stopAt("removing");
      for (const name of ["src", "README.md", "private.txt", "build"]) rmSync(join(path, name), { recursive: true });
      if (!withGitFile) rmSync(join(path, ".git"));
      expect((await project.okstra(["worktree", "repair"])).json.actions).toMatchObject([{ action: "settled", subject: "proj/g/t" }]);
      expect(existsSync(path)).toBe(false);
      expect((await restore()).status).toBe(0);
      expect(photograph(path)).toEqual(before);
    });
  }

  test("work that was done after the interruption is never lost", async () => {
    await makeWork(project.repo, path);
    await stopAt("removing");
    project.repo.write("later.txt", "later\n", { at: path });
    const warned = await project.okstra(["worktree", "provision", "g/t"]);
    expect(warned.json).toMatchObject({ status: "reused", path });
    expect(warned.stderr).toContain("given up");
    expect(project.repo.read("later.txt", path)).toBe("later\n");
  });

  test("doctor names the interrupted removal and the command that mends it", async () => {
    await stopAt("removing");
    const doctor = await project.okstra(["doctor"]);
    expect(doctor.status).toBe(1);
    expect(doctor.json.checks.filter((check: { ok: boolean }) => !check.ok)).toMatchObject([
      { name: "tasks", message: expect.stringContaining("interrupted removal"), fix: "okstra worktree repair" },
    ]);
  });

  for (const step of ["row-reserved", "links-made", "work-restored", "activating"]) {
    test(`a restore that stops at ${step} is completed by the next command`, async () => {
      await makeWork(project.repo, path);
      const before = photograph(path);
      await remove("--yes");
      await project.okstra(["worktree", "restore", "g/t"], {
        onEvent: (event) => {
          if (event.type === step) throw new Error("stopped");
        },
      });
      const answer = step === "links-made" ? await restore() : await project.okstra(["worktree", "provision", "g/t"]);
      expect(answer.status, answer.stdout).toBe(0);
      expect(photograph(path)).toEqual(before);
      expect((await project.okstra(["doctor"])).json.verdict).toBe("ok");
    });
  }
});
