import { runManifestSchema, type Provision, type RosterEntry, type RunManifest } from "@okstra/core/domain/run";
import type { TaskContext } from "@okstra/core/domain/task-context";
import { workerResultSchema } from "@okstra/core/domain/worker-result";
import { laneName } from "@okstra/core/machine/run-machine";
import type { WorkerSettings } from "@okstra/core/ports";
import { formatTaskKey, parseTaskName, slugSegment, type TaskKey } from "@okstra/core/domain/task-key";
import { UNCLASSIFIED, type TaskType } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import { isAgentKind } from "@okstra/core/domain/served-model";
import { createRedactor } from "@okstra/core/domain/redaction";
import { requirePhase } from "@okstra/core/phases/index";
import type { Phase } from "@okstra/core/phases/phase";
import type { App } from "../app.ts";
import { openProject, type OpenProject } from "../project/open-project.ts";
import { requireBrief } from "../task/brief.ts";
import { requireTrustedTree } from "../project/trust.ts";
import { settleBrief } from "../task/create-task.ts";
import { loadTaskContext } from "../task/load-context.ts";
import { loadTask } from "../task/load-task.ts";
import { checkPreFlight } from "../task/pre-flight.ts";
import { provision } from "../worktree/provision.ts";
import { listUnsandboxed } from "./lane-sandbox.ts";
import { loadSecrets } from "./secrets.ts";
import { beginRun, requireKnownSchema, type PreparedRun } from "./begin-run.ts";
import { openRunLog } from "./run-log.ts";
import { describeLaunch } from "./launch.ts";
import { renderPrompt } from "./prompt.ts";
import { resolveSettings, type RunSettings, type SettingsFlags } from "./settings.ts";

export interface RunRequest extends SettingsFlags {
  readonly task: string;
  readonly dir: string;
  readonly taskType: TaskType;
  readonly category: string | null;
  readonly baseRef: string | null;
  readonly brief: string | null;
  /** Whether an executor may edit in the linked worktree that the command is called from. */
  readonly here?: boolean;
  /** Whether an agent is started in the tree to lead, whatever the roster. */
  readonly interactive?: boolean;
}

/** What a run is prepared from, whether it is a task's or `okstra verify`'s. */
export interface RunPlan {
  readonly opened: OpenProject;
  readonly key: TaskKey;
  readonly phase: Phase;
  readonly provision: Provision;
  /** Head commit the run is bound to; empty without git. */
  readonly commit: string;
  readonly baseCommit: string | null;
  readonly onlyNewBlocks: boolean;
  readonly inPlace: boolean;
  readonly sourceRoot: string;
  readonly brief: string | null;
  readonly settings: RunSettings;
  readonly context: TaskContext;
  readonly lead?: "code" | "agent";
  readonly interactive?: boolean;
}

/**
 * Prepares a task's run: finds or makes its worktree, resolves its settings, and writes `run.json`, `prompts/`
 * and `launch.md`. Starts nothing.
 * @throws OKSTRA_PROJECT_NOT_SET_UP, OKSTRA_REPOSITORY_*, and OKSTRA_PREPARE_* for all that fails after that
 */
export async function prepareTaskRun(app: App, request: RunRequest): Promise<PreparedRun> {
  const opened = await openProject(app, request.dir);
  const key = parseTaskName(request.task, opened.project.projectId, app.sha256);
  if (request.taskType === "release-handoff") {
    await prepareTask(app, { root: opened.root, key, type: request.taskType, brief: null, category: null });
    throw handoffHasItsCommand(`${key.group}/${key.task}`);
  }
  const phase = requirePhase(request.taskType);
  // Everything that can be wrong with the request is found before anything is made.
  const settings = await resolveSettings(app, opened.root, opened.project, await app.projects.loadHomeConfig(), phase, request);
  await listUnsandboxed(app, listRoster(settings), settings.sandbox);
  const brief = requireBrief(request.brief);
  const task = await prepareTask(app, { root: opened.root, key, type: phase.type, brief, category: request.category });
  const place = await provision(app, {
    task: request.task,
    dir: request.dir,
    taskType: request.taskType,
    category: request.category ?? task.category,
    baseRef: request.baseRef,
  }).catch((error: unknown) => {
    throw asPrepareError(error);
  });
  if (place.status === "skipped-in-worktree" && phase.executorProfile !== null && request.here !== true)
    throw new OkstraError("OKSTRA_PREPARE_HERE_REQUIRED", {
      message: `${place.note.replace(/\.$/, "")}; an executor would edit there.`,
      details: { path: place.path },
    });
  const head = place.status === "skipped-not-git" ? null : await app.git.locate(place.path);
  const commit = head?.head ?? "";
  await requireCommittedTree(app, phase, place.path, commit);
  return writeRun(app, {
    opened,
    key,
    phase,
    provision: place,
    commit,
    baseCommit: place.baseRef === "" || place.baseRef === commit ? null : place.baseRef,
    onlyNewBlocks: false,
    inPlace: place.status.startsWith("skipped-"),
    sourceRoot: place.path,
    brief: brief ?? task.brief,
    settings,
    context: task.context,
    lead: request.lead ?? "code",
    interactive: request.interactive === true,
  });
}

