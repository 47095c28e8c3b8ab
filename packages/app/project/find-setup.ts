import type { HomeConfig, Project } from "@okstra/core/domain/project";
import { readPatterns } from "@okstra/core/domain/setup";
import { OkstraError } from "@okstra/core/errors";
import type { RepositoryLocation } from "@okstra/core/git-port";
import type { FoundCommand } from "@okstra/core/ports";
import type { App } from "../app.ts";
import { listKnownWorkers, type KnownWorker } from "../workers/known-workers.ts";
import { findProgram, requireAgent } from "../workers/resolve-worker.ts";
import { openProject, suggestProjectId } from "./open-project.ts";
import { configuredSyncDirectories } from "./tree-settings.ts";

export const INCLUDE_FILE = ".worktreeinclude";
const MAX_SUGGESTED = 20;
/** Its path means itself where it stands as a pattern. */
const PLAIN_ENV_FILE = /^(?:[\w@.-]+\/)*\.env(?:\.[\w-]+)*$/;
const MAX_INCLUDE_BYTES = 1024 * 1024;

/** A directory that is to be set up, with a project.json that cannot be read passed over where that is allowed. */
export interface SetupPlace {
  readonly root: string;
  readonly location: RepositoryLocation | null;
  readonly project: Project;
  readonly setUp: boolean;
  /** Text of a project.json that cannot be read. */
  readonly broken: string | null;
}

/** @throws as openProject does; OKSTRA_PROJECT_INVALID not with `replaceBroken` */
async function openForSetup(app: App, dir: string, replaceBroken: boolean): Promise<SetupPlace> {
  const opened = await openProject(app, dir, { allowNew: true }).catch((error: unknown) => {
    if (replaceBroken && error instanceof OkstraError && error.code === "OKSTRA_PROJECT_INVALID") return null;
    throw error;
  });
  if (opened !== null) return { ...opened, broken: null };
  const location = await app.git.locate(dir);
  const root = location === null ? dir : (location.mainRoot ?? location.topLevel);
  const broken = await app.store.readText(`${root}/.project-docs/okstra/project.json`);
  return { root, location, project: { schema: 1, projectId: suggestProjectId(app, root) }, setUp: false, broken };
}

/** A worker that could be chosen here. */
export interface FoundWorker {
  readonly name: string;
  readonly kind: string;
  readonly family: string | null;
  /** Absolute path of its program; null: it is not there. */
  readonly path: string | null;
}

/** What stands in a repository, and what could be chosen. */
export interface SetupFacts {
  readonly place: SetupPlace;
  readonly home: HomeConfig;
  /** Checks that are run while nobody names others. */
  readonly found: readonly FoundCommand[];
  /** Commands that are no check until somebody names them as one. */
  readonly suggested: readonly FoundCommand[];
  /** Directories that a new worktree gets as links now. */
  readonly sync: readonly string[];
  /** Text of `.worktreeinclude`, empty when there is none. */
  readonly include: string;
  /** Patterns of `.worktreeinclude`. */
  readonly copy: readonly string[];
  /** Ignored files with settings that no pattern brings along. */
  readonly copySuggested: readonly string[];
  readonly known: ReadonlyMap<string, KnownWorker>;
  /** Those whose program is there. No program is started. */
  readonly workers: readonly FoundWorker[];
}

/** Looks, changes nothing, and starts nothing but git. */
export async function findSetup(app: App, dir: string, options: { replaceBroken: boolean }): Promise<SetupFacts> {
  const place = await openForSetup(app, dir, options.replaceBroken);
  const home = await app.projects.loadHomeConfig();
  const known = listKnownWorkers(place.project, home);
  const checks = app.workers.get("checks");
  const include = await loadInclude(app, place.root);
  return {
    place,
    home,
    found: (await checks?.findCommands?.(place.root)) ?? [],
    suggested: (await checks?.suggestCommands?.(place.root)) ?? [],
    sync: configuredSyncDirectories(place.project, home),
    include,
    copy: readPatterns(include),
    copySuggested: place.location === null ? [] : await suggestCopies(app, place.root),
    known,
    workers: await findWorkers(app, place.root, known),
  };
}

async function loadInclude(app: App, root: string): Promise<string> {
  return (await app.store.readText(`${root}/${INCLUDE_FILE}`, { maxBytes: MAX_INCLUDE_BYTES, regularFileOnly: true })) ?? "";
}

/** Files such as `.env`, which git ignores: a new worktree has none of them. */
async function suggestCopies(app: App, root: string): Promise<readonly string[]> {
  const listed = await app.git.run(root, [
    "ls-files",
    "-z",
    "--others",
    "--ignored",
    "--exclude-standard",
    "--directory",
    "--",
    ":(glob)**/.env",
    ":(glob)**/.env.*",
  ]);
  const included = new Set(await app.git.listIncluded(root));
  return listed.stdout
    .split("\0")
    .filter((path) => PLAIN_ENV_FILE.test(path) && !included.has(path))
    .slice(0, MAX_SUGGESTED);
}

/** The workers that could be started, and those that somebody configured; looked up on PATH, never started. */
async function findWorkers(app: App, root: string, known: ReadonlyMap<string, KnownWorker>): Promise<readonly FoundWorker[]> {
  const views = await Promise.all([...known.values()].map((worker) => findWorker(app, root, worker)));
  return views.filter(({ kind, path }) => kind !== "checks" && path !== null);
}

/** Where a worker's program is; a preset that is not known has none. */
export async function findWorker(app: App, root: string, { name, config }: KnownWorker): Promise<FoundWorker> {
  const agent = findAgentOf(name, config);
  const program = config.kind === "checks" ? undefined : (config.command ?? agent?.command)?.[0];
  return {
    name,
    kind: config.kind,
    family: config.family ?? agent?.family ?? null,
    path: program === undefined ? null : await findProgram(app, root, program),
  };
}

function findAgentOf(name: string, config: KnownWorker["config"]): ReturnType<typeof requireAgent> {
  try {
    return requireAgent(name, config);
  } catch (error) {
    if (error instanceof OkstraError) return null;
    throw error;
  }
}
