/** An older okstra's home and projects, taken over by the command line. */
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runOkstra } from "@okstra/testkit/run-okstra";
import { createTestHome } from "@okstra/testkit/test-home";
import { createTestProject, openTestProject, type TestProject } from "@okstra/testkit/test-project";
import { createTestRepo } from "@okstra/testkit/test-repo";
import { hashFiles } from "@okstra/testkit/tree-hash";

let project: TestProject;
let oldHome: string;
let tasksDir: string;
beforeEach(async () => {
  project = await createTestProject();
  oldHome = project.home.directory("old-home");
  tasksDir = join(project.repo.root, ".project-docs/okstra/tasks");
});
afterEach(() => project.remove());

type OldRow = Record<string, string | null>;

/** A row and its worktree as the older okstra made them: no repository in the row, no schema in the file. */
async function oldTask(
  task: string,
  of: { project?: TestProject; branch?: string; row?: OldRow; home?: string } = {},
): Promise<[string, OldRow]> {
  const { repo } = of.project ?? project;
  const projectId = of.project === undefined ? "proj" : "second";
  const [group = "", name = ""] = task.split("/");
  const branch = of.branch ?? `fix-${name}`;
  const path = join(of.home ?? oldHome, "worktrees", projectId, group, name);
  mkdirSync(dirname(path), { recursive: true });
  await repo.git(["worktree", "add", "--quiet", "-b", branch, path, "HEAD"]);
  const row = {
    project_id: projectId,
    task_group: group,
    task_id: name,
    worktree_path: path,
    branch,
    base_ref: await repo.resolve("HEAD"),
    created_at: "2025-11-02T10:00:00",
    last_phase: "implementation",
    status: "active",
    ...of.row,
  };
  return [`${projectId}/${task}`, row];
}

function writeOldRegistry(rows: readonly (readonly [string, OldRow])[], home = oldHome): void {
  mkdirSync(join(home, "worktrees"), { recursive: true });
  const branches = Object.fromEntries(rows.map(([key, { branch }]) => [branch ?? "", key]));
  writeFileSync(join(home, "worktrees/registry.json"), JSON.stringify({ tasks: Object.fromEntries(rows), branches }, null, 2));
}

/** Records of a task as files, by path below its directory. */
function writeRecords(task: string, files: Readonly<Record<string, string>>, at = tasksDir): void {
  for (const [path, text] of Object.entries(files)) {
    const full = join(at, task, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, text);
  }
}

const BRIEF = "# Login fails\n\nWith an empty password the server answers 500.\n";
const OLD_RUN = {
  "task.json": JSON.stringify({ task_id: "login", work_category: "bugfix", status: "in-progress" }),
  "task-brief.md": BRIEF,
  "runs/error-analysis/001/final-report.md": "# Final report\n",
  "runs/error-analysis/001/worker-results/claude.md": "…",
  "runs/implementation/reports/final-report-implementation-002.md": "# Final report\n",
  "runs/implementation/prompts/claude-002.md": "…",
};

async function migrate(...flags: readonly string[]) {
  const { status, json, stdout } = await project.okstra(["migrate", ...flags]);
  expect(status, stdout).toBe(0);
  return json;
}

const actions = (rows: readonly { taskKey: string; action: string }[]): Record<string, string> =>
  Object.fromEntries(rows.map(({ taskKey, action }) => [taskKey, action]));

