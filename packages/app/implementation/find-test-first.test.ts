import { readdirSync } from "node:fs";
import { join } from "node:path";
import { openApp } from "@okstra/testkit/open-app";
import { testFirstSchema, type TestFirst } from "@okstra/core/domain/work-record";
import { createRunProject } from "@okstra/testkit/run-project";
import type { TestProject } from "@okstra/testkit/test-project";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { App } from "../app.ts";
import { findTestFirst, type TestFirstRequest } from "./find-test-first.ts";

let project: TestProject;
let app: App;
let path = "";
let before = "";
const told: string[] = [];

beforeEach(async () => {
  told.length = 0;
  project = await createRunProject();
  const made = await project.provision("g/t");
  path = made["path"];
  before = await project.repo.resolve("HEAD", path);
  app = await openApp({ env: project.home.env, cwd: project.repo.root, emit: ({ text }) => void told.push(text) });
});
afterEach(() => project.remove());

const commit = (message: string, files: Readonly<Record<string, string>>): Promise<string> => project.repo.commit(message, files, path);

/** Looks, and sees to it that nothing stays behind. */
async function find(commands: readonly string[], more: Partial<TestFirstRequest> = {}): Promise<TestFirst[]> {
  const status = await project.repo.status(path);
  try {
    const found = await findTestFirst(app, {
      worktree: path,
      repository: project.repo.gitDir,
      before,
      head: await project.repo.resolve("HEAD", path),
      commands: commands.map((command) => ({ name: command, command })),
      disposable: ["node_modules"],
      runId: "run-of-a-test",
      deadlineMs: 60_000,
      redact: (text) => text,
      signal: new AbortController().signal,
      ...more,
    });
    expect(found.map((each) => testFirstSchema.parse(JSON.parse(JSON.stringify(each))))).toEqual(found);
    return found;
  } finally {
    expect(await project.repo.status(path)).toEqual(status);
    expect(await project.repo.git(["worktree", "list", "--porcelain"])).not.toContain("scratch");
    expect(readdirSync(project.home.okstraHome).includes("scratch") ? readdirSync(join(project.home.okstraHome, "scratch")) : []).toEqual(
      [],
    );
  }
}

const TRIPLE = `import { test } from "node:test";\nimport assert from "node:assert/strict";\nimport { triple } from "../src/sum.js";\ntest("triples", () => {\n  assert.equal(triple(2), 6);\n});\n`;
const SOURCE = `export function sum(a, b) {\n  return a + b;\n}\nexport const triple = (a) => 3 * a;\n`;

describe("shown", () => {
  test("the new test fails without the change and passes with it; the commit that holds only the test is named", async () => {
    const tests = await commit("Test triple", { "test/triple.test.js": TRIPLE });
    const head = await commit("Add triple", { "src/sum.js": SOURCE });
    expect(await find(["node --test"])).toEqual([
      {
        command: "node --test",
        testFiles: ["test/triple.test.js"],
        before: { commit: before, exitCode: 1, failed: true },
        after: { commit: head, exitCode: 0, failed: false },
        shown: true,
        note: `commit ${tests.slice(0, 12)} holds only tests, and the command fails there`,
      },
    ]);
  });

  test("test and change in one commit: shown, though no commit fails", async () => {
    await commit("All at once", { "test/check.sh": "grep -q triple src/sum.js\n", "src/sum.js": SOURCE });
    expect(await find(["sh test/check.sh", "sh test/check.sh"])).toMatchObject([
      { shown: true, before: { exitCode: 1 }, after: { exitCode: 0 }, note: "no commit holds only tests and fails" },
    ]);
  });

  test("case 8: names of tests that a shell or git could take for something else, and tests that are gone", async () => {
    const names = ["test/-rf.sh", "test/a b.sh", "test/$(touch x).sh", "test/한글 파일.sh", "test/:(top)x", "test/*.sh"];
    const magic = ":(top)a.test.js";
    for (const name of [...names, magic]) project.repo.write(name, "grep -q triple src/sum.js\n", { at: path });
    await project.repo.git(["add", "--all"], { cwd: path });
    await project.repo.git(["rm", "--quiet", "test/sum.test.js"], { cwd: path });
    await commit("Odd names", { "src/sum.js": SOURCE, "other.txt": "no test\n" });
    const command = `test ! -e other.txt || test -e src/sum.js; for f in test/*; do sh "./$f" || exit 1; done; sh "./${magic}" || exit 2; test $(ls test | wc -l) = ${names.length}`;
    const [found] = await find([command]);
    expect(found).toMatchObject({ shown: true, before: { exitCode: 1 }, after: { exitCode: 0 } });
    expect([...(found?.testFiles ?? [])].sort()).toEqual([...names, magic].sort());
    expect(await find([`test $(ls test | wc -l) = ${names.length}`])).toMatchObject([{ shown: false, before: { exitCode: 0 } }]);
  });

  test("what is installed in the worktree is there in the checkouts", async () => {
    project.repo.write("node_modules/dep/index.js", "installed\n", { at: path });
    await commit("Use it", {
      "test/check.sh": "test -e node_modules/dep/index.js || exit 127\ngrep -q triple src/sum.js\n",
      "src/sum.js": SOURCE,
    });
    expect(await find(["sh test/check.sh"])).toMatchObject([{ shown: true }]);
    expect(await find(["sh test/check.sh"], { disposable: [] })).toMatchObject([
      { shown: false, before: { exitCode: 127, failed: false } },
    ]);
  });
});

