import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

/** A file system of its own that a test can fill. */
export interface SmallDisk {
  readonly path: string;
  /** Takes all the space there is. */
  fill(): void;
  /** Gives back what `fill` took. */
  free(): void;
  unmount(): void;
}

/** Mounts a small tmpfs at `path`. @returns why it cannot, where it cannot (only root may mount) */
export function mountSmallDisk(path: string, options: string): SmallDisk | string {
  if (process.platform !== "linux") return "needs tmpfs";
  if (process.getuid?.() !== 0) return "only root may mount a small disk";
  mkdirSync(path, { recursive: true });
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", options, "okstra-test", path], { encoding: "utf8" });
  if (mounted.status !== 0) return `mount is refused: ${mounted.error?.message ?? mounted.stderr.trim()}`;
  const ballast = join(path, "ballast");
  return {
    path,
    fill() {
      const fd = openSync(ballast, "a");
      try {
        for (const size of [1024 * 1024, 4096, 1]) writeUntilFull(fd, size);
      } finally {
        closeSync(fd);
      }
    },
    free: () => rmSync(ballast, { force: true }),
    unmount: () => void spawnSync("umount", ["--lazy", path]),
  };
}

function writeUntilFull(fd: number, size: number): void {
  const block = Buffer.alloc(size, 1);
  try {
    while (writeSync(fd, block) === size);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  }
}
