import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFakePrograms } from "@okstra/testkit/agents/fake-programs";
import { openApp } from "@okstra/testkit/open-app";
import { createTestProject, type TestProject } from "@okstra/testkit/test-project";
import { requireTrustedTree } from "./trust.ts";

let project: TestProject;
let worktree: string;
beforeEach(async () => {
  project = await createTestProject();
  worktree = (await project.provision("g/t")).path;
});
afterEach(() => project.remove());

const open = () => openApp({ env: project.home.env, cwd: project.repo.root, emit: () => undefined });
const check = async (tree: string, repositoryOf?: string) =>
  requireTrustedTree(await open(), tree, repositoryOf).then(
    () => null,
    (error: unknown) => error,
  );
const inTree = (path: string, text: string): void => project.repo.write(path, text, { at: worktree });

test("case 12: settings of a task's tree are listed, refused, and approved once per content", async () => {
  expect(await check(worktree)).toBeNull();
  inTree(".claude/settings.json", '{"hooks":{}}\n');
  inTree(".mcp.json", "{}\n");
  expect(await check(worktree)).toMatchObject({
    code: "OKSTRA_PREPARE_UNTRUSTED_SETTINGS",
    message: expect.stringContaining(".claude/settings.json, .mcp.json"),
    hint: "Look at them, then run: okstra trust g/t",
  });
  const listed = await project.okstra(["trust", "g/t", "--list"]);
  expect(listed.json).toMatchObject({ trees: [project.repo.root, worktree], approved: [] });
  expect(listed.json.items.map((item: { trusted: boolean }) => item.trusted)).toEqual([false, false]);
  expect(await check(worktree)).not.toBeNull();
  // Without the task's name only the main worktree is meant.
  expect((await project.okstra(["trust"])).json.approved).toEqual([]);
  expect((await project.okstra(["trust", "g/t"])).json.approved).toHaveLength(2);
  expect(await check(worktree)).toBeNull();
  expect((await project.okstra(["trust", "g/t", "--list"])).json.items).toMatchObject([{ trusted: true }, { trusted: true }]);
});

test("case 13: what a worker changes or adds is not obeyed unseen, and what was approved before still is", async () => {
  inTree(".codex/config.toml", "a = 1\n");
  await project.okstra(["trust", "g/t"]);
  inTree(".codex/config.toml", "a = 2\n");
  expect(await check(worktree)).toMatchObject({ details: { files: [{ path: ".codex/config.toml" }] } });
  await project.okstra(["trust", "g/t"]);
  inTree(".codex/config.toml", "a = 1\n");
  expect(await check(worktree)).toBeNull();
  inTree(".codex/more.toml", "a = 2\n");
  expect(await check(worktree)).toMatchObject({ details: { files: [{ path: ".codex/more.toml" }] } });
});

test("an ignored local file that only main has does not keep a task's tree from being covered", async () => {
  await project.repo.commit("settings", { ".claude/settings.json": "{}\n" });
  project.repo.write(".claude/settings.local.json", '{"a":1}\n');
  expect((await project.okstra(["trust"])).json.approved).toHaveLength(2);
  const other = (await project.provision("g/other")).path;
  expect(project.repo.exists(".claude/settings.json", other)).toBe(true);
  expect(project.repo.exists(".claude/settings.local.json", other)).toBe(false);
  expect(await check(other)).toBeNull();
});

test("a throw-away checkout is held against the approvals of the repository that it is of", async () => {
  project.repo.write(".mcp.json", "{}\n");
  await project.okstra(["trust"]);
  const scratch = project.home.directory("scratch");
  await project.repo.git(["clone", "--quiet", project.repo.root, scratch]);
  writeFileSync(join(scratch, ".mcp.json"), "{}\n");
  expect(await check(scratch)).not.toBeNull();
  expect(await check(scratch, project.repo.root)).toBeNull();
});

test("what cannot be approved is said, and stays refused", async () => {
  mkdirSync(join(worktree, ".claude"));
  symlinkSync("../src/a.txt", join(worktree, ".claude/settings.json"));
  const answer = await project.okstra(["trust", "g/t"]);
  expect(answer.json.approved).toEqual([]);
  expect(answer.json.items).toMatchObject([{ trusted: false, refusal: expect.stringContaining("can change unseen") }]);
  expect(await check(worktree)).toMatchObject({ hint: expect.stringContaining("put the files themselves there") });
  rmSync(join(worktree, ".claude"), { recursive: true });
  expect(await check(worktree)).toBeNull();
});

test("a directory without git has approvals too", async () => {
  const plain = project.home.directory("plain");
  writeFileSync(join(plain, ".env"), "A=1\n");
  expect(await check(plain)).toMatchObject({ hint: "Look at them, then run: okstra trust" });
  expect((await project.okstra(["trust"], { cwd: plain })).json.approved).toHaveLength(1);
  expect(await check(plain)).toBeNull();
});

test("a task that is not known is an error", async () => {
  expect((await project.okstra(["trust", "g/none"])).json.error.code).toBe("OKSTRA_TASK_NOT_FOUND");
});

test("case 12: a run with an agent does not begin in such a tree; one with other workers does", async () => {
  const programs = createFakePrograms(project.home.directory("bin"));
  programs.install("claude");
  inTree(".mcp.json", "{}\n");
  project.repo.write(
    ".project-docs/okstra/project.json",
    JSON.stringify({ schema: 1, projectId: "proj", workers: { tool: { kind: "command", command: ["sh", "-c", "exit 0"] } } }),
  );
  const prepare = (workers: string) =>
    project.okstra(["run", "g/t", "--task-type", "error-analysis", "--prepare-only", "--workers", workers], {
      env: { PATH: `${programs.directory}:${process.env["PATH"] ?? ""}` },
    });
  expect((await prepare("tool,checks")).status).toBe(0);
  const refused = await prepare("tool,claude");
  expect(refused.json.error).toMatchObject({ code: "OKSTRA_PREPARE_UNTRUSTED_SETTINGS", details: { files: [{ path: ".mcp.json" }] } });
  await project.okstra(["trust", "g/t"]);
  expect((await prepare("tool,claude")).status).toBe(0);
});
