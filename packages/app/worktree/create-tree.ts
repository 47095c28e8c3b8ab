import type { Registry, RegistryRow } from "@okstra/core/domain/registry";
import { dropRow, findBranchOwner, findRow, isKnownBranch, putRow } from "@okstra/core/domain/registry-change";
import { branchCandidates } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import type { RepositoryLocation, SafeConfig, WorktreeMarker } from "@okstra/core/git-port";
import { allowedEnvironment, type App } from "../app.ts";
import { loadSyncDirectories } from "../project/tree-settings.ts";
import { repositoryLockName, withoutPending, type Place } from "./place.ts";

const PREPARE_DEADLINE_MS = 30 * 60 * 1000;

/**
 * Resolves the base to a commit and says which branch names are free, in one question to git.
 * @throws OKSTRA_REPOSITORY_EMPTY, OKSTRA_BASE_REF_NOT_FOUND, OKSTRA_BRANCH_EXISTS
 */
export async function chooseBranch(
  app: App,
  place: Place,
  options: { category: string; baseRef: string | null; location: RepositoryLocation; registry: Registry },
): Promise<{ base: string; free: readonly string[] }> {
  const { baseRef, location, registry } = options;
  const candidates = branchCandidates(options.category, place.key, app.sha256);
  // Called from a linked worktree HEAD is that worktree's; a base of HEAD means the main worktree's.
  const revision = baseRef ?? (location.isMain ? location.head : "HEAD");
  if (revision === null)
    throw new OkstraError("OKSTRA_REPOSITORY_EMPTY", {
      message: `${place.mainRoot} has no commit yet.`,
      details: { root: place.mainRoot },
    });
  const [base, ...tips] = await app.git.resolveCommits(place.mainRoot, [revision, ...candidates.map((name) => `refs/heads/${name}`)]);
  if (base === undefined || base === null) {
    throw new OkstraError("OKSTRA_BASE_REF_NOT_FOUND", {
      message: `${revision} is no commit of ${place.mainRoot}.`,
      details: { baseRef: revision },
    });
  }
  const free: string[] = [];
  for (const [index, name] of candidates.entries()) {
    const owner = findBranchOwner(registry, place.repository, name);
    if (owner !== null && owner !== place.taskKey) continue;
    if ((tips[index] ?? null) !== null) {
      if (isKnownBranch(registry, place.repository, name) || (await isKnownInHistory(app, place, name))) continue;
      if (!(await isNobodys(app, place, name))) continue;
      throw new OkstraError("OKSTRA_BRANCH_EXISTS", {
        message: `The branch ${name} exists and belongs to no task.`,
        hint: `Make it this task's: okstra worktree adopt ${name}; or rename it: git -C ${place.mainRoot} branch -m ${name} <other>`,
        details: { branch: name, repository: place.repository },
      });
    }
    free.push(name);
  }
  if (free.length === 0)
    throw new OkstraError("OKSTRA_BRANCH_EXISTS", {
      message: `All branch names for ${place.taskKey} are taken: ${candidates.join(", ")}.`,
      details: { candidates },
    });
  return { base, free };
}

/**
 * Looks again at a branch that no row explained: another okstra may have reserved its row after the registry was
 * read, or taken its own branch back since. A row is there before its branch and goes after it.
 */
async function isNobodys(app: App, place: Place, branch: string): Promise<boolean> {
  const { registry } = await app.registry.load();
  if (isKnownBranch(registry, place.repository, branch)) return false;
  return (await app.git.resolveCommits(place.mainRoot, [`refs/heads/${branch}`]))[0] !== null;
}

/** A branch kept by a task that was released long ago is taken too. */
async function isKnownInHistory(app: App, place: Place, branch: string): Promise<boolean> {
  const row = await app.registry.findBranchInHistory(place.repository, branch);
  return row !== null;
}

/**
 * Reserves the row, then lets git make the tree under the repository's lock, which every git child inherits.
 * What fails is taken back whole: no row, no directory, no orphan branch.
 */
