import { appendFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TaskRef } from "@okstra/core/dashboard/api";
import { openApp } from "@okstra/testkit/open-app";
import { createRunProject } from "@okstra/testkit/run-project";
import type { TestProject } from "@okstra/testkit/test-project";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { App } from "../app.ts";
import { createDashboardAnswers, type DashboardAnswers } from "./answers.ts";

const CANARY = "canary-4f1c9d27a6";
const ENV_CANARY = "hunter2-in-dotenv";
const REF: TaskRef = { project: "sums", group: "bugs", task: "login" };
const ACTING = String.raw`\u001b[2J\u202e\u009b31m`;
const SHOWN = String.raw`\u{1b}[2J\u{202e}\u{9b}31m`;
const CLAIM = `<script>alert(1)</script> ${ACTING} ../../etc/passwd`;
/** A result as an agent might write it, with everything that a page or a terminal would obey. */
const SAYS = `printf '%s' '{"nonce":"'"$OKSTRA_NONCE"'","findings":[{"claim":"${CLAIM}","category":"correctness","severity":"P1","file":"src/sum.js","startLine":2,"endLine":2,"quote":"return a + b;","fix":"${ACTING}"}],"clarifications":[{"question":"${ACTING} why?","why":"<b>${ACTING}</b>","blocks":"none"}]}' > "$OKSTRA_RESULT"; printf 'said \\033[2J %s\\n' "${CANARY}"`;

let project: TestProject;
let app: App;
let dashboard: DashboardAnswers;
beforeEach(async () => {
  project = await createRunProject({ lines: { hostile: SAYS } });
  app = await openApp({ env: { ...project.home.env, SERVICE_TOKEN: CANARY }, cwd: project.repo.root, emit: () => undefined });
  dashboard = createDashboardAnswers(app);
});
afterEach(async () => {
  await dashboard.close();
  project.remove();
});

/** Whatever a terminal or a page would obey; line breaks and tabs are layout. */
// eslint-disable-next-line no-control-regex -- that is what it looks for
const OBEYED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;
function textsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, each]) => [name, ...textsOf(each)]);
}

