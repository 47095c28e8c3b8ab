import type { RegistryRow } from "@okstra/core/domain/registry";
import { OkstraError } from "@okstra/core/errors";
import type { GitLock, SafeConfig, TreeState } from "@okstra/core/git-port";
import type { App } from "../app.ts";
import { takeRunLock } from "../run/run-lock.ts";
import { requireTask } from "./list-tasks.ts";
import { fetchQuietEnvironment, requireNoneReplaced } from "./nested-repositories.ts";
import { placeOf, repositoryLockName, requireSameRepository, saveRow, taskLockName, type Place } from "./place.ts";
import { settlePending } from "./settle-pending.ts";
import { abortOperation, backupRef, isAncestor, requireAsBefore, writeBase } from "./settle-update.ts";
import { requirePresentTree } from "./enter-task.ts";
import { nextStamp } from "./trash.ts";

export interface UpdateRequest {
  readonly task: string;
  readonly dir: string;
  /** Any revision; null means the task's own base, as it is now. */
  readonly onto: string | null;
  /** Null: rebase when nothing is pushed and nothing was merged, else merge. */
  readonly strategy: "rebase" | "merge" | null;
}

export interface UpdateAnswer {
  readonly status: "updated" | "current";
  readonly taskKey: string;
  readonly path: string;
  readonly branch: string;
  readonly baseRef: string;
  readonly strategy: "rebase" | "merge" | null;
  readonly from: string;
  readonly to: string;
  /** Where the branch was; null when nothing changed. */
  readonly backup: string | null;
  readonly note: string;
}

interface Move {
  readonly place: Place;
  readonly row: RegistryRow;
  readonly tree: TreeState & { kind: "worktree" };
  readonly safe: SafeConfig;
  readonly tip: string;
  readonly onto: string;
  readonly ontoName: string;
  /** For every call that merges. */
  readonly quiet: Readonly<Record<string, string>>;
}

/** No editor ever opens: git takes the text it has. */
const NO_EDITOR = { GIT_EDITOR: "true", GIT_SEQUENCE_EDITOR: "true", GIT_MERGE_AUTOEDIT: "no" };

/**
 * Moves a task onto its base as it is now. Conflicts are found before anything is touched; the branch is kept
 * under a backup ref; what fails is put back exactly.
 * @throws OKSTRA_TREE_DIRTY, OKSTRA_UPDATE_CONFLICT, OKSTRA_UPDATE_FAILED, OKSTRA_BASE_REF_NOT_FOUND, OKSTRA_BRANCH_ELSEWHERE
 */
export async function updateTask(app: App, request: UpdateRequest): Promise<UpdateAnswer> {
  const known = await requireTask(app, request.task, request.dir);
  const run = await takeRunLock(app, known.opened.root, known.taskKey, "update");
  const lease = await app.locks.acquire(taskLockName(app, known.taskKey), { holder: `update ${known.taskKey}` });
  try {
    await settlePending(app, known.taskKey, placeOf(app, known.opened, known.taskKey, known.row).mainRoot);
    const { row } = await requireTask(app, request.task, request.dir);
    const place = placeOf(app, known.opened, known.taskKey, row);
    requireSameRepository(place, row);
    const repository = await app.locks.acquire(repositoryLockName(app, place.repository), {
      holder: `update ${known.taskKey}`,
      waitMs: 60 * 60 * 1000,
    });
    try {
      return await updateLocked(app, place, row, request, repository);
    } finally {
      await repository.release();
    }
  } finally {
    await lease.release();
    await run.release();
  }
}

