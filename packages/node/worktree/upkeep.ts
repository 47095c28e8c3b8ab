import { lstat, readdir, readlink, realpath, rm, statfs, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { TreeContents } from "@okstra/core/tree-port";
import { asIoError, isAbsent } from "../io-error.ts";
import { listTaskDirectories } from "../store/registry-rebuild.ts";
import { findAdminDirs, isInitializing, listAdminDirs, loadBranch, loadMarker, loadWorktreeOf, MARKER_FILE } from "./admin-dir.ts";
import { copyIndex, INDEX_COPY, listFiles, loadLinkTarget, removeContent, writeContent } from "./contents.ts";
import { isUnchangedCopy } from "./include.ts";

/** What git leaves in a worktree's bookkeeping while something is under way. */
const OPERATIONS = [
  ["MERGE_HEAD", "merge"],
  ["rebase-merge", "rebase"],
  ["rebase-apply", "rebase"],
  ["CHERRY_PICK_HEAD", "cherry-pick"],
  ["REVERT_HEAD", "revert"],
  ["BISECT_LOG", "bisect"],
] as const;

/** `f_type` of file systems whose locks and renames another machine decides about (statfs(2)). */
const NETWORK_TYPES: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xfe534d42, "SMB"],
  [0xff534d42, "CIFS"],
  [0x01021997, "9p"],
  [0x5346414f, "AFS"],
  [0x6b414653, "AFS"],
  [0x00c36400, "Ceph"],
  [0x73757245, "Coda"],
  [0x0bd00bd0, "Lustre"],
  [0x47504653, "GPFS"],
  [0x01161970, "GFS2"],
  [0x7461636f, "OCFS2"],
]);

/** The real {@link TreeContents} below `home`. */
export function createTreeContents(home: string): TreeContents {
  const root = join(home, "worktrees");

  return {
    loadHeadBranch: loadBranch,
    async loadMarkerOf(repository, path) {
      for (const adminDir of await findAdminDirs(repository, path)) {
        const marker = await loadMarker(adminDir);
        if (marker !== null) return marker;
      }
      return null;
    },
    isUnchangedCopy,
    listFiles,
    loadLinkTarget,
    // Loaded when something is kept or brought back: most commands do neither.
    writeArchive: async (archive, root, files) => (await import("./archive.ts")).writeArchive(archive, root, files),
    extractArchive: async (archive, root) => (await import("./archive.ts")).extractArchive(archive, root),
    writeContent,
    removeContent,
    copyIndex,
    async listOperations(adminDir) {
      const found = new Set<string>();
      for (const [name, operation] of OPERATIONS) if (await isThere(join(adminDir, name))) found.add(operation);
      return [...found];
    },
    hasSubmodules: async (adminDir) => (await listNames(join(adminDir, "modules"))).length > 0,
    async relink(repository, path) {
      const [adminDir] = await findAdminDirs(repository, path);
      if (adminDir === undefined || (await isThere(join(path, ".git"))) || !(await isThere(path))) return false;
      if ((await loadWorktreeOf(adminDir)) !== path) return false;
      await writeFile(join(path, ".git"), `gitdir: ${adminDir}\n`, { flag: "wx" });
      return true;
    },
    listTaskDirectories: () => listTaskDirectories(root),
    async listMarked(repository) {
      const marked = [];
      for (const adminDir of await listAdminDirs(repository)) {
        const marker = await loadMarker(adminDir);
        if (marker !== null) marked.push({ adminDir, path: await loadWorktreeOf(adminDir), marker });
      }
      return marked;
    },
    async renewLinks(mainRoot, path, names) {
      const renewed: string[] = [];
      for (const name of names) {
        const link = join(path, name);
        const source = join(mainRoot, name);
        const target = await readlink(link).catch(() => null);
        if (target === null || target === source || (await realpath(source).catch(() => null)) === null) continue;
        await rm(link);
        await symlink(source, link, process.platform === "win32" ? "junction" : "dir");
        renewed.push(name);
      }
      return renewed;
    },
    async listTemporary() {
      const found: { path: string; lock: string }[] = [];
      for (const name of await listNames(root))
        if (/^\.registry\.json\..*\.tmp$/.test(name)) found.push({ path: join(root, name), lock: "registry" });
      for (const name of await listNames(home))
        if (/^\.trust\.json\..*\.tmp$/.test(name)) found.push({ path: join(home, name), lock: "trust" });
      return found;
    },
    async listLeftovers(adminDir) {
      const names = await listNames(adminDir);
      const temporary = names.filter((name) => INDEX_COPY.test(name) || (name.startsWith(`.${MARKER_FILE}.`) && name.endsWith(".tmp")));
      const locks = names.filter((name) => name === "index.lock" || name === "HEAD.lock");
      return {
        locks: locks.map((name) => join(adminDir, name)),
        temporary: temporary.map((name) => join(adminDir, name)),
        initializing: await isInitializing(adminDir),
      };
    },
    async inspectOwn(path) {
      try {
        const stats = await lstat(path);
        const type = stats.isFile() ? "file" : stats.isSymbolicLink() ? "link" : stats.isDirectory() ? "directory" : "other";
        return { type, mode: stats.mode & 0o7777, own: process.getuid?.() === undefined || process.getuid() === stats.uid };
      } catch (error) {
        if (isAbsent(error)) return null;
        throw asIoError(error, path);
      }
    },
    async findNetworkFileSystem(path) {
      for (let at = path; ; at = dirname(at)) {
        try {
          return NETWORK_TYPES.get((await statfs(at)).type >>> 0) ?? null;
        } catch (error) {
          if (!isAbsent(error) || dirname(at) === at) return null;
        }
      }
    },
  };
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw asIoError(error, path);
  }
}

async function listNames(path: string): Promise<readonly string[]> {
  try {
    return (await readdir(path)).sort();
  } catch (error) {
    if (isAbsent(error)) return [];
    throw asIoError(error, path);
  }
}
