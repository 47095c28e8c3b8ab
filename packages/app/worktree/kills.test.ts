/**
 * okstra is killed; the next command answers with a whole tree. `OKSTRA_TEST_ROUNDS=20` kills at 20 random moments and
 * 20 times at each point; `OKSTRA_TEST_FULL=1` kills at every traced system call instead of as many as fit a few seconds.
 */
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleDriver } from "@okstra/testkit/faults/bundle-driver";
import { countRounds, createFaultProject, useMemoryForTemporaryFiles, type FaultProject } from "@okstra/testkit/faults/fault-project";
import { commitManyFiles } from "@okstra/testkit/faults/large-repo";
import { endStarted, waitUntil } from "@okstra/testkit/faults/start-process";
import { findStraceObstacle, injectInto, listKillPoints, traceInto, type KillPoint } from "@okstra/testkit/faults/strace";
import { hashFiles } from "@okstra/testkit/tree-hash";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

const LONG_MS = 60 * 60_000;
const BUDGET_MS = process.env["OKSTRA_TEST_FULL"] === "1" ? Infinity : 12_000;

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

/** The next provision answers with the whole tree, and nothing of the dead one is in the way. */
async function expectHealed(task: string, how: string): Promise<void> {
  const { repo } = project;
  const answer = await project.okstra(["worktree", "provision", task]);
  expect(answer.status, `${how}: ${answer.stdout}`).toBe(0);
  const { path, branch, baseRef, status } = answer.json;
  expect(["created", "reused"], how).toContain(status);
  expect(await repo.status(path), how).toEqual([]);
  expect(await repo.resolve("HEAD", path), how).toBe(baseRef);
  expect(await repo.git(["symbolic-ref", "--short", "HEAD"], { cwd: path }), how).toBe(branch);
  expect(lstatSync(join(path, ".project-docs")).isSymbolicLink(), how).toBe(true);
  expect(
    Object.values(project.loadRegistry().tasks).map((row) => row["status"]),
    how,
  ).not.toContain("provisioning");
  await expectNothingLeft(how);
}

/** Rows, branches and worktrees say the same, and doctor finds nothing. */
async function expectNothingLeft(how: string): Promise<void> {
  const { repo, home } = project;
  const rows = Object.values(existsSync(join(home.okstraHome, "worktrees/registry.json")) ? project.loadRegistry().tasks : {});
  expect((await repo.branches()).toSorted(), how).toEqual(["main", ...rows.map((row) => String(row["branch"]))].toSorted());
  expect((await repo.worktrees()).toSorted(), how).toEqual([repo.root, ...rows.map((row) => String(row["worktree_path"]))].toSorted());
  const doctor = await project.okstra(["doctor"]);
  expect(
    doctor.json.checks.filter((check: { ok: boolean }) => !check.ok),
    how,
  ).toEqual([]);
}

describe("killed at a named point", () => {
  for (const point of ["row-reserved", "checkout-started", "checkout-ended", "links-made", "activating", "activated"]) {
    test(`case 22: ${point}`, { timeout: LONG_MS }, async () => {
      for (let round = 0; round < countRounds(5); round += 1) {
        const { signal, stderr } = await project.run(["worktree", "provision", `g/t${round}`], { killAt: point });
        expect([signal, stderr], stderr).toEqual(["SIGKILL", expect.stringContaining(`@event ${point}`)]);
        await expectHealed(`g/t${round}`, `${point}, round ${round}`);
      }
    });
  }

  test("case 23: in the middle of the checkout, git too", { timeout: LONG_MS }, async () => {
    const gate = await installGate();
    for (let round = 0; round < countRounds(5); round += 1) {
      const started = project.start(["worktree", "provision", `g/t${round}`]);
      await waitUntil(() => gate.isReached() || !started.isRunning());
      expect(existsSync(join(project.home.okstraHome, `worktrees/proj/g/t${round}/.git`)), started.lines().join("\n")).toBe(true);
      started.signal("SIGKILL", "group");
      expect((await started.ended).signal).toBe("SIGKILL");
      gate.open();
      await expectHealed(`g/t${round}`, `round ${round}`);
      gate.close();
    }
  });

  test("case 23: in the middle of the checkout, okstra alone: the next waits until git has ended", { timeout: LONG_MS }, async () => {
    const gate = await installGate();
    for (let round = 0; round < countRounds(2); round += 1) {
      const started = project.start(["worktree", "provision", `g/t${round}`]);
      await waitUntil(() => gate.isReached() || !started.isRunning());
      started.signal("SIGKILL");
      const next = project.start(["worktree", "provision", `g/t${round}`]);
      await next.waitForLine("@event row-reserved");
      const soon = await Promise.race([
        next.waitForLine("@event checkout-started").then(() => "went on"),
        new Promise((resolve) => setTimeout(() => resolve("waits"), 500)),
      ]);
      expect(soon).toBe("waits");
      gate.open();
      const answer = await next.ended;
      expect(answer.status, answer.stdout).toBe(0);
      await expectHealed(`g/t${round}`, `round ${round}`);
      gate.close();
    }
  });
});

