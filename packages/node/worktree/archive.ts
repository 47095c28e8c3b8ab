import { createHash } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { open, readlink, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as tar from "tar";
import { OkstraError } from "@okstra/core/errors";
import type { FileFacts } from "@okstra/core/tree-port";
import { asIoError } from "../io-error.ts";

/**
 * Keeps files in a private tar file. It is read back, each content compared with the tree's, and made durable
 * before this answers; on any failure no archive is left.
 */
export async function writeArchive(archive: string, root: string, files: readonly FileFacts[]): Promise<number> {
  const kept = files.filter(({ type }) => type === "file" || type === "link" || type === "directory");
  try {
    // The file is made first, so that its mode never depends on the umask.
    await (await open(archive, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)).close();
    // A name of its own that begins with @ would be read as another archive, hence "./".
    await tar.create(
      { file: archive, cwd: root, noDirRecurse: true, follow: false, strict: true, mode: 0o600 },
      kept.map(({ path }) => `./${path}`),
    );
    await verifyArchive(archive, root, kept);
    await sync(archive);
    await sync(dirname(archive));
    return (await stat(archive)).size;
  } catch (error) {
    await rm(archive, { force: true });
    throw asIoError(error, archive);
  }
}

/** Lays the files of an archive into a tree, with the modes they had. */
export async function extractArchive(archive: string, root: string): Promise<void> {
  try {
    await tar.extract({ file: archive, cwd: root, strict: true, chmod: true, preserveOwner: false });
  } catch (error) {
    throw asIoError(error, archive);
  }
}

async function verifyArchive(archive: string, root: string, files: readonly FileFacts[]): Promise<void> {
  const found = new Map<string, Promise<string> | string>();
  await tar.list({
    file: archive,
    strict: true,
    onReadEntry(entry) {
      const path = entry.path.replace(/^\.\//, "").replace(/\/$/, "");
      if (entry.type === "File") {
        const hash = createHash("sha256");
        entry.on("data", (chunk: Uint8Array) => hash.update(chunk));
        found.set(path, new Promise((resolve) => entry.on("end", () => resolve(hash.digest("hex")))));
      } else {
        found.set(path, entry.type === "SymbolicLink" ? `link ${entry.linkpath ?? ""}` : entry.type);
        entry.resume();
      }
    },
  });
  for (const { path, type } of files) {
    const kept = await found.get(path);
    const isSame =
      type === "directory"
        ? kept === "Directory"
        : type === "link"
          ? kept === `link ${await readlink(join(root, path))}`
          : kept === "Link" || kept === (await hashFile(join(root, path)));
    if (!isSame)
      throw new OkstraError("OKSTRA_IO_FAILED", {
        message: `${path} could not be kept in ${archive}: what was written does not read back the same.`,
        details: { path, archive },
      });
  }
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
