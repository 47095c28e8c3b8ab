import { lstat, mkdir, readdir, readFile, realpath, rm, symlink } from "node:fs/promises";
import { isAbsolute, join, sep } from "node:path";
import type { Locks, Sha256, Store } from "@okstra/core/ports";
import { isAbsent } from "../io-error.ts";
import { isTemporaryOf } from "../store/store.ts";
import { ensureInnerParent } from "./inner-parent.ts";

const BLOCK_BEGIN = "# okstra: links of task worktrees (begin)";
const BLOCK_END = "# okstra: links of task worktrees (end)";

/** A sync directory is a plain relative path inside the worktree, never git's own. */
function isPlainName(name: string): boolean {
  const parts = name.split("/");
  return (
    name !== "" &&
    !isAbsolute(name) &&
    !/[\0\n\r\\]/.test(name) &&
    parts.every((part) => part !== "" && part !== "." && part !== ".." && part.toLowerCase() !== ".git")
  );
}

/** Which names are directories inside the main worktree; a source that leads outside is passed over and named. */
export async function findLinkSources(
  mainRoot: string,
  names: readonly string[],
): Promise<{ usable: readonly string[]; notes: readonly string[] }> {
  const usable: string[] = [];
  const notes: string[] = [];
  const root = await realpath(mainRoot);
  for (const name of new Set(names)) {
    if (!isPlainName(name)) {
      notes.push(`not linked: ${JSON.stringify(name)} is not a path inside the worktree`);
      continue;
    }
    try {
      const real = await realpath(join(root, name));
      if (!real.startsWith(root + sep)) notes.push(`not linked: ${name} leads outside the main worktree`);
      else if ((await lstat(real)).isDirectory()) usable.push(name);
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  }
  return { usable, notes };
}

/** Links directories of the main worktree into a task's; a target that exists is left alone. */
export async function linkDirectories(
  mainRoot: string,
  path: string,
  names: readonly string[],
): Promise<{ linked: readonly string[]; notes: readonly string[] }> {
  const linked: string[] = [];
  const notes: string[] = [];
  const treeRoot = await realpath(path);
  for (const name of names) {
    const source = join(mainRoot, name);
    const target = join(treeRoot, name);
    if (!(await ensureInnerParent(treeRoot, target))) {
      notes.push(`not linked: ${name} would lie outside the tree`);
      continue;
    }
    const present = await lstat(target).catch((error: unknown) => {
      if (isAbsent(error)) return null;
      throw error;
    });
    if (present === null) {
      await symlink(source, target, process.platform === "win32" ? "junction" : "dir");
      linked.push(name);
    } else if (present.isSymbolicLink() && (await realpath(target).catch(() => null)) === (await realpath(source))) linked.push(name);
    else notes.push(`${name} is in the tree itself and was left alone`);
  }
  return { linked, notes };
}

/**
 * Keeps okstra's links out of `git status` of every task through the shared exclude file, without changing the
 * main worktree's status: `/x` hides the link (a link is no directory, so `x/` would not), and `!/x/`, which
 * matches directories only, gives the main worktree's own directory back. Where the person's global excludes
 * hide that directory the second line is left out: it would bring the directory into view. The block stands
 * first, so that what the person wrote after it wins.
 */
export async function excludeLinks(
  parts: { store: Store; locks: Locks; sha256: Sha256 },
  repository: string,
  names: readonly string[],
  hiddenByPerson: ReadonlySet<string>,
): Promise<void> {
  const { store } = parts;
  const directory = join(repository, "info");
  const file = join(directory, "exclude");
  const missing = async (): Promise<string | null> => {
    const text = await readFile(file, "utf8").catch((error: unknown) => {
      if (isAbsent(error)) return "";
      throw error;
    });
    const next = addToBlock(text, names, hiddenByPerson);
    return next === text ? null : next;
  };
  if ((await missing()) === null) return;
  // Tasks of one repository are completed side by side, and each may have directories of its own to hide.
  const lease = await parts.locks.acquire(`exclude-${parts.sha256(repository).slice(0, 24)}`);
  try {
    const next = await missing();
    if (next === null) return;
    await mkdir(directory, { recursive: true });
    await sweepTemporary(directory, "exclude");
    await store.writeText(file, next, { mode: 0o644 });
  } finally {
    await lease.release();
  }
}

function addToBlock(text: string, names: readonly string[], hiddenByPerson: ReadonlySet<string>): string {
  const lines = text.split("\n");
  const begin = lines.indexOf(BLOCK_BEGIN);
  const end = lines.indexOf(BLOCK_END);
  const owned = begin >= 0 && end > begin ? lines.slice(begin + 1, end) : [];
  const others = begin >= 0 && end > begin ? [...lines.slice(0, begin), ...lines.slice(end + 1)] : lines;
  const block = [...owned];
  for (const name of names) {
    const pattern = `/${name.replaceAll(/[\\*?[\]]/g, "\\$&").replaceAll(/ $/g, "\\ ")}`;
    // Once the pattern stands here git names this file as what hides the directory, and no longer the person's.
    if (block.includes(pattern)) continue;
    block.push(pattern);
    if (!hiddenByPerson.has(name)) block.push(`!${pattern}/`);
  }
  return [BLOCK_BEGIN, ...block, BLOCK_END, ...others].join("\n");
}

/** Removes what killed writes of a file left beside it; the caller holds the lock under which the file is written. */
export async function sweepTemporary(directory: string, file: string): Promise<void> {
  for (const name of await readdir(directory)) if (isTemporaryOf(name, file)) await rm(join(directory, name), { force: true });
}
