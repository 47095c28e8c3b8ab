import { constants } from "node:fs";
import { chmod, copyFile, lstat, mkdir, open, readdir, readlink, realpath, rm, rmdir, symlink, utimes } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { dirname, join, sep } from "node:path";
import { OkstraError } from "@okstra/core/errors";
import type { FileFacts } from "@okstra/core/tree-port";
import { asIoError, errnoOf, isAbsent } from "../io-error.ts";

/** Facts of each path; a directory is walked without following links, leaving out directories named in `skip`. */
export async function listFiles(root: string, paths: readonly string[], skip: readonly string[]): Promise<readonly FileFacts[]> {
  const facts: FileFacts[] = [];
  for (const path of paths) await walk(root, path.replace(/\/$/, ""), new Set(skip), facts);
  return facts;
}

async function walk(root: string, path: string, skip: ReadonlySet<string>, facts: FileFacts[]): Promise<void> {
  const own = await loadFacts(root, path);
  if (own.type !== "directory") {
    facts.push(own);
    return;
  }
  if (skip.has(path.slice(path.lastIndexOf("/") + 1))) return;
  facts.push(own);
  const names = await readdir(join(root, path)).catch((error: unknown) => {
    throw asIoError(error, join(root, path));
  });
  for (const name of names.sort()) await walk(root, `${path}/${name}`, skip, facts);
}

async function loadFacts(root: string, path: string): Promise<FileFacts> {
  try {
    const stats = await lstat(join(root, path));
    const type = stats.isFile() ? "file" : stats.isSymbolicLink() ? "link" : stats.isDirectory() ? "directory" : "other";
    return { path, type, mode: stats.mode & 0o7777, size: stats.size, mtimeMs: Math.trunc(stats.mtimeMs) };
  } catch (error) {
    if (isAbsent(error)) return { path, type: "absent", mode: 0, size: 0, mtimeMs: 0 };
    throw asIoError(error, join(root, path));
  }
}

/** Writes one file or link exactly; a parent that leads out of the tree is refused. */
export async function writeContent(root: string, facts: FileFacts, content: Uint8Array): Promise<void> {
  const target = join(root, facts.path);
  try {
    await mkdir(dirname(target), { recursive: true });
    const top = await realpath(root);
    if (!`${await realpath(dirname(target))}${sep}`.startsWith(top + sep)) {
      throw new OkstraError("OKSTRA_PATH_IS_LINK", { message: `${target} leads out of the tree.`, details: { path: target } });
    }
    await removeContent(root, facts.path);
    if (facts.type === "link") {
      await symlink(Buffer.from(content).toString("utf8"), target);
      return;
    }
    const handle = await open(target, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0), 0o600);
    try {
      await handle.writeFile(content);
    } finally {
      await handle.close();
    }
    await chmod(target, facts.mode);
    await utimes(target, facts.mtimeMs / 1000, facts.mtimeMs / 1000);
  } catch (error) {
    throw asIoError(error, target);
  }
}

/** Deletes one file, link or empty directory of the tree. */
export async function removeContent(root: string, path: string): Promise<void> {
  const target = join(root, path);
  try {
    const stats = await lstat(target);
    if (stats.isDirectory()) await rmdir(target);
    else await rm(target);
  } catch (error) {
    if (!isAbsent(error)) throw asIoError(error, target);
  }
}

export async function loadLinkTarget(root: string, path: string): Promise<string> {
  try {
    return await readlink(join(root, path));
  } catch (error) {
    throw asIoError(error, join(root, path));
  }
}

/** Name of the copies that {@link copyIndex} makes. */
export const INDEX_COPY = /^okstra-index\.[0-9a-f]+\.tmp$/;

export async function copyIndex(adminDir: string): Promise<string> {
  const copy = join(adminDir, `okstra-index.${randomBytes(6).toString("hex")}.tmp`);
  try {
    await copyFile(join(adminDir, "index"), copy, constants.COPYFILE_EXCL);
    return copy;
  } catch (error) {
    // A worktree without an index yet: git makes one.
    if (errnoOf(error) === "ENOENT") return copy;
    throw asIoError(error, copy);
  }
}