describe("not shown", () => {
  test("a test that passes without the change", async () => {
    await commit("Test what is there", { "test/check.sh": "grep -q sum src/sum.js\n", "src/sum.js": SOURCE });
    expect(await find(["sh test/check.sh"])).toMatchObject([
      { shown: false, before: { exitCode: 0, failed: false }, after: { exitCode: 0 }, note: "the tests pass without the change" },
    ]);
  });

  test("a test that fails with the change too", async () => {
    await commit("Broken", { "test/check.sh": "exit 3\n", "src/sum.js": SOURCE });
    expect(await find(["sh test/check.sh"])).toMatchObject([
      {
        shown: false,
        before: { exitCode: 3, failed: true },
        after: { exitCode: 3, failed: true },
        note: "the command fails with the change",
      },
    ]);
  });

  test("a command that is not found, may not be executed or does not end in time", async () => {
    await commit("Work", { "test/check.sh": "exit 0\n", "src/sum.js": SOURCE });
    const found = [
      ...(await find(["no-such-command-of-a-test", "./src/sum.js"])),
      ...(await find(["grep -q triple src/sum.js || sleep 600"], { deadlineMs: 1000 })),
    ];
    expect(found.map(({ before: { exitCode, failed }, shown }) => [exitCode, failed, shown])).toEqual([
      [127, false, false],
      [126, false, false],
      [null, false, false],
    ]);
    expect(new Set(found.map(({ note }) => note))).toEqual(new Set(["the command was not found or did not end in time"]));
  });

  test("no test was changed, only taken away, or there is no command: nothing is executed", async () => {
    await project.repo.git(["rm", "--quiet", "test/sum.test.js"], { cwd: path });
    await commit("Work without a test", { "src/sum.js": SOURCE });
    expect(await find(["true"])).toEqual([]);
    await commit("Test", { "test/a.sh": "true\n" });
    expect(await find([])).toEqual([]);
    expect(told).toEqual([]);
  });

  test("at most five commands are executed, twice each", async () => {
    await commit("Work", { "test/a.sh": "true\n" });
    expect(await find(["true 1", "true 2", "true 3", "true 4", "true 5", "true 6"])).toHaveLength(5);
    expect(told).toHaveLength(10);
  });
});

describe("hostile or unlucky", () => {
  test("a commit that cannot be checked out shows nothing and says why", async () => {
    await commit("Work", { ".gitattributes": "*.js filter=own\n", "test/a.sh": "exit 1\n" });
    await project.repo.git(["config", "filter.own.smudge", `touch ${join(project.home.root, "it-ran")}`]);
    await project.repo.git(["config", "filter.own.clean", "cat"]);
    await project.repo.git(["config", "filter.own.required", "true"]);
    const [found] = await find(["sh test/a.sh"]);
    expect(found).toMatchObject({ shown: false, before: { exitCode: null }, after: { exitCode: null } });
    expect(found?.note).toContain("not executed: the filter own may not run");
    expect(project.repo.exists("it-ran", project.home.root)).toBe(false);
  });

  test("an interruption says so instead of telling half of it; no process and no checkout is left", async () => {
    const stop = new AbortController();
    app = await openApp({ env: project.home.env, cwd: project.repo.root, emit: () => stop.abort() });
    await commit("Work", { "test/a.sh": "sleep 600\n" });
    await expect(find(["sh test/a.sh"], { signal: stop.signal })).rejects.toMatchObject({ code: "OKSTRA_INTERRUPTED" });
  });

  test("case 55: a secret in a command is in no record and no message", async () => {
    await commit("Work", { "test/a.sh": "true\n" });
    const [found] = await find(["echo canary-1234"], { redact: (text) => text.replaceAll("canary-1234", "[redacted]") });
    expect(found?.command).toBe("echo [redacted]");
    expect(told.join("\n")).not.toContain("canary");
  });
});