describe("another home", () => {
  test("its rows, worktrees, briefs and runs are here then; nothing of it has changed, and once more there is nothing to do", async () => {
    writeOldRegistry([await oldTask("bugs/login"), await oldTask("bugs/done", { row: { status: "released" } })]);
    writeRecords("bugs/login", OLD_RUN);
    const before = [hashFiles(oldHome), readFileSync(join(tasksDir, "bugs/login/task.json"), "utf8")];

    const plan = await migrate("--from", oldHome, "--dry-run");
    expect(plan).toMatchObject({ from: oldHome, dryRun: true, problems: [], nextStep: "okstra migrate" });
    expect((await project.okstra(["worktree", "list"])).json).toEqual(expect.objectContaining({ tasks: [] }));
    expect(existsSync(join(tasksDir, "bugs/login/events.jsonl"))).toBe(false);

    const answer = await migrate("--from", oldHome);
    expect({ ...answer, dryRun: true, nextStep: "okstra migrate" }).toEqual(plan);
    expect(actions(answer.tasks)).toEqual({ "proj/bugs/done": "brought", "proj/bugs/login": "brought" });
    expect(answer.runs).toEqual([
      {
        taskKey: "proj/bugs/login",
        type: "error-analysis",
        run: 1,
        files: 2,
        report: join(tasksDir, "bugs/login/runs/error-analysis/001/final-report.md"),
        action: "brought",
        reason: null,
      },
      {
        taskKey: "proj/bugs/login",
        type: "implementation",
        run: 2,
        files: 2,
        report: join(tasksDir, "bugs/login/runs/implementation/reports/final-report-implementation-002.md"),
        action: "brought",
        reason: null,
      },
    ]);
    expect([hashFiles(oldHome), readFileSync(join(tasksDir, "bugs/login/task.json"), "utf8")]).toEqual(before);

    const shown = (await project.okstra(["task", "show", "bugs/login"])).json;
    expect(shown).toMatchObject({ brief: BRIEF, category: "bugfix", worktree: join(oldHome, "worktrees/proj/bugs/login") });
    expect(shown.older.map(({ type, run }: { type: string; run: number }) => `${type} ${run}`)).toEqual([
      "error-analysis 1",
      "implementation 2",
    ]);
    // Nothing of then counts as done: the first phase is due.
    expect(shown.next).toMatchObject({ done: false, due: { type: "error-analysis" } });
    expect((await project.okstra(["status"])).json.tasks).toMatchObject([{ taskKey: "proj/bugs/login" }]);
    expect((await project.okstra(["history"])).json.runs).toEqual([]);
    const listed = (await project.okstra(["worktree", "list"])).json.tasks;
    expect(listed.map(({ taskKey, status, tree }: Record<string, string>) => [taskKey, status, tree])).toEqual([
      ["proj/bugs/done", "released", "present"],
      ["proj/bugs/login", "active", "present"],
    ]);

    const whole = [hashFiles(oldHome), hashFiles(join(tasksDir, "bugs"))];
    const again = await migrate("--from", oldHome);
    expect(actions(again.tasks)).toEqual({ "proj/bugs/done": "as-is", "proj/bugs/login": "as-is" });
    expect(again.runs.map(({ action }: { action: string }) => action)).toEqual(["as-is", "as-is"]);
    expect([hashFiles(oldHome), hashFiles(join(tasksDir, "bugs"))]).toEqual(whole);
  });

  test("a task goes on here: the worktree is the old one, and a new run leaves the old run's files alone", async () => {
    writeOldRegistry([await oldTask("bugs/login")]);
    writeRecords("bugs/login", OLD_RUN);
    await migrate("--from", oldHome);
    const old = hashFiles(join(tasksDir, "bugs/login/runs/error-analysis/001"));
    const run = (await project.okstra(["run", "bugs/login", "-t", "error-analysis", "--workers", "checks"])).json;
    expect(run).toMatchObject({ run: 2, provision: { status: "reused", path: join(oldHome, "worktrees/proj/bugs/login") } });
    expect(hashFiles(join(tasksDir, "bugs/login/runs/error-analysis/001"))).toEqual(old);
    expect((await project.okstra(["validate", "bugs/login"])).json).toMatchObject({ ok: true });
  });

  test("two projects, a worktree that is gone, a key and a branch that are taken", async () => {
    const second = await openTestProject(project.home, await createTestRepo(project.home.directory("second")), "second");
    const gone = await oldTask("bugs/gone");
    rmSync(String(gone[1]["worktree_path"]), { recursive: true });
    const taken = await project.provision("bugs/taken", "--category", "bugfix");
    writeOldRegistry([
      await oldTask("bugs/login"),
      await oldTask("bugs/login", { project: second }),
      await oldTask("bugs/taken", { branch: "old-taken" }),
      gone,
    ]);
    writeRecords("bugs/login", OLD_RUN, join(second.repo.root, ".project-docs/okstra/tasks"));
    const { tasks, runs } = await migrate("--from", oldHome);
    expect(tasks.map(({ taskKey, action, reason }: Record<string, string>) => [taskKey, action, reason])).toEqual([
      ["proj/bugs/gone", "brought", "its worktree is not there: okstra worktree repair"],
      ["proj/bugs/login", "brought", null],
      ["proj/bugs/taken", "skipped", `the key is a task here already, in ${taken.path}`],
      ["second/bugs/login", "brought", null],
    ]);
    expect(runs.map(({ taskKey }: { taskKey: string }) => taskKey)).toEqual(["second/bugs/login", "second/bugs/login"]);
    const all = (await project.okstra(["status", "--all"])).json.tasks;
    expect(all.map(({ taskKey }: { taskKey: string }) => taskKey)).toContain("second/bugs/login");
  });

  test("a project that nobody set up is told, and brought when it is", async () => {
    const other = project.home.directory("other");
    const repo = await createTestRepo(other);
    const [key, row] = await oldTask("bugs/login", { project: { ...project, repo } });
    writeOldRegistry([[key.replace("second", "other"), { ...row, project_id: "other" }]]);
    writeRecords("bugs/login", OLD_RUN, join(other, ".project-docs/okstra/tasks"));
    const first = await migrate("--from", oldHome);
    expect(first).toMatchObject({ runs: [], problems: [{ path: other, reason: expect.stringContaining("okstra setup") }] });
    await openTestProject(project.home, repo, "other");
    expect(await migrate("--from", oldHome)).toMatchObject({ problems: [], tasks: [{ action: "brought" }], runs: [{}, {}] });
  });
});

