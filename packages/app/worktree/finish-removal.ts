import type { RegistryRow } from "@okstra/core/domain/registry";
import { dropRow, findBranchOwner, findRow } from "@okstra/core/domain/registry-change";
import { OkstraError } from "@okstra/core/errors";
import type { GitLock } from "@okstra/core/git-port";
import type { App } from "../app.ts";
import type { Place } from "./place.ts";
import type { TrashManifest } from "./trash.ts";

/**
 * Deletes a worktree and its branch after everything of it was kept. Each step may have happened already: the
 * row, marked `removing`, is dropped last.
 * @throws OKSTRA_WORKTREE_NOT_OURS: a directory that git does not list is never removed
 */
export async function finishRemoval(
  app: App,
  place: Pick<Place, "taskKey" | "path" | "mainRoot" | "repository">,
  options: { row: RegistryRow; entry: TrashManifest; lock: GitLock },
): Promise<readonly string[]> {
  const { row, entry, lock } = options;
  const notes: string[] = [];
  await app.files.relink(place.repository, place.path);
  const tree = await app.files.inspect(place.path);
  const trees = await app.git.listWorktrees(place.mainRoot);
  const listed = trees.find(({ path }, index) => index > 0 && path === place.path);
  if (tree.kind === "foreign" || (tree.kind === "worktree" && (tree.repository !== place.repository || listed === undefined))) {
    throw notOurs(place, tree.kind === "foreign" ? tree.reason : "git does not list it as a worktree of this repository");
  }
  if (listed !== undefined) {
    await app.git.run(place.mainRoot, ["worktree", "remove", "--force", "--", place.path], { lock });
    app.emit({ type: "tree-removed", text: `removed ${place.path}` });
  }
  // What a kill in the middle of git's own deletion left of its bookkeeping.
  if (!(await app.store.exists(place.path))) await app.files.discardUnfinished(place.path, place.repository, row.branch);
  const tip = entry.refs.branch?.commit;
  if (tip !== undefined) {
    const elsewhere = trees.find(({ path, branch }) => branch === row.branch && path !== place.path);
    const { registry } = await app.registry.load();
    const owner = findBranchOwner(registry, place.repository, row.branch);
    if (elsewhere !== undefined) notes.push(`the branch ${row.branch} stays: it is checked out in ${elsewhere.path}`);
    else if (owner !== null && owner !== place.taskKey) notes.push(`the branch ${row.branch} stays: it is the branch of ${owner}`);
    else if (!(await app.git.deleteBranchAt(place.mainRoot, row.branch, tip, lock)) && (await isThere(app, place.mainRoot, row.branch)))
      notes.push(`the branch ${row.branch} stays: it moved meanwhile`);
    app.emit({ type: "branch-deleted", text: `deleted the branch ${row.branch}` });
  }
  await app.registry.update((registry) => {
    const current = findRow(registry, place.taskKey);
    return current === null ? { registry, result: null } : { registry: dropRow(registry, place.taskKey), result: null };
  });
  app.emit({ type: "row-dropped", text: `${place.taskKey} is removed` });
  return notes;
}

export function notOurs(place: Pick<Place, "path">, reason: string): OkstraError {
  return new OkstraError("OKSTRA_WORKTREE_NOT_OURS", {
    message: `${place.path} is not removed: ${reason}.`,
    details: { path: place.path, reason },
  });
}

async function isThere(app: App, mainRoot: string, branch: string): Promise<boolean> {
  return (await app.git.resolveCommits(mainRoot, [`refs/heads/${branch}`]))[0] !== null;
}
