import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFakePrograms, type FakePrograms } from "@okstra/testkit/agents/fake-programs";
import { createTestProject, type TestProject } from "@okstra/testkit/test-project";
import type { WorkerList, WorkerView } from "./list-workers.ts";

let project: TestProject;
let programs: FakePrograms;
beforeEach(async () => {
  project = await createTestProject();
  programs = createFakePrograms(project.home.directory("bin"));
});
afterEach(() => project.remove());

const configure = (settings: object): void =>
  project.repo.write(".project-docs/okstra/project.json", JSON.stringify({ schema: 1, projectId: "proj", ...settings }));
async function list(env: Readonly<Record<string, string>> = {}): Promise<WorkerList & { by: (name: string) => WorkerView }> {
  const { json, status } = await project.okstra(["workers", "list"], { env: { PATH: programs.directory, ...env } });
  expect(status).toBe(0);
  return { ...json, by: (name) => json.workers.find((worker: WorkerView) => worker.name === name) };
}

test("what is on PATH, its version, and what it would be started with", async () => {
  programs.install("claude", "opencode");
  const { by, models } = await list();
  expect(by("claude")).toMatchObject({
    kind: "claude",
    preset: "claude",
    configuredIn: null,
    path: join(programs.directory, "claude"),
    version: "claude 1.2.3 (fake)",
    model: null,
    family: "anthropic",
    sandbox: "auto",
    problem: null,
  });
  expect(by("claude").start?.readOnly[0]).toBe(join(programs.directory, "claude"));
  expect(by("opencode")).toMatchObject({
    version: "opencode 1.2.3 (fake)",
    family: "unknown",
    start: { readOnly: [join(programs.directory, "opencode"), "acp"] },
    modes: { readOnly: "plan", edit: "build" },
  });
  expect(by("codex")).toMatchObject({
    path: null,
    version: null,
    start: null,
    problem: { code: "OKSTRA_PREPARE_WORKER_NOT_FOUND", hint: "Install it: npm install --global @openai/codex" },
  });
  expect(by("checks")).toMatchObject({ kind: "checks", problem: null, sandbox: "off" });
  expect(models).toEqual(expect.arrayContaining(["opus", "claude-*"]));
});

test("how a headless agent starts to look and to edit", async () => {
  programs.install("claude", "codex", "gemini");
  configure({ workers: { claude: { kind: "claude", model: "opus" } } });
  const { by } = await list();
  const starts = (name: string): string[] => [by(name).start?.readOnly.join(" ") ?? "", by(name).start?.edit.join(" ") ?? ""];
  expect(starts("claude")).toEqual([
    expect.stringContaining("--permission-mode plan"),
    expect.stringContaining("--permission-mode acceptEdits"),
  ]);
  expect(starts("claude")[0]).toContain("--model opus");
  expect(starts("codex")).toEqual([expect.stringContaining("-s read-only"), expect.stringContaining("-s workspace-write")]);
  expect(starts("gemini")).toEqual([expect.stringContaining("--approval-mode plan"), expect.stringContaining("--approval-mode auto_edit")]);
});

test("configured ones come first; what is wrong with one keeps no other from being shown", async () => {
  programs.install("claude");
  configure({
    sandbox: "require",
    workers: {
      zulu: { kind: "claude", model: "opus", env: ["EXTRA"], sandbox: "off" },
      bad: { kind: "acp", preset: "opncode" },
      worse: { kind: "claude", model: "opsu" },
      tool: { kind: "command", command: ["sh", "-c", "true"] },
    },
  });
  const { workers, by } = await list();
  expect(workers.slice(0, 4).map(({ name }) => name)).toEqual(["bad", "tool", "worse", "zulu"]);
  expect(by("bad").problem?.code).toBe("OKSTRA_PREPARE_WORKER_UNKNOWN");
  expect(by("worse").problem?.code).toBe("OKSTRA_PREPARE_MODEL_UNKNOWN");
  expect(by("tool")).toMatchObject({
    configuredIn: "project",
    version: null,
    family: "tool",
    sandbox: "require",
    start: { edit: [expect.any(String), "-c", "true"] },
  });
  expect(by("zulu")).toMatchObject({ model: "opus", family: "anthropic", sandbox: "off" });
  expect(by("zulu").env.map(({ name }) => name)).toContain("EXTRA");
});

test("case 55: of variables only their names are said and whether they are set", async () => {
  programs.install("claude");
  const secret = "sk-ant-canary-0123456789abcdef";
  const { by, ...rest } = await list({ ANTHROPIC_API_KEY: secret, ANTHROPIC_BASE_URL: "" });
  const set = Object.fromEntries(by("claude").env.map(({ name, isSet }) => [name, isSet]));
  expect(set).toMatchObject({ ANTHROPIC_API_KEY: true, ANTHROPIC_BASE_URL: false, CLAUDE_CONFIG_DIR: false });
  expect(JSON.stringify(rest)).not.toContain("canary");
  const text = await project.okstra(["workers", "list"], { env: { PATH: programs.directory, ANTHROPIC_API_KEY: secret } });
  expect(text.stdout + text.stderr).not.toContain("canary");
});

test("case 56: a program that is asked for its version sees PATH and an empty HOME", async () => {
  const at = programs.directory;
  writeFileSync(join(at, "goose"), `#!${at}/sh\n${at}/env > "${at}/env.txt"\necho "goose 9"\n`, { mode: 0o755 });
  writeFileSync(join(at, "qwen"), `#!${at}/sh\nexit 3\n`, { mode: 0o755 });
  const { by } = await list({ MY_SECRET: "x", ANTHROPIC_API_KEY: "y" });
  expect(by("goose").version).toBe("goose 9");
  expect(by("qwen")).toMatchObject({ version: null, problem: null });
  const names = project.repo
    .read("env.txt", at)
    .split("\n")
    .map((line) => line.split("=")[0] ?? "")
    .filter((name) => !["", "PWD", "OLDPWD", "SHLVL", "_"].includes(name) && !name.startsWith("OKSTRA_"));
  expect(names.sort()).toEqual(["HOME", "PATH"]);
  expect(readdirSync(join(project.home.okstraHome, "scratch"))).toEqual([]);
});