export async function createTree(
  app: App,
  place: Place,
  options: {
    candidates: readonly string[];
    commit: string;
    safe: SafeConfig;
    makeRow: (branch: string) => RegistryRow;
    /** The branch may be there already and is then checked out as it is; else only a row that was there before makes it the task's. */
    mayExist?: boolean;
  },
): Promise<{ row: RegistryRow; extras: TreeExtras }> {
  const { safe } = options;
  if (safe.blockedFilters.length > 0) {
    throw new OkstraError("OKSTRA_FILTER_NOT_TRUSTED", {
      message: `The repository's own configuration requires the filter ${safe.blockedFilters.join(", ")}, and nobody approved it.`,
      details: { filters: safe.blockedFilters },
    });
  }
  for (const note of safe.notes) app.emit({ type: "held-back", level: "note", text: note });
  await app.files.ensureParents(place.path);
  const { result } = await app.registry.update<{ row: RegistryRow | null; previous: RegistryRow | null }>((registry) => {
    const previous = findRow(registry, place.taskKey);
    const branch = options.candidates.find((name) => [null, place.taskKey].includes(findBranchOwner(registry, place.repository, name)));
    if (branch === undefined) return { registry, result: { row: null, previous } };
    const row = options.makeRow(branch);
    return { registry: putRow(registry, place.taskKey, row), result: { row, previous } };
  });
  const { row, previous } = result;
  if (row === null)
    throw new OkstraError("OKSTRA_BRANCH_EXISTS", {
      message: `The branch ${options.candidates.join(", ")} belongs to another task.`,
      details: { candidates: options.candidates },
    });
  app.emit({ type: "row-reserved", text: `reserved ${place.taskKey}`, data: { path: place.path, branch: row.branch } });

  const lease = await app.locks.acquire(repositoryLockName(app, place.repository), { holder: place.taskKey, waitMs: 60 * 60 * 1000 });
  // True: whatever stands there was not made here, so it is never taken back.
  let existed = true;
  try {
    if (previous !== null) await app.files.discardUnfinished(place.path, place.repository, row.branch);
    existed =
      (previous !== null || options.mayExist === true) &&
      (await app.git.resolveCommits(place.mainRoot, [`refs/heads/${row.branch}`]))[0] !== null;
    if (!existed && (await app.store.exists(`${place.repository}/refs/heads/${row.branch}`))) {
      existed = true;
      throw new OkstraError("OKSTRA_BRANCH_EXISTS", {
        message: `The branch ${row.branch} was made by someone else meanwhile.`,
        hint: "Run the command again: it takes another name, or says whose the branch is.",
        details: { branch: row.branch, repository: place.repository },
      });
    }
    app.emit({ type: "checkout-started", text: `checking out ${row.branch} in ${place.path}` });
    const adding = app.git.addWorktree({
      mainRoot: place.mainRoot,
      path: place.path,
      branch: row.branch,
      commit: existed ? null : options.commit,
      force: existed,
      safe,
      lock: lease,
    });
    // What the tree gets besides is asked of the main worktree while git checks out.
    const [added, extras] = await Promise.allSettled([adding, findExtras(app, place)]);
    if (added.status === "rejected") throw added.reason;
    if (extras.status === "rejected") throw extras.reason;
    app.emit({ type: "checkout-ended", text: `checked out ${row.branch}` });
    return { row, extras: extras.value };
  } catch (error) {
    await undo(app, place, row, { previous, lock: lease, commit: existed ? null : options.commit });
    throw error;
  } finally {
    await lease.release();
  }
}

/** What a tree gets besides its commit, as the main worktree has it now. */
export interface TreeExtras {
  readonly sources: Awaited<ReturnType<App["files"]["linkSources"]>>;
  readonly included: readonly string[];
  readonly ignored: ReadonlyMap<string, string | null>;
}

async function findExtras(app: App, place: Place): Promise<TreeExtras> {
  const [sources, included] = await Promise.all([
    app.files.linkSources(place.mainRoot, await loadSyncDirectories(app, place.project)),
    app.git.listIncluded(place.mainRoot),
  ]);
  return { sources, included, ignored: await app.git.checkIgnored(place.mainRoot, [...sources.usable, ...included]) };
}

async function undo(
  app: App,
  place: Place,
  row: RegistryRow,
  how: { previous: RegistryRow | null; lock: { fd: number }; commit: string | null },
): Promise<void> {
  const { previous } = how;
  try {
    await app.files.discardUnfinished(place.path, place.repository, row.branch);
    if (how.commit !== null) await app.git.deleteBranchAt(place.mainRoot, row.branch, how.commit, how.lock);
    await app.registry.update((registry) => ({
      registry: previous === null ? dropRow(registry, place.taskKey) : putRow(registry, place.taskKey, previous),
      result: null,
    }));
  } catch (error) {
    // The row stays in state `provisioning`: the next command heals. The first error is the one to tell.
    app.emit({
      type: "undo-failed",
      level: "warning",
      text: `what was begun for ${place.taskKey} could not be taken back: ${error instanceof Error ? error.message : String(error)}`,
    });
  }
}

