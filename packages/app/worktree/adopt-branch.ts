import { findBranchOwner, findRow, isKnownBranch } from "@okstra/core/domain/registry-change";
import type { RegistryRow } from "@okstra/core/domain/registry";
import type { Provision } from "@okstra/core/domain/run";
import { formatTaskKey, parseTaskName } from "@okstra/core/domain/task-key";
import { categoryOfBranch } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import type { SafeConfig } from "@okstra/core/git-port";
import type { App } from "../app.ts";
import { openProject } from "../project/open-project.ts";
import { createTree, finishTree, prepareTree } from "./create-tree.ts";
import { markerOf, placeOf, repositoryLockName, rowFor, saveRow, taskLockName, tellNotes, type Place } from "./place.ts";
import { settlePending } from "./settle-pending.ts";

export interface AdoptRequest {
  readonly branch: string;
  /** `<group>/<task>`; null: `adopted/` and the branch without its category's prefix. */
  readonly task: string | null;
  readonly dir: string;
}

interface Facts {
  readonly branch: string;
  readonly category: string;
  readonly tip: string;
  readonly base: string;
  readonly baseName: string;
}

/**
 * Makes an existing branch, or the linked worktree that has it checked out, a task. Nothing is moved.
 * @throws OKSTRA_BRANCH_NOT_FOUND, OKSTRA_BRANCH_OWNED, OKSTRA_BRANCH_ELSEWHERE, OKSTRA_TASK_EXISTS, OKSTRA_PATH_EXISTS
 */
export async function adoptBranch(app: App, request: AdoptRequest): Promise<Provision> {
  const opened = await openProject(app, request.dir);
  const { category, rest } = categoryOfBranch(request.branch);
  const taskKey = formatTaskKey(parseTaskName(request.task ?? `adopted/${rest}`, opened.project.projectId, app.sha256));
  const place = placeOf(app, opened, taskKey, null);
  const lease = await app.locks.acquire(taskLockName(app, taskKey), { holder: `adopt ${taskKey}` });
  try {
    await settlePending(app, taskKey, place.mainRoot);
    const facts = await resolveBranch(app, place, request.branch, category);
    await requireFree(app, place, request.branch);
    const trees = await app.git.listWorktrees(place.mainRoot);
    const at = trees.findIndex(({ branch }) => branch === request.branch);
    if (at === 0) {
      throw new OkstraError("OKSTRA_BRANCH_ELSEWHERE", {
        message: `${request.branch} is checked out in the main worktree ${place.mainRoot}.`,
        hint: `Switch the main worktree to another branch first: git -C ${place.mainRoot} switch <other>; then adopt it.`,
        details: { branch: request.branch, path: place.mainRoot },
      });
    }
    const safe = await app.git.safeConfig({ commonDir: place.repository, mainRoot: place.mainRoot });
    const there = trees[at];
    return there === undefined
      ? await adoptInNewTree(app, place, facts, safe)
      : await adoptTree(app, { ...place, path: there.path }, facts, safe);
  } finally {
    await lease.release();
  }
}

/** Where the branch is, and where it left the main worktree's. */
async function resolveBranch(app: App, place: Place, branch: string, category: string): Promise<Facts> {
  // The bare name last, only so that one which begins with - is refused.
  const [tip, main, remote] = await app.git.resolveCommits(place.mainRoot, [
    `refs/heads/${branch}`,
    "HEAD",
    `refs/remotes/origin/${branch}`,
    branch,
  ]);
  if (typeof tip !== "string") {
    throw new OkstraError("OKSTRA_BRANCH_NOT_FOUND", {
      message: `${place.mainRoot} has no local branch ${branch}.`,
      hint:
        typeof remote === "string"
          ? `Make it from the remote's: git -C ${place.mainRoot} branch ${branch} origin/${branch}`
          : `List the branches: git -C ${place.mainRoot} branch -a`,
      details: { branch },
    });
  }
  const found = typeof main === "string" ? await app.git.run(place.mainRoot, ["merge-base", main, tip], { okExitCodes: [0, 1] }) : null;
  const base = found?.exitCode === 0 ? (found.stdout.split("\n")[0] ?? tip) : tip;
  return { branch, category, tip, base, baseName: (await app.files.loadHeadBranch(place.repository)) ?? "HEAD" };
}

