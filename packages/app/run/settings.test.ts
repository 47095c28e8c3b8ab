import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { HomeConfig, Project } from "@okstra/core/domain/project";
import type { OkstraError } from "@okstra/core/errors";
import { requirePhase } from "@okstra/core/phases/index";
import type { Worker } from "@okstra/core/ports";
import { openApp } from "@okstra/testkit/open-app";
import { createTestHome, type TestHome } from "@okstra/testkit/test-home";
import type { App } from "../app.ts";
import { resolveSettings, type SettingsFlags } from "./settings.ts";

const NO_FLAGS: SettingsFlags = { workers: null, deadlineMs: null, lang: null };
const AGENT_LIMITS = { idleMs: 600_000, outputBytes: 268_435_456 };

let home: TestHome;
let bin: string;
let app: App;
beforeEach(async () => {
  home = createTestHome();
  bin = home.directory("bin");
  const opened = await openApp({ env: { ...home.env, PATH: bin }, cwd: home.root, emit: () => undefined });
  const never: Worker["run"] = () => Promise.reject(new Error("nothing is started here"));
  const agents = ["acp", "claude", "codex", "gemini"].map((kind) => [kind, { kind, run: never }] as const);
  app = { ...opened, workers: new Map<string, Worker>([...agents, ...opened.workers]) };
});
afterEach(() => home.remove());

function install(...names: string[]): void {
  for (const name of names) {
    writeFileSync(join(bin, name), "#!/bin/sh\n");
    chmodSync(join(bin, name), 0o755);
  }
}
const project = (settings: object = {}): Project => ({ schema: 1, projectId: "p", ...settings });
const config = (settings: object = {}): HomeConfig => ({ schema: 1, ...settings });
const resolve = (
  own: object = {},
  flags: Partial<SettingsFlags> = {},
  { homes = {}, type = "improvement-discovery" as Parameters<typeof requirePhase>[0] } = {},
) => resolveSettings(app, home.root, project(own), config(homes), requirePhase(type), { ...NO_FLAGS, ...flags });
const refusal = (promise: Promise<unknown>): Promise<OkstraError> =>
  promise.then(
    () => expect.fail("it was not refused"),
    (error: unknown) => error as OkstraError,
  );

test("one line of configuration is enough for each kind of agent", async () => {
  install("claude", "codex", "gemini", "opencode", "my-agent");
  const { roster } = await resolve({
    workers: {
      claude: { kind: "claude" },
      codex: { kind: "codex" },
      gem: { kind: "gemini" },
      open: { kind: "acp", preset: "opencode" },
      mine: { kind: "acp", command: ["my-agent", "--acp"] },
    },
    roster: { "improvement-discovery": ["claude", "codex", "gem", "open", "mine"] },
  });
  expect(roster.map(({ name, kind, preset, command, family, model }) => [name, kind, preset, command, family, model])).toEqual([
    ["claude", "claude", "claude", [join(bin, "claude")], "anthropic", null],
    ["codex", "codex", "codex", [join(bin, "codex")], "openai", null],
    ["gem", "gemini", "gemini", [join(bin, "gemini")], "google", null],
    ["open", "acp", "opencode", [join(bin, "opencode"), "acp"], "unknown", null],
    ["mine", "acp", null, [join(bin, "my-agent"), "--acp"], "unknown", null],
  ]);
  expect(roster.map(({ budget, sandbox }) => [budget, sandbox])).toEqual(roster.map(() => [AGENT_LIMITS, null]));
});

test("agents are known by their own names without configuration, and in no roster that nobody named them for", async () => {
  install("claude", "gemini", "opencode");
  const { roster } = await resolve({}, { workers: ["claude", "gemini-acp", "opencode"] });
  expect(roster.map(({ name, kind, command }) => [name, kind, command.slice(1)])).toEqual([
    ["claude", "claude", []],
    ["gemini-acp", "acp", ["--acp"]],
    ["opencode", "acp", ["acp"]],
  ]);
  expect((await refusal(resolve())).code).toBe("OKSTRA_PREPARE_NO_WORKERS");
  const verification = await resolve({}, {}, { type: "final-verification" });
  expect(verification.roster.map(({ name }) => name)).toEqual(["checks"]);
  expect((await refusal(resolve({}, {}, { type: "implementation" }))).code).toBe("OKSTRA_PREPARE_NO_WORKERS");
  const named = await resolve({}, { executor: "claude", workers: ["checks"] }, { type: "implementation" });
  expect(named).toMatchObject({ executor: "claude", roster: [{ name: "claude" }, { name: "checks" }] });
});

