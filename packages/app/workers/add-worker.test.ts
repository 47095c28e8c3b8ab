import { afterEach, beforeEach, expect, test } from "vitest";
import { createTestProject, type TestProject } from "@okstra/testkit/test-project";

let project: TestProject;
beforeEach(async () => {
  project = await createTestProject();
});
afterEach(() => project.remove());

const add = (...argv: string[]) => project.okstra(["workers", "add", ...argv]);
const own = (): Record<string, unknown> => JSON.parse(project.repo.read(".project-docs/okstra/project.json"))["workers"];

test("a worker is written into project.json, or for every project into home's configuration", async () => {
  expect((await add("open", "--kind", "acp", "--preset", "opencode", "--model", "sonnet", "--family", "mine")).json).toMatchObject({
    name: "open",
    worker: { kind: "acp", preset: "opencode", model: "sonnet", family: "mine" },
    program: null,
    install: "npm install --global opencode-ai",
  });
  expect((await add("tool", "--kind", "command", "--", "sh", "-c", "echo a  b")).json).toMatchObject({
    worker: { command: ["sh", "-c", "echo a  b"] },
    program: expect.stringMatching(/\/sh$/),
    install: null,
  });
  expect((await add("mine", "--kind", "acp", "--command", "my-agent  --acp", "--home")).status).toBe(0);
  expect(own()).toEqual({
    open: { kind: "acp", preset: "opencode", model: "sonnet", family: "mine" },
    tool: { kind: "command", command: ["sh", "-c", "echo a  b"] },
  });
  expect(JSON.parse(project.repo.read("config.json", project.home.okstraHome))["workers"]).toEqual({
    mine: { kind: "acp", command: ["my-agent", "--acp"] },
  });
});

test("a known agent's name is enough", async () => {
  expect((await add("claude")).status).toBe(0);
  expect((await add("gemini-acp")).status).toBe(0);
  expect(own()).toEqual({ claude: { kind: "claude" }, "gemini-acp": { kind: "acp", preset: "gemini" } });
});

test("a name that is taken is refused without --replace", async () => {
  await add("claude", "--model", "opus");
  expect((await add("claude")).json.error).toMatchObject({ code: "OKSTRA_WORKER_EXISTS", details: { worker: "claude", where: "project" } });
  expect(own()).toEqual({ claude: { kind: "claude", model: "opus" } });
  // In the other file the name is free.
  expect((await add("claude", "--home")).status).toBe(0);
  expect((await add("claude", "--replace")).status).toBe(0);
  expect(own()).toEqual({ claude: { kind: "claude" } });
});

test.each([
  [["Claude", "--kind", "claude"], "OKSTRA_USAGE", "no name of a worker"],
  [["a.b", "--kind", "claude"], "OKSTRA_USAGE", "no name of a worker"],
  [["a", "--kind", "nothing"], "OKSTRA_USAGE", "kind"],
  [["a"], "OKSTRA_USAGE", "Say --kind"],
  [["a", "--kind", "acp"], "OKSTRA_USAGE", "needs a command or a preset"],
  [["a", "--kind", "command"], "OKSTRA_USAGE", "needs a command."],
  [["a", "--kind", "acp", "--preset", "none"], "OKSTRA_PREPARE_WORKER_UNKNOWN", "opencode"],
  [["a", "--kind", "claude", "--model", "opsu"], "OKSTRA_PREPARE_MODEL_UNKNOWN", "opus"],
  [["a", "--kind", "command", "--command", "sh -c 'x y'"], "OKSTRA_USAGE", "split at spaces"],
  [["a", "--kind", "command", "--command", "x", "--", "y"], "OKSTRA_USAGE", "exclude each other"],
])("%j is refused and writes nothing", async (argv, code, words) => {
  const answer = await add(...argv);
  expect(answer.json.error.code).toBe(code);
  expect(answer.json.error.message).toContain(words);
  expect(own()).toBeUndefined();
});
