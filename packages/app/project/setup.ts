import { projectSchema, type Project, type QaCommand } from "@okstra/core/domain/project";
import { addPatterns, nameCommand, readPatterns, requirePattern, type NamedCommand } from "@okstra/core/domain/setup";
import { slugSegment } from "@okstra/core/domain/task-key";
import { OkstraError } from "@okstra/core/errors";
import type { TrustItem } from "@okstra/core/git-port";
import { PHASES } from "@okstra/core/phases/index";
import { requireWorker } from "../workers/known-workers.ts";
import { tellNotes } from "../worktree/place.ts";
import type { App } from "../app.ts";
import { holdConfig } from "./config.ts";
import { findSetup, findWorker, INCLUDE_FILE, type FoundWorker, type SetupFacts } from "./find-setup.ts";
import { listTrust } from "./trust.ts";

/** What a person or a script chose; null or empty leaves what is there. */
export interface SetupChoices {
  readonly projectId: string | null;
  readonly lang: "en" | "ko" | null;
  /** The whole list of checks. */
  readonly qaCommands: readonly QaCommand[] | null;
  /** The whole list of directories that are linked into a worktree. */
  readonly syncDirs: readonly string[] | null;
  /** Patterns that `.worktreeinclude` gets beside those it has. */
  readonly copy: readonly string[];
  /** Who works in every phase, beside the project's own checks. */
  readonly workers: readonly string[] | null;
}

export interface SetupRequest {
  readonly dir: string;
  /** A project.json that cannot be read is kept beside a new one. */
  readonly replaceBroken: boolean;
  readonly choices: SetupChoices;
}

/** A file that a setup writes. */
export interface SetupFile {
  readonly path: string;
  /** Null: there is none. */
  readonly before: string | null;
  readonly text: string;
}

export interface SetupAnswer {
  readonly projectId: string;
  readonly root: string;
  readonly path: string;
  readonly created: boolean;
  /** What the repository brings along that would run or be obeyed, with what was approved. */
  readonly trust: readonly TrustItem[];
  /** Language of reports. */
  readonly lang: "en" | "ko";
  /** The checks that are run; `found`: nobody has to name them, for they are what the project's files say. */
  readonly qa: readonly (NamedCommand & { readonly origin: "found" | "given" })[];
  /** Commands that are no check until somebody names them as one. */
  readonly qaSuggested: readonly NamedCommand[];
  /** Directories that a new worktree gets as links. */
  readonly sync: readonly string[];
  /** Patterns of the ignored files that a new worktree gets as copies. */
  readonly copy: readonly string[];
  /** Ignored files with settings that no pattern brings along. */
  readonly copySuggested: readonly string[];
  /** Those whose program is there, and those that were chosen. */
  readonly workers: readonly (FoundWorker & { readonly chosen: boolean })[];
  /** What may be a mistake, in plain words. */
  readonly notes: readonly string[];
  /** Files that are written (or would be, before they are). */
  readonly files: readonly SetupFile[];
}

interface SetupPlan {
  readonly answer: SetupAnswer;
  readonly facts: SetupFacts;
  readonly project: Project;
}

/**
 * What a setup would leave and write. Checks every choice, and changes nothing.
 * @throws OKSTRA_PROJECT_ID_TAKEN when another repository's tasks have the id on this machine; OKSTRA_USAGE,
 *   OKSTRA_PREPARE_WORKER_UNKNOWN, OKSTRA_REPOSITORY_NOT_FOUND for a choice that cannot be
 */
export async function previewSetup(app: App, request: SetupRequest): Promise<SetupAnswer> {
  return (await planSetup(app, request, "peek")).answer;
}