async function updateLocked(app: App, place: Place, row: RegistryRow, request: UpdateRequest, lock: GitLock): Promise<UpdateAnswer> {
  const tree = await requirePresentTree(app, place.taskKey, row);
  if (tree.branch !== row.branch) {
    throw new OkstraError("OKSTRA_BRANCH_ELSEWHERE", {
      message: `${place.path} has ${tree.branch ?? "a detached HEAD"} checked out, and the task's branch is ${row.branch}.`,
      hint: `Switch back: git -C ${place.path} switch ${row.branch}`,
      details: { path: place.path, found: tree.branch, expected: row.branch },
    });
  }
  const ontoName = request.onto ?? tree.marker?.baseName ?? "HEAD";
  const [onto, tip] = await app.git.resolveCommits(place.mainRoot, [ontoName, `refs/heads/${row.branch}`]);
  if (typeof onto !== "string")
    throw new OkstraError("OKSTRA_BASE_REF_NOT_FOUND", {
      message: `${ontoName} is no commit of ${place.mainRoot}.`,
      hint: "Name one: okstra worktree update <group>/<task> --onto <ref>",
      details: { onto: ontoName },
    });
  if (typeof tip !== "string")
    throw new OkstraError("OKSTRA_BRANCH_LOST", { message: `The branch ${row.branch} is gone.`, details: { branch: row.branch } });
  const safe = await app.git.safeConfig({ commonDir: place.repository, mainRoot: place.path });
  const quiet = await fetchQuietEnvironment(app, place.path, { tip, onto });
  const move: Move = { place, row, tree, safe, tip, onto, ontoName, quiet };
  if (await isAncestor(app, place.path, onto, tip)) {
    if (row.base_ref !== onto && (await isAncestor(app, place.path, row.base_ref === "" ? onto : row.base_ref, onto)))
      await writeBase(app, place.taskKey, row, { base: onto, baseName: ontoName });
    return answer(move, { status: "current", strategy: null, to: tip, backup: null, note: `${row.branch} has all of ${ontoName} already` });
  }
  await requireClean(app, move);
  await requireNoneReplaced(app, place, onto);
  const strategy = request.strategy ?? (await chooseStrategy(app, move));
  await probe(app, move);
  return moveBranch(app, move, strategy, lock);
}

/** @throws OKSTRA_TREE_DIRTY; untracked files do not stand in the way, and git never overwrites them */
async function requireClean(app: App, { place, tree, safe }: Move): Promise<void> {
  const operations = await app.files.listOperations(tree.adminDir);
  const changed = await app.git.status(place.path, { untracked: false, safe });
  if (operations.length === 0 && changed.length === 0) return;
  throw new OkstraError("OKSTRA_TREE_DIRTY", {
    message:
      operations.length > 0
        ? `${place.path} has an unfinished ${operations.join(" and ")}.`
        : `${place.path} has ${changed.length} uncommitted change${changed.length === 1 ? "" : "s"}.`,
    hint:
      operations.length > 0
        ? `Finish it or take it back: git -C ${place.path} ${operations[0]} --abort`
        : `Commit them, or: git -C ${place.path} stash`,
    details: { path: place.path, operations, files: changed.map(({ path }) => path) },
  });
}

/** A branch that others may have, or that holds merges, is not rewritten. */
async function chooseStrategy(app: App, { place, row, tip, onto }: Move): Promise<"rebase" | "merge"> {
  const own = [tip, "--not", onto, ...(row.base_ref === "" ? [] : [row.base_ref])];
  const [merges, all, unpushed] = await Promise.all(
    [["--merges", ...own], own, [...own, "--remotes"]].map(async (range) =>
      Number((await app.git.run(place.mainRoot, ["rev-list", "--count", ...range])).stdout.trim()),
    ),
  );
  return merges === 0 && all === unpushed ? "rebase" : "merge";
}

/** @throws OKSTRA_UPDATE_CONFLICT with the files; git before 2.38 cannot tell beforehand */
async function probe(app: App, { place, tip, onto, ontoName, row, safe, quiet }: Move): Promise<void> {
  const probed = await app.git.run(place.path, ["merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", tip, onto], {
    safe,
    env: quiet,
    okExitCodes: [0, 1, 128, 129],
  });
  if (probed.exitCode !== 1) return;
  throw conflict(
    ontoName,
    row,
    place,
    probed.stdout
      .split("\0")
      .slice(1)
      .filter((file) => file !== ""),
  );
}

