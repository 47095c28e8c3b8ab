import { constants } from "node:fs";
import { lstat, open, readdir, readlink, stat } from "node:fs/promises";
import { join, posix } from "node:path";
import { AGENT_SETTINGS, approvalKey, isListedSetting } from "@okstra/core/domain/agent-settings";
import type { TrustItem } from "@okstra/core/git-port";
import { sha256 } from "../clock.ts";
import { errnoOf, isAbsent } from "../io-error.ts";

const MAX_FILES = 500;
const MAX_FILE_BYTES = 8 * 1024 * 1024;

/** One file as it is now. `refusal`: why no approval of it could be kept to. */
interface Found {
  readonly path: string;
  readonly hash: string;
  readonly what: string;
  readonly refusal?: string;
}

/**
 * Lists what the tree supplies of these, one item a file, each with the hash of its content. No link is followed. Over
 * 500 files there is one more item, which cannot be approved.
 */
export async function findAgentSettings(root: string, approved: ReadonlyMap<string, string>): Promise<readonly TrustItem[]> {
  const found: Found[] = [];
  for (const name of AGENT_SETTINGS) {
    await collect(root, name, found);
    if (found.length <= MAX_FILES) continue;
    found.length = MAX_FILES;
    const refusal = `there are more than ${MAX_FILES} files`;
    found.push({ path: name, hash: sha256(refusal), what: "settings that agents obey", refusal });
    break;
  }
  return found.map(({ path, hash, what, refusal }) => {
    const id = `file:${path}`;
    return {
      id,
      kind: "agent-settings",
      hash,
      what: `${path}: ${what}${refusal === undefined ? "" : `; cannot be approved: ${refusal}`}`,
      trusted: refusal === undefined && approved.get(approvalKey(id, hash)) === hash,
      ...(refusal === undefined ? {} : { refusal }),
    };
  });
}

async function collect(root: string, path: string, found: Found[]): Promise<void> {
  if (found.length > MAX_FILES) return;
  const parent = posix.dirname(path);
  // A listed path of two names that leads elsewhere by its first is one link, looked at as such.
  const byLink = parent === "." || AGENT_SETTINGS.every((name) => name !== path) ? null : await describeLink(root, parent);
  if (byLink !== null) {
    if (await stat(join(root, path)).then(Boolean, () => false)) found.push({ ...byLink, path });
    return;
  }
  const stats = await lstat(join(root, path)).catch(orAbsent);
  if (stats === null) return;
  if (!stats.isDirectory()) {
    found.push(await describeEntry(root, path));
    return;
  }
  const entries = await readdir(join(root, path)).catch(orUnreadable);
  if (entries === null) {
    found.push(refuse(path, "a directory", "it cannot be read"));
    return;
  }
  for (const entry of entries.sort()) await collect(root, `${path}/${entry}`, found);
}

async function describeEntry(root: string, path: string): Promise<Found> {
  const link = await describeLink(root, path);
  if (link !== null) return link;
  // Opened without following and without waiting: it may be another thing by now, or a pipe.
  const handle = await open(join(root, path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => null);
  if (handle === null) return refuse(path, "a file", "it cannot be read");
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) return refuse(path, "no regular file", "it is no regular file");
    if (stats.size > MAX_FILE_BYTES) return refuse(path, `${stats.size} bytes`, `it is over ${MAX_FILE_BYTES} bytes`);
    const content = await handle.readFile();
    return { path, hash: sha256(content), what: "settings that an agent obeys" };
  } finally {
    await handle.close();
  }
}

/** A link is as good as the files it leads to: those of the list are approved by themselves, others never are. */
async function describeLink(root: string, path: string): Promise<Found | null> {
  const target = await readlink(join(root, path)).catch(() => null);
  if (target === null) return null;
  const found = { path, hash: sha256(`link\0${target}`), what: `a link to ${target}` };
  const place = posix.normalize(posix.join(posix.dirname(path), target));
  // `a/../b` means another place when `a` is a link itself.
  const isPlain = !posix.isAbsolute(target) && /^(?:\.\.?\/+)*(?!.*(?:^|\/)\.\.(?:\/|$))/u.test(target);
  if (isPlain && isListedSetting(place)) return found;
  return { ...found, refusal: "what it leads to can change unseen; put the files themselves there" };
}

function refuse(path: string, what: string, refusal: string): Found {
  return { path, hash: sha256(`${what}\0${refusal}`), what, refusal };
}

function orAbsent(error: unknown): null {
  if (isAbsent(error)) return null;
  throw error;
}

function orUnreadable(error: unknown): null {
  if (["EACCES", "EPERM", "ENOENT", "ENOTDIR"].includes(errnoOf(error) ?? "")) return null;
  throw error;
}
