import { lstat, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OkstraError } from "@okstra/core/errors";
import type { GitProcess } from "../exec/git-process.ts";
import { loadCommonDir, loadGitFile } from "../worktree/admin-dir.ts";

/**
 * Whoever works in a tree can lay a repository with a configuration of its own into it. git descends into one that the
 * index names and obeys it there, so it is told to look at the commit only; changes inside are found by
 * {@link findChangedNested}.
 */
export const NOT_INSIDE = "--ignore-submodules=dirty";
/** What keeps git out of the repositories inside a tree in every other call. */
export const NO_RECURSION = ["-c", "submodule.recurse=false"];

const INDEX_MAX_BYTES = 256 * 1024 * 1024;
const DEEPEST = 8;

export interface Gitlink {
  /** Relative to the tree, `/` between parts. */
  readonly path: string;
  /** The commit that the index names. */
  readonly commit: string;
}

/** What the index holds as a repository of its own, each path once. `env` may name another index. */
export async function fetchGitlinks(
  git: GitProcess,
  dir: string,
  env: Readonly<Record<string, string>> | undefined,
): Promise<readonly Gitlink[]> {
  const answer = await git.run([...NO_RECURSION, "ls-files", "-z", "--stage"], {
    cwd: dir,
    maxBytes: INDEX_MAX_BYTES,
    ...(env === undefined ? {} : { env }),
  });
  const found = new Map<string, string>();
  for (const line of answer.stdout.split("\0")) {
    if (!line.startsWith("160000 ")) continue;
    const tab = line.indexOf("\t");
    found.set(line.slice(tab + 1), line.split(" ")[1] ?? "");
  }
  return [...found].map(([path, commit]) => ({ path, commit }));
}

/**
 * Which of these repositories have changes that are in none of their commits. git looks at their files from an empty
 * git directory of our own, with their objects and their index: their configuration, hooks and attributes file have no
 * say, so that no program of theirs runs. What cannot be told counts as changed.
 */
export async function findChangedNested(git: GitProcess, worktree: string, gitlinks: readonly Gitlink[], depth = 0): Promise<string[]> {
  const changed: string[] = [];
  for (const { path, commit } of gitlinks) {
    const root = join(worktree, path);
    const dotGit = await typeOf(join(root, ".git"));
    if (dotGit === "absent") continue;
    const gitDir = dotGit === "directory" ? join(root, ".git") : dotGit === "file" ? await loadGitFile(root) : null;
    if (gitDir === null || depth >= DEEPEST || (await isChanged(git, { root, gitDir, commit, depth }))) changed.push(path);
  }
  return changed;
}

async function isChanged(git: GitProcess, at: { root: string; gitDir: string; commit: string; depth: number }): Promise<boolean> {
  const index = join(at.gitDir, "index");
  // A pipe in the place of a file would be waited for.
  if (["other", "directory"].includes(await typeOf(index))) return true;
  const isLinked = (await typeOf(join(at.gitDir, "commondir"))) === "file";
  const own = await mkdtemp(join(tmpdir(), "okstra-git-"));
  try {
    const format = at.commit.length === 64 ? "\trepositoryformatversion = 1\n[extensions]\n\tobjectformat = sha256\n" : "";
    await mkdir(join(own, "refs"));
    await writeFile(join(own, "config"), `[core]\n\tbare = false\n${format}`);
    await writeFile(join(own, "HEAD"), `${at.commit}\n`);
    const env = {
      GIT_DIR: own,
      GIT_WORK_TREE: at.root,
      GIT_INDEX_FILE: index,
      GIT_OBJECT_DIRECTORY: join((isLinked ? await loadCommonDir(at.gitDir) : null) ?? at.gitDir, "objects"),
    };
    const args = [
      "-c",
      "core.hooksPath=/dev/null",
      "status",
      "--porcelain=v1",
      "-z",
      "--no-renames",
      "--untracked-files=normal",
      NOT_INSIDE,
    ];
    // Not started in the repository: git looks around for a configuration before it heeds GIT_DIR.
    const status = await git.run(args, { cwd: own, env });
    if (status.stdout !== "") return true;
    return (await findChangedNested(git, at.root, await fetchGitlinks(git, own, env), at.depth + 1)).length > 0;
  } catch (error) {
    // A commit or an index that cannot be read: nothing says that it is as it was.
    if (error instanceof OkstraError && error.code === "OKSTRA_GIT_FAILED") return true;
    throw error;
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

async function typeOf(path: string): Promise<"file" | "directory" | "other" | "absent"> {
  const stats = await lstat(path).catch(() => null);
  if (stats === null) return "absent";
  return stats.isFile() ? "file" : stats.isDirectory() ? "directory" : "other";
}
