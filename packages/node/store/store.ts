import { constants } from "node:fs";
import { chmod, lstat, mkdir, open, readdir, rename, rm, type FileHandle } from "node:fs/promises";
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

async function ensureDirectory(path: string): Promise<void> {
  try {
    const made = await mkdir(path, { recursive: true, mode: PRIVATE_DIRECTORY });
    if (made === undefined) {
      const stats = await lstat(path);
      if (stats.isDirectory() && (stats.mode & 0o077) !== 0 && (stats.mode & STICKY) === 0 && isOwn(stats.uid))
        await chmod(path, PRIVATE_DIRECTORY);
      return;
    }
    for (let at = path; ; at = dirname(at)) {
      await syncDirectory(dirname(at));
      if (at === made) break;
    }
  } catch (error) {
    throw asIoError(error, path);
  }
}

function isOwn(uid: number): boolean {
  return process.getuid?.() === undefined || process.getuid() === uid;
}

async function writeText(path: string, text: string, options?: { mode?: number }): Promise<void> {
  const directory = dirname(path);
  const temporary = join(directory, `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  let handle: FileHandle | undefined;
  try {
    handle = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, PRIVATE_FILE);
    await handle.chmod(options?.mode ?? PRIVATE_FILE);
    await handle.writeFile(text, "utf8");
    await handle.sync();
    await handle.close();
    handle = undefined;
    await rename(temporary, path);
    await syncDirectory(directory);
  } catch (error) {
    await handle?.close().catch(() => undefined);
    await rm(temporary, { force: true }).catch(() => undefined);
    throw asIoError(error, path);
  }
}

/** The real {@link Store}: durable, private files. */
export function createStore(): Store {
  return {
    ensureDirectory,
    writeText,
    async ensureSharedDirectory(path) {
      try {
        await mkdir(path, { recursive: true });
      } catch (error) {
        throw asIoError(error, path);
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
    async createText(path, text) {
      try {
        const handle = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, PRIVATE_FILE);
        try {
          await handle.writeFile(text, "utf8");
          await handle.sync();
        } finally {
          await handle.close();
        }
        await syncDirectory(dirname(path));
        return true;
      } catch (error) {
        if (errnoOf(error) === "EEXIST") return false;
        throw asIoError(error, path);
      }
    },
    async appendLines(path, lines) {
      if (lines.length === 0) return;
      try {
        const handle = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND, PRIVATE_FILE);
        try {
          const { size } = await handle.stat();
          await handle.writeFile(lines.map((line) => `${line}\n`).join(""), "utf8");
          await handle.sync();
          if (size === 0) await syncDirectory(dirname(path));
        } finally {
          await handle.close();
        }
      } catch (error) {
        throw asIoError(error, path);
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