/** The checkout stops at one file, in the middle of the tree, until the gate is opened: a filter of the person's own. */
async function installGate(): Promise<{ isReached(): boolean; open(): void; close(): void }> {
  const { repo, home } = project;
  const [reached, opened] = [join(home.root, "reached"), join(home.root, "open")];
  await commitManyFiles(repo, 600);
  await repo.commit("gate", { ".gitattributes": "d001/f100.txt filter=gate\n" });
  home.writeGitConfig(
    `[init]\n\tdefaultBranch = main\n[filter "gate"]\n\tsmudge = "touch ${reached}; while [ ! -e ${opened} ]; do sleep 0.02; done; cat"\n\tclean = cat\n`,
  );
  return {
    isReached: () => existsSync(reached),
    open: () => writeFileSync(opened, ""),
    close() {
      rmSync(opened, { force: true });
      rmSync(reached, { force: true });
    },
  };
}

test("case 23: killed at random moments of provisioning 20,000 files, with and without git", { timeout: LONG_MS }, async () => {
  const { repo } = project;
  await commitManyFiles(repo, 20_000);
  const startedAt = performance.now();
  expect((await project.run(["worktree", "provision", "g/whole"])).status).toBe(0);
  const wholeMs = performance.now() - startedAt;
  const rounds = countRounds(4);
  for (let round = 0; round < rounds; round += 1) {
    const momentMs = (wholeMs * (round + Math.random())) / rounds;
    const whom = round % 2 === 0 ? "group" : "process";
    const started = project.start(["worktree", "provision", `g/t${round}`]);
    await Promise.race([started.ended, new Promise((resolve) => setTimeout(resolve, momentMs))]);
    const path = join(project.home.okstraHome, `worktrees/proj/g/t${round}`);
    const how = `${whom} killed after ${Math.round(momentMs)} of ${Math.round(wholeMs)} ms with ${existsSync(path) ? readdirSync(path).length : 0} of 103 entries`;
    started.signal("SIGKILL", whom);
    await expectHealed(`g/t${round}`, how);
    await started.ended;
    const removed = await project.okstra(["worktree", "remove", `g/t${round}`, "--yes"]);
    expect(removed.status, `${how}: ${removed.stdout}`).toBe(0);
  }
});