/** Writes `.project-docs/okstra/project.json` and `.worktreeinclude`, keeping what is there. @throws as previewSetup does */
export async function setUpProject(app: App, request: SetupRequest): Promise<SetupAnswer> {
  const first = await planSetup(app, request, "load");
  if (first.answer.files.length === 0) {
    await ensureRecords(app, first.answer.root);
    return first.answer;
  }
  return holdConfig(app, async () => {
    // Read again under the lock: a setting that somebody else wrote meanwhile stays.
    const { answer, facts, project } = await planSetup(app, request, "peek");
    const { root } = answer;
    await ensureRecords(app, root);
    if (facts.place.broken !== null) await app.store.createText(`${answer.path}.bad-${app.ids.randomHex(4)}`, facts.place.broken);
    for (const { path, text } of answer.files) {
      if (path === answer.path) await app.projects.writeProject(root, project);
      else await app.store.writeText(path, text, { mode: 0o644 });
    }
    return answer;
  });
}

async function planSetup(app: App, request: SetupRequest, registry: "peek" | "load"): Promise<SetupPlan> {
  const { choices } = request;
  const facts = await findSetup(app, request.dir, request);
  const { root, location, setUp } = facts.place;
  const projectId = slugSegment(choices.projectId ?? facts.place.project.projectId, app.sha256);
  if (location !== null) await requireFreeId(app, projectId, location.commonDir, registry);
  const project = requireProject({
    ...facts.place.project,
    projectId,
    ...(choices.lang === null ? {} : { lang: choices.lang }),
    ...(choices.qaCommands === null ? {} : { qaCommands: [...choices.qaCommands] }),
    ...(choices.syncDirs === null ? {} : { worktreeSyncDirs: [...new Set(choices.syncDirs)] }),
    ...(choices.workers === null ? {} : { roster: planRoster(facts, choices.workers) }),
  });
  if (location === null && (choices.syncDirs !== null || choices.copy.length > 0))
    throw new OkstraError("OKSTRA_REPOSITORY_NOT_FOUND", {
      message: `${root} is in no git repository, so that no worktree of it gets links or copies.`,
      details: { path: root },
    });
  const include = addPatterns(facts.include, choices.copy.map(requirePattern));
  const path = `${root}/.project-docs/okstra/project.json`;
  const before = setUp ? `${JSON.stringify(facts.place.project, null, 2)}\n` : facts.place.broken;
  const files: SetupFile[] = [
    { path: `${root}/${INCLUDE_FILE}`, before: facts.include === "" ? null : facts.include, text: include },
    { path, before, text: `${JSON.stringify(project, null, 2)}\n` },
  ].filter((file) => file.text !== (file.before ?? ""));
  const workers = await listWorkersOf(app, facts, project);
  return {
    facts,
    project,
    answer: {
      projectId,
      root,
      path,
      created: !setUp,
      trust: await listTrust(app, location, [root]),
      lang: project.lang ?? facts.home.lang ?? "en",
      qa: listChecks(facts, project),
      qaSuggested: facts.suggested.map(nameCommand),
      sync: project.worktreeSyncDirs ?? facts.sync,
      copy: readPatterns(include),
      copySuggested: facts.copySuggested.filter((file) => !choices.copy.includes(file)),
      workers,
      notes: [
        ...(choices.syncDirs === null ? [] : await checkSync(app, facts, choices.syncDirs)),
        ...workers
          .filter(({ chosen, path: program }) => chosen && program === null)
          .map(({ name }) => `The program of the worker ${name} is not there: okstra workers list`),
      ],
      files,
    },
  };
}

/** The file as a whole stays valid. @throws OKSTRA_USAGE */
function requireProject(next: Project): Project {
  const parsed = projectSchema.safeParse(next);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new OkstraError("OKSTRA_USAGE", {
    message: `${issue?.path.join(".") ?? "A setting"} cannot have this value: ${issue?.message ?? "it is not valid"}.`,
    hint: "See: okstra schema project",
  });
}

/**
 * The chosen workers in every phase; the project's own checks stay where they are by default. A phase for which
 * nobody is left has no list of its own.
 * @throws OKSTRA_PREPARE_WORKER_UNKNOWN
 */