/** Makes a whole tree usable (links, copies) and hands it out: from here on the row is `active`. */
export async function finishTree(
  app: App,
  place: Place,
  options: { marker: WorktreeMarker; safe: SafeConfig; row: RegistryRow; extras?: TreeExtras; beforeActivating?: () => Promise<void> },
): Promise<{ marker: WorktreeMarker; notes: readonly string[] }> {
  const tree = await app.files.inspect(place.path);
  if (tree.kind !== "worktree")
    throw new OkstraError("OKSTRA_GIT_FAILED", { message: `git made no worktree at ${place.path}.`, details: { path: place.path } });
  const { sources, included, ignored } = options.extras ?? (await findExtras(app, place));
  // Copies may take long: from here on a crash is completed in place, the checkout is not made again.
  if (included.length > 0 || options.beforeActivating !== undefined) await app.files.writeMarker(tree.adminDir, options.marker);
  const links = await app.files.linkDirectories(place.mainRoot, place.path, sources.usable);
  const hiddenByPerson = new Set(links.linked.filter((name) => isPersonsExclude(ignored.get(name) ?? null)));
  if (links.linked.length > 0) await app.files.excludeLinks(place.repository, links.linked, hiddenByPerson);
  app.emit({ type: "links-made", text: links.linked.length === 0 ? "nothing to link" : `linked ${links.linked.join(", ")}` });
  const isLinked = (file: string): boolean => links.linked.some((name) => file === name || file.startsWith(`${name}/`));
  const copied = await app.files.copyFiles(
    place.mainRoot,
    place.path,
    included.filter((file) => (ignored.get(file) ?? null) !== null && !isLinked(file)),
  );
  const marker: WorktreeMarker = { ...options.marker, links: links.linked, copies: copied.copies };
  await app.files.writeMarker(tree.adminDir, marker);
  await options.beforeActivating?.();
  app.emit({ type: "activating", text: `the tree of ${place.taskKey} is whole` });
  await app.registry.update((registry) => ({
    registry: putRow(registry, place.taskKey, { ...withoutPending(options.row), status: "active" }),
    result: null,
  }));
  app.emit({ type: "activated", text: `${place.taskKey} is ready` });
  const copies = Object.keys(copied.copies).length;
  return {
    marker,
    notes: [
      ...(links.linked.length > 0 ? [`linked ${links.linked.join(", ")}`] : []),
      ...(copies > 0 ? [`copied ${copies} file${copies === 1 ? "" : "s"} named by .worktreeinclude`] : []),
      ...sources.notes,
      ...links.notes,
      ...copied.notes,
      ...options.safe.notes,
    ],
  };
}

/** check-ignore names the file whose pattern decided; an absolute one is the person's own, outside the repository. */
function isPersonsExclude(source: string | null): boolean {
  return source !== null && (source.startsWith("/") || /^[A-Za-z]:/.test(source) || source.startsWith("~"));
}

/**
 * Runs the project's `prepare` command once. The tree is handed out already, so a failure loses nothing.
 * @throws OKSTRA_PREPARE_COMMAND_FAILED; the next provision runs it again
 */
export async function prepareTree(app: App, place: Place, marker: WorktreeMarker): Promise<void> {
  const command = place.project.prepare;
  if (marker.prepared || command === undefined) return;
  app.emit({ type: "prepare-started", text: `preparing: ${command}` });
  const end = await app.processes.run({
    command: ["sh", "-c", command],
    cwd: place.path,
    env: allowedEnvironment(app.surroundings.env, []),
    deadlineMs: PREPARE_DEADLINE_MS,
    runId: `prepare-${app.ids.randomHex(8)}`,
    transcriptPath: null,
    captureBytes: 64 * 1024,
    redact: (text) => text,
    signal: new AbortController().signal,
  });
  if (end.exitCode !== 0) {
    const said = `${end.stdout.text}\n${end.stderr.text}`.trim().split("\n").slice(-20);
    throw new OkstraError("OKSTRA_PREPARE_COMMAND_FAILED", {
      message: `The prepare command failed in ${place.path}: ${command}`,
      hint: `Mend it in ${place.path}; the next provision runs it again.`,
      details: { command, exitCode: end.exitCode, ended: end.ended, path: place.path, output: said },
    });
  }
  const tree = await app.files.inspect(place.path);
  if (tree.kind === "worktree") await app.files.writeMarker(tree.adminDir, { ...marker, prepared: true });
  app.emit({ type: "prepare-ended", text: "prepared" });
}