describe("killed at a system call that changes the disk", () => {
  const obstacle = findStraceObstacle();

  /** Kill points of one run of a command line, and what to do with each until the time is used up: evenly chosen, never the same twice. */
  async function killAtEach(
    argv: (at: number) => readonly string[],
    around: { before?: (at: number) => Promise<void>; after: (at: number, how: string) => Promise<void> },
  ): Promise<{ points: number; killed: number }> {
    const log = join(project.home.root, "trace");
    const env = { UV_THREADPOOL_SIZE: "1" };
    await around.before?.(0);
    expect((await project.run(argv(0), { prefix: traceInto(log), env })).status).toBe(0);
    await around.after(0, "not killed");
    const points = listKillPoints(log, project.home.root);
    expect(points.length).toBeGreaterThan(10);
    const until = performance.now() + BUDGET_MS;
    let tried = 0;
    let killed = 0;
    for (const [index, point] of spread(points).entries()) {
      if (performance.now() > until) break;
      await around.before?.(index + 1);
      const { status } = await project.run(argv(index + 1), {
        prefix: injectInto(point.systemCall, `signal=KILL:when=${point.when}`),
        env,
      });
      tried += 1;
      if (status !== 0) killed += 1;
      await around.after(index + 1, `killed at ${point.systemCall} number ${point.when}, as in ${point.text}`);
    }
    // Calls of several processes are counted each by itself, so some numbers are never reached again.
    expect(killed, `${tried} of ${points.length} points tried`).toBeGreaterThan(tried / 2);
    return { points: points.length, killed };
  }

  test("case 22: provision", { timeout: LONG_MS }, async (context) => {
    if (obstacle !== null) return context.skip(obstacle);
    await project.repo.commit("include", { ".gitignore": "*.local\n", ".worktreeinclude": "*.local\n" });
    project.repo.write("a.local", "a\n");
    await killAtEach((at) => ["worktree", "provision", `g/t${at}`], {
      after: async (at, how) => {
        await expectHealed(`g/t${at}`, how);
        expect(readFileSync(join(project.home.okstraHome, `worktrees/proj/g/t${at}/a.local`), "utf8"), how).toBe("a\n");
      },
    });
  });

  test("case 22: the provision that heals what a kill left", { timeout: LONG_MS }, async (context) => {
    if (obstacle !== null) return context.skip(obstacle);
    await killAtEach((at) => ["worktree", "provision", `g/t${at}`], {
      before: async (at) => {
        expect((await project.run(["worktree", "provision", `g/t${at}`], { killAt: "checkout-ended" })).signal).toBe("SIGKILL");
      },
      after: (at, how) => expectHealed(`g/t${at}`, how),
    });
  });

  test("case 22: release, and taking up again", { timeout: LONG_MS }, async (context) => {
    if (obstacle !== null) return context.skip(obstacle);
    await killAtEach(() => ["worktree", "release", "g/t"], {
      before: async () => void (await project.provision("g/t")),
      after: async (_at, how) => {
        const shown = await project.okstra(["worktree", "show", "g/t"]);
        expect(["active", "released"], `${how}: ${shown.stdout}`).toContain(shown.json.status);
        expect((await project.okstra(["worktree", "release", "g/t"])).json.status, how).toBe("released");
        await expectHealed("g/t", how);
      },
    });
  });

  test("case 22: setup", { timeout: LONG_MS }, async (context) => {
    if (obstacle !== null) return context.skip(obstacle);
    const records = join(project.repo.root, ".project-docs");
    const ignore = readFileSync(join(records, "okstra/.gitignore"), "utf8");
    await killAtEach(() => ["setup", "--project-id", "proj"], {
      before: async () => rmSync(records, { recursive: true }),
      after: async (_at, how) => {
        const again = await project.okstra(["setup", "--project-id", "proj"]);
        expect(again.status, `${how}: ${again.stdout}`).toBe(0);
        expect(readFileSync(join(records, "okstra/.gitignore"), "utf8"), how).toBe(ignore);
        expect(JSON.parse(readFileSync(join(records, "okstra/project.json"), "utf8")), how).toMatchObject({ projectId: "proj" });
        expect(await project.repo.status(), how).toEqual(["?? .project-docs/"]);
        await expectNothingLeft(how);
      },
    });
  });

  test(
    "case 22: migrate: what was brought is whole, the rest comes with the next call, and the older home stays as it was",
    {
      timeout: LONG_MS,
    },
    async (context) => {
      if (obstacle !== null) return context.skip(obstacle);
      let before: unknown;
      await killAtEach((at) => ["migrate", "--from", oldHomeOf(at)], {
        before: async (at) => {
          await makeOldTask(at);
          before = hashFiles(oldHomeOf(at));
        },
        after: async (at, how) => {
          for (const actions of [["brought", "as-is"], ["as-is"]]) {
            const again = await project.okstra(["migrate", "--from", oldHomeOf(at)]);
            expect(again.status, `${how}: ${again.stdout}`).toBe(0);
            for (const { action } of [...again.json.tasks, ...again.json.runs])
              expect(actions, `${how}: ${again.stdout}`).toContain(action);
          }
          const shown = (await project.okstra(["task", "show", `g/t${at}`])).json;
          expect([shown.brief, shown.older.length, shown.worktree], how).toEqual(["An old brief.\n", 1, join(oldHomeOf(at), "tree")]);
          expect(hashFiles(oldHomeOf(at)), how).toEqual(before);
          await expectNothingLeft(how);
        },
      });
    },
  );
});

const oldHomeOf = (at: number): string => join(project.home.root, `old${at}`);

/** A task as the Python okstra left it: a row in a home of its own, a worktree, a brief and a run in the project. */
async function makeOldTask(at: number): Promise<void> {
  const { repo } = project;
  const [key, branch, path] = [`proj/g/t${at}`, `old-${at}`, join(oldHomeOf(at), "tree")];
  mkdirSync(join(oldHomeOf(at), "worktrees"), { recursive: true });
  await repo.git(["worktree", "add", "--quiet", "-b", branch, path, "HEAD"]);
  const row = {
    project_id: "proj",
    task_group: "g",
    task_id: `t${at}`,
    worktree_path: path,
    branch,
    base_ref: await repo.resolve("HEAD"),
    created_at: "2025-11-02T10:00:00",
    last_phase: null,
    status: "active",
  };
  const registry = { tasks: { [key]: row }, branches: { [branch]: key } };
  writeFileSync(join(oldHomeOf(at), "worktrees/registry.json"), JSON.stringify(registry));
  const records = join(repo.root, `.project-docs/okstra/tasks/g/t${at}`);
  mkdirSync(join(records, "runs/error-analysis/001"), { recursive: true });
  writeFileSync(join(records, "task-brief.md"), "An old brief.\n");
  writeFileSync(join(records, "runs/error-analysis/001/final-report.md"), "# Final report\n");
}

/** All of them, in an order whose every beginning lies evenly over the whole. */
function spread(points: readonly KillPoint[]): readonly KillPoint[] {
  const ordered: KillPoint[] = [];
  const seen = new Set<number>();
  for (let step = points.length; step >= 1 && ordered.length < points.length; step = step > 1 ? Math.floor(step / 2) : 0) {
    for (let at = Math.floor(step / 2); at < points.length; at += step) {
      const point = points[at];
      if (point === undefined || seen.has(at)) continue;
      seen.add(at);
      ordered.push(point);
    }
  }
  return ordered;
}