/** A hand-off has no workers that could be run: a person chooses. */
export function handoffHasItsCommand(task: string): OkstraError {
  return new OkstraError("OKSTRA_PHASE_NOT_AVAILABLE", {
    message: "release-handoff has no workers that could be run: a person chooses what leaves.",
    hint: `Hand it off: okstra handoff ${task}`,
    details: { given: "release-handoff", task },
  });
}

/** What a run is given of its task, once its pre-flight gate is open. @throws OKSTRA_GATE_HOLDS, OKSTRA_TASK_LOG_CORRUPT */
async function prepareTask(
  app: App,
  request: { root: string; key: TaskKey; type: TaskType; brief: string | null; category: string | null },
): Promise<{ brief: string | null; category: string | null; context: TaskContext }> {
  const facts = await settleBrief(app, await loadTask(app, request), { brief: request.brief, category: request.category });
  await checkPreFlight(app, { ...request, facts });
  const context = await loadTaskContext(app, { ...request, facts });
  return { brief: facts.brief, category: facts.category === UNCLASSIFIED ? null : facts.category, context };
}

/**
 * A phase that judges a commit needs a tree that is that commit: what is not committed would be judged with it.
 * @throws OKSTRA_PREPARE_TREE_DIRTY
 */
export async function requireCommittedTree(
  app: App,
  phase: Pick<Phase, "type" | "judgesCommit" | "executorProfile">,
  path: string,
  commit: string,
): Promise<void> {
  if (!(phase.judgesCommit || phase.executorProfile !== null) || commit === "") return;
  const location = await app.git.locate(path);
  const safe = await app.git.safeConfig({ commonDir: location?.commonDir ?? "", mainRoot: location?.mainRoot ?? path });
  const changed = (await app.git.status(path, { safe })).map((entry) => entry.path).filter((name) => !isOwnRecord(name));
  if (changed.length === 0) return;
  const names = changed.slice(0, 100).map(createRedactor(await loadSecrets(app, [path])));
  throw new OkstraError("OKSTRA_PREPARE_TREE_DIRTY", {
    message: `${phase.type} ${phase.judgesCommit ? "judges" : "begins at"} a commit, and ${path} has changes that are in none: ${names.slice(0, 5).join(", ")}${changed.length > 5 ? ", …" : ""}.`,
    hint: `Commit them, or put them away: git -C ${path} stash --include-untracked`,
    details: { path, changed: names },
  });
}

/** Records of okstra itself, in a project that does not hide them, are no change of the person's. */
export function isOwnRecord(path: string): boolean {
  return path === ".project-docs/" || path.startsWith(".project-docs/okstra/");
}

/** A failure of the worktree is a failure to prepare; what is wrong with the repository or the project itself keeps its own code. */
function asPrepareError(error: unknown): unknown {
  if (!(error instanceof OkstraError) || /^OKSTRA_(?:PREPARE|PROJECT|REPOSITORY|DISK|INTERNAL)_?/.test(error.code)) return error;
  return new OkstraError("OKSTRA_PREPARE_WORKTREE_FAILED", {
    message: error.message,
    hint: error.hint,
    details: { ...error.details, cause: error.code },
    cause: error,
  });
}

/** Writes a new run's files; its number is the next one of the task and phase. The caller holds the run's lock. */
export async function writeRun(app: App, plan: RunPlan): Promise<PreparedRun> {
  const { opened, key, phase } = plan;
  const roster = listRoster(plan.settings);
  await listUnsandboxed(app, roster, plan.settings.sandbox);
  if (plan.interactive === true || roster.some(({ kind }) => isAgentKind(kind)))
    await requireTrustedTree(app, plan.provision.path, opened.root);
  const brief = plan.brief === null ? null : createRedactor(await loadSecrets(app, [opened.root, plan.provision.path]))(plan.brief);
  const begun = {
    root: opened.root,
    key,
    type: phase.type,
    provision: plan.provision,
    executor: plan.settings.executor,
    lead: plan.lead ?? "code",
  };
  return beginRun(app, begun, {
    describe: ({ run, runId }) => describeRun(app, plan, { run, runId, brief }),
    writeMore: async (manifest, runDir) => {
      await app.store.ensureDirectory(`${runDir}/prompts`);
      await writeFirstPrompts(app, phase, manifest, runDir);
      await app.store.writeText(`${runDir}/launch.md`, describeLaunch(manifest, runDir));
    },
  });
}

