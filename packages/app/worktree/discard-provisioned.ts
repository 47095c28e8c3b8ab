import type { RegistryRow } from "@okstra/core/domain/registry";
import { dropRow } from "@okstra/core/domain/registry-change";
import type { GitLock } from "@okstra/core/git-port";
import type { App } from "../app.ts";
import type { Place } from "./place.ts";
import { requireTrashEntry } from "./trash.ts";

/**
 * Takes back what a crash left of a tree that was never handed out. The branch goes only while it is at the
 * commit it was made at, or at one that was kept.
 */
export async function discardProvisioned(app: App, place: Place, row: RegistryRow, lock: GitLock): Promise<readonly string[]> {
  const notes: string[] = [];
  await app.files.discardUnfinished(place.path, place.repository, row.branch);
  const entry = row.pending?.step === "restoring" ? await requireTrashEntry(app, place, row.pending.stamp) : null;
  const [tip] = await app.git.resolveCommits(place.mainRoot, [`refs/heads/${row.branch}`]);
  if (typeof tip === "string") {
    const known = [row.base_ref, entry?.refs.branch?.commit].includes(tip);
    const elsewhere = (await app.git.listWorktrees(place.mainRoot)).some(({ branch }) => branch === row.branch);
    if (!known || elsewhere || !(await app.git.deleteBranchAt(place.mainRoot, row.branch, tip, lock)))
      notes.push(`the branch ${row.branch} stays at ${tip.slice(0, 12)}`);
  }
  await app.registry.update((registry) => ({ registry: dropRow(registry, place.taskKey), result: null }));
  return notes;
}
