/** What okstra asks of git and of a task's tree on disk. All paths are absolute and real. */
import type { WorktreeMarker } from "./domain/worktree-marker.ts";
import type { TreeContents } from "./tree-port.ts";

export type { WorktreeMarker };

export interface RepositoryLocation {
  /** Top of the worktree that the directory is in. */
  readonly topLevel: string;
  readonly gitDir: string;
  /** Real path of the common git directory: the identity of the repository. */
  readonly commonDir: string;
  /** Top of the main worktree; null when the repository is bare. */
  readonly mainRoot: string | null;
  /** True when `topLevel` is the main worktree. */
  readonly isMain: boolean;
  /** Commit of HEAD; null when there is no commit yet. */
  readonly head: string | null;
}

/** Something the repository brings along that would run or be obeyed, and whether a person approved it. */
export interface TrustItem {
  /** `filter.<name>`, `hooks`, or `file:<path>`. */
  readonly id: string;
  readonly kind: "filter" | "hooks" | "agent-settings";
  /** SHA-256 of what it says now. */
  readonly hash: string;
  /** One line for a person. */
  readonly what: string;
  readonly trusted: boolean;
  /** Why it can never be approved; absent for all that can. */
  readonly refusal?: string;
}

/** git options that keep a repository's own, unapproved configuration from running anything. */
export interface SafeConfig {
  /** `-c key=value` pairs for every git call that may run filters, drivers or hooks. */
  readonly options: readonly string[];
  /** Plain words about what does not run; empty when nothing is held back. */
  readonly notes: readonly string[];
  /** Names of required filters that may not run: a checkout must not start. */
  readonly blockedFilters: readonly string[];
  readonly items: readonly TrustItem[];
}

export interface WorktreeEntry {
  readonly path: string;
  readonly head: string;
  /** Short branch name, or null when detached. */
  readonly branch: string | null;
  readonly locked: string | null;
  readonly bare: boolean;
}

export interface StatusEntry {
  /** Two letters as in porcelain v1 (`??` untracked, `!!` ignored). */
  readonly code: string;
  readonly path: string;
}

export interface GitLock {
  /** Inherited by every mutating git child, so that the lock lives as long as git does. */
  readonly fd: number;
}

export interface Git {
  /**
   * @returns null when the directory is in no repository
   * @throws OKSTRA_REPOSITORY_BARE, OKSTRA_GIT_FAILED (a refusal of git is never read as "no repository")
   */
  locate(dir: string): Promise<RepositoryLocation | null>;
  /** Commits (or null) of several revisions in one call. */
  resolveCommits(dir: string, revisions: readonly string[]): Promise<readonly (string | null)[]>;
  safeConfig(location: Pick<RepositoryLocation, "commonDir" | "mainRoot">): Promise<SafeConfig>;
  addWorktree(options: {
    mainRoot: string;
    path: string;
    branch: string;
    /** Commit for a new branch; null checks out the branch that exists. */
    commit: string | null;
    /** True re-uses a stale administrative entry of the same path. */
    force: boolean;
    safe: SafeConfig;
    lock: GitLock;
  }): Promise<void>;
  /** Deletes a branch only while it is at `commit`; true when it did. */
  deleteBranchAt(mainRoot: string, branch: string, commit: string, lock: GitLock): Promise<boolean>;
  listWorktrees(dir: string): Promise<readonly WorktreeEntry[]>;
  /**
   * The status of a tree, changes inside repositories that the index names included (`M` in the second place). Those
   * repositories' own configuration is never obeyed: nothing that lies in the tree runs.
   */
  status(
    worktree: string,
    options: { ignored?: boolean; untracked?: boolean; env?: Readonly<Record<string, string>>; safe: SafeConfig },
  ): Promise<readonly StatusEntry[]>;
  /** Paths that the index holds as repositories of their own, whether they are there or not. */
  listGitlinks(worktree: string): Promise<readonly string[]>;
  /** Untracked files of the main worktree that match `.worktreeinclude` there; [] without that file. */
  listIncluded(mainRoot: string): Promise<readonly string[]>;
  /** For each path the file whose pattern ignores it, or null. */
  checkIgnored(dir: string, paths: readonly string[]): Promise<ReadonlyMap<string, string | null>>;
  /** Contents of blobs as they are stored, no filter applied, a few at a time. `size` is the size in bytes. */
  loadBlobs(
    dir: string,
    blobs: readonly { id: string; size: number }[],
    take: (id: string, content: Uint8Array) => Promise<void>,
  ): Promise<void>;
  /** Content of a file at a commit; null when it is not there or over 8 MiB. */
  loadFileAt(dir: string, commit: string, path: string): Promise<string | null>;
  /**
   * A throw-away checkout of a commit that shares the repository's objects and changes nothing in it: no
   * branch, no worktree entry, no hook.
   */
  checkoutScratch(options: { repository: string; commit: string; path: string; safe: SafeConfig }): Promise<void>;
  /** Runs any other git command of okstra's own plumbing. */
  run(dir: string, args: readonly string[], options?: GitRunOptions): Promise<GitAnswer>;
}