test("a configuration of the same name wins over what is known", async () => {
  install("claude", "other");
  const own = { workers: { claude: { kind: "command", command: ["other"] } } };
  expect((await resolve(own, { workers: ["claude"] })).roster).toMatchObject([
    { kind: "command", family: "claude", preset: null, env: [] },
  ]);
  const homes = { workers: { claude: { kind: "claude", family: "mine" } } };
  expect((await resolve({}, {}, { homes })).roster).toMatchObject([{ kind: "claude", family: "mine" }]);
  expect((await resolve(own, {}, { homes })).roster).toMatchObject([{ kind: "command" }]);
});

test("a command of the person's goes with what the preset knows; a path is looked up below the project", async () => {
  install("opencode", "wrap");
  const { roster } = await resolve({
    workers: {
      a: { kind: "acp", preset: "opencode", command: ["wrap", "opencode"], env: ["MY_KEY", "OPENCODE_CONFIG"] },
      b: { kind: "acp", command: ["./bin/opencode", "acp"] },
      c: { kind: "claude", command: ["wrap"] },
    },
  });
  expect(roster).toMatchObject([
    {
      preset: "opencode",
      command: [join(bin, "wrap"), "opencode"],
      env: ["OPENCODE_API_KEY", "OPENCODE_CONFIG", "OPENCODE_CONFIG_DIR", "MY_KEY"],
    },
    { preset: "opencode", command: [join(bin, "opencode"), "acp"] },
    { preset: "claude", command: [join(bin, "wrap")] },
  ]);
});

test("the family is the configured one, else the model's, else the preset's", async () => {
  install("claude", "opencode");
  const own = {
    models: { mine: "vendor/model-1", his: "model-2" },
    families: { "vendor/*": "vendor" },
    workers: {
      a: { kind: "claude", model: "mine", family: "said" },
      b: { kind: "claude", model: "mine" },
      c: { kind: "claude", model: "his" },
      d: { kind: "acp", preset: "opencode", model: "his" },
      e: { kind: "acp", preset: "opencode", model: "mine" },
    },
  };
  expect((await resolve(own)).roster.map(({ model, family }) => [model, family])).toEqual([
    ["vendor/model-1", "said"],
    ["vendor/model-1", "vendor"],
    ["model-2", "anthropic"],
    ["model-2", "unknown"],
    ["vendor/model-1", "vendor"],
  ]);
});

test("command workers are as they were: their own family, their model as it is said, no limits", async () => {
  install("tool");
  const own = { workers: { tool: { kind: "command", command: ["tool"], model: "anything" } } };
  expect((await resolve(own)).roster).toEqual([
    {
      name: "tool",
      kind: "command",
      preset: null,
      command: [join(bin, "tool")],
      family: "tool",
      model: "anything",
      env: [],
      deadlineMs: 1_800_000,
      budget: null,
      sandbox: null,
    },
  ]);
});

test("limits: the worker's own over those of its kind; the run's by flag over project over home, each by itself", async () => {
  install("claude", "tool");
  const workers = {
    a: { kind: "claude", budget: { idleMs: 0, tokens: 5 } },
    b: { kind: "command", command: ["tool"], budget: { cost: "1" } },
  };
  const homes = { budget: { tokens: 1, cost: "1.00", wallMs: 9 } };
  const own = { workers, budget: { tokens: 2, outputBytes: 3 } };
  const settings = await resolve(own, {}, { homes });
  expect(settings.roster.map(({ budget }) => budget)).toEqual([{ idleMs: 0, outputBytes: 268_435_456, tokens: 5 }, { cost: "1" }]);
  expect(settings.budget).toEqual({ tokens: 2, cost: "1.00", wallMs: 9, outputBytes: 3 });
  const flagged = await resolve(own, { maxCost: "2.50 EUR", maxTokens: 7 }, { homes });
  expect(flagged.budget).toEqual({ tokens: 7, cost: "2.50 EUR", wallMs: 9, outputBytes: 3 });
  expect((await resolve({ workers })).budget).toBeNull();
});

test("the sandbox: what is said for this run counts for all its workers, else the worker's own, the project's, home's", async () => {
  install("claude");
  const workers = { a: { kind: "claude", sandbox: "require" }, b: { kind: "claude" } };
  const states = async (own: object, flags: Partial<SettingsFlags>, homes: object): Promise<unknown> => {
    const { sandbox, roster } = await resolve({ workers, ...own }, flags, { homes });
    return [sandbox, ...roster.map((worker) => worker.sandbox)];
  };
  expect(await states({}, {}, {})).toEqual([null, "require", null]);
  expect(await states({}, {}, { sandbox: "off" })).toEqual(["off", "require", null]);
  expect(await states({ sandbox: "auto" }, {}, { sandbox: "off" })).toEqual(["auto", "require", null]);
  expect(await states({ sandbox: "auto" }, { sandbox: "off" }, {})).toEqual(["off", null, null]);
});

