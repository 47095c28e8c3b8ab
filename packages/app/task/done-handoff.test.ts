import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, type TestContext } from "vitest";
import { bundleDriver } from "@okstra/testkit/faults/bundle-driver";
import { useMemoryForTemporaryFiles } from "@okstra/testkit/faults/fault-project";
import { endStarted, startProcess } from "@okstra/testkit/faults/start-process";
import { isProgramThere } from "@okstra/testkit/forge/call-forge";
import { githubStandInEnvironment, startGithubServer, type GithubServer } from "@okstra/testkit/forge/github-server";
import { createHandoffProject, type HandoffProject } from "@okstra/testkit/handoff-project";
import { createBareRemote } from "@okstra/testkit/remotes/bare-remote";
import type { OkstraAnswer } from "@okstra/testkit/run-okstra";
import { openTestRepo, type TestRepo } from "@okstra/testkit/test-repo";

let memory: ReturnType<typeof useMemoryForTemporaryFiles>;
let driver = "";
beforeAll(async () => {
  memory = useMemoryForTemporaryFiles();
  driver = await bundleDriver("okstra-driver", memory.directory);
});
afterAll(() => memory.remove());

let work: HandoffProject;
let colleague: TestRepo;
let forge: GithubServer | null = null;
let env: Record<string, string> = {};
afterEach(async () => {
  await endStarted();
  await forge?.close();
  forge = null;
  env = {};
  work.project.remove();
});

const FORGE_URL = "https://github.com/acme/app.git";

/** A task that was handed off into main, and a colleague who has its branch from the remote. */
async function handOff(options: { commits?: readonly string[]; more?: readonly string[]; context?: TestContext } = {}): Promise<void> {
  const { context } = options;
  if (context !== undefined && !(await isProgramThere("gh"))) context.skip("gh is not here");
  const commits = options.commits ?? ["Mend the login", "Test the login"];
  work = await createHandoffProject(context === undefined ? { commits } : { commits, remoteUrl: () => FORGE_URL });
  const { project, remote } = work;
  if (context !== undefined) {
    project.home.writeGitConfig(`[init]\n\tdefaultBranch = main\n[url "${remote.url}"]\n\tinsteadOf = ${FORGE_URL}\n`);
    forge = await startGithubServer({ project: "acme/app", headOf: (branch) => work.remoteCommit(branch) });
    const { HOME: _, ...stand } = githubStandInEnvironment(forge, project.home.directory("gh-home"));
    env = stand;
  }
  const planned = await okstra("handoff", work.task, "--plan", "--action", "pr", "--base", "main", ...(options.more ?? []));
  const ended = await okstra("handoff", work.task, "--approve", planned.json.hash);
  expect([planned.status, ended.status], planned.stdout + ended.stdout).toEqual([0, 0]);
  const path = project.home.directory("colleague");
  await project.repo.git(["clone", "--quiet", remote.url, path]);
  colleague = openTestRepo(path);
}

const okstra = (...argv: readonly string[]): Promise<OkstraAnswer> => work.project.okstra(argv, { env });
const done = (...flags: readonly string[]): Promise<OkstraAnswer> => okstra("task", "done", work.task, ...flags);
const publish = (branch = "main"): Promise<string> => colleague.git(["push", "--quiet", "origin", `HEAD:${branch}`]);
const merge = async (): Promise<void> => {
  await colleague.git(["merge", "--quiet", "--no-ff", "--no-edit", `origin/${work.branch}`]);
  await publish();
};
const row = (): Record<string, unknown> | undefined => work.project.loadRegistry().tasks[`proj/${work.task}`];
const loadDone = (): readonly Record<string, unknown>[] => {
  const { repo } = work.project;
  const path = `.project-docs/okstra/tasks/${work.task}/events.jsonl`;
  const lines = repo.exists(path) ? repo.read(path).split("\n").slice(0, -1) : [];
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ type }) => type === "task-done");
};

test("the base is the one of the hand-off; its records and evidence stay when all the rest is removed", async () => {
  await handOff();
  expect((await done()).json.error).toMatchObject({ code: "OKSTRA_TASK_NOT_MERGED", details: { missing: 2, base: "main" } });
  await colleague.commit("Something else", { "else.txt": "x\n" });
  await merge();
  const answer = await done("--remove");
  expect([answer.status, answer.json], answer.stdout + answer.stderr).toMatchObject([
    0,
    { how: "merged", base: "main", commit: work.head, alreadyDone: false, cleanUp: { removed: true } },
  ]);
  expect([row(), loadDone().length]).toEqual([undefined, 1]);
  const report = await okstra("report", work.task, "-t", "release-handoff");
  expect(report.status, report.stdout).toBe(0);
  expect((await okstra("validate", work.task)).status).toBe(0);
  expect((await done()).json).toMatchObject({ alreadyDone: true, how: "merged", cleanUp: { removed: true } });
});

test("a worktree that was removed before the merge is in nobody's way", async () => {
  await handOff();
  expect((await okstra("worktree", "remove", work.task, "--yes")).status).toBe(0);
  expect((await done()).json.error.code).toBe("OKSTRA_TASK_NOT_MERGED");
  await merge();
  const answer = await done("--remove");
  expect([answer.status, answer.json], answer.stdout).toMatchObject([
    0,
    { how: "merged", cleanUp: { branch: work.branch, removed: true, command: null } },
  ]);
  expect((await done()).json.alreadyDone).toBe(true);
  expect((await okstra("worktree", "restore", work.task)).status).toBe(0);
});

