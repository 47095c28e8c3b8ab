import type { BranchDiff, Code } from "@okstra/core/dashboard/api";
import { findRow } from "@okstra/core/domain/registry-change";
import { OkstraError } from "@okstra/core/errors";
import type { App } from "../app.ts";
import type { TaskFacts } from "../task/load-task.ts";

const MAX_FILE_BYTES = 2 * 1024 * 1024;
const MAX_DIFF_BYTES = 4 * 1024 * 1024;
const MAX_LIST_BYTES = 8 * 1024 * 1024;
/** As git: a file is binary that has a NUL in its first 8000 bytes. */
const LOOKED_AT = 8000;
const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** git answers from the objects that are here: refs/replace and grafts change nothing, and nothing is fetched. */
const OWN_OBJECTS = { GIT_NO_REPLACE_OBJECTS: "1", GIT_GRAFT_FILE: "/dev/null", GIT_NO_LAZY_FETCH: "1" };
/** Whatever the repository's configuration says: no program of it runs, no colour, and what is larger counts as binary. */
const DIFF = ["-c", "core.quotePath=false", "-c", "core.bigFileThreshold=16m", "diff-tree", "-r", "-M"];
const DIFF_OPTIONS = ["--no-ext-diff", "--no-textconv", "--no-color", "--src-prefix=a/", "--dst-prefix=b/"];

/**
 * A file as it is in a commit, read from git's objects and never from a directory. A commit that no ref and no head of the
 * task reaches, and a path that is none of its tree, are absent.
 * @param asked.commit full hash
 * @throws OKSTRA_USAGE for what is no full hash or no path
 */
export async function loadCode(
  app: App,
  facts: TaskFacts,
  { commit, path }: { readonly commit: string; readonly path: string },
): Promise<Code> {
  if (!COMMIT.test(commit))
    throw new OkstraError("OKSTRA_USAGE", { message: `${JSON.stringify(commit.slice(0, 80))} is no full hash of a commit.` });
  if (!isTreePath(path))
    throw new OkstraError("OKSTRA_USAGE", { message: `${JSON.stringify(path.slice(0, 200))} is no path in a repository.` });
  const nothing = (kind: Code["kind"], bytes: number | null = null): Code => ({ commit, path, kind, text: null, bytes });
  const dir = facts.root;
  if ((await app.git.locate(dir).catch(() => null)) === null || !(await isReachable(app, facts, commit))) return nothing("absent");
  const { stdout } = await app.git.run(dir, ["--literal-pathspecs", "ls-tree", "-l", "-z", "--full-tree", commit, "--", path], {
    env: OWN_OBJECTS,
  });
  const entry = /^(\d{6}) (\w+) ([0-9a-f]+) +(\d+|-)\t([^\0]*)\0$/s.exec(stdout);
  if (entry === null || entry[5] !== path) return nothing("absent");
  const [, mode = "", type = "", id = ""] = entry;
  if (mode === "120000") return nothing("link");
  if (mode === "160000") return nothing("submodule");
  const bytes = Number(entry[4]);
  if (type !== "blob" || !Number.isInteger(bytes)) return nothing("absent");
  if (bytes > MAX_FILE_BYTES) return nothing("too-large", bytes);
  const content = await app.git.run(dir, ["cat-file", "blob", id], { env: OWN_OBJECTS });
  if (content.stdout.slice(0, LOOKED_AT).includes("\0")) return nothing("binary", bytes);
  return { commit, path, kind: "text", text: content.stdout, bytes };
}