function conflict(ontoName: string, row: RegistryRow, place: Place, files: readonly string[]): OkstraError {
  return new OkstraError("OKSTRA_UPDATE_CONFLICT", {
    message: `${ontoName} does not merge cleanly into ${row.branch}: ${files.slice(0, 5).join(", ")}${files.length > 5 ? ` and ${files.length - 5} more` : ""}. Nothing was changed.`,
    hint: `Resolve it by hand: git -C ${place.path} merge ${ontoName}`,
    details: { files: [...files], onto: ontoName, path: place.path },
  });
}

async function moveBranch(app: App, move: Move, strategy: "rebase" | "merge", lock: GitLock): Promise<UpdateAnswer> {
  const { place, row, tree, safe, tip, onto, ontoName, quiet } = move;
  const kept = (await app.git.run(place.mainRoot, ["for-each-ref", "--format=%(refname)", `refs/okstra/backup/${place.taskKey}`])).stdout
    .split("\n")
    .map((ref) => ref.slice(ref.lastIndexOf("/") + 1));
  const stamp = nextStamp(
    app.clock.now(),
    kept.filter((name) => name !== ""),
  );
  const backup = backupRef(place.taskKey, stamp);
  await app.git.run(place.mainRoot, ["update-ref", backup, tip, ""], { lock });
  await saveRow(app, place.taskKey, { ...row, pending: { step: "updating", stamp, onto, ontoName } });
  app.emit({ type: "updating", text: `${strategy} of ${row.branch} onto ${ontoName}` });
  const operation = await (strategy === "rebase"
    ? rebaseArguments(app, move)
    : ["merge", "--no-ff", "--no-edit", "--no-autostash", "-m", `Merge ${ontoName} into ${row.branch}`, onto]);
  const done = await app.git.run(
    place.path,
    ["-c", "rebase.autoStash=false", "-c", "rebase.updateRefs=false", "-c", "rerere.enabled=false", ...operation],
    { safe, lock, env: { ...quiet, ...NO_EDITOR }, okExitCodes: [0, 1, 2, 128] },
  );
  if (done.exitCode !== 0) {
    const unmerged = (await app.git.status(place.path, { untracked: false, safe })).filter(
      ({ code }) => code.includes("U") || code === "AA" || code === "DD",
    );
    await abortOperation(app, place.path, tree, safe);
    await requireAsBefore(app, place.taskKey, row, stamp);
    await saveRow(app, place.taskKey, row);
    if (unmerged.length > 0)
      throw conflict(
        ontoName,
        row,
        place,
        unmerged.map(({ path }) => path),
      );
    throw new OkstraError("OKSTRA_UPDATE_FAILED", {
      message: `git ${strategy} failed in ${place.path}; everything was put back.`,
      details: { path: place.path, stderr: done.stderr.slice(-2000), backup },
    });
  }
  await writeBase(app, place.taskKey, row, { base: onto, baseName: ontoName });
  const [to] = await app.git.resolveCommits(place.path, [`refs/heads/${row.branch}`]);
  return answer(move, {
    status: "updated",
    strategy,
    to: to ?? "",
    backup,
    note: `${strategy === "rebase" ? "rebased onto" : "merged"} ${ontoName} (${onto.slice(0, 12)}); the branch as it was: ${backup}`,
  });
}

/** Where the old base was rewritten away only the task's own commits move; else git leaves out what the base has. */
async function rebaseArguments(app: App, { place, row, tip, onto }: Move): Promise<readonly string[]> {
  const isRewritten =
    row.base_ref !== "" &&
    !(await isAncestor(app, place.path, row.base_ref, onto)) &&
    (await isAncestor(app, place.path, row.base_ref, tip));
  return isRewritten ? ["rebase", "--quiet", "--onto", onto, row.base_ref] : ["rebase", "--quiet", onto];
}

function answer(move: Move, facts: Pick<UpdateAnswer, "status" | "strategy" | "to" | "backup" | "note">): UpdateAnswer {
  const { place, row, tip, onto } = move;
  return { taskKey: place.taskKey, path: place.path, branch: row.branch, baseRef: onto, from: tip, ...facts };
}
