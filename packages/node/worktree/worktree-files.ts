import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { cp, lstat, readdir, readlink, realpath, rename, rm } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import { OkstraError } from "@okstra/core/errors";
import type { TreeState, WorktreeFiles } from "@okstra/core/git-port";
import type { Store } from "@okstra/core/ports";
import { sha256 } from "../clock.ts";
import { asIoError, errnoOf, isAbsent } from "../io-error.ts";
import { createLocks } from "../lock/locks.ts";
import { findAdminDirs, loadBranch, loadCommonDir, loadGitFile, loadLine, loadMarker, loadWorktreeOf, MARKER_FILE } from "./admin-dir.ts";
import { findAgentSettings } from "./agent-settings.ts";
import { copyIncludedFiles } from "./include.ts";
import { createTreeContents } from "./upkeep.ts";
import { excludeLinks, findLinkSources, linkDirectories, sweepTemporary } from "./links.ts";

/** The real {@link WorktreeFiles} below `home`, which is an existing real path. */
export function createWorktreeFiles(home: string, store: Store): WorktreeFiles {
  const root = join(home, "worktrees");
  const locks = createLocks(home, store);

  /** Each directory between `home` and the task's own must be a real one: a link could lead a write anywhere. */
  async function ensureParents(path: string): Promise<void> {
    await store.ensureDirectory(home);
    let at = home;
    for (const part of relative(home, dirname(path)).split(sep)) {
      at = join(at, part);
      const stats = await lstat(at).catch((error: unknown) => {
        if (isAbsent(error)) return null;
        throw asIoError(error, at);
      });
      if (stats !== null && !stats.isDirectory()) {
        throw new OkstraError("OKSTRA_PATH_IS_LINK", {
          message: `${at} is ${stats.isSymbolicLink() ? "a symbolic link" : "not a directory"}.`,
          hint: `Move it away: mv ${at} ${at}.old`,
          details: { path: at },
        });
      }
      await store.ensureDirectory(at);
    }
  }

  async function inspect(path: string): Promise<TreeState> {
    const stats = await lstat(path).catch((error: unknown) => {
      if (isAbsent(error)) return null;
      throw asIoError(error, path);
    });
    if (stats === null) return (await store.exists(dirname(path))) ? { kind: "absent" } : { kind: "parent-absent" };
    if (!stats.isDirectory())
      return { kind: "foreign", reason: stats.isSymbolicLink() ? "it is a symbolic link" : "it is not a directory" };
    const adminDir = await loadGitFile(path);
    if (adminDir === null) return { kind: "foreign", reason: "it has no .git file of a worktree" };
    const repository = await loadCommonDir(adminDir);
    if (repository === null) return { kind: "foreign", reason: `its .git file names ${adminDir}, which is no worktree's` };
    if ((await loadWorktreeOf(adminDir)) !== path)
      return { kind: "foreign", reason: `git's bookkeeping in ${adminDir} belongs to another directory` };
    return { kind: "worktree", adminDir, repository, branch: await loadBranch(adminDir), marker: await loadMarker(adminDir) };
  }

  return {
    ...createTreeContents(home),
    ensureParents,
    inspect,
    pathOf: ({ project, group, task }) => join(root, project, group, task),
    isInside: (path) => path.startsWith(root + sep),
    async discardUnfinished(path, repository, branch) {
      const isOurs = path.startsWith(root + sep);
      if (!isOurs && (await store.exists(path))) throw new OkstraError("OKSTRA_INTERNAL", { message: `${path} is not below ${root}.` });
      try {
        if (isOurs) await discardDirectory(path, repository);
        for (const adminDir of await findAdminDirs(repository, path)) await rm(adminDir, { recursive: true, force: true });
        await rm(join(repository, "refs", "heads", `${branch}.lock`), { force: true });
      } catch (error) {
        throw asIoError(error, path);
      }
    },
    linkSources: findLinkSources,
    async linkDirectories(mainRoot, path, names) {
      try {
        return await linkDirectories(mainRoot, path, names);
      } catch (error) {
        throw asIoError(error, path);
      }
    },
    async excludeLinks(repository, names, ignoredElsewhere) {
      try {
        await excludeLinks({ store, locks, sha256 }, repository, names, ignoredElsewhere);
      } catch (error) {
        throw asIoError(error, join(repository, "info", "exclude"));
      }
    },
    async copyFiles(mainRoot, path, files) {
      try {
        return await copyIncludedFiles(mainRoot, path, files);
      } catch (error) {
        throw asIoError(error, path);
      }
    },
    findAgentSettings,
    async writeMarker(adminDir, marker) {
      // Whoever writes a task's marker holds the task's lock.
      await sweepTemporary(adminDir, MARKER_FILE).catch((error: unknown) => {
        throw asIoError(error, adminDir);
      });
      await store.writeText(join(adminDir, MARKER_FILE), `${JSON.stringify(marker, null, 2)}\n`);
    },
    async stamp(file) {
      const stats = await lstat(file).catch(() => null);
      return stats === null ? "" : `${stats.mode} ${stats.size} ${stats.mtimeMs} ${stats.ino}`;
    },
    async copyDirectory(from, to) {
      try {
        await cp(from, to, { recursive: true, verbatimSymlinks: true, mode: constants.COPYFILE_FICLONE });
      } catch (error) {
        throw asIoError(error, to);
      }
    },
    async lastKnownCommit(repository, path) {
      for (const adminDir of await findAdminDirs(repository, path)) {
        const last = (await loadLine(join(adminDir, "logs", "HEAD")))?.split("\n").at(-1);
        const commit = last?.split(" ")[1];
        if (commit !== undefined && /^[0-9a-f]{40,64}$/.test(commit)) return commit;
      }
      return null;
    },
    findOccupants,
  };
}

