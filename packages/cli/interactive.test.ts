import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { openTerminal, whyNoTerminal, type HandoffTerminal } from "@okstra/testkit/handoff-terminal";
import { createPlayProject } from "@okstra/testkit/play-project";
import { waitForMarked } from "@okstra/testkit/processes/marked-processes";
import type { TestProject } from "@okstra/testkit/test-project";

vi.setConfig({ testTimeout: 120_000 });

const MARK = `interactive-${process.pid}`;
const TASK = "bugs/sum";
const TYPE = ["-t", "requirements-discovery"] as const;
const RUN = ["run", TASK, ...TYPE, "--chat", "anna=anna,ben=ben"] as const;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

let project: TestProject;
let terminal: HandoffTerminal | null;
let okstra: string;
beforeEach(async () => {
  terminal = null;
  project = await createPlayProject("sums");
  okstra = await bundleOkstra(project.home.directory("bundle"));
});
afterEach(async () => {
  terminal?.hangUp();
  await waitForMarked(`OKSTRA_TEST_MARK=${MARK}`, (found) => found.length === 0, 20_000);
  project.remove();
});

/** A program that notes what it was started with, says that it is there, and ends when a line comes. */
function writeAgent(name: string, lines: readonly string[] = []): void {
  const path = join(project.home.directory("programs"), name);
  const text = [
    "#!/bin/sh",
    `n=$(ls "${seenDirectory()}" | wc -l)`,
    `{ printf '%s\\0' "$@"; } > "${seenDirectory()}/$n.args"`,
    `pwd > "${seenDirectory()}/$n.cwd"`,
    `env -0 > "${seenDirectory()}/$n.env"`,
    `test -t 0 && test -t 1 && test -t 2 && echo "${name} is at the terminal"`,
    ...lines,
    "read line",
    'exit "${line:-0}"',
  ];
  writeFileSync(path, `${text.join("\n")}\n`);
  chmodSync(path, 0o755);
}

const seenDirectory = (): string => project.home.directory("seen");

