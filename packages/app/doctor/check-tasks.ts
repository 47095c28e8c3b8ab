import type { RegistryRow } from "@okstra/core/domain/registry";
import type { WorktreeEntry } from "@okstra/core/git-port";
import type { App } from "../app.ts";
import { taskLockName } from "../worktree/place.ts";
import { quote } from "./check-home.ts";
import { failed, failedBy, passed, type Check } from "./check.ts";

const MARKED_OLD = "registry.v1.json";

/** Read without healing it: what is wrong is told, and the next other command mends it. */
export async function checkRegistry(app: App): Promise<readonly Check[]> {
  const root = `${app.surroundings.home}/worktrees`;
  try {
    const read = await app.registry.peek();
    const checks: Check[] = [];
    if (read.state === "unreadable")
      checks.push(failed("registry", `${root}/registry.json cannot be read: ${read.reason}`, "okstra worktree repair"));
    else if (read.state === "old")
      checks.push(failed("registry", `${root}/registry.json has the shape of version 1`, "okstra worktree repair"));
    else if (read.state === "newer")
      checks.push(
        failed("registry", `${root}/registry.json was written by a newer okstra and is read-only here`, "npm install -g okstra@latest"),
      );
    else checks.push(passed("registry", `${Object.keys(read.registry.tasks).length} tasks in ${root}/registry.json`));
    if (await app.store.exists(`${root}/${MARKED_OLD}`))
      checks.push(
        passed(
          "registry-v1",
          `brought forward from version 1 (${MARKED_OLD} is kept); the Python version cannot read the new rows and shares no lock with this one: do not use both`,
        ),
      );
    return checks;
  } catch (error) {
    return [failedBy("registry", error)];
  }
}

/** Rows against trees against branches. */
export async function checkTasks(app: App): Promise<readonly Check[]> {
  const read = await app.registry.peek();
  const checks: Check[] = [];
  const rows = Object.entries(read.registry.tasks).filter(([, row]) => row.status !== "released");
  const repositories = await listRepositories(
    app,
    rows.map(([, row]) => row.repository),
    checks,
  );
  for (const [taskKey, row] of rows) checks.push(...(await checkTask(app, taskKey, row, repositories.get(row.repository) ?? null)));
  const known = new Set(Object.values(read.registry.tasks).map((row) => row.worktree_path));
  for (const path of await app.files.listTaskDirectories()) {
    if (known.has(path) || read.state === "unreadable" || read.state === "old") continue;
    const tree = await app.files.inspect(path);
    const isTask = tree.kind === "worktree" && tree.marker !== null && app.files.isInside(path);
    checks.push(
      isTask
        ? failed("tasks", `${path} is a task's worktree without a row`, "okstra worktree repair")
        : failed(
            "tasks",
            `${path} is no task's worktree`,
            `mv ${quote(path)} ${quote(`${app.surroundings.home}/${path.split("/").at(-1) ?? "foreign"}.old`)}`,
          ),
    );
  }
  return checks.length > 0
    ? checks
    : [
        passed(
          "tasks",
          rows.length === 0 ? "no tasks" : `${rows.length} task${rows.length === 1 ? "" : "s"}, each with its tree and branch`,
        ),
      ];
}

/** A listing that fails is a finding, never "no worktrees". */
async function listRepositories(
  app: App,
  repositories: readonly string[],
  checks: Check[],
): Promise<ReadonlyMap<string, readonly WorktreeEntry[]>> {
  const listed = new Map<string, readonly WorktreeEntry[]>();
  for (const repository of new Set(repositories)) {
    if (repository === "" || !(await app.store.exists(repository))) continue;
    try {
      listed.set(repository, await app.git.listWorktrees(repository));
    } catch (error) {
      checks.push(failedBy("tasks", error));
    }
  }
  return listed;
}

async function checkTask(app: App, taskKey: string, row: RegistryRow, trees: readonly WorktreeEntry[] | null): Promise<readonly Check[]> {
  const name = taskKey.slice(taskKey.indexOf("/") + 1);
  const checks: Check[] = [];
  const add = (message: string, fix: string): void => {
    checks.push(failed("tasks", `${taskKey}: ${message}`, fix));
  };
  if (row.repository === "" || !(await app.store.exists(row.repository))) {
    add(
      `its repository ${row.repository === "" ? "is not known" : `${row.repository} is gone`}`,
      "cd <where the repository is now> && okstra worktree repair",
    );
    return checks;
  }
  const main = trees?.[0]?.path ?? row.repository;
  const there = `cd ${quote(main)} && `;
  const taken = await isBusy(app, taskKey);
  if (row.pending !== undefined && !taken)
    add(
      `an interrupted ${row.pending.step === "removing" ? "removal" : row.pending.step === "restoring" ? "restore" : "update"}`,
      "okstra worktree repair",
    );
  else if (row.status === "provisioning" && !taken) add("its worktree was never finished", "okstra worktree repair");
  if (checks.length > 0 || row.status === "provisioning") return checks;

  const tree = await app.files.inspect(row.worktree_path);
  const [tip] = await app.git.resolveCommits(row.repository, [`refs/heads/${row.branch}`]).catch(() => [undefined]);
  if (tree.kind === "parent-absent")
    add(`the directory above ${row.worktree_path} is gone; is a disk not mounted?`, "okstra worktree repair");
  else if (tree.kind === "absent")
    add(
      `${row.worktree_path} is gone${tip === null ? `, and so is its branch ${row.branch}` : ""}`,
      tip === null ? `git -C ${quote(main)} branch ${row.branch} ${row.base_ref}` : `${there}okstra worktree provision ${name}`,
    );
  else if (tree.kind === "foreign")
    add(
      `${row.worktree_path} is not the worktree that okstra made: ${tree.reason}`,
      `git -C ${quote(main)} worktree repair ${quote(row.worktree_path)}`,
    );
  else if (tree.repository !== row.repository)
    add(
      `${row.worktree_path}/.git leads to ${tree.repository}, not to ${row.repository}`,
      `git -C ${quote(main)} worktree repair ${quote(row.worktree_path)}`,
    );
  else {
    if (trees !== null && !trees.some(({ path }) => path === row.worktree_path))
      add(`git does not list ${row.worktree_path}`, `git -C ${quote(main)} worktree repair ${quote(row.worktree_path)}`);
    if (tree.branch !== null && tree.branch !== row.branch)
      add(
        `${tree.branch} is checked out there, and its branch is ${row.branch}`,
        `git -C ${quote(row.worktree_path)} switch ${row.branch}`,
      );
    if (tip === null) add(`its branch ${row.branch} is gone`, `git -C ${quote(row.worktree_path)} switch -c ${row.branch}`);
    const leftovers = await app.files.listLeftovers(tree.adminDir);
    if (leftovers.initializing && !taken)
      add("git says that it never finished its worktree", `git -C ${quote(main)} worktree unlock ${quote(row.worktree_path)}`);
    for (const file of taken ? [] : leftovers.temporary) add(`${file} was left over`, "okstra worktree repair");
    for (const lock of taken ? [] : leftovers.locks) add(`${lock} was left over, unless a git runs there now`, `rm ${quote(lock)}`);
  }
  return checks;
}

/** True while another okstra works on the task: what looks unfinished is under way. */
async function isBusy(app: App, taskKey: string): Promise<boolean> {
  const taken = await app.locks.tryAcquire(taskLockName(app, taskKey));
  if (!("lease" in taken)) return true;
  await taken.lease.release();
  return false;
}
