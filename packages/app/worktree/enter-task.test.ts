import { rmSync } from "node:fs";
import { join } from "node:path";
import { createTestProject, type TestProject } from "@okstra/testkit/test-project";
import { runOkstra } from "@okstra/testkit/run-okstra";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

let project: TestProject;
let path = "";
beforeEach(async () => {
  project = await createTestProject();
  ({ path } = await project.provision("g/t"));
});
afterEach(() => project.remove());

const exec = (...command: readonly string[]): ReturnType<TestProject["okstra"]> => project.okstra(["exec", "g/t", "--", ...command]);

describe("path", () => {
  test("prints the path alone, from anywhere in the project", async () => {
    expect(await runOkstra(["path", "g/t"], { cwd: join(project.repo.root, "src") })).toMatchObject({
      status: 0,
      stdout: `${path}\n`,
      stderr: "",
    });
    expect((await runOkstra(["path", "g/t", "--json"], { cwd: path })).json).toEqual({ path });
  });

  test("no such task, no tree", async () => {
    expect((await project.okstra(["path", "g/none"])).json.error.code).toBe("OKSTRA_TASK_NOT_FOUND");
    rmSync(path, { recursive: true });
    const refused = await project.okstra(["path", "g/t"]);
    expect([refused.status, refused.json.error.code]).toEqual([1, "OKSTRA_WORKTREE_MISSING"]);
    expect(refused.json.error.hint).toContain("okstra worktree provision g/t");
  });
});

describe("exec", () => {
  test("runs in the worktree with the person's environment, arguments as they are, and answers the exit status", async () => {
    const out = join(project.home.root, "out");
    const answer = await project.okstra(
      ["exec", "g/t", "--", "sh", "-c", `printf '%s\\n' "$PWD" "$MINE" "$GIT_DIR" "$1" > '${out}'; exit 7`, "sh", "a b; $(touch x) --json"],
      { env: { MINE: "kept", GIT_DIR: "/nowhere" } },
    );
    expect(answer.status).toBe(7);
    expect(project.repo.read("out", project.home.root)).toBe(`${path}\nkept\n\na b; $(touch x) --json\n`);
  });

  test("127 for a program that is not there, 126 for one that may not run, 128 and the number after a signal", async () => {
    expect((await exec("no-such-program-here")).status).toBe(127);
    project.repo.write("plain.txt", "text\n", { at: path, mode: 0o644 });
    expect((await exec("./plain.txt")).status).toBe(126);
    expect((await exec("sh", "-c", "kill -TERM $$")).status).toBe(143);
  });

  test("no command is a usage error", async () => {
    expect((await runOkstra(["exec", "g/t"], { cwd: project.repo.root })).status).toBe(2);
  });
});