async function requireFree(app: App, place: Place, branch: string): Promise<void> {
  const { registry, notes } = await app.registry.load();
  tellNotes(app, notes);
  const known = isKnownBranch(registry, place.repository, branch)
    ? Object.entries(registry.tasks).find(([, row]) => row.repository === place.repository && row.branch === branch)?.[0]
    : null;
  const old = await app.registry.findBranchInHistory(place.repository, branch);
  const owner =
    findBranchOwner(registry, place.repository, branch) ??
    known ??
    (old === null ? null : `${old.project_id}/${old.task_group}/${old.task_id}`);
  if (owner !== null) {
    throw new OkstraError("OKSTRA_BRANCH_OWNED", {
      message: `${branch} is the branch of the task ${owner}.`,
      hint: `Take that task up: okstra worktree provision ${owner.slice(owner.indexOf("/") + 1)}`,
      details: { branch, taskKey: owner },
    });
  }
  const row = findRow(registry, place.taskKey);
  if (row !== null) {
    throw new OkstraError("OKSTRA_TASK_EXISTS", {
      message: `${place.taskKey} is there already, with the branch ${row.branch}.`,
      hint: `Choose another name: okstra worktree adopt ${branch} --task <group>/<task>`,
      details: { taskKey: place.taskKey, branch: row.branch },
    });
  }
}

async function adoptInNewTree(app: App, place: Place, facts: Facts, safe: SafeConfig): Promise<Provision> {
  if (await app.store.exists(place.path)) {
    throw new OkstraError("OKSTRA_PATH_EXISTS", {
      message: `${place.path} exists and belongs to no task.`,
      hint: `Move it away: mv ${place.path} ${place.path}.old`,
      details: { path: place.path },
    });
  }
  const built = await createTree(app, place, {
    candidates: [facts.branch],
    commit: facts.tip,
    safe,
    makeRow: () => adoptedRow(app, place, facts, "provisioning"),
    mayExist: true,
  });
  const finished = await finishTree(app, place, { marker: markerOf(place, built.row, facts), safe, row: built.row, extras: built.extras });
  await prepareTree(app, place, finished.marker);
  return answer(place, "created", built.row, [`adopted ${facts.branch} at ${facts.tip.slice(0, 12)}`, ...finished.notes]);
}

/** The worktree stays where it is and as it is, but for okstra's links. */
async function adoptTree(app: App, place: Place, facts: Facts, safe: SafeConfig): Promise<Provision> {
  const tree = await app.files.inspect(place.path);
  if (tree.kind !== "worktree" || tree.repository !== place.repository) {
    throw new OkstraError("OKSTRA_BRANCH_ELSEWHERE", {
      message: `git says that ${facts.branch} is checked out in ${place.path}, and no worktree is there.`,
      hint: `Mend it: git -C ${place.mainRoot} worktree repair ${place.path}; or forget it: git -C ${place.mainRoot} worktree remove --force ${place.path}`,
      details: { branch: facts.branch, path: place.path },
    });
  }
  const lease = await app.locks.acquire(repositoryLockName(app, place.repository), {
    holder: `adopt ${place.taskKey}`,
    waitMs: 60 * 60 * 1000,
  });
  try {
    const row = adoptedRow(app, place, facts, "active");
    // Before the row: a row without a marker would lose its base when the registry is rebuilt.
    const marker = { ...markerOf(place, row, facts), home: app.surroundings.home, prepared: true };
    await app.files.writeMarker(tree.adminDir, marker);
    await saveRow(app, place.taskKey, row);
    const finished = await finishTree(app, place, { marker, safe, row });
    return answer(place, "reused", row, [`adopted the worktree that has ${facts.branch} checked out`, ...finished.notes]);
  } finally {
    await lease.release();
  }
}

function adoptedRow(app: App, place: Place, facts: Facts, status: RegistryRow["status"]): RegistryRow {
  return rowFor(place, { branch: facts.branch, base: facts.base, createdAt: app.clock.now(), lastPhase: null, status });
}

function answer(place: Place, status: "created" | "reused", row: RegistryRow, notes: readonly string[]): Provision {
  return { status, path: place.path, branch: row.branch, baseRef: row.base_ref, taskKey: place.taskKey, note: notes.join("; ") };
}