function describeRun(app: App, plan: RunPlan, { run, runId, brief }: { run: number; runId: string; brief: string | null }): RunManifest {
  const { key, phase } = plan;
  return {
    schema: 1,
    okstraVersion: app.surroundings.version,
    runId,
    taskKey: formatTaskKey(key),
    type: phase.type,
    run,
    createdAt: app.clock.now(),
    project: { id: key.project, root: plan.opened.root },
    provision: plan.provision,
    commit: plan.commit,
    baseCommit: plan.baseCommit,
    onlyNewBlocks: plan.onlyNewBlocks,
    inPlace: plan.inPlace,
    sourceRoot: plan.sourceRoot,
    brief,
    lang: plan.settings.lang,
    roster: plan.settings.roster.map((worker) => rosterEntry(worker, worker.name === plan.settings.executor ? "executor" : "reviewer")),
    writer: plan.settings.reportWriter === null ? null : rosterEntry(plan.settings.reportWriter, "report-writer"),
    context: plan.context,
    handoff: null,
    ...(plan.lead === "agent" ? { lead: plan.lead } : {}),
    settings: {
      qaCommands: plan.settings.qaCommands,
      disposable: plan.settings.disposable,
      sandbox: plan.settings.sandbox,
      budget: plan.settings.budget,
      protectedPaths: plan.opened.project.protectedPaths ?? [],
    },
    workflow: {
      profileSha256: app.sha256(`${phase.profile}${phase.executorProfile ?? ""}`),
      readOnly: phase.readOnly,
      reproduces: phase.reproduces,
      defaultRoster: phase.defaultRoster,
    },
  };
}

/** All workers of a run, the report's writer included. */
function listRoster({ roster, reportWriter }: RunSettings): RosterEntry[] {
  return [...roster, ...(reportWriter === null ? [] : [reportWriter])].map((worker) => rosterEntry(worker, "reviewer"));
}

function rosterEntry(worker: WorkerSettings, role: RosterEntry["role"]): RosterEntry {
  const { name, command, env, budget, sandbox, ...rest } = worker;
  return { worker: name, ...rest, command: [...command], env: [...env], budget: budget ?? null, sandbox: sandbox ?? null, role };
}

/** The prompts of the lanes that the run begins with, for whoever wants to read them first; each attempt renders its own. */
async function writeFirstPrompts(app: App, phase: Phase, manifest: RunManifest, runDir: string): Promise<void> {
  for (const entry of manifest.roster) {
    const executes = entry.role === "executor";
    if (phase.executorProfile !== null && !executes) continue;
    const lane = laneName(entry.worker, executes ? "execute" : "review", 1);
    const template = executes && phase.executorProfile !== null ? phase.executorProfile : phase.profile;
    const prompt = await renderPrompt(template, manifest, {
      entry,
      answerBy: isAgentKind(entry.kind) ? "door" : "file",
      nonce: "$OKSTRA_NONCE",
      commit: manifest.commit,
      resultSchema: executes ? workerResultSchema : phase.resultSchema,
    });
    await app.store.ensureDirectory(`${runDir}/workers/${lane}`);
    await app.store.writeText(`${runDir}/prompts/${lane}.md`, prompt);
  }
}

/** Reads a run that is on disk. @throws OKSTRA_RUN_CORRUPT */
export async function loadRun(app: App, runDir: string): Promise<PreparedRun> {
  const path = `${runDir}/run.json`;
  const text = await app.store.readText(path);
  if (text === null)
    throw new OkstraError("OKSTRA_RUN_NOT_FOUND", { message: `${runDir} is no run of okstra.`, details: { path: runDir } });
  let manifest: RunManifest;
  try {
    const data = JSON.parse(text) as { schema?: unknown } | null;
    requireKnownSchema(path, data?.schema);
    manifest = runManifestSchema.parse(data);
  } catch (cause) {
    if (cause instanceof OkstraError) throw cause;
    throw new OkstraError("OKSTRA_RUN_CORRUPT", { message: `${path} cannot be read.`, details: { path }, cause });
  }
  return { manifest, runDir, log: await openRunLog(app, runDir) };
}

/** The command that starts a run like this one. */
export function describeStart({ taskKey, type }: Pick<RunManifest, "taskKey" | "type">): string {
  const task = taskKey.split("/").slice(1).join("/");
  return task.startsWith("verify/") ? "okstra verify" : `okstra run ${task} --task-type ${type}`;
}

/** Key of a run that has no task: `<project>/verify/<branch>`. */
export function verifyKey(app: App, project: string, branch: string): TaskKey {
  return { project: slugSegment(project, app.sha256), group: "verify", task: slugSegment(branch, app.sha256) };
}