interface Seen {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What the agent was started with, each time. */
function loadSeen(): readonly Seen[] {
  const directory = seenDirectory();
  const starts = readdirSync(directory).filter((name) => name.endsWith(".cwd"));
  return starts
    .map((name) => Number(name.split(".")[0]))
    .sort((a, b) => a - b)
    .map((number) => ({
      args: readFileSync(join(directory, `${number}.args`), "utf8")
        .split("\0")
        .slice(0, -1),
      cwd: readFileSync(join(directory, `${number}.cwd`), "utf8").trim(),
      env: Object.fromEntries(
        readFileSync(join(directory, `${number}.env`), "utf8")
          .split("\0")
          .slice(0, -1)
          .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
      ),
    }));
}

function start(argv: readonly string[], env: Readonly<Record<string, string>> = {}): HandoffTerminal {
  terminal = openTerminal([process.execPath, okstra, ...argv], {
    cwd: project.repo.root,
    env: {
      ...process.env,
      PATH: `${project.home.directory("programs")}${delimiter}${process.env["PATH"] ?? ""}`,
      OKSTRA_TEST_MARK: MARK,
      ...env,
    },
  });
  return terminal;
}

const runsOf = (): string => join(project.repo.root, ".project-docs/okstra/tasks", TASK, "runs/requirements-discovery");
const eventsOf = (): readonly Record<string, unknown>[] =>
  readFileSync(join(runsOf(), "001/events.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const sessions = (): readonly Record<string, unknown>[] => eventsOf().filter(({ type }) => type === "interactive-session");

const CANARIES = {
  GH_TOKEN: "canary",
  GITHUB_TOKEN: "canary",
  SSH_AUTH_SOCK: "/canary",
  GIT_ASKPASS: "canary",
  AWS_SECRET_ACCESS_KEY: "canary",
  OPENAI_API_KEY: "canary of another vendor",
  SOME_CANARY: "canary",
} as const;

test("claude is started in the worktree with the launch prompt and a session of its own, and resume takes that session up", async (context) => {
  const reason = whyNoTerminal();
  if (reason !== null) return context.skip(reason);
  writeAgent("claude");
  const shown = start([...RUN, "--interactive"], { ...CANARIES, ANTHROPIC_API_KEY: "its own", LANG: "C.UTF-8" });
  await shown.waitFor("claude is at the terminal");
  // The run's lock is free while the agent is at work: it leads by commands.
  const begun = await project.okstra(["lead", "dispatch", TASK, "anna"]);
  expect(begun.json.due, begun.stdout).toMatchObject([{ step: "collect" }, { step: "dispatch" }]);
  shown.press("0\r");
  expect(await shown.ended).toBe(10);
  expect(shown.shown()).toContain(`okstra lead collect ${TASK} anna`);
  expect(shown.shown()).toContain(`okstra lead dispatch ${TASK} ben`);

  const [first] = loadSeen();
  const worktree = join(project.home.okstraHome, "worktrees/sums", TASK);
  expect(first?.cwd).toBe(worktree);
  expect(first?.args).toEqual(["--session-id", expect.stringMatching(UUID), readFileSync(join(runsOf(), "001/launch.md"), "utf8")]);
  expect(first?.args[2]).toContain(`okstra lead next ${TASK}`);
  expect(Object.keys(first?.env ?? {}).filter((name) => Object.hasOwn(CANARIES, name))).toEqual([]);
  expect(first?.env).toMatchObject({
    ANTHROPIC_API_KEY: "its own",
    HOME: project.home.home,
    OKSTRA_HOME: project.home.okstraHome,
    TERM: "xterm",
    LANG: "C.UTF-8",
  });
  expect(first?.env["PATH"]).toContain(project.home.directory("programs"));
  const sessionId = first?.args[1];
  expect(sessions()).toMatchObject([{ agent: "claude", sessionId, worktree, isResumed: false }]);

  const again = start(["resume", TASK]);
  await again.waitFor("claude is at the terminal");
  again.press("3\r");
  expect(await again.ended).toBe(10);
  expect(again.shown()).toContain("claude ended with exit status 3");
  expect(loadSeen()[1]).toMatchObject({ args: ["--resume", sessionId], cwd: worktree });
  expect(sessions()).toMatchObject([{ sessionId }, { sessionId, isResumed: true }]);

  // Away from a terminal resume goes on by itself as far as it can.
  expect((await project.okstra(["resume", TASK])).json.due).toMatchObject([{ step: "collect" }, { step: "collect" }]);
  expect(loadSeen()).toHaveLength(2);
});

test("when the agent led the run to its end, the answer is the run's", async (context) => {
  const reason = whyNoTerminal();
  if (reason !== null) return context.skip(reason);
  const lead = `node "${okstra}" lead`;
  writeAgent("claude", [
    `${lead} dispatch ${TASK} > /dev/null`,
    `${lead} fail ${TASK} anna --reason none > /dev/null && ${lead} fail ${TASK} ben --reason none > /dev/null`,
    `${lead} converge ${TASK} > /dev/null; ${lead} finish ${TASK} > /dev/null; echo led`,
  ]);
  const shown = start([...RUN, "--interactive"]);
  await shown.waitFor("led");
  shown.press("0\r");
  expect(await shown.ended).toBe(10);
  expect(shown.shown()).toContain("verdict ");
  expect((await project.okstra(["validate", join(runsOf(), "001")])).json).toMatchObject({ ok: true });
  expect((await project.okstra(["resume", TASK])).json.error.code).toBe("OKSTRA_RUN_ENDED");
});

test("gemini has a session as well, codex none, and a configured worker of their kind is what it is configured as", async (context) => {
  const reason = whyNoTerminal();
  if (reason !== null) return context.skip(reason);
  writeAgent("gemini");
  writeAgent("codex");
  writeAgent("my-claude");
  const path = join(project.repo.root, ".project-docs/okstra/project.json");
  const settings = JSON.parse(readFileSync(path, "utf8")) as { workers: Record<string, unknown> };
  const workers = { ...settings.workers, mine: { kind: "claude", command: ["my-claude", "--verbose"], env: ["MY_NAME"] } };
  writeFileSync(path, JSON.stringify({ ...settings, workers }));
  const wanted: Readonly<Record<string, readonly (readonly string[])[]>> = {
    gemini: [
      ["--session-id", "ID", "--prompt-interactive", "PROMPT"],
      ["--resume", "ID"],
    ],
    codex: [["PROMPT"], ["PROMPT"]],
    mine: [
      ["--verbose", "--session-id", "ID", "PROMPT"],
      ["--verbose", "--resume", "ID"],
    ],
  };
  for (const [agent, args] of Object.entries(wanted)) {
    const before = loadSeen().length;
    const task = `bugs/${agent}`;
    const name = agent === "mine" ? "my-claude" : agent;
    for (const argv of [
      ["run", task, ...TYPE, "--interactive", "--agent", agent],
      ["resume", task],
    ]) {
      const shown = start(argv, { MY_NAME: "my own" });
      await shown.waitFor(`${name} is at the terminal`);
      shown.press("0\r");
      expect(await shown.ended, agent).toBe(10);
    }
    const seen = loadSeen().slice(before);
    const plain = (each: string): string => (UUID.test(each) ? "ID" : each.startsWith("# ") ? "PROMPT" : each);
    expect(seen.map((each) => each.args.map(plain))).toEqual(args);
    expect(new Set(seen.flatMap((each) => each.args.filter((word) => UUID.test(word)))).size).toBe(agent === "codex" ? 0 : 1);
    expect(seen.map(({ env }) => env["MY_NAME"])).toEqual(agent === "mine" ? ["my own", "my own"] : [undefined, undefined]);
  }
});

test("without a terminal, without the program or with an agent that cannot, nothing is made", async (context) => {
  const none = await project.okstra([...RUN, "--interactive"]);
  expect(none.json.error).toMatchObject({ code: "OKSTRA_TERMINAL_NEEDED", kind: "user" });
  expect(none.status).toBe(1);
  for (const flags of [["--prepare-only"], ["--lead", "code"]])
    expect((await project.okstra([...RUN, "--interactive", ...flags])).json.error.code).toBe("OKSTRA_USAGE");
  const made = (): boolean => existsSync(runsOf()) || existsSync(join(project.home.okstraHome, "worktrees/sums", TASK));
  expect(made()).toBe(false);

  const reason = whyNoTerminal();
  if (reason !== null) return context.skip(reason);
  // Only what okstra itself needs is on this PATH.
  mkdirSync(join(project.home.root, "programs"), { recursive: true });
  const cases = [
    [[], "OKSTRA_PREPARE_WORKER_NOT_FOUND"],
    [["--agent", "anna"], "OKSTRA_USAGE"],
    [["--agent", "nobody"], "OKSTRA_PREPARE_WORKER_UNKNOWN"],
  ] as const;
  for (const [flags, code] of cases) {
    const shown = start([...RUN, "--interactive", ...flags], { PATH: "/usr/bin:/bin" });
    expect(await shown.ended, shown.shown()).toBeGreaterThan(0);
    expect(shown.shown()).toContain(code);
    expect(made()).toBe(false);
  }
});

test("what a worker planted in the worktree is looked at by the person before an agent obeys it", async (context) => {
  const reason = whyNoTerminal();
  if (reason !== null) return context.skip(reason);
  writeAgent("claude");
  const first = start([...RUN, "--interactive"]);
  await first.waitFor("claude is at the terminal");
  first.press("0\r");
  await first.ended;
  const planted = join(project.home.okstraHome, "worktrees/sums", TASK, ".claude");
  mkdirSync(planted);
  writeFileSync(
    join(planted, "settings.json"),
    '{ "hooks": { "SessionStart": [{ "hooks": [{ "type": "command", "command": "touch planted" }] }] } }',
  );
  const shown = start(["resume", TASK]);
  expect(await shown.ended).toBeGreaterThan(0);
  expect(shown.shown()).toContain("OKSTRA_PREPARE_UNTRUSTED_SETTINGS");
  // Before a run is made as well.
  const other = start([...RUN, "--interactive"]);
  expect(await other.ended).toBeGreaterThan(0);
  expect(other.shown()).toContain("OKSTRA_PREPARE_UNTRUSTED_SETTINGS");
  expect(readdirSync(runsOf())).toEqual(["001"]);
  expect(loadSeen()).toHaveLength(1);
});
