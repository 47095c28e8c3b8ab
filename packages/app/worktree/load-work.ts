import type { RegistryRow } from "@okstra/core/domain/registry";
import { OkstraError } from "@okstra/core/errors";
import type { SafeConfig, TreeState } from "@okstra/core/git-port";
import type { FileFacts } from "@okstra/core/tree-port";
import type { App } from "../app.ts";
import { loadDisposable } from "../project/tree-settings.ts";
import { listRepository, loadNestedFiles } from "./nested-repositories.ts";
import type { Place } from "./place.ts";

export interface WorkFile extends FileFacts {
  readonly kind: "dirty" | "untracked" | "ignored";
  /** True for what git cannot hold in a tree of its own: ignored files and repositories inside the tree. */
  readonly archived: boolean;
}

/** What would be lost with a worktree and its branch. */
export interface Work {
  readonly files: readonly WorkFile[];
  /** Something is staged. */
  readonly staged: boolean;
  readonly unmerged: boolean;
  /** What git has begun there and not ended. */
  readonly operations: readonly string[];
  /** Commits that are on no remote-tracking branch and not in the base: how many, and the newest as `<hash> <subject>`. */
  readonly commits: { readonly count: number; readonly newest: readonly string[] };
  /** Commit of the task's branch; null when it is gone. */
  readonly tip: string | null;
  readonly head: string | null;
  readonly detached: boolean;
}

const COMMITS_LISTED = 50;

/** True when nothing would be lost. */
export function isWorkless(work: Work): boolean {
  return work.commits.count === 0 && work.operations.length === 0 && work.files.every(({ type }) => type === "directory");
}

/** The lists by kind that an error shows. */
export function describeWork(work: Work): {
  dirty: string[];
  untracked: string[];
  ignored: string[];
  commits: readonly string[];
  commitCount: number;
  operations: readonly string[];
} {
  const names = (kind: WorkFile["kind"]): string[] =>
    work.files.filter((file) => file.kind === kind && file.type !== "directory").map(({ path }) => path);
  return {
    dirty: names("dirty"),
    untracked: names("untracked"),
    ignored: names("ignored"),
    commits: work.commits.newest,
    commitCount: work.commits.count,
    operations: work.operations,
  };
}

/**
 * Looks for work in a tree and on its branch. okstra's links, unchanged `.worktreeinclude` copies and disposable
 * directories (untracked or ignored, at any depth) do not count.
 */
export async function loadWork(app: App, place: Place, options: { row: RegistryRow; tree: TreeState; safe: SafeConfig }): Promise<Work> {
  const { row, tree, safe } = options;
  const present = tree.kind === "worktree";
  const files = present ? await loadFiles(app, place, tree, safe) : { files: [], staged: false, unmerged: false };
  const baseName = present ? tree.marker?.baseName : (await app.files.loadMarkerOf(place.repository, place.path))?.baseName;
  const names = [
    "HEAD",
    `refs/heads/${row.branch}`,
    ...(row.base_ref === "" ? [] : [row.base_ref]),
    ...(baseName === undefined ? [] : [baseName]),
  ];
  const [main, tip, ...bases] = await app.git.resolveCommits(place.mainRoot, names);
  const head = present ? ((await app.git.resolveCommits(place.path, ["HEAD"]))[0] ?? null) : null;
  const detached = present && tree.branch === null;
  const lost = [tip, detached ? head : null].filter((commit) => typeof commit === "string");
  return {
    ...files,
    operations: present ? await app.files.listOperations(tree.adminDir) : [],
    commits: await fetchCommits(
      app,
      place.mainRoot,
      lost,
      [main, ...bases].filter((commit) => typeof commit === "string"),
    ),
    tip: tip ?? null,
    head,
    detached,
  };
}

/** Commits reachable from `tips` that are neither pushed nor in one of `kept`. */
async function fetchCommits(app: App, mainRoot: string, tips: readonly string[], kept: readonly string[]): Promise<Work["commits"]> {
  if (tips.length === 0) return { count: 0, newest: [] };
  const range = [...tips, "--not", "--remotes", ...kept];
  const { stdout } = await app.git.run(mainRoot, ["rev-list", "--count", ...range]);
  const count = Number(stdout.trim());
  if (count === 0) return { count, newest: [] };
  const listed = await app.git.run(mainRoot, ["rev-list", `--max-count=${COMMITS_LISTED}`, "--format=%h %s", ...range]);
  return { count, newest: listed.stdout.split("\n").filter((line) => line !== "" && !/^commit [0-9a-f]{40,64}$/.test(line)) };
}

