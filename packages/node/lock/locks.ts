import { constants } from "node:fs";
import { createRequire } from "node:module";
import { open, type FileHandle } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { dirname, join } from "node:path";
import { OkstraError } from "@okstra/core/errors";
import type { Lease, Locks, Store } from "@okstra/core/ports";
import { asIoError, errnoOf } from "../io-error.ts";

const DEFAULT_WAIT_MS = 120_000;
/** The longest pause between two tries of a waiter, in milliseconds: many waiters must not keep the machine busy. */
const MAX_PAUSE_MS = 15;
const HOLDER_BYTES = 1024;

/** What the package's own `tryLock` calls: offset and length in bytes (0: the whole file); throws EAGAIN when it is held. */
interface LockBinding {
  tryLock(fd: number, offset: number, length: number, exclusive: boolean): void;
}

/**
 * The native part, loaded with the first lock. The prebuilt file is opened directly: the package's own loader takes
 * 15 ms to look for it in a dozen places, a fifth of a short command. Where it is not found, the package looks itself.
 */
async function loadTryLock(): Promise<(fd: number) => boolean> {
  let binding: LockBinding;
  try {
    const require = createRequire(import.meta.url);
    const prebuilt = `prebuilds/${process.platform}-${process.arch}/fs-native-extensions.node`;
    binding = require(join(dirname(require.resolve("fs-native-extensions/package")), prebuilt)) as LockBinding;
  } catch {
    return (await import("fs-native-extensions")).tryLock;
  }
  return (fd) => {
    try {
      binding.tryLock(fd, 0, 0, true);
      return true;
    } catch (error) {
      if (errnoOf(error) === "EAGAIN") return false;
      throw error;
    }
  };
}

/**
 * Kernel locks (open-file-description locks on Linux, flock on macOS, LockFileEx on Windows): freed by the death
 * of every process that has the descriptor, kept by a stopped one, never judged by age or process id.
 *
 * A waiter polls: a blocking wait would hold one of the few threads that the holder, if it is in this very
 * process, needs to go on.
 */
export function createLocks(home: string, store: Store): Locks {
  const pathOf = (name: string): string =>
    name === "registry" ? join(home, "worktrees", "registry.lock") : join(home, "locks", `${name}.lock`);

  async function openLock(path: string): Promise<FileHandle> {
    await store.ensureDirectory(dirname(path));
    try {
      const handle = await open(path, constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0), 0o600);
      const { mode, uid } = await handle.stat();
      if ((mode & 0o077) !== 0 && process.getuid?.() === uid) await handle.chmod(0o600);
      return handle;
    } catch (error) {
      if (errnoOf(error) === "ELOOP") {
        throw new OkstraError("OKSTRA_PATH_IS_LINK", {
          message: `${path} is a symbolic link.`,
          hint: `Remove the link: rm ${path}`,
          details: { path },
        });
      }
      throw asIoError(error, path);
    }
  }

  async function take(handle: FileHandle, holder: string | undefined): Promise<Lease> {
    if (holder !== undefined) {
      await handle.truncate(0);
      await handle.write(holder.slice(0, HOLDER_BYTES), 0, "utf8");
    }
    let open = true;
    return {
      fd: handle.fd,
      async release() {
        if (!open) return;
        open = false;
        await handle.close();
      },
    };
  }

  return {
    async acquire(name, options = {}) {
      const path = pathOf(name);
      const handle = await openLock(path);
      const deadline = performance.now() + (options.waitMs ?? DEFAULT_WAIT_MS);
      let told = false;
      let pause = 1;
      try {
        const tryLock = await loadTryLock();
        while (!tryLock(handle.fd)) {
          if (performance.now() > deadline) {
            const holder = await readHolder(handle);
            throw new OkstraError("OKSTRA_LOCK_TIMEOUT", {
              message: `The lock ${path} is held${holder === "" ? "" : ` by ${holder}`}.`,
              details: { path, holder },
            });
          }
          if (!told) options.onWait?.();
          told = true;
          await delay(pause * (0.5 + Math.random()));
          pause = Math.min(pause * 1.5, MAX_PAUSE_MS);
        }
        return await take(handle, options.holder);
      } catch (error) {
        await handle.close();
        throw asIoError(error, path);
      }
    },
    async tryAcquire(name, holder) {
      const path = pathOf(name);
      const handle = await openLock(path);
      try {
        const tryLock = await loadTryLock();
        if (tryLock(handle.fd)) return { lease: await take(handle, holder) };
        const text = await readHolder(handle);
        await handle.close();
        return { holder: text };
      } catch (error) {
        await handle.close();
        throw asIoError(error, path);
      }
    },
  };
}

async function readHolder(handle: FileHandle): Promise<string> {
  const buffer = Buffer.alloc(HOLDER_BYTES);
  const { bytesRead } = await handle.read(buffer, 0, HOLDER_BYTES, 0);
  return buffer.toString("utf8", 0, bytesRead).replaceAll(/[^\x20-\x7e]/g, "?");
}
