import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runOkstra } from "@okstra/testkit/run-okstra";
import { createTestHome, type TestHome } from "@okstra/testkit/test-home";
import { createTestRepo, type TestRepo } from "@okstra/testkit/test-repo";
import { hashFiles } from "@okstra/testkit/tree-hash";
import { afterEach, beforeEach, expect, test } from "vitest";

let home: TestHome;
let repo: TestRepo;
beforeEach(async () => {
  home = createTestHome();
  repo = await createTestRepo(home.directory("shop"));
});
afterEach(() => home.remove());

const scripts = { test: "true", lint: "echo first; echo 'two problems' >&2; exit 3", build: "tsc --outDir dist" };
const addScripts = () => repo.commit("scripts", { "package.json": JSON.stringify({ name: "shop", scripts }), "pnpm-lock.yaml": "" });

/** A PATH with git, sh and the named programs; each of those leaves a file behind when somebody starts it. */
function pathWith(...programs: readonly string[]): Readonly<Record<string, string>> {
  const bin = home.directory("bin");
  for (const name of programs) {
    writeFileSync(join(bin, name), `#!/bin/sh\n: >'${join(home.root, "started")}'\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return { PATH: `${bin}:/usr/bin:/bin` };
}
const wasStarted = (): boolean => existsSync(join(home.root, "started"));

const setUp = (flags: readonly string[] = [], env: Readonly<Record<string, string>> = {}) =>
  runOkstra(["setup", "--json", ...flags], { cwd: repo.root, env });
const settings = () => JSON.parse(repo.read(".project-docs/okstra/project.json"));

test("without a flag nothing is chosen: what is found is told, and goes on being found", async () => {
  await addScripts();
  const { status, json } = await setUp(["--yes"]);
  expect(status).toBe(0);
  expect(json).toMatchObject({
    projectId: "shop",
    created: true,
    dryRun: false,
    lang: "en",
    qa: [
      { name: "lint", command: "pnpm run lint", origin: "found" },
      { name: "test", command: "pnpm run test", origin: "found" },
    ],
    qaSuggested: [{ name: "build", command: "pnpm run build" }],
    sync: [".project-docs", ".scratch", "graphify-out"],
    copy: [],
    copySuggested: [],
    notes: [],
  });
  expect(settings()).toEqual({ schema: 1, projectId: "shop" });
  expect(repo.exists(".worktreeinclude")).toBe(false);
});

test("every choice has a flag; a second time changes no byte, and no other setting is lost", async () => {
  mkdirSync(join(repo.root, "vendor/cache"), { recursive: true });
  await repo.commit("ignore", { ".gitignore": ".env*\n*.local\n" });
  repo.write(".env", "A=1\n");
  repo.write("app/.env.local", "B=1\n");
  const env = pathWith("claude", "codex");
  const flags = [
    ["--project-id", "store", "--lang", "ko", "--yes"],
    ["--qa", "test=npm test -- --x=1", "--qa", "lint=true"],
    ["--sync", "vendor/cache", "--copy", ".env", "--copy", "*.local"],
    ["--workers", "claude, codex"],
  ].flat();
  const { status, json, stdout } = await setUp(flags, env);
  expect(status, stdout).toBe(0);
  expect(json).toMatchObject({
    projectId: "store",
    lang: "ko",
    qa: [
      { name: "test", command: "npm test -- --x=1", origin: "given" },
      { name: "lint", command: "true", origin: "given" },
    ],
    sync: [".project-docs", ".scratch", "graphify-out", "vendor/cache"],
    copy: [".env", "*.local"],
    copySuggested: ["app/.env.local"],
    notes: [],
  });
  expect(json.workers).toEqual([
    { name: "claude", kind: "claude", family: "anthropic", path: join(home.root, "bin/claude"), chosen: true },
    { name: "codex", kind: "codex", family: "openai", path: join(home.root, "bin/codex"), chosen: true },
  ]);
  const both = ["claude", "codex"];
  expect(settings()).toEqual({
    schema: 1,
    projectId: "store",
    lang: "ko",
    qaCommands: [
      { name: "test", command: "npm test -- --x=1" },
      { name: "lint", command: "true" },
    ],
    worktreeSyncDirs: [".project-docs", ".scratch", "graphify-out", "vendor/cache"],
    roster: {
      "requirements-discovery": both,
      "error-analysis": ["checks", ...both],
      "implementation-planning": both,
      implementation: both,
      "final-verification": ["checks", ...both],
      "improvement-discovery": both,
    },
  });
  expect(repo.read(".worktreeinclude")).toBe(".env\n*.local\n");
  expect(wasStarted()).toBe(false);

  repo.write(".project-docs/okstra/project.json", JSON.stringify({ ...settings(), deadlineMs: 60_000, ours: { kept: true } }));
  const before = hashFiles(home.root);
  for (const again of [flags, ["--yes"], []]) {
    const second = await setUp(again, env);
    expect(second.json).toMatchObject({ created: false, projectId: "store", files: [] });
    expect(hashFiles(home.root)).toEqual(before);
  }
  const changed = await setUp(["--qa", "lint=eslint .", "--lang", "en", "--copy", "more"], env);
  expect(changed.status, changed.stdout).toBe(0);
  expect(settings()).toMatchObject({
    lang: "en",
    deadlineMs: 60_000,
    ours: { kept: true },
    qaCommands: [{ name: "test" }, { command: "eslint ." }],
  });
  expect(repo.read(".worktreeinclude")).toBe(".env\n*.local\nmore\n");
});

test("a check keeps its other members while its command stays, and one that is a text alone is known by it", async () => {
  await setUp();
  const qaCommands = ["make lint", { name: "test", command: "make test", timeoutMs: 1000 }];
  repo.write(".project-docs/okstra/project.json", JSON.stringify({ ...settings(), qaCommands }));
  await setUp(["--qa", "make lint=make lint", "--qa", "test=make test", "--qa", "e2e=make e2e"]);
  expect(settings().qaCommands).toEqual([...qaCommands, { name: "e2e", command: "make e2e" }]);
});

test("a dry run shows each line that would be written, and writes nothing", async () => {
  await repo.commit("include", { ".worktreeinclude": "*.local\n" });
  const before = hashFiles(home.root);
  const flags = ["--dry-run", "--lang", "ko", "--qa", "test=true", "--copy", ".env", "--sync", "docs", "--workers", "checks"];
  const { status, json } = await setUp(flags);
  expect(status).toBe(0);
  expect(json).toMatchObject({ dryRun: true, created: true, lang: "ko", copy: ["*.local", ".env"] });
  expect(json.files.map(({ path, before: old }: { path: string; before: string | null }) => [path, old])).toEqual([
    [join(repo.root, ".worktreeinclude"), "*.local\n"],
    [join(repo.root, ".project-docs/okstra/project.json"), null],
  ]);
  const shown = await runOkstra(["setup", ...flags], { cwd: repo.root });
  expect(shown.stdout).toContain(`would set up: shop (`);
  for (const line of [
    `change ${join(repo.root, ".worktreeinclude")}\n  + .env\n`,
    '  +   "lang": "ko",',
    '"docs"',
    "note: docs is no directory",
  ])
    expect(shown.stdout).toContain(line);
  expect(hashFiles(home.root)).toEqual(before);
  expect((await setUp(flags.slice(1))).json.files).toEqual(json.files);
  expect(repo.read(".project-docs/okstra/project.json")).toBe(json.files[1].text);
});

test("--try-qa runs each check once here; one that fails is told, kept, and called failed", async () => {
  const flags = ["--try-qa", "--qa", `good=pwd; test "$CI" = true`, "--qa", "bad=echo first; echo 'two problems' >&2; exit 3"];
  const { status, json } = await setUp(flags);
  expect(status).toBe(0);
  const [good, bad] = json.qa;
  expect(good.tried).toEqual({ exitCode: 0, timedOut: false, durationMs: expect.any(Number), lastLines: [repo.root] });
  expect(bad.tried).toEqual({ exitCode: 3, timedOut: false, durationMs: expect.any(Number), lastLines: ["first", "two problems"] });
  expect(settings().qaCommands).toHaveLength(2);
  const { stdout } = await runOkstra(["setup", "--try-qa"], { cwd: repo.root });
  expect(stdout).toMatch(/^passed in .*: good$/m);
  expect(stdout).toMatch(/^FAILED \(exit status 3\) in .*: bad\n {2}\| first\n {2}\| two problems\n.*kept as a check/m);
  expect(stdout).not.toMatch(/passed.*bad/);
});

test("what a try prints is shown without secrets and without what acts on a terminal", async () => {
  repo.write(".env", "API_TOKEN=sesame-open-sesame\n");
  const flags = ["setup", "--try-qa", "--qa", `bad=printf 'token sesame-open-sesame \\033[31mred\\n'; exit 1`];
  const { stdout } = await runOkstra(flags, { cwd: repo.root });
  expect(stdout).toContain("FAILED (exit status 1)");
  expect(stdout).not.toContain("sesame-open-sesame");
  expect(stdout).not.toContain("\u001B");
});

test("a variable that beats the setting is named", async () => {
  const { json } = await setUp(["--sync", "src"], { OKSTRA_WORKTREE_SYNC_DIRS: "other" });
  expect(json.notes).toEqual(["OKSTRA_WORKTREE_SYNC_DIRS is set here and beats worktreeSyncDirs"]);
  expect(settings().worktreeSyncDirs).toContain("src");
});

test("a project id that another repository has is refused in a dry run too", async () => {
  await setUp();
  await runOkstra(["worktree", "provision", "bugs/login", "--json"], { cwd: repo.root });
  const other = await createTestRepo(home.directory("other"));
  const before = hashFiles(home.root);
  for (const flags of [["--dry-run"], ["--lang", "ko"]]) {
    const { status, json } = await runOkstra(["setup", "--json", "--project-id", "shop", ...flags], { cwd: other.root });
    expect([status, json.error.code]).toEqual([4, "OKSTRA_PROJECT_ID_TAKEN"]);
  }
  expect(hashFiles(home.root)).toEqual(before);
});

test("the checks of other kinds of projects are found by the checks worker's own rules", async () => {
  await repo.commit("more", {
    "pom.xml": "<project/>",
    mvnw: "",
    "tox.ini": "[testenv]\n",
    "go.mod": "module m\n",
    Makefile: "lint:\n\ttrue\n",
  });
  const { json } = await setUp(["--dry-run"]);
  expect(json.qa.map(({ name, command }: { name: string; command: string }) => `${name}: ${command}`)).toEqual([
    "go vet: go vet ./...",
    "tox: tox",
    "go test: go test -json ./...",
    "mvn test: ./mvnw --batch-mode test",
  ]);
});

test("a broken project.json is kept beside, and the choices stand in the new one", async () => {
  await setUp();
  repo.write(".project-docs/okstra/project.json", "{ broken");
  expect((await setUp(["--lang", "ko"])).json.error.code).toBe("OKSTRA_PROJECT_INVALID");
  const { status, json } = await setUp(["--lang", "ko", "--yes"]);
  expect([status, json.created, settings()]).toEqual([0, true, { schema: 1, projectId: "shop", lang: "ko" }]);
});

test("a worker whose program is not there is said to be so; without workers a phase has no list of its own", async () => {
  const env = pathWith();
  const { json } = await setUp(["--workers", "claude"], env);
  expect(json.workers).toEqual([{ name: "claude", kind: "claude", family: "anthropic", path: null, chosen: true }]);
  expect(json.notes).toEqual([expect.stringContaining("claude")]);
  await setUp(["--workers", "checks"], env);
  expect(settings().roster).toEqual({ "error-analysis": ["checks"], "final-verification": ["checks"] });
});

test.each([
  ["a check without a command", ["--qa", "test"], "OKSTRA_USAGE", "NAME=COMMAND"],
  ["a check without a name", ["--qa", "=npm test"], "OKSTRA_USAGE", "NAME=COMMAND"],
  ["a check named twice", ["--qa", "a=1", "--qa", "a=2"], "OKSTRA_USAGE", "twice"],
  ["another language", ["--lang", "fr"], "OKSTRA_USAGE", "fr"],
  ["a directory outside", ["--sync", "../other"], "OKSTRA_USAGE", "../other"],
  ["git's own directory", ["--sync", ".git/hooks"], "OKSTRA_USAGE", ".git/hooks"],
  ["an empty pattern", ["--copy", " "], "OKSTRA_USAGE", "empty"],
  ["a pattern of two lines", ["--copy", "a\nb"], "OKSTRA_USAGE", "line break"],
  ["a pattern that is a comment", ["--copy", "# no"], "OKSTRA_USAGE", "comment"],
  ["a pattern outside", ["--copy", "../secret"], "OKSTRA_USAGE", "outside"],
  ["no worker", ["--workers", ","], "OKSTRA_USAGE", "nobody"],
  ["a worker that nobody knows", ["--workers", "claude,nobody"], "OKSTRA_PREPARE_WORKER_UNKNOWN", "nobody"],
])("%s is refused, and nothing is written", async (_, flags, code, names) => {
  const before = hashFiles(home.root);
  const good = ["--qa", `ran=: >'${join(home.root, "ran")}'`, "--copy", "*.local", "--try-qa"];
  const { status, json } = await setUp([...good, ...flags]);
  expect([status > 0, json.error.code]).toEqual([true, code]);
  expect(json.error.message).toContain(names);
  expect(json.error.message).not.toContain("\n");
  expect(json.error.hint).not.toBe("");
  expect(hashFiles(home.root)).toEqual(before);
});

test("where there is no git there is nothing to link or to copy", async () => {
  const cwd = home.directory("plain");
  const { json } = await runOkstra(["setup", "--json", "--copy", ".env"], { cwd });
  expect(json.error.code).toBe("OKSTRA_REPOSITORY_NOT_FOUND");
  const { status } = await runOkstra(["setup", "--json", "--lang", "ko"], { cwd });
  expect(status).toBe(0);
  expect(JSON.parse(readFileSync(join(cwd, ".project-docs/okstra/project.json"), "utf8"))).toMatchObject({ lang: "ko" });
});

test("a .worktreeinclude that is a link is refused before anything is written", async () => {
  symlinkSync(join(home.root, "elsewhere"), join(repo.root, ".worktreeinclude"));
  const before = hashFiles(home.root);
  const { json } = await setUp(["--copy", ".env", "--lang", "ko"]);
  expect(json.error.code).toBe("OKSTRA_IO_FAILED");
  expect(hashFiles(home.root)).toEqual(before);
});