describe("what agents wrote", () => {
  test("is shown as text, without what acts and without secrets, in every document", async () => {
    await project.okstra([
      "task",
      "new",
      "bugs/login",
      "--brief",
      brief(`# A <img src=x onerror=alert(1)>\n\u001b[2J\u202e ${ENV_CANARY}\n`),
    ]);
    const env = { SERVICE_TOKEN: CANARY };
    const { stdout } = await project.okstra(["run", "bugs/login", "-t", "final-verification", "--workers", "hostile,silent"], { env });
    expect(JSON.parse(stdout).lanes).toMatchObject([{ end: "ok" }, { end: "ok" }]);
    writeFileSync(join(project.repo.root, ".env"), `PASSWORD=${ENV_CANARY}\n`);
    const type = "final-verification";
    const runDir = join(project.repo.root, ".project-docs/okstra/tasks/bugs/login/runs", type, "001");
    appendFileSync(join(runDir, "workers/hostile/transcript.log"), `late ${CANARY} ${ENV_CANARY} \u001b]52;c;aGk=\u0007\n`);
    const dashboard = createDashboardAnswers(app);
    const documents = {
      board: await dashboard.board({ project: null, group: null, phase: null, state: null }),
      task: await dashboard.task(REF),
      findings: await dashboard.findings(REF, { type: null, run: null }),
      report: await dashboard.report(REF, { type, run: 1 }),
      transcript: await dashboard.transcript(REF, { type, run: 1, worker: null, after: 0 }),
      search: await dashboard.search({ q: "script", limit: 10 }),
      schedule: await dashboard.schedule({ project: null, group: null, capacity: null }),
      time: await dashboard.time({ project: null, group: null, phase: null, since: null, until: null }),
      cost: await dashboard.cost({ project: null, group: null, since: null }),
    };
    for (const [name, document] of Object.entries(documents)) {
      const texts = textsOf(document);
      expect(
        texts.filter((text) => OBEYED.test(text)),
        name,
      ).toEqual([]);
      expect(
        texts.filter((text) => text.includes(CANARY) || text.includes(ENV_CANARY)),
        name,
      ).toEqual([]);
    }
    expect(documents.findings.findings[0]?.members[0]).toMatchObject({
      claim: `<script>alert(1)</script> ${SHOWN} ../../etc/passwd`,
      fix: SHOWN,
    });
    expect(documents.task.brief).toBe(`# A <img src=x onerror=alert(1)>\n${String.raw`\u{1b}[2J\u{202e}`} [redacted]\n`);
    expect(documents.task.clarifications[0]).toMatchObject({ question: `${SHOWN} why?` });
    expect(documents.search.hits).toMatchObject([{ what: "finding", id: "F1" }]);
    const said = documents.transcript.lines.map(({ text }) => text);
    expect(said).toContain(String.raw`late [redacted] [redacted] \u{1b}]52;c;aGk=\u{7}`);
    expect(documents.report.markdown).not.toContain("<script>");
    // What is answered is the question itself, not what is shown of it.
    const [question] = documents.task.clarifications;
    const page = await dashboard.answer(REF, { answers: [{ id: "Q1", text: `It is ${ENV_CANARY}.`, boundTo: question?.boundTo ?? "" }] });
    expect(page.clarifications[0]?.answer?.text).toBe("It is [redacted].");
  });

  function brief(text: string): string {
    const path = join(project.home.root, "brief.md");
    writeFileSync(path, text);
    return path;
  }
});

describe("a name that is asked for", () => {
  test("finds a task of a known project, and nothing else", async () => {
    await project.okstra(["task", "new", "bugs/login"]);
    await project.okstra(["run", "bugs/login", "-t", "final-verification", "--workers", "silent"]);
    const outside = project.home.directory("outside/tasks/bugs/login");
    mkdirSync(join(outside, "runs"));
    expect((await dashboard.task(REF)).taskKey).toBe("sums/bugs/login");
    const names = [
      "..",
      ".",
      "",
      "../bugs",
      "Bugs",
      "bugs/login",
      "bugs\0",
      "%2e%2e",
      ":(glob)*",
      "\u001b[2J",
      "bu\u202egs",
      "*",
      "a".repeat(500),
      "con",
    ];
    for (const name of names)
      for (const part of ["project", "group", "task"] as const) {
        const ref = { ...REF, [part]: name };
        const refused = { code: "OKSTRA_TASK_NOT_FOUND" };
        await expect(dashboard.task(ref), JSON.stringify(ref)).rejects.toMatchObject(refused);
        await expect(dashboard.approve(ref, { run: 1, planSha256: "0".repeat(64) })).rejects.toMatchObject(refused);
      }
    for (const ref of [
      { ...REF, project: "outside" },
      { ...REF, task: "logout" },
    ])
      await expect(dashboard.findings(ref, { type: null, run: null })).rejects.toMatchObject({ code: "OKSTRA_TASK_NOT_FOUND" });
    const run = { type: "final-verification", run: 1, worker: null, after: 0 };
    for (const type of ["../../..", "nothing", ""])
      await expect(dashboard.transcript(REF, { ...run, type })).rejects.toMatchObject({ code: "OKSTRA_TASK_TYPE_UNKNOWN" });
    await expect(dashboard.report(REF, { type: "../../x", run: 1 })).rejects.toMatchObject({ code: "OKSTRA_RUN_NOT_FOUND" });
  });
});

describe("code", () => {
  const at = (commit: string, path: string) => dashboard.code(REF, { commit, path });

  test("of a commit is read from git's objects: text, link, submodule, binary, too large, absent", async () => {
    const { repo } = project;
    const { path: worktree } = await project.provision("bugs/login");
    writeFileSync(join(repo.root, "secret.txt"), "not in git\n");
    symlinkSync("/etc/passwd", join(worktree, "link"));
    symlinkSync("..", join(worktree, "up"));
    mkdirSync(join(worktree, "deep"));
    const files: Record<string, string | Uint8Array> = {
      "deep/a b.txt": "spaces\n",
      ":(glob)*": "a name\n",
      "*.txt": "a star\n",
      "binary.bin": new Uint8Array([1, 2, 0, 3]),
      "huge.txt": "x".repeat(2 * 1024 * 1024 + 1),
      "full.txt": "y\n".repeat(1024 * 1024),
      "windows.txt": "one\r\ntwo\u001b[2J\r\n",
      "keys.txt": `first\nkey = ${CANARY}\nthird\n`,
      "latin.txt": new Uint8Array([0x63, 0x61, 0x66, 0xe9, 10]),
      "empty.txt": "",
    };
    for (const [name, content] of Object.entries(files)) writeFileSync(join(worktree, name), content);
    await repo.git(["add", "--all"], { cwd: worktree });
    await repo.git(["update-index", "--add", "--cacheinfo", `160000,${await repo.resolve("HEAD")},sub`], { cwd: worktree });
    await repo.git(["commit", "--quiet", "-m", "All kinds"], { cwd: worktree });
    const head = await repo.resolve("HEAD", worktree);

    expect(await at(head, "deep/a b.txt")).toEqual({ commit: head, path: "deep/a b.txt", kind: "text", text: "spaces\n", bytes: 7 });
    expect(await at(head, ":(glob)*")).toMatchObject({ kind: "text", text: "a name\n" });
    expect(await at(head, "*.txt")).toMatchObject({ kind: "text", text: "a star\n" });
    expect(await at(head, "empty.txt")).toMatchObject({ kind: "text", text: "", bytes: 0 });
    expect(await at(head, "windows.txt")).toMatchObject({ kind: "text", text: String.raw`one` + "\n" + String.raw`two\u{1b}[2J` + "\n" });
    expect(await at(head, "keys.txt")).toMatchObject({ kind: "text", text: "first\nkey = [redacted]\nthird\n" });
    expect(await at(head, "latin.txt")).toMatchObject({ kind: "text", text: "caf\ufffd\n" });
    expect(await at(head, "full.txt")).toMatchObject({ kind: "text", bytes: 2 * 1024 * 1024 });
    const nothing = { text: null, bytes: null };
    expect(await at(head, "link")).toMatchObject({ kind: "link", ...nothing });
    expect(await at(head, "sub")).toMatchObject({ kind: "submodule", ...nothing });
    expect(await at(head, "binary.bin")).toMatchObject({ kind: "binary", text: null, bytes: 4 });
    expect(await at(head, "huge.txt")).toMatchObject({ kind: "too-large", text: null, bytes: 2 * 1024 * 1024 + 1 });
    for (const path of [
      "secret.txt",
      "deep",
      "up/README.md",
      "link/passwd",
      "sub/x",
      "README",
      ":(literal)README.md",
      ":/README.md",
      "--help",
      "?.txt",
    ])
      expect(await at(head, path), path).toMatchObject({ kind: "absent", ...nothing });
  });

  test("of a commit that nothing reaches, or that is none, is absent; what is no hash or no path is refused", async () => {
    const { repo } = project;
    await project.provision("bugs/login");
    const head = await repo.resolve("HEAD");
    const tree = await repo.resolve("HEAD^{tree}");
    const lost = await repo.git(["commit-tree", "-m", "lost", "-p", head, tree]);
    await repo.git(["tag", "kept", await repo.git(["commit-tree", "-m", "kept", "-p", head, tree])]);
    const kept = await repo.resolve("kept^{commit}");
    expect(await at(kept, "README.md")).toMatchObject({ kind: "text" });
    for (const commit of [lost, tree, "0".repeat(40), "f".repeat(64)])
      expect(await at(commit, "README.md"), commit).toMatchObject({ kind: "absent" });
    for (const commit of ["HEAD", "main", head.slice(0, 12), `${head}:`, "--all", head.toUpperCase(), ""])
      await expect(at(commit, "README.md"), commit).rejects.toMatchObject({ code: "OKSTRA_USAGE" });
    for (const path of [
      "",
      "/etc/passwd",
      "../README.md",
      "src/../README.md",
      "src//sum.js",
      "src/",
      "./README.md",
      "a\0b",
      "x".repeat(5000),
    ])
      await expect(at(head, path), path.slice(0, 20)).rejects.toMatchObject({ code: "OKSTRA_USAGE" });
    // A replaced object says what it always said.
    const blob = await repo.git(["hash-object", "-w", "--stdin"], { stdin: "planted\n" });
    await repo.git(["replace", await repo.resolve("HEAD:README.md"), blob]);
    expect((await at(head, "README.md")).text).toBe(repo.read("README.md"));
  });
});

describe("a diff", () => {
  test("is git's own, whatever the repository has configured, and is cut at 4 MiB at the end of a line", async () => {
    const { repo } = project;
    const { path: worktree } = await project.provision("bugs/login");
    const fired = join(project.home.root, "fired");
    for (const name of ["diff.external", "diff.evil.command", "diff.evil.textconv", "core.pager"])
      await repo.git(["config", name, `sh -c 'touch ${fired}; cat' --`]);
    for (const [name, value] of [
      ["color.ui", "always"],
      ["diff.noprefix", "true"],
      ["diff.mnemonicPrefix", "true"],
    ] as const)
      await repo.git(["config", name, value]);
    await repo.commit(
      "Small",
      {
        ".gitattributes": "*.js diff=evil\n",
        "src/sum.js": `export const sum = (a, b) => a + b; // \u001b[2J ${CANARY}\n`,
        "ä.txt": "one\n",
      },
      worktree,
    );
    await repo.git(["mv", "src/a.txt", "src/moved.txt"], { cwd: worktree });
    writeFileSync(join(worktree, "bin"), new Uint8Array([0, 1, 2]));
    await repo.git(["add", "bin"], { cwd: worktree });
    await repo.git(["commit", "--quiet", "-m", "Move"], { cwd: worktree });
    const small = await dashboard.diff(REF);
    expect(small.isCut).toBe(false);
    expect(small.text).toContain("--- a/src/sum.js\n+++ b/src/sum.js\n");
    expect(small.text).toContain(String.raw`+export const sum = (a, b) => a + b; // \u{1b}[2J [redacted]`);
    expect(small.text).toContain("+++ b/ä.txt\n");
    expect(small.text).toContain("rename to src/moved.txt");
    expect(small.text).not.toContain("\u001b");
    expect(small.files).toEqual([
      { path: ".gitattributes", added: 1, removed: 0 },
      { path: "bin", added: null, removed: null },
      { path: "src/moved.txt", added: 0, removed: 0 },
      { path: "src/sum.js", added: 1, removed: 3 },
      { path: "ä.txt", added: 1, removed: 0 },
    ]);
    expect(repo.exists("fired", project.home.root)).toBe(false);

    await repo.commit(
      "Large",
      Object.fromEntries([0, 1, 2].map((at) => [`large-${at}.txt`, `${"line of text\n".repeat(250_000)}`])),
      worktree,
    );
    const large = await dashboard.diff(REF);
    expect(large.isCut).toBe(true);
    expect(large.text.length).toBeLessThanOrEqual(4 * 1024 * 1024);
    expect(large.text.length).toBeGreaterThan(4 * 1024 * 1024 - 100);
    expect(large.text.endsWith("\n")).toBe(true);
    expect(large.files).toHaveLength(8);
  });

  test("of a task without a branch of its own is empty", async () => {
    await project.okstra(["task", "new", "bugs/login"]);
    expect(await dashboard.diff(REF)).toMatchObject({ text: "", files: [], isCut: false });
  });
});

test("a damaged run is named and stops nothing", async () => {
  await project.okstra(["run", "bugs/login", "-t", "final-verification", "--workers", "reviewer,silent"]);
  const runDir = join(project.repo.root, ".project-docs/okstra/tasks/bugs/login/runs/final-verification/001");
  writeFileSync(
    join(runDir, "report.json"),
    readFileSync(join(runDir, "report.json"), "utf8").replace("The sum is wrong", "The sum is right"),
  );
  const page = await dashboard.task(REF);
  expect(page.runs).toMatchObject([
    {
      state: "damaged",
      damaged: "report.json is not the one that the run wrote",
      hasReport: false,
      gate: { passed: false, boundTo: null },
    },
  ]);
  await expect(dashboard.report(REF, { type: "final-verification", run: 1 })).rejects.toMatchObject({ code: "OKSTRA_RUN_CORRUPT" });
  expect((await dashboard.findings(REF, { type: null, run: null })).findings).toEqual([]);
  writeFileSync(join(project.repo.root, ".project-docs/okstra/tasks/bugs/login/events.jsonl"), "no log\n");
  expect((await dashboard.board({ project: null, group: null, phase: null, state: null })).tasks).toMatchObject([{ state: "damaged" }]);
  await expect(dashboard.task(REF)).rejects.toMatchObject({ code: "OKSTRA_TASK_LOG_CORRUPT" });
  expect((await dashboard.search({ q: "login", limit: 5 })).hits).toMatchObject([{ what: "task" }]);
});