/**
 * Deletes a directory that is empty or whose `.git` file leads into this repository's bookkeeping; anything else
 * is not git's work and is moved aside. It gets another name first: a kill in the middle of the deletion would leave
 * a directory that nobody can tell from a person's.
 */
async function discardDirectory(path: string, repository: string): Promise<void> {
  const parent = dirname(path);
  const prefix = `.discarded-${basename(path)}-`;
  const besides = await readdir(parent).catch((error: unknown) => {
    if (isAbsent(error)) return [];
    throw error;
  });
  for (const name of besides)
    if (name.startsWith(prefix) && /^[0-9a-f]{8}$/.test(name.slice(prefix.length)))
      await rm(join(parent, name), { recursive: true, force: true });
  const names = await readdir(path).catch((error: unknown) => {
    if (isAbsent(error)) return null;
    throw error;
  });
  if (names === null) return;
  const adminDir = await loadGitFile(path);
  const isGits = names.length === 0 || (adminDir !== null && dirname(adminDir) === join(repository, "worktrees"));
  const suffix = randomBytes(4).toString("hex");
  const other = isGits ? join(parent, `${prefix}${suffix}`) : `${path}.unfinished-${suffix}`;
  await rename(path, other);
  if (isGits) await rm(other, { recursive: true, force: true });
}

/** Linux tells the working directory of every process that one may look at. */
async function findOccupants(path: string): Promise<readonly number[]> {
  const real = await realpath(path).catch(() => path);
  const found: number[] = [];
  for (const name of await readdir("/proc").catch(() => [])) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    try {
      const cwd = await readlink(`/proc/${name}/cwd`);
      if (cwd === real || cwd.startsWith(real + sep)) found.push(Number(name));
    } catch (error) {
      if (!["ENOENT", "EACCES", "ESRCH", "EPERM"].includes(errnoOf(error) ?? "")) throw error;
    }
  }
  return found;
}

/** Real path of OKSTRA_HOME, so that every later comparison of paths is exact; it need not exist yet. */
export async function findHome(home: string): Promise<string> {
  const missing: string[] = [];
  for (let at = home; ; at = dirname(at)) {
    try {
      return join(await realpath(at), ...missing);
    } catch (error) {
      if (!isAbsent(error) || dirname(at) === at) throw asIoError(error, home);
      missing.unshift(basename(at));
    }
  }
}