test("a squashed hand-off counts by the commit that went out, wherever it went", async () => {
  await handOff({ more: ["--commits", "squash"] });
  await colleague.git(["switch", "--quiet", "staging"]);
  await colleague.commit("Something else", { "else.txt": "x\n" });
  await colleague.git(["cherry-pick", `origin/${work.branch}`]);
  await publish("staging");
  expect((await done()).json.error.code).toBe("OKSTRA_TASK_NOT_MERGED");
  const answer = await done("--base", "staging");
  expect([answer.status, answer.json.how, answer.json.base, answer.json.commit], answer.stdout).toEqual([
    0,
    "squashed",
    "staging",
    await work.remoteCommit(),
  ]);
});

test("work after the hand-off is refused until it is in the base too", async () => {
  await handOff();
  await merge();
  await work.project.repo.commit("Later", { "later.txt": "x\n" }, work.worktree);
  const refused = await done("--remove");
  expect([refused.status, refused.json.error.code, refused.json.error.details.commitCount], refused.stdout).toEqual([
    4,
    "OKSTRA_WORKTREE_HAS_WORK",
    1,
  ]);
  expect([row()?.["status"], loadDone()]).toEqual(["active", []]);
  await work.project.repo.git(["push", "--quiet", "origin", `${work.branch}:later`]);
  await colleague.git(["fetch", "--quiet"]);
  await colleague.git(["cherry-pick", "origin/later"]);
  await publish();
  const answer = await done();
  expect([answer.status, answer.json.how, answer.json.commit], answer.stdout).toEqual([0, "merged", work.head]);
  expect((await done()).json.alreadyDone).toBe(true);
});

test("a branch that was put back to where it began does not count as merged", async () => {
  await handOff();
  await work.project.repo.git(["reset", "--quiet", "--hard", "main"], { cwd: work.worktree });
  expect((await done("--remove")).json.error.code).toBe("OKSTRA_TASK_NOT_MERGED");
  await merge();
  expect((await done()).json).toMatchObject({ how: "merged", commit: work.head });
});

test("a remote that leads elsewhere since the hand-off is not asked unless it is named", async () => {
  await handOff();
  const { repo, home } = work.project;
  const other = await createBareRemote(home.directory("remotes"), "other.git");
  await repo.git(["push", "--quiet", other.url, `${work.branch}:main`]);
  await repo.git(["remote", "set-url", "origin", other.url]);
  const refused = await done();
  expect([refused.status, refused.json.error.code], refused.stdout).toEqual([4, "OKSTRA_HANDOFF_CHANGED"]);
  const named = await done("--remote", "origin");
  expect([named.status, named.json.how], named.stdout).toEqual([0, "merged"]);
});

test("killed between the release and the note: said again, it is written down once", async () => {
  await handOff();
  await merge();
  const argv = [process.execPath, driver, "task", "done", work.task, "--json"] as const;
  const killed = await startProcess(argv, { cwd: work.project.repo.root, env: { OKSTRA_TEST_KILL_AT: "task-released" } }).ended;
  expect(killed.signal).toBe("SIGKILL");
  expect([row()?.["status"], loadDone()]).toEqual(["released", []]);
  const answer = await done();
  expect([answer.status, answer.json.how, answer.json.alreadyDone], answer.stdout).toEqual([0, "merged", false]);
  expect((await done()).json.alreadyDone).toBe(true);
  expect(loadDone().length).toBe(1);
});

test("the pull request's state is shown, and its word alone counts for the very commit only", async (context) => {
  await handOff({ context });
  const open = await done();
  expect([open.status, open.json.error.details], open.stdout).toMatchObject([10, { missing: 2, pullRequestState: "open" }]);
  expect(open.json.error.message).toContain("https://github.com/acme/app/pull/1");
  const [pull] = forge?.pulls ?? [];
  if (pull === undefined) throw new Error("there is no pull request");

  // The forge calls it merged, by a commit that is nowhere; then by one of the base, but for another head.
  forge?.mergePull(1, "d".repeat(40));
  expect((await done()).json.error).toMatchObject({ code: "OKSTRA_TASK_NOT_MERGED", details: { pullRequestState: "merged" } });
  const edited = await colleague.commit("Mend the login, edited while it was merged (#1)", { "src/part-0.txt": "edited\n" });
  await publish();
  forge?.mergePull(1, edited);
  pull.head = edited;
  expect((await done()).json.error.code).toBe("OKSTRA_TASK_NOT_MERGED");
  pull.head = work.head;
  const answer = await done();
  expect([answer.status, answer.json], answer.stdout).toMatchObject([
    0,
    { how: "merged-by-forge", pullRequest: "https://github.com/acme/app/pull/1", pullRequestState: "merged" },
  ]);
});

test("a forge that does not answer is only told of; what git shows decides", async (context) => {
  await handOff({ context });
  await merge();
  forge?.breakNext("GET", "/pulls", "cut-before");
  const answer = await done();
  expect([answer.status, answer.json.how, answer.json.pullRequest, answer.json.pullRequestState], answer.stdout).toEqual([
    0,
    "merged",
    "https://github.com/acme/app/pull/1",
    null,
  ]);
  expect(answer.stderr).toContain("github.com");
});

test("a hand-off whose plan was changed since is not believed", async () => {
  await handOff();
  await merge();
  const { repo } = work.project;
  const runDir = `.project-docs/okstra/tasks/${work.task}/runs/release-handoff/001`;
  const [plan = ""] = readdirSync(join(repo.root, runDir, "plans"));
  writeFileSync(
    join(repo.root, runDir, "plans", plan),
    repo.read(`${runDir}/plans/${plan}`).replaceAll(work.head, await repo.resolve("main")),
  );
  expect((await done()).json.error.code).toBe("OKSTRA_RUN_CORRUPT");
  expect(row()?.["status"]).toBe("active");
});
