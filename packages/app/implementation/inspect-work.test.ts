import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openApp } from "@okstra/testkit/open-app";
import { workRecordSchema, surroundingsSchema, type Surroundings, type WorkRecord } from "@okstra/core/domain/work-record";
import { createTestProject, type TestProject } from "@okstra/testkit/test-project";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { App } from "../app.ts";
import { inspectWork, type WorkPlan } from "./inspect-work.ts";
import { loadSurroundings, type WorkPlace } from "./load-surroundings.ts";

let project: TestProject;
let app: App;
let path = "";
let branch = "";
let place: WorkPlace;
let before: Surroundings;

beforeEach(async () => {
  project = await createTestProject();
  await project.repo.commit("ignores", { ".gitignore": "*.log\n.env\n.scratch/\n" });
  project.repo.write(".scratch/note.txt", "note\n");
  ({ path, branch } = await project.provision("g/t"));
  app = await openApp({ env: project.home.env, cwd: project.repo.root, emit: () => undefined });
  place = { worktree: path, mainRoot: project.repo.root, repository: project.repo.gitDir, taskKey: "proj/g/t" };
  await look();
});
afterEach(() => project.remove());

/** Looks at what stands now; through JSON, as a run keeps it. */
async function look(): Promise<void> {
  before = surroundingsSchema.parse(JSON.parse(JSON.stringify(await loadSurroundings(app, place))));
}

async function inspect(plan: WorkPlan | null = null): Promise<WorkRecord> {
  const record = await inspectWork(app, { ...place, before, plan, testFirst: [] });
  expect(workRecordSchema.parse(JSON.parse(JSON.stringify(record)))).toEqual(record);
  return record;
}

/** What a gate would hold for; everything empty is quiet. */
function alarms({ otherRefs, mainCheckout, rewritten, uncommitted, agentSettings, outsidePlan }: WorkRecord): unknown {
  return { refs: otherRefs.map(({ ref }) => ref), mainCheckout, rewritten, uncommitted, agentSettings, outsidePlan };
}
const QUIET = { refs: [], mainCheckout: [], rewritten: false, uncommitted: [], agentSettings: [], outsidePlan: [] };

const { git, commit, write } = {
  git: (...args: readonly string[]): Promise<string> => project.repo.git(args, { cwd: path }),
  commit: (message: string, files: Readonly<Record<string, string>> = {}): Promise<string> => project.repo.commit(message, files, path),
  write: (file: string, text: string): void => project.repo.write(file, text, { at: path }),
};

