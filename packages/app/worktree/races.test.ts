/** Many okstra processes at once. `OKSTRA_TEST_ROUNDS=20` makes 20 rounds of each. */
import { bundleDriver } from "@okstra/testkit/faults/bundle-driver";
import {
  countRounds,
  createFaultProject,
  readJson,
  useMemoryForTemporaryFiles,
  type FaultJson,
  type FaultProject,
} from "@okstra/testkit/faults/fault-project";
import { endStarted } from "@okstra/testkit/faults/start-process";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";

const ROUNDS = countRounds(3);
const ROUNDS_MS = 60_000 + ROUNDS * 60_000;

let memory: ReturnType<typeof useMemoryForTemporaryFiles>;
let driver = "";
let project: FaultProject;
beforeAll(async () => {
  memory = useMemoryForTemporaryFiles();
  driver = await bundleDriver("okstra-driver", memory.directory);
});
afterAll(() => memory.remove());
beforeEach(async () => {
  project = await createFaultProject(driver);
});
afterEach(async () => {
  await endStarted();
  project.remove();
});

/** Starts a process for each command line, lets them go together when all are ready, and answers their documents. */
async function provisionAtOnce(commands: readonly (readonly string[])[]): Promise<readonly FaultJson[]> {
  const all = commands.map((argv) => project.start(["worktree", "provision", ...argv], { wait: true }));
  await Promise.all(all.map((each) => each.waitForLine("@ready")));
  for (const each of all) each.say("go");
  return Promise.all(
    all.map(async (each) => {
      const { status, stdout, stderr } = await each.ended;
      expect([status, stdout], stderr).toEqual([0, expect.stringContaining("taskKey")]);
      return readJson(stdout);
    }),
  );
}

async function addRemote(): Promise<void> {
  const { repo, home } = project;
  await repo.git(["clone", "--quiet", "--bare", repo.root, `${home.root}/remote.git`]);
  await repo.git(["remote", "add", "origin", `${home.root}/remote.git`]);
  await repo.git(["fetch", "--quiet", "origin"]);
}

async function expectHealthy(): Promise<void> {
  const doctor = await project.okstra(["doctor"]);
  expect(doctor.json.checks.filter((check: { ok: boolean }) => !check.ok)).toEqual([]);
}

test("16 processes ask for one task: one is told created, fifteen reused, one worktree", { timeout: ROUNDS_MS }, async () => {
  const { repo } = project;
  for (let round = 0; round < ROUNDS; round += 1) {
    const answers = await provisionAtOnce(Array.from({ length: 16 }, () => [`g/t${round}`]));
    expect(answers.map(({ status }) => status).sort()).toEqual(["created", ...Array.from({ length: 15 }, () => "reused")]);
    expect(new Set(answers.map(({ path }) => path)).size).toBe(1);
    expect(new Set(answers.map(({ branch, baseRef }) => `${branch} ${baseRef}`)).size).toBe(1);
    expect(await repo.status(answers[0].path)).toEqual([]);
    expect(await repo.worktrees()).toHaveLength(2 + round);
  }
  await expectHealthy();
});

test("24 processes ask for 24 tasks based on origin/main: no failure, no orphan branch, no upstream", { timeout: ROUNDS_MS }, async () => {
  const { repo } = project;
  await addRemote();
  const base = await repo.resolve("origin/main");
  for (let round = 0; round < ROUNDS; round += 1) {
    const answers = await provisionAtOnce(
      Array.from({ length: 24 }, (_, at) => [`r${round}/t${round}-${at}`, "--base-ref", "origin/main"]),
    );
    for (const answer of answers) expect(answer).toMatchObject({ status: "created", baseRef: base });
    for (const { path } of answers) expect(await repo.status(path)).toEqual([]);
    const expected = ["main", ...Object.values(project.loadRegistry().tasks).map((row) => String(row["branch"]))];
    expect((await repo.branches()).toSorted()).toEqual(expected.toSorted());
    expect(await repo.worktrees()).toHaveLength(1 + 24 * (round + 1));
    expect(await repo.git(["config", "--get-regexp", "^branch\\."], { okExitCodes: [0, 1] })).toBe("");
  }
  await expectHealthy();
});

test("tasks whose branch names meet at once get names of their own", { timeout: ROUNDS_MS }, async () => {
  const { repo } = project;
  for (let round = 0; round < ROUNDS; round += 1) {
    const groups = ["a", "b", "c", "d"];
    const answers = await provisionAtOnce(groups.map((group) => [`${group}/login${round}`, "--category", "bugfix"]));
    expect(answers.map(({ status }) => status)).toEqual(groups.map(() => "created"));
    const short = answers.filter(({ branch }) => branch === `fix-login${round}`);
    expect(short).toHaveLength(1);
    for (const [at, { branch }] of answers.entries()) expect([`fix-login${round}`, `fix-${groups[at]}-login${round}`]).toContain(branch);
    expect(new Set(answers.map(({ branch }) => branch)).size).toBe(groups.length);
    for (const { path, branch } of answers) expect(await repo.git(["symbolic-ref", "--short", "HEAD"], { cwd: path })).toBe(branch);
  }
  await expectHealthy();
});

test("tasks that link directories of their own at once hide them all", async () => {
  const { repo, start } = project;
  const all = Array.from({ length: 8 }, (_, at) => {
    repo.write(`.cache${at}/x`, "x\n");
    return start(["worktree", "provision", `g/t${at}`], { wait: true, env: { OKSTRA_WORKTREE_SYNC_DIRS: `.cache${at}` } });
  });
  await Promise.all(all.map((each) => each.waitForLine("@ready")));
  for (const each of all) each.say("go");
  for (const each of all) {
    const { status, stdout } = await each.ended;
    expect(status, stdout).toBe(0);
    expect(await repo.status(readJson(stdout).path)).toEqual([]);
  }
});

test("one task is provisioned, released and taken up again by many at once: it stays one whole worktree", async () => {
  const { repo, start } = project;
  const { path } = await project.provision("g/t");
  const commands = Array.from({ length: 12 }, (_, at) =>
    at % 2 === 0 ? ["worktree", "provision", "g/t"] : ["worktree", "release", "g/t"],
  );
  const all = commands.map((argv) => start(argv, { wait: true }));
  await Promise.all(all.map((each) => each.waitForLine("@ready")));
  for (const each of all) each.say("go");
  for (const each of all) {
    const { status, stdout } = await each.ended;
    expect(status, stdout).toBe(0);
  }
  expect(await project.provision("g/t")).toMatchObject({ status: "reused", path });
  expect(await repo.worktrees()).toEqual([repo.root, path]);
  expect(await repo.branches()).toEqual(["main", "task-t"]);
  expect(await repo.status(path)).toEqual([]);
  await expectHealthy();
});
