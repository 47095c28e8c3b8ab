import { isCovered } from "@okstra/core/convergence/covered";
import { mapSteps, sumChanges, type Surroundings, type TestFirst, type WorkRecord } from "@okstra/core/domain/work-record";
import { OkstraError } from "@okstra/core/errors";
import type { WorktreeMarker } from "@okstra/core/git-port";
import type { App } from "../app.ts";
import { findAgentSettings, findChangedEntries, findMainChanges, findOtherRefs, isOwnRecord } from "./compare-surroundings.ts";
import { fetchChanges, fetchCommits, fetchOutsidePlan, isAncestor } from "./fetch-history.ts";
import { loadSurroundings, type WorkPlace } from "./load-surroundings.ts";

export interface WorkPlan {
  /** Paths or globs relative to the tree that may be edited; a directory covers what is below it. */
  readonly files: readonly string[];
  /** Ids of the steps in order. */
  readonly steps: readonly string[];
}

/**
 * What an executor did, as git and the file system show it (cases 13, 41). Nothing is taken from what the executor says,
 * and nothing is changed.
 * @throws OKSTRA_REPOSITORY_TAMPERED when the tree is no longer the one that was looked at before
 */
export async function inspectWork(
  app: App,
  options: WorkPlace & {
    readonly before: Surroundings;
    readonly plan: WorkPlan | null;
    readonly testFirst: readonly TestFirst[];
    readonly protectedPaths?: readonly string[];
  },
): Promise<WorkRecord> {
  const { before, plan, worktree } = options;
  if (before.repository !== options.repository || before.worktree !== worktree)
    throw new OkstraError("OKSTRA_REPOSITORY_TAMPERED", {
      message: `${worktree} is not the tree that was there before: ${before.worktree} of ${before.repository}.`,
      details: { path: worktree, expected: before.repository, found: options.repository },
    });
  const now = await loadSurroundings(app, options);
  const range = { from: before.head, to: now.head };
  // An orphan branch has no commit, and what is unreachable may have been pruned: then there is no range.
  const isRange = now.head !== "" && (await app.git.resolveCommits(worktree, [before.head]))[0] === before.head;
  const commits = isRange ? await fetchCommits(app, worktree, { ...range, steps: plan?.steps ?? [] }) : [];
  const files = isRange ? await fetchChanges(app, worktree, range.from, range.to) : [];
  const changed = files.map(({ path }) => path).filter((path) => !isOwnRecord(path));
  // What a commit changed and a later one took back was touched as well.
  const touched = commits.flatMap((commit) => commit.files.map(({ path }) => path));
  const marker = await app.files.loadMarkerOf(now.repository, worktree);
  const uncommitted = await loadUncommitted(app, { before, now, marker });
  return {
    before: before.head,
    head: now.head,
    branch: now.branch,
    commits,
    diffstat: sumChanges(files),
    files,
    ...(plan === null ? { stepMap: [], unmapped: [] } : mapSteps(commits, plan.steps)),
    outsidePlan: plan === null || !isRange ? [] : await fetchOutsidePlan(app, worktree, { ...range, changed, plan: plan.files }),
    otherRefs: await findOtherRefs(app, before, now),
    mainCheckout: findMainChanges(before, now, marker?.links ?? []),
    rewritten: now.branch !== before.branch || !isRange || !(await isAncestor(app, worktree, before.head, now.head)),
    uncommitted,
    agentSettings: findAgentSettings(before, now, [...changed, ...uncommitted]),
    protectedPaths: findProtected([...touched, ...uncommitted], options.protectedPaths ?? []),
    testFirst: [...options.testFirst],
  };
}

function findProtected(touched: readonly string[], globs: readonly string[]): string[] {
  if (globs.length === 0) return [];
  return [...new Set(touched)].filter((path) => isCovered(globs, path)).sort();
}

/** What is in no commit and was not so before; okstra's links, records and unchanged copies are not the work's. */
async function loadUncommitted(
  app: App,
  { before, now, marker }: { before: Surroundings; now: Surroundings; marker: WorktreeMarker | null },
): Promise<string[]> {
  const there = new Set(now.entries.map(({ path }) => path));
  const paths: string[] = [];
  for (const { path, code } of findChangedEntries(before.entries, now.entries)) {
    if (!there.has(path) || isOwnRecord(path)) continue;
    const copy = marker?.copies[path];
    if (code === "??" && marker?.links.includes(path) === true) continue;
    if (code === "??" && copy !== undefined && (await app.files.isUnchangedCopy(now.worktree, path, copy))) continue;
    paths.push(path);
  }
  return [...new Set(paths)].sort();
}
