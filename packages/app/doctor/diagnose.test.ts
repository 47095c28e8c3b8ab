import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTestHome } from "@okstra/testkit/test-home";
import { createTestProject, type TestProject } from "@okstra/testkit/test-project";
import { runOkstra } from "@okstra/testkit/run-okstra";
import { afterEach, beforeEach, expect, test } from "vitest";

let project: TestProject;
let path = "";
beforeEach(async () => {
  project = await createTestProject();
  ({ path } = await project.provision("g/t"));
});
afterEach(() => project.remove());

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly message: string;
  readonly fix: string;
}

/** The failing checks; every one names what mends it, and the exit status follows. */
async function diagnose(): Promise<readonly Check[]> {
  const { status, json } = await project.okstra(["doctor"]);
  const failing: readonly Check[] = json.checks.filter((check: Check) => !check.ok);
  for (const check of json.checks as readonly Check[]) expect(check.ok ? check.fix === "" : check.fix !== "", check.message).toBe(true);
  expect([status, json.verdict]).toEqual(failing.length === 0 ? [0, "ok"] : [1, "problems"]);
  return failing;
}

const adminDir = (): string => readFileSync(join(path, ".git"), "utf8").slice("gitdir: ".length).trim();

test("a machine in order: every check by name, and the verdict", async () => {
  expect(await diagnose()).toEqual([]);
  const { stdout } = await runOkstra(["doctor"], { cwd: project.repo.root });
  for (const name of ["node", "git", "home", "file-system", "locks", "registry", "tasks", "temporary-files", "isolation", "project"])
    expect(stdout).toContain(`ok   ${name} `);
  expect(stdout.trimEnd().split("\n").at(-1)).toBe("verdict: ok");
});

test("it works outside a repository, and before okstra was ever used", async () => {
  const fresh = createTestHome();
  try {
    const answer = await runOkstra(["doctor", "--json"], { cwd: fresh.home });
    expect([answer.status, answer.json.verdict]).toEqual([0, "ok"]);
  } finally {
    fresh.remove();
  }
});

test("a repository without setup names the command", async () => {
  rmSync(join(project.repo.root, ".project-docs/okstra/project.json"));
  expect(await diagnose()).toMatchObject([{ name: "project", fix: "okstra setup" }]);
});

test("a broken project.json", async () => {
  project.repo.write(".project-docs/okstra/project.json", "{");
  expect(await diagnose()).toMatchObject([{ name: "project", message: expect.stringContaining("not valid JSON") }]);
});

test("case 20: state that others can read", async () => {
  chmodSync(project.home.okstraHome, 0o755);
  chmodSync(join(project.home.okstraHome, "worktrees/registry.json"), 0o644);
  expect((await diagnose()).map(({ fix }) => fix)).toEqual([
    `chmod 700 ${project.home.okstraHome}`,
    `chmod 600 ${project.home.okstraHome}/worktrees/registry.json`,
  ]);
});

test("case 16: a link in place of a directory", async () => {
  renameSync(join(project.home.okstraHome, "worktrees"), join(project.home.root, "elsewhere"));
  symlinkSync(join(project.home.root, "elsewhere"), join(project.home.okstraHome, "worktrees"));
  expect((await diagnose())[0]).toMatchObject({ name: "home", message: expect.stringContaining("symbolic link") });
});

test("case 27: an unreadable registry is told, not mended", async () => {
  const registry = join(project.home.okstraHome, "worktrees/registry.json");
  writeFileSync(registry, "{ garbage");
  expect(await diagnose()).toMatchObject([
    { name: "registry", message: expect.stringContaining("not JSON"), fix: "okstra worktree repair" },
  ]);
  expect(readFileSync(registry, "utf8")).toBe("{ garbage");
  await project.okstra(["worktree", "repair"]);
  expect(await diagnose()).toEqual([]);
});

test("a registry of a newer okstra, and one of version 1", async () => {
  const registry = join(project.home.okstraHome, "worktrees/registry.json");
  const { tasks } = project.loadRegistry();
  writeFileSync(registry, JSON.stringify({ schema: 3, tasks, branches: {} }));
  expect(await diagnose()).toMatchObject([{ name: "registry", message: expect.stringContaining("newer") }]);
  const { repository: _repository, ...old } = tasks["proj/g/t"] ?? {};
  writeFileSync(registry, JSON.stringify({ tasks: { "proj/g/t": old }, branches: { "task-t": "proj/g/t" } }));
  expect(await diagnose()).toMatchObject([{ name: "registry", message: expect.stringContaining("version 1") }]);
  await project.okstra(["worktree", "list"]);
  expect(await diagnose()).toEqual([]);
  expect((await project.okstra(["doctor"])).json.checks).toContainEqual(
    expect.objectContaining({ name: "registry-v1", message: expect.stringContaining("Python") }),
  );
});

test("a tree that is gone, a branch that is gone, both", async () => {
  const { repo } = project;
  await repo.git(["update-ref", "-d", "refs/heads/task-t"]);
  expect(await diagnose()).toMatchObject([
    { message: expect.stringContaining("its branch task-t is gone"), fix: `git -C ${path} switch -c task-t` },
  ]);
  rmSync(path, { recursive: true });
  expect(await diagnose()).toMatchObject([{ fix: expect.stringContaining("branch task-t") }]);
  await repo.git(["branch", "task-t"]);
  expect(await diagnose()).toMatchObject([{ fix: expect.stringContaining("okstra worktree provision g/t") }]);
});

test("case 6: a rewritten commondir, and the wrong branch", async () => {
  await project.repo.git(["switch", "--quiet", "-c", "elsewhere"], { cwd: path });
  expect(await diagnose()).toMatchObject([{ message: expect.stringContaining("elsewhere"), fix: `git -C ${path} switch task-t` }]);
  await project.repo.git(["switch", "--quiet", "task-t"], { cwd: path });
  mkdirSync(join(project.home.root, "trap"));
  writeFileSync(join(adminDir(), "commondir"), join(project.home.root, "trap"));
  expect((await diagnose()).some(({ message }) => message.includes("trap"))).toBe(true);
});

test("left-over lock files of git in a task's worktree", async () => {
  writeFileSync(join(adminDir(), "index.lock"), "");
  writeFileSync(join(adminDir(), "HEAD.lock"), "");
  const failing = await diagnose();
  expect(failing.map(({ fix }) => fix)).toEqual(
    [`rm ${join(adminDir(), "HEAD.lock")}`, `rm ${join(adminDir(), "index.lock")}`].map((fix) => expect.stringContaining(fix)),
  );
});

test("it changes nothing", async () => {
  const look = async (): Promise<unknown> => [
    project.loadRegistry(),
    await project.repo.git(["for-each-ref"]),
    await project.repo.status(),
    await project.repo.status(path, "--ignored"),
  ];
  const before = await look();
  await diagnose();
  expect(await look()).toEqual(before);
});
