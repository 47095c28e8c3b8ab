import { isAgentSetting } from "@okstra/core/domain/agent-settings";
import type { StampedEntry, Surroundings, WorkRecord } from "@okstra/core/domain/work-record";
import type { App } from "../app.ts";

const LOOKS_AT_A_MOVING_BRANCH = 3;

/** True for okstra's own records, which a link brings into every tree. */
export function isOwnRecord(path: string): boolean {
  return path === ".project-docs/" || path === ".project-docs/okstra" || path.startsWith(".project-docs/okstra/");
}

/**
 * Refs that changed and that this work has no business with. Not named, because they move by themselves or by
 * others who work at the same time:
 *
 * - the task's own branch, unless it is gone;
 * - branches of other tasks of the registry, at the start or now, while the log of the tree that the task has says that
 *   the branch was moved there; moved from anywhere else, or gone while the task is there, they are named;
 * - remote-tracking refs, but those of the task's own branch, which move when somebody pushes it;
 * - new recovery refs below refs/okstra; one that is gone or another is named;
 * - refs/stash while its newest entry was made on the branch of another task.
 *
 * Tags, notes, refs/replace, other branches and what a bisect left are named.
 */
export async function findOtherRefs(app: App, before: Surroundings, now: Surroundings): Promise<WorkRecord["otherRefs"]> {
  const found: WorkRecord["otherRefs"] = [];
  const others = new Set([...before.otherTasks, ...now.otherTasks]);
  const own = `refs/heads/${before.branch}`;
  for (const ref of [...new Set([...Object.keys(before.refs), ...Object.keys(now.refs)])].sort()) {
    const from = before.refs[ref] ?? null;
    const to = now.refs[ref] ?? null;
    if (from === to) continue;
    if (before.branch !== "" && ref === own && to !== null) continue;
    // The two looks have different ones when another branch is checked out now, which is named by itself.
    if (ref.startsWith("refs/remotes/") && now.branch !== before.branch) continue;
    if (ref.startsWith("refs/okstra/") && from === null) continue;
    if (ref === "refs/stash" && to !== null && others.has(await fetchStashBranch(app, now.worktree, to))) continue;
    const branch = ref.replace(/^refs\/heads\//, "");
    if (branch !== ref && others.has(branch) && (await isMovedByItsTask(app, now, { branch, to }))) continue;
    found.push({ ref, from, to });
  }
  return found;
}

/** `WIP on <branch>: …` or `On <branch>: …`, as git writes it; empty otherwise. */
async function fetchStashBranch(app: App, dir: string, commit: string): Promise<string> {
  const { stdout } = await app.git.run(dir, ["log", "--no-show-signature", "--max-count=1", "--format=%s", commit, "--"], {
    okExitCodes: [0, 128],
  });
  return /^(?:WIP on|On) (.+?): /.exec(stdout)?.[1] ?? "";
}

/**
 * Whether the last thing that happened in a task's tree made its branch what it is: git notes it in the log of that tree's
 * HEAD, and in no other tree's. A task without a tree, and a repository that keeps no logs, cannot be told from a move
 * by somebody else and raises no alarm. The task may go on meanwhile, so a difference is looked at again.
 */
async function isMovedByItsTask(
  app: App,
  { repository, worktree }: Surroundings,
  { branch, to }: { branch: string; to: string | null },
): Promise<boolean> {
  const { registry } = await app.registry.load();
  const row = registry.tasks[registry.branches[repository]?.[branch] ?? ""];
  if (row === undefined || row.worktree_path === "") return true;
  if (to === null) return row.status !== "active" || row.pending !== undefined;
  let tip: string | null = to;
  for (let look = 0; look < LOOKS_AT_A_MOVING_BRANCH; look += 1) {
    const known = await app.files.lastKnownCommit(repository, row.worktree_path);
    if (known === null || known === tip) return true;
    [tip = null] = await app.git.resolveCommits(worktree, [`refs/heads/${branch}`]);
    if (tip === null || known === tip) return true;
  }
  return false;
}

/**
 * What changed in the main checkout: `HEAD` for another commit or branch, paths of files, and `.git/config`, `.git/hooks`
 * or `.git/info/attributes` for the repository's own settings. Okstra's records are no edit, and neither is an
 * untracked file below a directory that okstra links into every tree for that purpose.
 */
export function findMainChanges(before: Surroundings, now: Surroundings, links: readonly string[]): string[] {
  const found = new Set(findDifferences(before.bookkeeping, now.bookkeeping));
  if (before.main === null) return [...found].sort();
  if (now.main === null) return ["HEAD", ...[...found].sort()];
  const paths = findChangedEntries(before.main.entries, now.main.entries)
    .filter(({ path, code }) => !isOwnRecord(path) && !(code === "??" && links.some((link) => path.startsWith(`${link}/`))))
    .map(({ path }) => path);
  for (const path of paths) found.add(path);
  for (const name of findDifferences(before.main.settings, now.main.settings))
    if (!paths.some((path) => path === name || path.startsWith(`${name}/`))) found.add(name);
  const isMoved = before.main.head !== now.main.head || before.main.branch !== now.main.branch;
  return [...(isMoved ? ["HEAD"] : []), ...[...found].sort()];
}

/** Settings that agents obey among changed paths, and those at the root that changed out of git's sight. */
export function findAgentSettings(before: Surroundings, now: Surroundings, changed: readonly string[]): string[] {
  const found = new Set(changed.filter(isAgentSetting));
  for (const name of findDifferences(before.agentSettings, now.agentSettings))
    if (![...found].some((path) => path === name || path.startsWith(`${name}/`))) found.add(name);
  return [...found].sort();
}

/** Entries that came, went or changed between two looks. */
export function findChangedEntries(before: readonly StampedEntry[], now: readonly StampedEntry[]): StampedEntry[] {
  const key = ({ code, path, stamp }: StampedEntry): string => `${code} ${stamp} ${path}`;
  const [old, current] = [new Set(before.map(key)), new Set(now.map(key))];
  const there = new Set(now.map(({ path }) => path));
  return [...now.filter((entry) => !old.has(key(entry))), ...before.filter((entry) => !current.has(key(entry)) && !there.has(entry.path))];
}

function findDifferences(before: Readonly<Record<string, string>>, now: Readonly<Record<string, string>>): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].filter((name) => before[name] !== now[name]);
}