describe("what was done", () => {
  test("nothing: an empty record without an alarm", async () => {
    const record = await inspect({ files: ["src/**"], steps: ["S1"] });
    expect(alarms(record)).toEqual(QUIET);
    expect(record).toMatchObject({ before: before.head, head: before.head, branch, commits: [], files: [], unmapped: [] });
    expect(record.stepMap).toEqual([{ step: "S1", commits: [] }]);
  });

  test("commits are noticed though the executor says nothing, with steps, files and sums", async () => {
    const one = await commit("Test it\n\nStep: S1", { "test/a.test.js": "one\ntwo\n" });
    await git("rm", "--quiet", "src/a.txt");
    const two = await commit("Do it\n\nokstra-step: S1\nStep: S2\n\nCo-authored-by: A <a@example.com>", { "src/b.txt": "b\n" });
    const three = await commit("Say it", { "test/a.test.js": "one\n" });
    const record = await inspect({ files: ["src/**", "test/*.js"], steps: ["S1", "S2", "S3"] });
    expect(alarms(record)).toEqual(QUIET);
    expect(record.commits.map(({ sha, subject, steps }) => [sha, subject, steps])).toEqual([
      [one, "Test it", ["S1"]],
      [two, "Do it", ["S1", "S2"]],
      [three, "Say it", []],
    ]);
    expect(record.commits.every(({ authoredAt }) => !Number.isNaN(Date.parse(authoredAt)))).toBe(true);
    expect(record.commits[1]?.files).toEqual([
      { path: "src/a.txt", status: "D", insertions: 0, deletions: 1 },
      { path: "src/b.txt", status: "A", insertions: 1, deletions: 0 },
    ]);
    expect(record.files).toEqual([
      { path: "src/a.txt", status: "D", insertions: 0, deletions: 1 },
      { path: "src/b.txt", status: "A", insertions: 1, deletions: 0 },
      { path: "test/a.test.js", status: "A", insertions: 1, deletions: 0 },
    ]);
    expect(record).toMatchObject({ head: three, diffstat: { files: 3, insertions: 2, deletions: 1 }, unmapped: [three] });
    expect(record.stepMap).toEqual([
      { step: "S1", commits: [one, two] },
      { step: "S2", commits: [two] },
      { step: "S3", commits: [] },
    ]);
  });

  test("a merge, an empty commit, a binary file, a mode and a link", async () => {
    project.repo.write("bytes.bin", Uint8Array.from([0, 255, 0]), { at: path });
    symlinkSync("/nowhere", join(path, "link"));
    await git("add", "bytes.bin", "link");
    await commit("bytes");
    await commit("empty");
    await git("update-index", "--chmod=+x", "src/a.txt");
    await git("checkout-index", "--force", "src/a.txt");
    await commit("mode");
    await project.repo.commit("base moves", { "base.txt": "base\n" });
    await look();
    const merged = await git("merge", "--quiet", "--no-edit", "main").then(() => project.repo.resolve("HEAD", path));
    const record = await inspect();
    expect(alarms(record)).toEqual(QUIET);
    expect(record.commits.map(({ subject }) => subject)).toEqual(["base moves", `Merge branch 'main' into ${branch}`]);
    expect(record.commits[1]).toMatchObject({ sha: merged, files: [{ path: "base.txt", status: "A" }] });
    const all = await inspectWork(app, {
      ...place,
      before: { ...before, head: await project.repo.resolve("main~1") },
      plan: null,
      testFirst: [],
    });
    expect(all.commits.find(({ subject }) => subject === "empty")?.files).toEqual([]);
    expect(all.files).toEqual([
      { path: "base.txt", status: "A", insertions: 1, deletions: 0 },
      { path: "bytes.bin", status: "A", insertions: null, deletions: null },
      { path: "link", status: "A", insertions: 1, deletions: 0 },
      { path: "src/a.txt", status: "M", insertions: 0, deletions: 0 },
    ]);
  });

  test("case 8: names with spaces, dashes, Korean, shell and glob characters are read and matched as they are", async () => {
    const names = [
      "-rf",
      "a b.txt",
      "$(touch x).txt",
      "한글 파일.txt",
      "line\nbreak.txt",
      ":(top)x",
      "src/[id]/page.ts",
      "src/*.ts",
      'q"q.txt',
    ];
    for (const name of names) write(name, "x\n");
    await git("add", "--all");
    await commit("- $(x) `y` 한글\n\nStep: 한글 $(z)");
    const plan = { files: names, steps: ["한글 $(z)"] };
    const record = await inspect(plan);
    expect(record.files.map((file) => file.path).sort()).toEqual([...names].sort());
    expect(record.commits[0]).toMatchObject({ subject: "- $(x) `y` 한글", steps: ["한글 $(z)"] });
    expect(alarms(record)).toEqual(QUIET);
    for (const name of names.filter((each) => each !== "src/*.ts" && each !== "src/[id]/page.ts"))
      expect((await inspect({ ...plan, files: names.filter((each) => each !== name) })).outsidePlan).toEqual([name]);
    write("- $(x) 한글.txt", "left\n");
    expect((await inspect()).uncommitted).toEqual(["- $(x) 한글.txt"]);
  });

  test("history is told as it is though refs/replace says otherwise", async () => {
    const own = await commit("own", { "src/own.txt": "own\n" });
    const other = await git("commit-tree", "-m", "nothing to see", "-p", before.head, `${before.head}^{tree}`);
    await git("replace", own, other);
    const record = await inspect();
    expect(record.commits.map(({ subject }) => subject)).toEqual(["own"]);
    expect(record.files.map((file) => file.path)).toEqual(["src/own.txt"]);
    expect(record.otherRefs).toEqual([{ ref: `refs/replace/${own}`, from: null, to: other }]);
  });
});

describe("case 41: outside the plan", () => {
  test.each([
    ["a path, a directory, a glob of one level", ["src/a.txt", "lib", "test/*.js"], ["docs/x.md", "src/deep/b.ts", "test/deep/c.js"]],
    ["every level", ["src/**", "./lib/", "**/c.js"], ["docs/x.md", "test/a.js"]],
    ["all", ["."], []],
    [
      "nothing, and what leads out",
      ["", "../src", "/etc", "src/../docs"],
      ["docs/x.md", "lib/x.js", "src/a.txt", "src/deep/b.ts", "test/a.js", "test/deep/c.js"],
    ],
  ])("%s", async (_, files, outside) => {
    const paths = ["docs/x.md", "lib/x.js", "src/a.txt", "src/deep/b.ts", "test/a.js", "test/deep/c.js"];
    await commit("many", Object.fromEntries(paths.map((each) => [each, "changed\n"])));
    expect((await inspect({ files, steps: [] })).outsidePlan).toEqual(outside);
  });

  test("what was taken back is no edit; without a plan nothing is outside", async () => {
    await commit("too much", { "docs/x.md": "x\n", "src/a.txt": "changed\n" });
    expect((await inspect()).outsidePlan).toEqual([]);
    await git("rm", "--quiet", "docs/x.md");
    await commit("take it back");
    expect((await inspect({ files: ["src"], steps: [] })).outsidePlan).toEqual([]);
  });
});

