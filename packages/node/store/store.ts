import { constants } from "node:fs";
import { chmod, link, lstat, mkdir, open, readdir, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { OkstraError } from "@okstra/core/errors";
import type { Store } from "@okstra/core/ports";
import { asIoError, errnoOf, isAbsent } from "../io-error.ts";

const PRIVATE_FILE = 0o600;
const PRIVATE_DIRECTORY = 0o700;
/** A directory with this bit is meant to be shared (/tmp): its mode is not okstra's to correct. */
const STICKY = 0o1000;

/** Name of a temporary file of {@link createStore}'s atomic writes; a left-over one may be swept under the file's lock. */
export function isTemporaryOf(name: string, file: string): boolean {
  return name.startsWith(`.${file}.`) && name.endsWith(".tmp");
}

/**
 * fsync of a directory makes a rename durable. File systems that refuse it (some network and Windows ones)
 * are passed over: `doctor` tells about them.
 */
async function syncDirectory(path: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, constants.O_RDONLY | (constants.O_DIRECTORY ?? 0));
    await handle.sync();
  } catch (error) {
    if (!["EINVAL", "EISDIR", "EPERM", "ENOTSUP"].includes(errnoOf(error) ?? "")) throw error;
  } finally {
    await handle?.close();
  }
}

/**
 * Makes the directories that are missing and answers them, outermost first. (Node's own `recursive` tells ENOENT where
 * the disk has no room for another directory.)
 */
async function makeDirectories(path: string, mode: number): Promise<readonly string[]> {
  try {
    await mkdir(path, { mode });
    return [path];
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "EEXIST") return [];
    if (errno !== "ENOENT" || dirname(path) === path) throw error;
  }
  const parents = await makeDirectories(dirname(path), mode);
  try {
    await mkdir(path, { mode });
    return [...parents, path];
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return parents;
    throw error;
  }
}

async function ensureDirectory(path: string): Promise<void> {
  try {
    const made = await makeDirectories(path, PRIVATE_DIRECTORY);
    for (const each of made) await syncDirectory(dirname(each));
    if (made.length > 0) return;
    const stats = await lstat(path);
    if (!stats.isDirectory()) {
      throw new OkstraError("OKSTRA_PATH_IS_LINK", {
        message: `${path} is ${stats.isSymbolicLink() ? "a symbolic link" : "not a directory"}.`,
        hint: `Move it away: mv ${path} ${path}.old`,
        details: { path },
      });
    }
    if ((stats.mode & 0o077) !== 0 && (stats.mode & STICKY) === 0 && isOwn(stats.uid)) await chmod(path, PRIVATE_DIRECTORY);
  } catch (error) {
    throw asIoError(error, path);
  }
}

function isOwn(uid: number): boolean {
  return process.getuid?.() === undefined || process.getuid() === uid;
}

/** Writes a durable file under a name that nobody can foresee, in the directory of `path`. The caller gives it its own name. */
async function writeTemporary(path: string, text: string, mode: number): Promise<string> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  let handle: FileHandle | undefined;
  try {
    handle = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, PRIVATE_FILE);
    await handle.chmod(mode);
    await handle.writeFile(text, "utf8");
    await handle.sync();
    await handle.close();
    handle = undefined;
    return temporary;
  } catch (error) {
    await handle?.close().catch(() => undefined);
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

async function writeText(path: string, text: string, options?: { mode?: number }): Promise<void> {
  try {
    const temporary = await writeTemporary(path, text, options?.mode ?? PRIVATE_FILE);
    try {
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
    await syncDirectory(dirname(path));
  } catch (error) {
    throw asIoError(error, path);
  }
}

/** The name appears with the whole text or not at all; where there are no hard links a kill may leave less of it. */
async function createText(path: string, text: string): Promise<boolean> {
  let temporary: string | undefined;
  try {
    temporary = await writeTemporary(path, text, PRIVATE_FILE);
    try {
      await link(temporary, path);
    } catch (error) {
      if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(errnoOf(error) ?? "")) throw error;
      const handle = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, PRIVATE_FILE);
      try {
        await handle.writeFile(text, "utf8");
        await handle.sync();
      } finally {
        await handle.close();
      }
    }
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw asIoError(error, path);
  } finally {
    if (temporary !== undefined) {
      await rm(temporary, { force: true }).catch(() => undefined);
      await syncDirectory(dirname(path)).catch((error: unknown) => {
        throw asIoError(error, path);
      });
    }
  }
}

