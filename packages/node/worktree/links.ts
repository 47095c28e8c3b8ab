import { lstat, mkdir, readFile, realpath, symlink } from "node:fs/promises";
import { dirname, isAbsolute, join, sep } from "node:path";
import type { Store } from "@okstra/core/ports";
import { isAbsent } from "../io-error.ts";

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
  for (const name of names) {
    const source = join(mainRoot, name);
    const target = join(path, name);
    const present = await lstat(target).catch((error: unknown) => {
      if (isAbsent(error)) return null;
      throw error;
    });
    if (present === null) {
      await mkdir(dirname(target), { recursive: true });
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
  store: Store,
  repository: string,
  names: readonly string[],
  hiddenByPerson: ReadonlySet<string>,
): Promise<void> {
  const file = join(repository, "info", "exclude");
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if (isAbsent(error)) return "";
    throw error;
  });
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
  const next = [BLOCK_BEGIN, ...block, BLOCK_END, ...others].join("\n");
  if (next !== text) {
    await mkdir(dirname(file), { recursive: true });
    await store.writeText(file, next, { mode: 0o644 });
  }
}