describe("case 41: the task's own history", () => {
  test("a commit that was there is amended", async () => {
    await git("commit", "--quiet", "--amend", "-m", "not what it was");
    const record = await inspect();
    expect(record).toMatchObject({ rewritten: true, otherRefs: [], commits: [{ subject: "not what it was" }] });
  });

  test("an older commit is reset to", async () => {
    await git("reset", "--quiet", "--hard", "HEAD~1");
    expect(await inspect()).toMatchObject({ rewritten: true, commits: [], files: [{ path: ".gitignore", status: "D" }] });
  });

  test("another branch, no branch, an orphan", async () => {
    await git("switch", "--quiet", "--create", "elsewhere");
    const head = await commit("there", { "src/b.txt": "b\n" });
    expect(await inspect()).toMatchObject({
      branch: "elsewhere",
      rewritten: true,
      head,
      otherRefs: [{ ref: "refs/heads/elsewhere", from: null, to: head }],
    });
    await git("branch", "--quiet", "--delete", "--force", branch);
    expect((await inspect()).otherRefs).toContainEqual({ ref: `refs/heads/${branch}`, from: before.head, to: null });
    await git("switch", "--quiet", "--detach");
    expect(await inspect()).toMatchObject({ branch: "", rewritten: true, head });
    await git("switch", "--quiet", "--orphan", "empty");
    expect(await inspect()).toMatchObject({ branch: "empty", rewritten: true, head: "", commits: [], files: [] });
  });

  test("the commit it began at is pruned", async () => {
    await git("checkout", "--quiet", "--orphan", "new");
    await commit("all new");
    await git("branch", "--quiet", "--move", "--force", branch);
    await project.repo.git(["update-ref", "-d", "refs/heads/main"]);
    rmSync(join(project.repo.gitDir, "objects", before.head.slice(0, 2), before.head.slice(2)));
    expect(await inspect()).toMatchObject({ rewritten: true, branch, commits: [], files: [] });
  });

  test("case 5: another repository in its place is refused", async () => {
    rmSync(join(path, ".git"));
    await expect(inspect()).rejects.toMatchObject({ code: "OKSTRA_REPOSITORY_TAMPERED" });
    await git("init", "--quiet");
    await expect(inspect()).rejects.toMatchObject({ code: "OKSTRA_REPOSITORY_TAMPERED" });
  });
});

describe("what is in no commit", () => {
  test("changed, staged, deleted, untracked and hidden files are named; ignored ones, links and records are not", async () => {
    expect(existsSync(join(path, ".scratch/note.txt")), "okstra linked it").toBe(true);
    await commit("more", { "hidden.txt": "h\n", "skipped.txt": "s\n", "gone.txt": "g\n" });
    await git("update-index", "--assume-unchanged", "hidden.txt");
    await git("update-index", "--skip-worktree", "skipped.txt");
    for (const name of ["hidden.txt", "skipped.txt", "src/a.txt", "new/file.txt", "staged.txt", "debug.log"]) write(name, "left behind\n");
    await git("add", "staged.txt");
    rmSync(join(path, "gone.txt"));
    write(".project-docs/okstra/tasks/g/t/x.json", "{}\n");
    const flags = await git("ls-files", "-v");
    const record = await inspect();
    expect(alarms(record)).toEqual({
      ...QUIET,
      uncommitted: ["gone.txt", "hidden.txt", "new/file.txt", "skipped.txt", "src/a.txt", "staged.txt"],
    });
    expect(await git("ls-files", "-v"), "the index is as it was").toBe(flags);
  });

  test("what was there before is not this work's, until it changes", async () => {
    write("old.txt", "old\n");
    await look();
    expect((await inspect()).uncommitted).toEqual([]);
    write("old.txt", "old, and more\n");
    expect((await inspect()).uncommitted).toEqual(["old.txt"]);
  });
});

