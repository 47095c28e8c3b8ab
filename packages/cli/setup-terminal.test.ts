import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { KEYS, openTerminal, whyNoTerminal, type HandoffTerminal } from "@okstra/testkit/handoff-terminal";
import { waitForMarked } from "@okstra/testkit/processes/marked-processes";
import { createTestHome, type TestHome } from "@okstra/testkit/test-home";
import { createTestRepo, type TestRepo } from "@okstra/testkit/test-repo";
import { hashFiles } from "@okstra/testkit/tree-hash";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const MARK = `setup-terminal-${process.pid}`;
const SPACE = " ";

let shared: TestHome;
let okstra: string;
beforeAll(async () => {
  shared = createTestHome();
  okstra = await bundleOkstra(shared.directory("bundle"));
});
afterAll(() => shared.remove());

let home: TestHome;
let repo: TestRepo;
let terminal: HandoffTerminal | null;
beforeEach(async (context) => {
  terminal = null;
  home = createTestHome();
  repo = await createTestRepo(home.directory("shop"));
  const scripts = { test: "true", lint: `: >'${join(home.root, "linted")}'; echo 'two problems' >&2; exit 3`, build: "tsc" };
  await repo.commit("scripts", { "package.json": JSON.stringify({ name: "shop", scripts }), ".gitignore": ".env\n" });
  repo.write(".env", "A=1\n");
  for (const name of ["claude", "codex", "claude-agent-acp"]) {
    const program = join(home.directory("bin"), name);
    writeFileSync(program, `#!/bin/sh\n: >'${join(home.root, "started")}'\n`);
    chmodSync(program, 0o755);
  }
  const reason = whyNoTerminal();
  if (reason !== null) context.skip(reason);
});
afterEach(async () => {
  terminal?.hangUp();
  await waitForMarked(`OKSTRA_TEST_MARK=${MARK}`, (found) => found.length === 0, 20_000);
  home.remove();
});

function start(...flags: readonly string[]): HandoffTerminal {
  const PATH = `${join(home.root, "bin")}:${join(process.execPath, "..")}:/usr/bin:/bin`;
  terminal = openTerminal([process.execPath, okstra, "setup", ...flags], {
    cwd: repo.root,
    env: { ...process.env, PATH, OKSTRA_TEST_MARK: MARK },
  });
  return terminal;
}

const settings = () => JSON.parse(repo.read(".project-docs/okstra/project.json"));

/** The questions in their order, by words that only they have. */
const QUESTIONS = [
  "Project id",
  "Language of reports",
  "Checks that tell",
  "Another check",
  "Try ",
  "Directories of the main worktree",
  "they may hold secrets",
  "Patterns of other ignored files",
  "Workers of every phase",
] as const;

/** Enter at each question until one, or until all are answered; `tries`: whether the checks are tried. */
async function answer(shown: HandoffTerminal, { until, tries = false }: { until?: string; tries?: boolean } = {}): Promise<void> {
  for (const question of QUESTIONS) {
    await shown.waitFor(question);
    if (question === until) return;
    shown.press(question === "Try " && !tries ? "n" : KEYS.enter);
  }
}

test("Enter at each question takes what was found: one worker of each family, no secret, and the checks go on being found", async () => {
  const shown = start();
  await answer(shown, { tries: true });
  await shown.waitFor("Write this?");
  for (const text of ["lint: npm run lint", "passed in", "FAILED (exit status 3)", "two problems", "kept as a check"])
    expect(shown.shown()).toContain(text);
  for (const text of [`new ${join(repo.root, ".project-docs/okstra/project.json")}`, '"projectId": "shop"', '"claude"'])
    expect(shown.shown()).toContain(text);
  expect(repo.exists(".project-docs")).toBe(false);
  shown.press(KEYS.enter);
  await shown.waitFor("set up: shop");
  expect(await shown.ended).toBe(0);
  const both = ["claude", "codex"];
  expect(settings()).toEqual({
    schema: 1,
    projectId: "shop",
    roster: {
      "requirements-discovery": both,
      "error-analysis": ["checks", ...both],
      "implementation-planning": both,
      implementation: both,
      "final-verification": ["checks", ...both],
      "improvement-discovery": both,
    },
  });
  expect(repo.exists(".worktreeinclude")).toBe(false);
  expect(existsSync(join(home.root, "started"))).toBe(false);

  const before = hashFiles(home.root);
  const again = start();
  await answer(again);
  await again.waitFor("already set up: shop");
  expect(await again.ended).toBe(0);
  expect(again.shown()).not.toContain("Write this?");
  expect(hashFiles(home.root)).toEqual(before);
});

