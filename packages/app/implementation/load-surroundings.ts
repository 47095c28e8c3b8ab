import type { StampedEntry, Surroundings } from "@okstra/core/domain/work-record";
import { OkstraError } from "@okstra/core/errors";
import type { RepositoryLocation, SafeConfig } from "@okstra/core/git-port";
import type { App } from "../app.ts";

/** Where an executor works. All paths are absolute and real. */
export interface WorkPlace {
  /** Top of the task's tree. */
  readonly worktree: string;
  /** Top of the main checkout; any other directory means that there is none. */
  readonly mainRoot: string;
  /** The common git directory. */
  readonly repository: string;
  readonly taskKey: string;
}

const PROJECT_FILE = ".project-docs/okstra/project.json";

/**
 * Looks at everything that an executor must leave as it is, and at where its own work begins. Changes nothing.
 * @throws OKSTRA_REPOSITORY_TAMPERED when the tree is no longer this repository's
 */
export async function loadSurroundings(app: App, place: WorkPlace): Promise<Surroundings> {
  const { worktree, repository } = place;
  const location = await app.git.locate(worktree);
  if (location === null || location.topLevel !== worktree || location.commonDir !== repository)
    throw new OkstraError("OKSTRA_REPOSITORY_TAMPERED", {
      message: `${worktree} is no longer a tree of the repository ${repository}.`,
      details: { path: worktree, expected: repository, found: location?.commonDir ?? null },
    });
  const safe = await app.git.safeConfig({ commonDir: repository, mainRoot: worktree });
  const branch = await fetchBranch(app, worktree);
  return {
    repository,
    worktree,
    branch,
    head: location.head ?? "",
    refs: await fetchRefs(app, worktree, branch),
    otherTasks: await loadOtherTasks(app, place),
    entries: await fetchTreeEntries(app, location, safe),
    agentSettings: await loadAgentSettings(app, worktree),
    bookkeeping: await fetchBookkeeping(app, place, safe),
    main: await loadMain(app, place, safe),
  };
}

/** The branch that is checked out, by its short name; empty when detached. */
async function fetchBranch(app: App, dir: string): Promise<string> {
  const answer = await app.git.run(dir, ["symbolic-ref", "--quiet", "HEAD"], { okExitCodes: [0, 1] });
  return answer.exitCode === 0 ? answer.stdout.trim().replace(/^refs\/heads\//, "") : "";
}

/**
 * All refs with their objects. A fetch may move remote-tracking refs at any time, so only those of the task's own
 * branch are kept: one of them moves when the branch is pushed.
 */
async function fetchRefs(app: App, dir: string, branch: string): Promise<Record<string, string>> {
  const { stdout } = await app.git.run(dir, ["for-each-ref", "--format=%(objectname) %(refname)"]);
  const refs: [string, string][] = [];
  for (const line of stdout.split("\n")) {
    const at = line.indexOf(" ");
    const ref = line.slice(at + 1);
    if (at < 0 || ref.startsWith("refs/prefetch/")) continue;
    if (ref.startsWith("refs/remotes/") && ref.split("/").slice(3).join("/") !== branch) continue;
    refs.push([ref, line.slice(0, at)]);
  }
  return Object.fromEntries(refs);
}

async function loadOtherTasks(app: App, { repository, taskKey }: WorkPlace): Promise<string[]> {
  const { registry } = await app.registry.load();
  const branches = Object.entries(registry.branches[repository] ?? {}).filter(([, key]) => key !== taskKey);
  return branches.map(([branch]) => branch).sort();
}

/** The status with what it differs in, files that the index tells git to pass over included. */
async function fetchTreeEntries(app: App, location: RepositoryLocation, safe: SafeConfig): Promise<StampedEntry[]> {
  const { topLevel, gitDir } = location;
  const tagged = await app.git.run(topLevel, ["ls-files", "-z", "-v"]);
  const hidden = tagged.stdout
    .split("\0")
    .filter((line) => /^[a-zS] /.test(line))
    .map((line) => line.slice(2));
  const there = hidden.length === 0 ? [] : (await app.files.listFiles(topLevel, hidden, [])).filter(({ type }) => type !== "absent");
  if (there.length === 0) return fetchEntries(app, topLevel, safe);
  const copy = await app.files.copyIndex(gitDir);
  const env = { GIT_INDEX_FILE: copy };
  try {
    const stdin = `${there.map(({ path }) => path).join("\0")}\0`;
    await app.git.run(topLevel, ["update-index", "--no-assume-unchanged", "-z", "--stdin"], { stdin, env });
    await app.git.run(topLevel, ["update-index", "--no-skip-worktree", "-z", "--stdin"], { stdin, env });
    return await fetchEntries(app, topLevel, safe, env);
  } finally {
    await app.store.remove(copy);
  }
}

async function fetchEntries(app: App, root: string, safe: SafeConfig, env?: Readonly<Record<string, string>>): Promise<StampedEntry[]> {
  const entries: StampedEntry[] = [];
  for (const { code, path } of await app.git.status(root, { safe, ...(env === undefined ? {} : { env }) }))
    entries.push({ code, path, stamp: await app.files.stamp(`${root}/${path}`) });
  return entries;
}

async function loadAgentSettings(app: App, root: string): Promise<Record<string, string>> {
  const items = await app.files.findAgentSettings(root, new Map());
  return Object.fromEntries(items.map(({ id, hash }) => [id.replace(/^file:/, ""), hash]));
}

/**
 * What the repository says itself about how git works here. Other tasks come and go meanwhile, so what git keeps
 * about single branches is left out.
 */
async function fetchBookkeeping(app: App, { worktree, repository }: WorkPlace, safe: SafeConfig): Promise<Record<string, string>> {
  const { stdout } = await app.git.run(worktree, ["config", "--list", "-z", "--show-scope"]);
  const fields = stdout.split("\0");
  const own = fields.filter((text, at) => at % 2 === 1 && /^(?:local|worktree)$/.test(fields[at - 1] ?? "") && !text.startsWith("branch."));
  const found: Record<string, string> = { ".git/config": app.sha256(own.sort().join("\0")) };
  for (const { kind, hash } of safe.items) if (kind === "hooks") found[".git/hooks"] = hash;
  const attributes = await app.files.stamp(`${repository}/info/attributes`);
  if (attributes !== "") found[".git/info/attributes"] = attributes;
  return found;
}

async function loadMain(app: App, { mainRoot, worktree, repository }: WorkPlace, safe: SafeConfig): Promise<Surroundings["main"]> {
  if (mainRoot === worktree || !(await app.store.exists(mainRoot))) return null;
  const location = await app.git.locate(mainRoot);
  if (location === null || !location.isMain || location.topLevel !== mainRoot || location.commonDir !== repository) return null;
  // A worktree inside the main checkout stands in its status as one untracked directory, and is not its content.
  const trees = (await app.git.listWorktrees(mainRoot)).slice(1).map(({ path }) => `${path}/`);
  const entries = (await fetchEntries(app, mainRoot, safe)).filter(
    ({ path }) => !trees.some((tree) => `${mainRoot}/${path.replace(/\/$/, "")}/`.startsWith(tree)),
  );
  const project = await app.store.readText(`${mainRoot}/${PROJECT_FILE}`);
  return {
    root: mainRoot,
    head: location.head ?? "",
    branch: await fetchBranch(app, mainRoot),
    entries,
    settings: {
      ...(await loadAgentSettings(app, mainRoot)),
      ...(project === null ? {} : { [PROJECT_FILE]: app.sha256(project) }),
    },
  };
}