function planRoster({ place, known }: SetupFacts, names: readonly string[]): NonNullable<Project["roster"]> {
  const isChecks = (name: string): boolean => requireWorker(known, name).config.kind === "checks";
  const thinkers = names.filter((name) => !isChecks(name));
  const roster = { ...place.project.roster };
  for (const { type, defaultRoster } of PHASES) {
    if (type === "release-handoff") continue;
    const list = [...new Set(defaultRoster === "configured" ? thinkers : [...defaultRoster, ...names])];
    if (list.length > 0) roster[type] = list;
    else delete roster[type];
  }
  return roster;
}

async function listWorkersOf(app: App, facts: SetupFacts, project: Project): Promise<SetupAnswer["workers"]> {
  const chosen = chosenWorkers(project.roster ?? facts.home.roster ?? {});
  const absent = [...facts.known.values()].filter(
    ({ name, config }) => config.kind !== "checks" && chosen.has(name) && facts.workers.every((worker) => worker.name !== name),
  );
  const all = [...facts.workers, ...(await Promise.all(absent.map((worker) => findWorker(app, facts.place.root, worker))))];
  return all.map((worker) => ({ ...worker, chosen: chosen.has(worker.name) }));
}

/** Names in any phase of a roster. */
export function chosenWorkers(roster: NonNullable<Project["roster"]>): ReadonlySet<string> {
  return new Set(Object.values(roster).flatMap((names) => names ?? []));
}

function listChecks({ found }: SetupFacts, project: Project): SetupAnswer["qa"] {
  if (project.qaCommands === undefined) return found.map((each) => ({ ...nameCommand(each), origin: "found" }));
  return project.qaCommands.map((each) => {
    const own = nameCommand(each);
    const isFound = found.some(({ name, command }) => name === own.name && command === own.command);
    return { ...own, origin: isFound ? "found" : "given" };
  });
}

/** @returns a note for each name that is no directory yet @throws OKSTRA_USAGE for one that can never be linked */
async function checkSync(app: App, { place, sync }: SetupFacts, names: readonly string[]): Promise<readonly string[]> {
  const { usable, notes } = await app.files.linkSources(place.root, names);
  const [note] = notes;
  if (note !== undefined)
    throw new OkstraError("OKSTRA_USAGE", {
      message: `${note}.`,
      hint: "Give a directory of the main worktree, by its path from there: okstra setup --sync docs/cache",
    });
  const isOverruled = app.surroundings.env["OKSTRA_WORKTREE_SYNC_DIRS"] !== undefined;
  return [
    ...names
      .filter((name) => !usable.includes(name) && !sync.includes(name))
      .map((name) => `${name} is no directory of the main worktree yet; until it is, nothing is linked`),
    ...(isOverruled ? ["OKSTRA_WORKTREE_SYNC_DIRS is set here and beats worktreeSyncDirs"] : []),
  ];
}

/** okstra's own records in the project are private to it and never show in `git status`; project.json may be committed. */
export async function ensureRecords(app: App, root: string): Promise<string> {
  const records = `${root}/.project-docs/okstra`;
  await app.store.ensureSharedDirectory(records);
  await app.store.createText(`${records}/.gitignore`, "# Records of okstra's runs. project.json may be committed.\n*\n!project.json\n");
  return records;
}

async function requireFreeId(app: App, projectId: string, repository: string, how: "peek" | "load"): Promise<void> {
  const { registry, notes } = how === "peek" ? { ...(await app.registry.peek()), notes: [] } : await app.registry.load();
  tellNotes(app, notes);
  for (const row of Object.values(registry.tasks)) {
    if (row.project_id !== projectId || row.repository === repository || row.repository === "" || row.status === "released") continue;
    if (!(await app.store.exists(row.repository))) continue;
    throw new OkstraError("OKSTRA_PROJECT_ID_TAKEN", {
      message: `The project id ${projectId} belongs to the repository ${row.repository}, and this one is ${repository}.`,
      hint: "Choose another: okstra setup --project-id <id>",
      details: { projectId, registered: row.repository, here: repository },
    });
  }
}