/** A last line without its end was being written when a process died or the disk was full: it never happened. */
async function cutTornLine(handle: FileHandle, size: number): Promise<number> {
  const buffer = Buffer.alloc(64 * 1024);
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - buffer.length);
    const { bytesRead } = await handle.read(buffer, 0, end - start, start);
    const at = buffer.subarray(0, bytesRead).lastIndexOf(0x0a);
    if (at >= 0) {
      const whole = start + at + 1;
      if (whole < size) await handle.truncate(whole);
      return whole;
    }
    end = start;
  }
  if (size > 0) await handle.truncate(0);
  return 0;
}

async function appendLines(path: string, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  try {
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND, PRIVATE_FILE);
    try {
      const stats = await handle.stat();
      if ((stats.mode & 0o077) !== 0 && isOwn(stats.uid)) await handle.chmod(PRIVATE_FILE);
      const size = await cutTornLine(handle, stats.size);
      try {
        await handle.writeFile(lines.map((line) => `${line}\n`).join(""), "utf8");
        await handle.sync();
      } catch (error) {
        await handle.truncate(size).catch(() => undefined);
        throw error;
      }
      if (stats.size === 0) await syncDirectory(dirname(path));
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw asIoError(error, path);
  }
}

/** The real {@link Store}: durable, private files. */
export function createStore(): Store {
  return {
    ensureDirectory,
    writeText,
    createText,
    appendLines,
    async ensureSharedDirectory(path) {
      try {
        if ((await makeDirectories(path, 0o777)).length === 0 && !(await stat(path)).isDirectory())
          throw Object.assign(new Error(), { code: "ENOTDIR" });
      } catch (error) {
        throw asIoError(error, path);
      }
    },
    async readPart(path, from, length) {
      let handle: FileHandle | undefined;
      try {
        handle = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
        const facts = await handle.stat();
        if (!facts.isFile()) return null;
        const bytes = Buffer.alloc(Math.max(0, Math.min(length, facts.size - from)));
        const { bytesRead } = await handle.read(bytes, 0, bytes.length, from);
        return { bytes: bytes.subarray(0, bytesRead), size: facts.size, identity: `${facts.dev}:${facts.ino}:${facts.birthtimeMs}` };
      } catch (error) {
        if (isAbsent(error) || errnoOf(error) === "ELOOP") return null;
        throw asIoError(error, path);
      } finally {
        await handle?.close();
      }
    },
    async readText(path, options) {
      let handle: FileHandle | undefined;
      try {
        const strict = options?.regularFileOnly === true ? (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0) : 0;
        handle = await open(path, constants.O_RDONLY | strict);
        const stats = await handle.stat();
        const { size } = stats;
        if (options?.regularFileOnly === true && !stats.isFile())
          throw new OkstraError("OKSTRA_IO_FAILED", { message: `${path} is not a regular file.`, details: { path } });
        const limit = options?.maxBytes ?? 256 * 1024 * 1024;
        if (size > limit) {
          throw new OkstraError("OKSTRA_IO_FAILED", {
            message: `${path} is ${size} bytes; at most ${limit} are read.`,
            details: { path, size, limit },
          });
        }
        return await handle.readFile("utf8");
      } catch (error) {
        if (isAbsent(error)) return null;
        throw asIoError(error, path);
      } finally {
        await handle?.close();
      }
    },
    async listDirectory(path) {
      try {
        return (await readdir(path)).sort();
      } catch (error) {
        if (isAbsent(error)) return [];
        throw asIoError(error, path);
      }
    },
    async exists(path) {
      try {
        await lstat(path);
        return true;
      } catch (error) {
        if (isAbsent(error)) return false;
        throw asIoError(error, path);
      }
    },
    async remove(path) {
      try {
        await rm(path, { recursive: true, force: true });
      } catch (error) {
        throw asIoError(error, path);
      }
    },
  };
}
