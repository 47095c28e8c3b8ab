/** Each git process costs milliseconds: their number for the everyday commands has a limit. */
import { bundleDriver } from "@okstra/testkit/faults/bundle-driver";
import { installCountedGit } from "@okstra/testkit/faults/counted-git";
import { createFaultProject, useMemoryForTemporaryFiles, type FaultProject } from "@okstra/testkit/faults/fault-project";
import { endStarted } from "@okstra/testkit/faults/start-process";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";

let memory: ReturnType<typeof useMemoryForTemporaryFiles>;
let driver = "";
let project: FaultProject;
beforeAll(async () => {
  memory = useMemoryForTemporaryFiles();
  driver = await bundleDriver("okstra-driver", memory.directory);
});
afterAll(() => memory.remove());
beforeEach(async () => {
  project = await createFaultProject(driver);
});
afterEach(async () => {
  await endStarted();
  project.remove();
});

test("provision starts at most 6 git processes for a created task with base, links and copies, at most 2 for a reused one", async () => {
  const { repo, home } = project;
  await repo.commit("include", { ".gitignore": "*.local\n.scratch/\n", ".worktreeinclude": "*.local\n" });
  repo.write("conf/a.local", "a\n");
  repo.write(".scratch/note.txt", "note\n");
  await repo.git(["clone", "--quiet", "--bare", repo.root, `${home.root}/remote.git`]);
  await repo.git(["remote", "add", "origin", `${home.root}/remote.git`]);
  await repo.git(["fetch", "--quiet", "origin"]);
  const git = installCountedGit(home.directory("shim"));
  const provision = async (): Promise<{ status: string; note: string; calls: readonly string[] }> => {
    const { status, stdout, json } = await project.run(["worktree", "provision", "g/t", "--base-ref", "origin/main"], {
      env: { PATH: git.path },
    });
    expect(status, stdout).toBe(0);
    return { status: json.status, note: json.note, calls: git.take() };
  };

  const created = await provision();
  expect(created).toMatchObject({ status: "created", note: expect.stringMatching(/linked .*\.scratch.*copied 1 file/u) });
  expect(
    created.calls.some((call) => call.includes("worktree add")),
    created.calls.join("\n"),
  ).toBe(true);
  expect(created.calls.length, created.calls.join("\n")).toBeLessThanOrEqual(6);

  const reused = await provision();
  expect(reused.status).toBe("reused");
  expect(reused.calls.length, reused.calls.join("\n")).toBeGreaterThan(0);
  expect(reused.calls.length, reused.calls.join("\n")).toBeLessThanOrEqual(2);

  // From inside the task's own worktree git must be asked where the main one is.
  const inside = await project.run(["worktree", "provision", "g/t"], {
    env: { PATH: git.path },
    cwd: `${home.okstraHome}/worktrees/proj/g/t`,
  });
  expect(inside.json.status).toBe("reused");
  expect(git.take().length).toBeLessThanOrEqual(2);
});
