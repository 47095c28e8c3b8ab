import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFakePrograms, type FakePrograms } from "@okstra/testkit/agents/fake-programs";
import { createTestProject, type TestProject } from "@okstra/testkit/test-project";
import type { WorkerTest } from "./test-workers.ts";

let project: TestProject;
let programs: FakePrograms;
beforeEach(async () => {
  project = await createTestProject();
  programs = createFakePrograms(project.home.directory("bin"));
});
afterEach(() => project.remove());

const SECRETS = { ANTHROPIC_API_KEY: "sk-canary-1", OPENAI_API_KEY: "sk-canary-2", GEMINI_API_KEY: "canary-3", GH_TOKEN: "canary-4" };
const configure = (settings: object): void =>
  project.repo.write(".project-docs/okstra/project.json", JSON.stringify({ schema: 1, projectId: "proj", ...settings }));
async function tryOut(...names: string[]): Promise<{ status: number; tests: readonly WorkerTest[]; error?: { code: string } }> {
  const { status, json } = await project.okstra(["workers", "test", ...names], { env: { PATH: programs.directory, ...SECRETS } });
  return { status, tests: json.workers, error: json.error };
}
const steps = (each: WorkerTest | undefined): unknown[] => each?.steps.map(({ step, ok }) => [step, ok]) ?? [];
const detail = (each: WorkerTest | undefined, step: string): string => each?.steps.find((one) => one.step === step)?.detail ?? "";
const leftovers = (): string[] => {
  const scratch = join(project.home.okstraHome, "scratch");
  return existsSync(scratch) ? readdirSync(scratch) : [];
};

test.each([
  ["claude", "claude-fake-1"],
  ["codex", "gpt-fake-1"],
  ["gemini", "gemini-fake-1"],
] as const)("%s: a lane against the fake model, with nothing of the person's", async (name, model) => {
  programs.install(name);
  const { status, tests } = await tryOut(name);
  expect(tests).toMatchObject([{ name, ok: true, steps: expect.any(Array), durationMs: expect.any(Number) }]);
  expect(steps(tests[0])).toEqual([
    ["program", true],
    ["version", true],
    ["lane", true],
    ["result", true],
    ["model", true],
  ]);
  expect(detail(tests[0], "model")).toContain(`for ${model}`);
  expect(status).toBe(0);

  const { env, cwd } = programs.seen(name);
  expect(JSON.stringify(env)).not.toContain("canary");
  expect(["USER", "GH_TOKEN", "SSH_AUTH_SOCK", "GIT_AUTHOR_NAME"].filter((each) => each in env)).toEqual([]);
  // The door's server has a home of its own.
  expect(Object.values(env)).not.toContain(project.home.okstraHome);
  expect(Object.values(env)).not.toContain(project.home.home);
  expect(env["HOME"]).toMatch(/scratch\/workers-test-/);
  expect(env["HTTPS_PROXY"]).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(cwd).toMatch(/scratch\/workers-test-/);
  expect(cwd).not.toContain(project.repo.root);
  expect(leftovers()).toEqual([]);
});

test("an agent without a recipe: the handshake, said in words", async () => {
  programs.install("opencode");
  programs.write("gone", "console.error('no licence'); process.exitCode = 9;");
  configure({ workers: { gone: { kind: "acp", command: ["gone"] } } });
  const { status, tests } = await tryOut("opencode", "gone");
  expect(tests[0]).toMatchObject({ name: "opencode", ok: true });
  expect(detail(tests[0], "handshake")).toMatch(/^opencode 1\.2\.3; only the handshake/);
  expect(tests[1]).toMatchObject({ name: "gone", ok: false });
  expect(detail(tests[1], "handshake")).toBe("it ended with exit status 9: no licence");
  expect(status).toBe(1);
});

test("a command worker: a lane in a checkout of the project's commit", async () => {
  await project.repo.commit("tool", {
    "tools/good.sh": `printf '{"nonce":"%s","findings":[]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"\n`,
    "tools/bad.sh": `printf '{"nonce":"1","findings":[]}' > "$OKSTRA_RESULT"\n`,
  });
  configure({
    workers: {
      good: { kind: "command", command: ["sh", "tools/good.sh"] },
      bad: { kind: "command", command: ["sh", "tools/bad.sh"] },
      crash: { kind: "command", command: ["sh", "-c", "echo boom >&2; exit 3"] },
    },
  });
  const { status, tests } = await tryOut();
  expect(tests.map(({ name, ok }) => [name, ok])).toEqual([
    ["good", true],
    ["bad", false],
    ["crash", false],
  ]);
  expect(detail(tests[1], "result")).toContain("another nonce");
  expect(detail(tests[2], "lane")).toContain("boom");
  expect(status).toBe(1);
  expect(leftovers()).toEqual([]);
});

test("an agent that answers amiss, asks nobody, or crashes has failed", async () => {
  programs.write("claude", `print({ type: "result", subtype: "success", is_error: false, session_id: "s", result: "hello" });`);
  const { status, tests } = await tryOut("claude");
  expect(status).toBe(1);
  expect(steps(tests[0])).toEqual([
    ["program", true],
    ["version", true],
    ["lane", false],
    ["model", false],
  ]);
  expect(detail(tests[0], "lane")).toContain("without a result");
});

test("where an agent wanted to go beside its model is named, and it got nowhere", async () => {
  programs.install("claude");
  const body = project.repo
    .read("claude", programs.directory)
    .split("\n")
    .slice(1)
    .join("\n")
    .replace(/^[\s\S]*?const input[^\n]*\n/, "");
  programs.write(
    "claude",
    `const proxy = new URL(process.env.HTTPS_PROXY);
require("node:http").request({ host: proxy.hostname, port: proxy.port, method: "CONNECT", path: "telemetry.example.com:443" })
  .on("connect", (response, socket) => { socket.destroy(); start(); }).on("error", fail).end();
function start() { ${body} }`,
  );
  const { tests } = await tryOut("claude");
  expect(tests[0]).toMatchObject({ ok: true });
  expect(detail(tests[0], "network")).toContain("telemetry.example.com:443");
});

test("what is not there or not known", async () => {
  const missing = await tryOut("claude");
  expect(missing.tests).toMatchObject([
    { ok: false, steps: [{ step: "settings", detail: expect.stringContaining("OKSTRA_PREPARE_WORKER_NOT_FOUND") }] },
  ]);
  expect(missing.status).toBe(1);
  expect((await tryOut("nobody")).error?.code).toBe("OKSTRA_PREPARE_WORKER_UNKNOWN");
  expect((await tryOut()).error?.code).toBe("OKSTRA_PREPARE_NO_WORKERS");
});

test("without names: those that are configured and the known ones on PATH", async () => {
  programs.install("opencode");
  configure({ workers: { tool: { kind: "command", command: ["sh", "-c", "exit 3"] }, all: { kind: "checks" } } });
  const { tests } = await tryOut();
  expect(tests.map(({ name }) => name).sort()).toEqual(["opencode", "tool"]);
});

test("the checks worker says how many commands it has", async () => {
  configure({ qaCommands: ["true", "false"] });
  expect((await tryOut("checks")).tests).toMatchObject([{ ok: true, steps: [{ step: "commands", detail: "2 commands of the project" }] }]);
});
