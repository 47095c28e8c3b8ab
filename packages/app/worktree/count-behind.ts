import type { App } from "../app.ts";

/** A branch and what it can fall behind. */
export interface Pair {
  readonly branch: string;
  /** Any revision of the repository. */
  readonly baseName: string;
}

/** Commits looked at for one repository; beyond this the numbers are not told. */
const MOST_COMMITS = 50_000;

/**
 * How many commits of its base each branch lacks, for all branches of one repository in three calls of git
 * (`for-each-ref` can count only from git 2.41 on). Null where a name is no commit or history is too long.
 */
export async function countBehind(app: App, repository: string, pairs: readonly Pair[]): Promise<readonly (number | null)[]> {
  const unknown = pairs.map(() => null);
  if (pairs.length === 0 || !(await app.store.exists(repository))) return unknown;
  const names = pairs.flatMap(({ branch, baseName }) => [baseName, `refs/heads/${branch}`]);
  const commits = await app.git.resolveCommits(repository, names).catch(() => null);
  if (commits === null) return unknown;
  const tips = [...new Set(commits.filter((commit) => commit !== null))];
  if (tips.length === 0) return unknown;
  const common = await app.git.run(repository, ["merge-base", "--octopus", ...tips], { okExitCodes: [0, 1] });
  const shared = common.exitCode === 0 ? common.stdout.split("\n").filter((line) => line !== "") : [];
  const { stdout } = await app.git.run(repository, ["rev-list", "--parents", `--max-count=${MOST_COMMITS}`, ...tips, "--not", ...shared]);
  const parents = new Map<string, readonly string[]>();
  for (const line of stdout.split("\n")) {
    const [commit = "", ...rest] = line.split(" ");
    if (commit !== "") parents.set(commit, rest);
  }
  if (parents.size >= MOST_COMMITS) return unknown;
  return pairs.map((_, index) => {
    const base = commits[index * 2] ?? null;
    const tip = commits[index * 2 + 1] ?? null;
    if (base === null || tip === null) return null;
    const has = reach(parents, tip);
    return [...reach(parents, base)].filter((commit) => !has.has(commit)).length;
  });
}

/** Commits reachable from one within the listed part of history. */
function reach(parents: ReadonlyMap<string, readonly string[]>, from: string): ReadonlySet<string> {
  const seen = new Set<string>();
  const open = [from];
  for (let commit = open.pop(); commit !== undefined; commit = open.pop()) {
    if (seen.has(commit) || !parents.has(commit)) continue;
    seen.add(commit);
    open.push(...(parents.get(commit) ?? []));
  }
  return seen;
}