test("each answer can be another one, and stands in the files as the flags would write it", async () => {
  const shown = start();
  const clear = "\u0015";
  await shown.waitFor("Project id");
  shown.press(clear, KEYS.enter);
  await shown.waitFor("An id is needed.");
  shown.press("store", KEYS.enter);
  await shown.waitFor("Language of reports");
  shown.press(KEYS.down, KEYS.enter);
  await shown.waitFor("Checks that tell");
  // Without the first, and with the build.
  shown.press(SPACE, KEYS.down, KEYS.down, SPACE, KEYS.enter);
  await shown.waitFor("Another check");
  shown.press("e2e", KEYS.enter);
  await shown.waitFor("is not NAME=COMMAND");
  shown.press("=true", KEYS.enter);
  await shown.waitFor("Try the 3 checks");
  shown.press("n");
  await shown.waitFor("Directories of the main worktree");
  shown.press(",../away", KEYS.enter);
  await shown.waitFor(/not linked: "\.\.\/away".*Directories of the main worktree/s);
  shown.press(",docs", KEYS.enter);
  await shown.waitFor("they may hold secrets");
  shown.press(SPACE, KEYS.enter);
  await shown.waitFor("Patterns of other ignored files");
  shown.press("*.local, a.key", KEYS.enter);
  await shown.waitFor("Workers of every phase");
  // Without claude.
  shown.press(SPACE, KEYS.enter);
  await shown.waitFor("Write this?");
  expect(shown.shown()).toContain("+ *.local");
  expect(existsSync(join(home.root, "linted"))).toBe(false);
  shown.press(KEYS.enter);
  expect(await shown.ended).toBe(0);
  expect(settings()).toMatchObject({
    projectId: "store",
    lang: "ko",
    qaCommands: [
      { name: "test", command: "npm run test" },
      { name: "build", command: "npm run build" },
      { name: "e2e", command: "true" },
    ],
    worktreeSyncDirs: [".project-docs", ".scratch", "graphify-out", "docs"],
    roster: { implementation: ["codex"], "final-verification": ["checks", "codex"] },
  });
  expect(repo.read(".worktreeinclude")).toBe(".env\n*.local\na.key\n");
});

test("what a flag says is not asked, and --yes, --json and --dry-run ask nothing", async () => {
  const shown = start("--lang", "ko", "--qa", "test=true", "--copy", ".env", "--workers", "codex", "--project-id", "store");
  await shown.waitFor("Try it now");
  shown.press("n");
  await shown.waitFor("Directories of the main worktree");
  shown.press(KEYS.enter);
  await shown.waitFor("Write this?");
  for (const question of ["Project id", "Language", "Checks that tell", "secrets", "Patterns", "Workers of"])
    expect(shown.shown()).not.toContain(question);
  shown.press("n");
  await shown.waitFor("nothing was chosen, and nothing was written");
  expect(await shown.ended).toBe(10);
  expect(repo.exists(".project-docs")).toBe(false);
  for (const flag of ["--dry-run", "--json", "--yes"]) {
    const quiet = start(flag);
    expect(await quiet.ended).toBe(0);
    expect(quiet.shown()).not.toContain("Language of reports");
  }
});

test.each([
  ["Ctrl-C", KEYS.interrupt],
  ["Esc", KEYS.escape],
])("%s at any question ends it, and nothing is written", async (_, key) => {
  const before = hashFiles(home.root);
  for (const until of ["Project id", "Another check", "they may hold secrets", "Workers of every phase", "Write this?"] as const) {
    const shown = start();
    await answer(shown, { until });
    await shown.waitFor(until);
    shown.press(key);
    await shown.waitFor("nothing was chosen, and nothing was written");
    expect(await shown.ended).toBe(10);
    expect(hashFiles(home.root)).toEqual(before);
  }
});

test("where there is no git and nothing is found, three questions are left", async () => {
  const cwd = home.directory("plain");
  const shown = start("--project-root", cwd, "--workers", "codex");
  await shown.waitFor("Project id");
  shown.press(KEYS.enter);
  await shown.waitFor("Language of reports");
  shown.press(KEYS.enter);
  await shown.waitFor("No check was found");
  shown.press(KEYS.enter);
  await shown.waitFor("Write this?");
  shown.press(KEYS.enter);
  expect(await shown.ended).toBe(0);
  expect(JSON.parse(repo.read(".project-docs/okstra/project.json", cwd))).toMatchObject({
    projectId: "plain",
    roster: { implementation: ["codex"] },
  });
});

test("Ctrl-C while the checks are tried ends them, and nothing is written", async () => {
  await repo.commit("slow", { "package.json": JSON.stringify({ name: "shop", scripts: { test: `OKSTRA_TEST_MARK=${MARK} sleep 3600` } }) });
  const before = hashFiles(repo.root);
  const shown = start();
  await answer(shown, { until: "Try " });
  shown.press(KEYS.enter);
  await waitForMarked(`OKSTRA_TEST_MARK=${MARK}`, (found) => found.some(({ commandLine }) => commandLine === "sleep 3600"), 20_000);
  shown.press(KEYS.interrupt);
  expect(await shown.ended).toBe(130);
  expect(shown.shown()).toContain("nothing was written");
  expect(hashFiles(repo.root)).toEqual(before);
});

test("a terminal that goes away in the middle leaves nothing", async () => {
  const before = hashFiles(home.root);
  const shown = start();
  await answer(shown, { until: "Workers of every phase" });
  shown.hangUp();
  await shown.ended;
  await waitForMarked(`OKSTRA_TEST_MARK=${MARK}`, (found) => found.length === 0, 20_000);
  expect(hashFiles(home.root)).toEqual(before);
});