export interface GitRunOptions {
  readonly stdin?: string;
  readonly okExitCodes?: readonly number[];
  readonly lock?: GitLock;
  readonly safe?: SafeConfig;
  readonly env?: Readonly<Record<string, string>>;
  /** So many bytes of stdout are wanted: git is ended after them, and that is no failure. */
  readonly cutBytes?: number;
}

export interface GitAnswer {
  readonly exitCode: number;
  /** There was more than `cutBytes`. */
  readonly isCut?: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

export type TreeState =
  | { readonly kind: "absent" }
  /** Parent directory missing, as on an unmounted disk. */
  | { readonly kind: "parent-absent" }
  /** A directory that git's bookkeeping of this repository does not know. */
  | { readonly kind: "foreign"; readonly reason: string }
  | {
      readonly kind: "worktree";
      readonly adminDir: string;
      readonly repository: string;
      /** Short branch name or null when detached, read from HEAD without starting git. */
      readonly branch: string | null;
      readonly marker: WorktreeMarker | null;
    };

export interface WorktreeFiles extends TreeContents {
  /** `OKSTRA_HOME/worktrees/<project>/<group>/<task>`. */
  pathOf(key: { project: string; group: string; task: string }): string;
  /** True for a path under `OKSTRA_HOME/worktrees`. */
  isInside(path: string): boolean;
  /** Makes the parents of a task's directory, private; a link among them is refused. @throws OKSTRA_PATH_IS_LINK */
  ensureParents(path: string): Promise<void>;
  /** Looks at a tree by reading files only: safe before any git call there. */
  inspect(path: string): Promise<TreeState>;
  /**
   * Removes a tree that was never handed out, with git's bookkeeping of it and stale lock files of its branch.
   * Outside OKSTRA_HOME/worktrees only the bookkeeping of a directory that is gone.
   */
  discardUnfinished(path: string, repository: string, branch: string): Promise<void>;
  linkDirectories(
    mainRoot: string,
    path: string,
    names: readonly string[],
  ): Promise<{ linked: readonly string[]; notes: readonly string[] }>;
  /** Which of the names exist as directories inside the main worktree. */
  linkSources(mainRoot: string, names: readonly string[]): Promise<{ usable: readonly string[]; notes: readonly string[] }>;
  /** Keeps links out of `git status`: `ignoredElsewhere` are those that a file below info/exclude ignores in main. */
  excludeLinks(repository: string, names: readonly string[], ignoredElsewhere: ReadonlySet<string>): Promise<void>;
  copyFiles(
    mainRoot: string,
    path: string,
    files: readonly string[],
  ): Promise<{ copies: WorktreeMarker["copies"]; notes: readonly string[] }>;
  /** Agents' settings that a tree supplies (cases 12, 13), one item a file, with whether this very content was approved. */
  findAgentSettings(root: string, approved: ReadonlyMap<string, string>): Promise<readonly TrustItem[]>;
  writeMarker(adminDir: string, marker: WorktreeMarker): Promise<void>;
  /** The commit that git's log of the tree's HEAD ends with; null when nothing is left of it. */
  lastKnownCommit(repository: string, path: string): Promise<string | null>;
  /** A text that differs when a file's content may have changed (size, mtime, type); empty when it is gone. */
  stamp(path: string): Promise<string>;
  /** Copies a directory as it is, by copy-on-write clone where the file system can; links stay links. */
  copyDirectory(from: string, to: string): Promise<void>;
  /** Process ids that have their working directory in the tree; empty where the system cannot tell. */
  findOccupants(path: string): Promise<readonly number[]>;
}