function isTreePath(path: string): boolean {
  return path.length <= 4096 && !path.includes("\0") && path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

async function isReachable(app: App, { root, head }: TaskFacts, commit: string): Promise<boolean> {
  const [found] = await app.git.resolveCommits(root, [commit]);
  if (found !== commit) return false;
  for (const tip of ["HEAD", ...(COMMIT.test(head) ? [head] : [])]) if (await isAncestor(app, root, commit, tip)) return true;
  const refs = await app.git.run(root, ["for-each-ref", "--count=1", "--format=%(objectname)", `--contains=${commit}`], {
    env: OWN_OBJECTS,
    okExitCodes: [0, 1, 128, 129],
  });
  return refs.exitCode === 0 && refs.stdout.trim() !== "";
}

async function isAncestor(app: App, dir: string, ancestor: string, commit: string): Promise<boolean> {
  const options = { env: OWN_OBJECTS, okExitCodes: [0, 1, 128] };
  return (await app.git.run(dir, ["merge-base", "--is-ancestor", ancestor, commit], options)).exitCode === 0;
}

/**
 * What the task's branch changes, from the commit that it has in common with its base. Where the base has all of it
 * already, from where the branch began. Empty without git, without a branch, or without a commit in common.
 */
export async function loadDiff(app: App, facts: TaskFacts): Promise<BranchDiff> {
  const { root: dir, head } = facts;
  const base = COMMIT.test(head) && (await app.git.locate(dir).catch(() => null)) !== null ? await findBase(app, facts) : null;
  if (base === null) return { base: "", head, text: "", isCut: false, files: [] };
  const patch = await app.git.run(dir, [...DIFF, "-p", ...DIFF_OPTIONS, base, head], { env: OWN_OBJECTS, cutBytes: MAX_DIFF_BYTES });
  const listed = await app.git.run(dir, [...DIFF, "--numstat", "-z", ...DIFF_OPTIONS, base, head], {
    env: OWN_OBJECTS,
    cutBytes: MAX_LIST_BYTES,
  });
  const isCut = patch.isCut === true;
  const text = isCut ? patch.stdout.slice(0, patch.stdout.lastIndexOf("\n") + 1) : patch.stdout;
  return { base, head, text, isCut: isCut || listed.isCut === true, files: parseNumbers(listed.stdout) };
}

async function findBase(app: App, { root, head, taskKey, manifest }: TaskFacts): Promise<string | null> {
  const row = findRow((await app.registry.peek()).registry, taskKey) ?? (await app.registry.findInHistory(taskKey));
  const marker = row === null ? null : await app.files.loadMarkerOf(row.repository, row.worktree_path).catch(() => null);
  const named = manifest["baseRef"];
  const began = row?.base_ref ?? (typeof named === "string" ? named : "");
  let contained: string | null = null;
  for (const revision of [marker?.baseName ?? "", began]) {
    if (revision === "") continue;
    const [commit] = await app.git.resolveCommits(root, [revision]).catch(() => [null]);
    if (commit === null || commit === undefined) continue;
    const { exitCode, stdout } = await app.git.run(root, ["merge-base", commit, head], { env: OWN_OBJECTS, okExitCodes: [0, 1, 128] });
    const common = stdout.split("\n")[0] ?? "";
    if (exitCode !== 0 || !COMMIT.test(common)) continue;
    if (common !== head) return common;
    contained = common;
  }
  return contained;
}

/** `--numstat -z`: counts and a path, or, of a renamed file, counts, the old path and the new one. */
function parseNumbers(output: string): BranchDiff["files"] {
  const files: { path: string; added: number | null; removed: number | null }[] = [];
  // What comes after the last NUL was cut off.
  const fields = output.split("\0").slice(0, -1);
  for (let at = 0; at < fields.length; at += 1) {
    const counts = /^(\d+|-)\t(\d+|-)\t(.*)$/s.exec(fields[at] ?? "");
    if (counts === null) continue;
    const [, added = "", removed = "", own = ""] = counts;
    const path = own === "" ? fields[(at += 2)] : own;
    if (path !== undefined) files.push({ path, added: readCount(added), removed: readCount(removed) });
  }
  return files;
}

function readCount(text: string): number | null {
  return text === "-" ? null : Number(text);
}