describe("case 13: what agents obey", () => {
  test("committed, left behind, ignored, nested, changed", async () => {
    await commit("settings", { ".claude/settings.json": "{}\n", "pkg/.mcp.json": "{}\n" });
    write(".codex/config.toml", "x = 1\n");
    write(".env", "A=1\n");
    expect((await inspect()).agentSettings).toEqual([".claude/settings.json", ".codex/config.toml", ".env", "pkg/.mcp.json"]);
    await look();
    expect((await inspect()).agentSettings).toEqual([]);
    write(".env", "A=2\n");
    expect((await inspect()).agentSettings).toEqual([".env"]);
    rmSync(join(path, ".env"));
    write(".claude/settings.json", '{"hooks":{}}\n');
    expect((await inspect()).agentSettings).toEqual([".claude/settings.json", ".env"]);
  });

  test("names that only look like it are no settings", async () => {
    await commit("others", { ".env.example": "A=\n", "claude/x": "x\n", "src/env.ts": "x\n" });
    expect((await inspect()).agentSettings).toEqual([]);
  });
});

describe("case 41: the main checkout", () => {
  test("files that are changed, made or put back; okstra's records and its linked directories are no edit", async () => {
    const { repo } = project;
    repo.write("README.md", "a person's own change\n");
    await look();
    repo.write(".project-docs/okstra/tasks/g/t/x.json", "{}\n");
    write(".scratch/more.txt", "through the link\n");
    mkdirSync(join(repo.root, "empty"));
    expect(alarms(await inspect())).toEqual(QUIET);
    repo.write("src/a.txt", "not mine\n");
    repo.write("new file.txt", "new\n");
    await repo.git(["checkout", "--quiet", "--", "README.md"]);
    repo.write(".env", "SECRET=1\n");
    writeFileSync(join(repo.root, ".project-docs/okstra/project.json"), '{"schema":1,"projectId":"proj","qaCommands":["true"]}');
    expect(alarms(await inspect())).toEqual({
      ...QUIET,
      mainCheckout: [".env", ".project-docs/okstra/project.json", "README.md", "new file.txt", "src/a.txt"],
    });
  });

  test("its HEAD, the repository's configuration and hooks", async () => {
    const { repo } = project;
    await repo.git(["config", "branch.main.description", "others do this meanwhile"]);
    expect(alarms(await inspect())).toEqual(QUIET);
    await repo.git(["config", "filter.x.clean", "touch /nowhere"]);
    repo.write("hooks/post-commit", "#!/bin/sh\n", { at: repo.gitDir, mode: 0o755 });
    repo.write("info/attributes", "* filter=x\n", { at: repo.gitDir });
    await repo.git(["switch", "--quiet", "--create", "other"]);
    const record = await inspect();
    expect(record.mainCheckout).toEqual(["HEAD", ".git/config", ".git/hooks", ".git/info/attributes"]);
    expect(record.otherRefs.map(({ ref }) => ref)).toEqual(["refs/heads/other"]);
  });

  test("no hook, filter or driver of the repository runs while okstra looks", async () => {
    const { repo } = project;
    const marker = join(project.home.root, "it-ran");
    const program = `sh -c 'touch ${marker}; cat'`;
    await repo.git(["config", "filter.evil.clean", program]);
    await repo.git(["config", "core.fsmonitor", `touch ${marker}`]);
    await repo.git(["config", "diff.external", `touch ${marker}`]);
    await repo.git(["config", "diff.evil.textconv", program]);
    await repo.git(["config", "log.showSignature", "true"]);
    await repo.git(["config", "gpg.program", marker]);
    for (const hook of ["post-index-change", "reference-transaction", "post-checkout"])
      repo.write(`hooks/${hook}`, `#!/bin/sh\ntouch ${marker}\n`, { at: repo.gitDir, mode: 0o755 });
    repo.write("info/attributes", "* filter=evil diff=evil\n", { at: repo.gitDir });
    await git("-c", "core.hooksPath=/dev/null", "-c", "filter.evil.clean=", "commit", "--quiet", "--allow-empty", "-m", "empty");
    rmSync(marker, { force: true });
    write("src/a.txt", "two\n");
    expect((await inspect()).commits).toHaveLength(1);
    expect(existsSync(marker)).toBe(false);
    await git("status");
    expect(existsSync(marker), "a plain git would have run it").toBe(true);
  });

  test("a worktree inside the main checkout is not its content", async () => {
    const inside = join(project.repo.root, ".trees/x");
    await project.repo.git(["worktree", "add", "--quiet", "-b", "inside", inside]);
    await look();
    project.repo.write("new.txt", "new\n", { at: inside });
    expect(alarms(await inspect())).toEqual(QUIET);
  });

  test("a run in the main checkout itself has no other one", async () => {
    place = { ...place, worktree: project.repo.root };
    await look();
    await project.repo.commit("here", { "src/a.txt": "two\n" });
    expect(await inspect()).toMatchObject({ mainCheckout: [], rewritten: false, commits: [{ subject: "here" }], branch: "main" });
  });
});