test("the deadline: flag, worker, project, home", async () => {
  install("claude");
  const workers = { a: { kind: "claude", deadlineMs: 5 }, b: { kind: "claude" }, c: { kind: "claude", deadlineMs: 0 } };
  const times = async (own: object, flags: Partial<SettingsFlags>, homes: object): Promise<number[]> =>
    (await resolve({ workers, ...own }, flags, { homes })).roster.map(({ deadlineMs }) => deadlineMs);
  expect(await times({}, {}, {})).toEqual([5, 1_800_000, 1_800_000]);
  expect(await times({}, {}, { deadlineMs: 7 })).toEqual([5, 7, 7]);
  expect(await times({ deadlineMs: 8 }, {}, { deadlineMs: 7 })).toEqual([5, 8, 8]);
  expect(await times({ deadlineMs: 8 }, { deadlineMs: 9 }, {})).toEqual([9, 9, 9]);
});

test("a roster by task type: the project's over home's, --workers over both", async () => {
  install("claude", "codex");
  const homes = { roster: { "improvement-discovery": ["codex"] } };
  const own = { roster: { "improvement-discovery": ["claude"], "final-verification": ["checks"] } };
  const names = async (...args: Parameters<typeof resolve>): Promise<string[]> => (await resolve(...args)).roster.map(({ name }) => name);
  expect(await names({}, {}, { homes })).toEqual(["codex"]);
  expect(await names(own, {}, { homes })).toEqual(["claude"]);
  expect(await names(own, { workers: ["codex", "codex"] }, { homes })).toEqual(["codex"]);
});

test("what is not known is an error that lists what is", async () => {
  install("claude", "my-agent");
  const unknown = await refusal(resolve({ workers: { mine: { kind: "claude" } } }, { workers: ["nobody"] }));
  expect(unknown).toMatchObject({ code: "OKSTRA_PREPARE_WORKER_UNKNOWN", details: { worker: "nobody" } });
  expect(unknown.details["known"]).toEqual(expect.arrayContaining(["checks", "claude", "gemini-acp", "mine", "opencode"]));

  const preset = await refusal(resolve({ workers: { a: { kind: "acp", preset: "opncode" } } }));
  expect(preset.code).toBe("OKSTRA_PREPARE_WORKER_UNKNOWN");
  expect(preset.message).toContain("claude-agent-acp, codex-acp, gemini, opencode, qwen, copilot, cline, goose");
  expect((await refusal(resolve({ workers: { a: { kind: "claude", preset: "codex" } } }))).message).toContain("known: claude.");
  expect((await refusal(resolve({ workers: { a: { kind: "acp" } } }))).message).toContain("no command and no preset");

  const model = await refusal(resolve({ models: { fast: "claude-x-1" }, workers: { a: { kind: "claude", model: "fats" } } }));
  expect(model).toMatchObject({ code: "OKSTRA_PREPARE_MODEL_UNKNOWN", details: { worker: "a", model: "fats" } });
  expect(model.message).toContain("fast");
  expect((await resolve({ models: { fast: "claude-x-1" }, workers: { a: { kind: "claude", model: "fast" } } })).roster[0]?.model).toBe(
    "claude-x-1",
  );
});

test("a program that is not there is an error with the way to install it", async () => {
  expect(await refusal(resolve({}, { workers: ["claude"] }))).toMatchObject({
    code: "OKSTRA_PREPARE_WORKER_NOT_FOUND",
    hint: "Install it: npm install --global @anthropic-ai/claude-code",
    details: { worker: "claude", program: "claude" },
  });
  const own = await refusal(resolve({ workers: { a: { kind: "acp", command: ["my-agent"] } } }));
  expect(own).toMatchObject({ code: "OKSTRA_PREPARE_WORKER_NOT_FOUND", hint: "Install it, or mend the worker's command." });
});

test("a kind that this okstra cannot start is an error", async () => {
  const bare = { ...app, workers: new Map([...app.workers].filter(([kind]) => kind === "checks")) };
  const error = refusal(
    resolveSettings(bare, home.root, project(), config(), requirePhase("improvement-discovery"), { ...NO_FLAGS, workers: ["claude"] }),
  );
  expect(await error).toMatchObject({ code: "OKSTRA_PREPARE_WORKER_UNKNOWN", details: { kind: "claude" } });
});

test("limits of flags that are none are refused", async () => {
  install("claude");
  expect(await refusal(resolve({}, { workers: ["claude"], maxCost: "a lot" }))).toMatchObject({
    code: "OKSTRA_USAGE",
    message: expect.stringContaining("--max-cost a lot"),
  });
  expect(await refusal(resolve({}, { workers: ["claude"], maxTokens: -1 }))).toMatchObject({
    code: "OKSTRA_USAGE",
    message: expect.stringContaining("--max-tokens -1"),
  });
});
