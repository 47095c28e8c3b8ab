import type { MergeWay } from "@okstra/core/domain/task-log";
import { isAncestor, squash } from "../handoff/inspect-branch.ts";
import type { Staging } from "../handoff/staging.ts";

export interface Proof {
  /** How all of the work got into the base; null when not all of it is there. */
  readonly how: Exclude<MergeWay, "merged-by-forge"> | null;
  /** Commits whose change is not in the base, newest first. */
  readonly missing: readonly string[];
  /** How many commits the work has that are not in the base's history. */
  readonly own: number;
}

/**
 * Whether a commit's work is in a base: the commit itself, its whole change as one commit, or each of its commits again.
 * git's patch ids say what is the same change elsewhere; they pass over white space, so that what they find is compared
 * letter by letter as well.
 * @param options.base commit of the base branch
 */
export async function proveMerged(staging: Staging, { commit, base }: { commit: string; base: string }): Promise<Proof> {
  if (!(await isThere(staging, commit))) return { how: null, missing: [commit], own: 1 };
  if (await isAncestor(staging, commit, base)) return { how: "merged", missing: [], own: 0 };
  const own = await listRange(staging, base, commit);
  const answer = (how: Proof["how"], missing: readonly string[] = []): Proof => ({ how, missing, own: own.length });
  const parent = await findMergeBase(staging, base, commit);
  if (parent === null) return answer(null, own);
  const isEmpty = (await staging.git(["diff-tree", "--quiet", parent, commit], { okExitCodes: [0, 1] })).exitCode === 0;
  if (isEmpty) return answer("merged");
  const whole = await squash(staging, { head: commit, parent, message: "the whole change\n" });
  if ((await listMissing(staging, base, whole)).length === 0) return answer("squashed");
  const missing = await listMissing(staging, base, commit);
  return missing.length === 0 ? answer("rebased") : answer(null, missing);
}

/** Whether the staging repository sees a commit. */
export async function isThere(staging: Staging, commit: string): Promise<boolean> {
  return (await staging.git(["cat-file", "-e", `${commit}^{commit}`], { okExitCodes: [0, 1, 128] })).exitCode === 0;
}

async function findMergeBase(staging: Staging, base: string, commit: string): Promise<string | null> {
  const found = await staging.git(["merge-base", base, commit], { okExitCodes: [0, 1] });
  return found.stdout.split("\n").find((line) => line !== "") ?? null;
}

async function listRange(staging: Staging, base: string, tip: string, ...more: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await staging.git(["rev-list", ...more, `^${base}`, tip]);
  return stdout.split("\n").filter((line) => line !== "");
}

/**
 * Commits of a range whose change is not in the base. A merge has none of its own unless it says what neither of its sides
 * does; such a merge is in no other commit.
 */
async function listMissing(staging: Staging, base: string, tip: string): Promise<readonly string[]> {
  const merges = await fetchDiffs(staging, await listRange(staging, base, tip, "--merges"), ["--cc"]);
  const own = await listRange(staging, base, tip, "--no-merges");
  const { stdout } = await staging.git(["rev-list", "--cherry-mark", "--no-merges", `${base}...${tip}`]);
  const equal = new Set(stdout.split("\n").flatMap((line) => (line.startsWith("=") ? [line.slice(1)] : [])));
  const counterparts = [...equal].filter((commit) => !own.includes(commit));
  const diffs = await fetchDiffs(staging, [...own, ...counterparts], []);
  const there = new Set(counterparts.map((commit) => diffs.get(commit) ?? ""));
  const isMissing = (commit: string): boolean => {
    const diff = diffs.get(commit) ?? "";
    return diff !== "" && !(equal.has(commit) && there.has(diff));
  };
  return [...own.filter(isMissing), ...merges.keys()];
}

/** What commits change, without the place where and the lines around; commits that change nothing are left out. */
async function fetchDiffs(staging: Staging, commits: readonly string[], more: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (commits.length === 0) return new Map();
  const args = ["--stdin", "-r", "--root", "-p", "--no-color", "--no-renames", "--full-index", "--no-ext-diff", "--no-textconv", ...more];
  const { stdout } = await staging.git(["diff-tree", ...args], { stdin: `${commits.join("\n")}\n` });
  // Every line of a diff begins with a word or a sign; a hash alone names the commit that the diff after it is of.
  const [, ...parts] = stdout.split(/^([0-9a-f]{40,64})\n/m);
  const diffs = new Map<string, string>();
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const diff = dropPlaces(parts[at + 1] ?? "");
    if (diff !== "") diffs.set(parts[at] ?? "", diff);
  }
  return diffs;
}

/** The index line of a text says what the file was before, which may differ; that of a binary file is all there is of it. */
function dropPlaces(diff: string): string {
  return diff
    .replaceAll(/^index [0-9a-f,]+\.\.[0-9a-f]+(?: \d+)?\n(?=--- )/gm, "")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith(" ") && !line.startsWith("@@"))
    .join("\n");
}