test("this home's own registry of the old shape is brought forward, and the old one kept", async () => {
  const home = project.home.okstraHome;
  writeOldRegistry([await oldTask("bugs/login", { home })], home);
  const text = readFileSync(join(home, "worktrees/registry.json"), "utf8");
  expect(actions((await migrate("--dry-run")).tasks)).toEqual({ "proj/bugs/login": "brought" });
  expect(readFileSync(join(home, "worktrees/registry.json"), "utf8")).toBe(text);
  expect(actions((await migrate()).tasks)).toEqual({ "proj/bugs/login": "brought" });
  expect(readFileSync(join(home, "worktrees/registry.v1.json"), "utf8")).toBe(text);
  expect(project.loadRegistry().tasks["proj/bugs/login"]).toMatchObject({ repository: project.repo.gitDir, status: "active" });
  expect(actions((await migrate()).tasks)).toEqual({ "proj/bugs/login": "as-is" });
});

describe("records that are not as they should be", () => {
  test("each is told or passed over, and the others are brought", async () => {
    writeRecords("bugs/login", OLD_RUN);
    writeRecords("bugs/broken", { "task.json": "{ not json", "runs/error-analysis/001/report.md": "x" });
    writeRecords("bugs/Upper Case", { "runs/error-analysis/001/report.md": "x" });
    writeRecords("bugs/empty", { ".keep": "" });
    const outside = project.home.directory("outside");
    writeFileSync(join(outside, "task-brief.md"), "secret");
    symlinkSync(outside, join(tasksDir, "bugs/linked"));
    mkdirSync(join(tasksDir, "bugs/inner"));
    symlinkSync(join(outside, "task-brief.md"), join(tasksDir, "bugs/inner/task-brief.md"));
    const { tasks, problems } = await migrate();
    expect(tasks.map(({ taskKey, action }: Record<string, string>) => [taskKey, action])).toEqual([
      ["proj/bugs/Upper Case", "skipped"],
      ["proj/bugs/broken", "brought"],
      ["proj/bugs/login", "brought"],
    ]);
    expect(problems.map(({ path }: { path: string }) => path).sort()).toEqual([
      join(tasksDir, "bugs/broken/task.json"),
      join(tasksDir, "bugs/inner/task-brief.md"),
      join(tasksDir, "bugs/linked"),
    ]);
    expect(readFileSync(join(tasksDir, "bugs/broken/task.json"), "utf8")).toBe("{ not json");
  });

  test("a secret in an old brief does not reach the log", async () => {
    const secret = `ghp_${"a1B2".repeat(9)}`;
    writeRecords("bugs/login", { "task-brief.md": `# Key\n\n${secret}\n` });
    await migrate();
    const log = readFileSync(join(tasksDir, "bugs/login/events.jsonl"), "utf8");
    expect(log).toContain("# Key");
    expect(log).not.toContain(secret);
  });

  test("a registry that cannot be read is told, and left as it is", async () => {
    mkdirSync(join(oldHome, "worktrees"));
    writeFileSync(join(oldHome, "worktrees/registry.json"), "{ not json");
    expect(await migrate("--from", oldHome)).toMatchObject({ tasks: [], problems: [{ path: join(oldHome, "worktrees/registry.json") }] });
    expect(readFileSync(join(oldHome, "worktrees/registry.json"), "utf8")).toBe("{ not json");
  });

  test.each([
    ["no directory", () => join(oldHome, "nowhere"), "OKSTRA_DIRECTORY_NOT_FOUND"],
    ["no home", () => oldHome, "OKSTRA_MIGRATE_NO_HOME"],
  ] as const)("--from %s", async (_what, from, code) => {
    const { status, json } = await project.okstra(["migrate", "--from", from()]);
    expect([status, json.error.code]).toEqual([1, code]);
    const text = await runOkstra(["migrate", "--from", from()], { cwd: project.repo.root });
    expect(text.stderr).toMatch(new RegExp(`^error\\[${code}\\]: [^\\n]+\\nhint: [^\\n]+\\n$`));
  });
});

