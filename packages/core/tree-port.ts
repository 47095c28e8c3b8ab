/** What commands that take a tree apart, keep its content or look after it ask of the disk. Paths are absolute unless said. */
import type { WorktreeMarker } from "./domain/worktree-marker.ts";

export interface FileFacts {
  /** Relative to the tree, `/` between parts. */
  readonly path: string;
  readonly type: "file" | "link" | "directory" | "other" | "absent";
  /** Permission bits. */
  readonly mode: number;
  readonly size: number;
  /** Whole milliseconds. */
  readonly mtimeMs: number;
}

export interface TreeContents {
  /** The branch that a git directory's HEAD names, read without git; null when detached or unreadable. */
  loadHeadBranch(gitDir: string): Promise<string | null>;
  /** okstra's marker in git's bookkeeping of a worktree, though its directory may be gone. */
  loadMarkerOf(repository: string, path: string): Promise<WorktreeMarker | null>;
  /** True while a `.worktreeinclude` copy is as okstra made it. */
  isUnchangedCopy(root: string, file: string, recorded: readonly [number, number]): Promise<boolean>;
  /** Facts of each path; a directory is walked, without following links and without directories named in `skip`. */
  listFiles(root: string, paths: readonly string[], skip: readonly string[]): Promise<readonly FileFacts[]>;
  /** Target of a symbolic link in the tree. */
  loadLinkTarget(root: string, path: string): Promise<string>;
  /** A private tar file of these files, read back, compared with the tree and made durable. Answers its size in bytes. */
  writeArchive(archive: string, root: string, files: readonly FileFacts[]): Promise<number>;
  extractArchive(archive: string, root: string): Promise<void>;
  /** Writes one file or link exactly, mode and time too; never through a link that leads out of the tree. */
  writeContent(root: string, facts: FileFacts, content: Uint8Array): Promise<void>;
  /** Deletes one file or link of the tree. */
  removeContent(root: string, path: string): Promise<void>;
  /** A copy of a worktree's index to work on; the caller removes it. */
  copyIndex(adminDir: string): Promise<string>;
  /** Names of what git has begun and not ended there: merge, rebase, cherry-pick, revert, bisect. */
  listOperations(adminDir: string): Promise<readonly string[]>;
  /** True when submodules of the worktree are initialised: their repositories lie in its bookkeeping. */
  hasSubmodules(adminDir: string): Promise<boolean>;
  /** Writes the `.git` file of a directory again when it is gone and git's bookkeeping of this repository still names it. */
  relink(repository: string, path: string): Promise<boolean>;
  /** Directories at the place of a task below OKSTRA_HOME/worktrees. */
  listTaskDirectories(): Promise<readonly string[]>;
  /** Bookkeeping of a repository's linked worktrees that carries okstra's marker. */
  listMarked(
    repository: string,
  ): Promise<readonly { readonly adminDir: string; readonly path: string | null; readonly marker: WorktreeMarker }[]>;
  /** Makes okstra's own links of a tree again where they lead nowhere or to another place. Answers the names. */
  renewLinks(mainRoot: string, path: string, names: readonly string[]): Promise<readonly string[]>;
  /** Left-over temporary files of okstra's writes below its home, each with the lock under which it may be removed. */
  listTemporary(): Promise<readonly { readonly path: string; readonly lock: string }[]>;
  /** Left-over lock files of git and temporary files of okstra in one worktree's bookkeeping, and git's word that it never finished there. */
  listLeftovers(
    adminDir: string,
  ): Promise<{ readonly locks: readonly string[]; readonly temporary: readonly string[]; readonly initializing: boolean }>;
  /** Facts of a directory of okstra's own; null when absent. */
  inspectOwn(path: string): Promise<{ readonly type: FileFacts["type"]; readonly mode: number; readonly own: boolean } | null>;
  /** Name of the network file system that a path is on; null when it is on a local one or the system cannot tell. */
  findNetworkFileSystem(path: string): Promise<string | null>;
}