async function loadFiles(
  app: App,
  place: Place,
  tree: TreeState & { kind: "worktree" },
  safe: SafeConfig,
): Promise<Pick<Work, "files" | "staged" | "unmerged">> {
  const disposable = await loadDisposable(app, place.project);
  const entries = await fetchStatus(app, place.path, tree.adminDir, safe);
  for (const entry of entries) requireUtf8(place, entry);
  const files: WorkFile[] = [];
  const nested = await loadNestedFiles(app, place);
  for (const { code, path } of entries) {
    const kind = code === "??" ? "untracked" : code === "!!" ? "ignored" : "dirty";
    if (kind === "dirty") {
      if (nested.has(path)) continue;
      for (const facts of await app.files.listFiles(place.path, [path], [])) files.push({ ...facts, kind, archived: false });
      continue;
    }
    if (isInside(path, disposable)) continue;
    const isRepository = kind === "untracked" && path.endsWith("/");
    const found = isRepository ? await listRepository(app, place, path) : await app.files.listFiles(place.path, [path], disposable);
    for (const facts of found) {
      requireUtf8(place, facts);
      const recorded = tree.marker?.copies[facts.path];
      const isOwnLink = facts.type === "link" && tree.marker?.links.includes(facts.path) === true;
      if (isOwnLink || (recorded !== undefined && (await app.files.isUnchangedCopy(place.path, facts.path, recorded)))) continue;
      files.push({ ...facts, kind, archived: kind === "ignored" || isRepository });
    }
  }
  // A repository that a commit names may hold commits that are nowhere else, changed or not.
  for (const found of nested.values()) {
    for (const facts of found) {
      requireUtf8(place, facts);
      files.push({ ...facts, kind: "dirty", archived: true });
    }
  }
  return {
    files,
    staged: entries.some(({ code }) => ![" ", "?", "!"].includes(code[0] ?? " ")),
    unmerged: entries.some(({ code }) => code.includes("U") || code === "AA" || code === "DD"),
  };
}

/** @throws OKSTRA_WORKTREE_HAS_WORK */
function requireUtf8(place: Place, { path }: Pick<WorkFile, "path">): void {
  if (!path.includes("\uFFFD")) return;
  throw new OkstraError("OKSTRA_WORKTREE_HAS_WORK", {
    message: `${place.path} has a file whose name is not UTF-8 (${path}), which cannot be kept.`,
    hint: "Rename or move that file, then try again.",
    details: { path: place.path, file: path },
  });
}

/** True when a directory of the path is disposable; a file of that name is not. */
function isInside(path: string, disposable: readonly string[]): boolean {
  return path
    .split("/")
    .slice(0, -1)
    .some((part) => disposable.includes(part));
}

/**
 * The status, with files that the index calls "assume unchanged" or "skip worktree" looked at too: git itself
 * passes over their changes.
 */
async function fetchStatus(app: App, path: string, adminDir: string, safe: SafeConfig): ReturnType<App["git"]["status"]> {
  const tagged = await app.git.run(path, ["ls-files", "-z", "-v"]);
  const hidden = tagged.stdout
    .split("\0")
    .filter((line) => /^[a-zS] /.test(line))
    .map((line) => line.slice(2));
  const there = hidden.length === 0 ? [] : (await app.files.listFiles(path, hidden, [])).filter(({ type }) => type !== "absent");
  if (there.length === 0) return app.git.status(path, { ignored: true, safe });
  const copy = await app.files.copyIndex(adminDir);
  const env = { GIT_INDEX_FILE: copy };
  try {
    const stdin = `${there.map((file) => file.path).join("\0")}\0`;
    await app.git.run(path, ["update-index", "--no-assume-unchanged", "-z", "--stdin"], { stdin, env });
    await app.git.run(path, ["update-index", "--no-skip-worktree", "-z", "--stdin"], { stdin, env });
    return await app.git.status(path, { ignored: true, env, safe });
  } finally {
    await app.store.remove(copy);
  }
}