test("tasks that this okstra made are none of an older one", async () => {
  const brief = project.home.directory("briefs");
  writeFileSync(join(brief, "ask.md"), BRIEF);
  await project.okstra(["task", "new", "bugs/mine", "--brief", join(brief, "ask.md")]);
  await project.okstra(["run", "bugs/run", "-t", "final-verification", "--workers", "checks"]);
  expect(await migrate()).toMatchObject({ tasks: [{ taskKey: "proj/bugs/run", action: "as-is" }], runs: [], problems: [] });
});

test("whatever rows an old registry has: none is lost, none is changed twice, and what was here stays", async () => {
  const segment = fc.stringMatching(/^[a-z][a-z0-9-]{0,6}[a-z0-9]$/);
  const row = fc.record({
    status: fc.constantFrom("active", "released", "unknown"),
    branch: fc.oneof(segment, fc.constant("")),
    last_phase: fc.option(fc.constant("implementation")),
    created_at: fc.option(fc.constant("2025-01-01T00:00:00")),
  });
  const registry = fc.dictionary(
    fc.tuple(segment, segment, segment).map((parts) => parts.join("/")),
    row,
    { maxKeys: 8 },
  );
  await fc.assert(
    fc.asyncProperty(registry, async (rows) => {
      const home = createTestHome();
      try {
        const from = home.directory("old");
        const full = Object.entries(rows).map(([key, of]) => {
          const [project_id = "", task_group = "", task_id = ""] = key.split("/");
          return [key, { project_id, task_group, task_id, worktree_path: join(from, "worktrees", key), base_ref: "", ...of }] as const;
        });
        writeOldRegistry(full, from);
        const run = async () => (await runOkstra(["migrate", "--from", from, "--json"], { cwd: home.root })).json;
        const first = await run();
        expect(first.tasks.map(({ taskKey }: { taskKey: string }) => taskKey)).toEqual(Object.keys(rows).sort());
        const path = join(home.okstraHome, "worktrees/registry.json");
        const text = existsSync(path) ? readFileSync(path, "utf8") : "";
        const brought = first.tasks.filter(({ action }: { action: string }) => action === "brought").length;
        expect(Object.keys(text === "" ? {} : JSON.parse(text).tasks)).toHaveLength(brought);
        const second = await run();
        expect(second.tasks.filter(({ action }: { action: string }) => action === "brought")).toEqual([]);
        expect(existsSync(path) ? readFileSync(path, "utf8") : "").toBe(text);
      } finally {
        home.remove();
      }
    }),
    { numRuns: 25 },
  );
});
