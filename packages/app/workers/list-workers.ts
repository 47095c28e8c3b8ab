import type { SandboxSetting } from "@okstra/core/domain/agent-use";
import type { AgentPreset } from "@okstra/core/domain/agents";
import { knownModelNames, modelTable, type ModelTable } from "@okstra/core/domain/models";
import { OkstraError } from "@okstra/core/errors";
import type { WorkerSettings } from "@okstra/core/ports";
import type { App } from "../app.ts";
import { openProject } from "../project/open-project.ts";
import { sandboxSetting } from "../run/lane-sandbox.ts";
import { openScratch } from "../scratch/open-scratch.ts";
import { listKnownWorkers, type KnownWorker } from "./known-workers.ts";
import { findProgram, requireAgent, resolveWorker } from "./resolve-worker.ts";

const VERSION_DEADLINE_MS = 5000;
const MAX_VERSION = 80;

/** A worker as `okstra workers list` shows it. */
export interface WorkerView {
  readonly name: string;
  readonly kind: string;
  readonly preset: string | null;
  /** Where it is configured; null: known without. */
  readonly configuredIn: "project" | "home" | null;
  /** Absolute path of its program; null: not there, or a worker inside okstra. */
  readonly path: string | null;
  /** What the program says of itself, one line; null when it says nothing. */
  readonly version: string | null;
  /** Program and arguments by mode, as far as they are the same for every lane; null when it cannot be started. */
  readonly start: { readonly readOnly: readonly string[]; readonly edit: readonly string[] } | null;
  /** Mode of the session that an ACP agent is asked for; null: none is known, or it has none. */
  readonly modes: { readonly readOnly: string | null; readonly edit: string | null } | null;
  /** Model's id that is asked for; null: the agent's own choice. */
  readonly model: string | null;
  readonly family: string | null;
  /** Variables that it may see, and whether they are set here. */
  readonly env: readonly { readonly name: string; readonly isSet: boolean }[];
  readonly sandbox: SandboxSetting;
  /** Why it cannot be started, with the cure; null when it can. */
  readonly problem: { readonly code: string; readonly message: string; readonly hint: string } | null;
}

export interface WorkerList {
  readonly workers: readonly WorkerView[];
  /** Aliases and ids of models that a worker's `model` may be, the person's own included. */
  readonly models: readonly string[];
  readonly sandbox: { readonly state: string; readonly reason: string | null };
}

/** Every worker that can be named in a roster. Starts nothing but `<agent> --version`, in an emptied environment. */
export async function listWorkers(app: App, dir: string): Promise<WorkerList> {
  const { root, project } = await openProject(app, dir, { allowNew: true });
  const home = await app.projects.loadHomeConfig();
  const models = modelTable(home, project);
  const ofRun = project.sandbox ?? home.sandbox ?? null;
  const known = [...listKnownWorkers(project, home).values()].sort(byOrigin);
  const scratch = await openScratch(app, "workers-list");
  try {
    await app.store.ensureDirectory(scratch.path);
    const look = { root, models, ofRun, directory: scratch.path };
    return {
      workers: await Promise.all(known.map((worker) => viewWorker(app, worker, look))),
      models: knownModelNames(models),
      sandbox: await app.processes.sandbox(),
    };
  } finally {
    await scratch.close();
  }
}

/** Those that somebody configured first, then by name. */
function byOrigin(one: KnownWorker, other: KnownWorker): number {
  const late = (worker: KnownWorker): number => (worker.origin === "built-in" ? 1 : 0);
  return late(one) - late(other) || (one.name < other.name ? -1 : 1);
}

async function viewWorker(
  app: App,
  worker: KnownWorker,
  look: { root: string; models: ModelTable; ofRun: SandboxSetting | null; directory: string },
): Promise<WorkerView> {
  const { name, config, origin } = worker;
  const settings = await resolveWorker(app, worker, { ...look, deadlineMs: 0 }).catch((error: unknown) => {
    if (error instanceof OkstraError) return error;
    throw error;
  });
  const failed = settings instanceof OkstraError;
  const agent = failed ? findAgentOf(worker) : requireAgent(name, config);
  const program = config.command?.[0] ?? agent?.command[0] ?? null;
  const path = program === null || config.kind === "checks" ? null : await findProgram(app, look.root, program);
  const env = failed ? [...new Set([...(agent?.env ?? []), ...(config.env ?? [])])] : settings.env;
  return {
    name,
    kind: config.kind,
    preset: agent?.name ?? config.preset ?? null,
    configuredIn: origin === "built-in" ? null : origin,
    path,
    version: path === null || agent === null ? null : await fetchVersion(app, [path, ...agent.versionArgs], look.directory),
    start: failed ? null : { readOnly: await planCommand(app, settings, "read-only"), edit: await planCommand(app, settings, "edit") },
    modes:
      agent === null || config.kind !== "acp" ? null : { readOnly: agent.modes.readOnly[0] ?? null, edit: agent.modes.edit[0] ?? null },
    model: failed ? (config.model ?? null) : settings.model,
    family: failed ? null : settings.family,
    env: env.map((variable) => ({ name: variable, isSet: (app.surroundings.env[variable] ?? "") !== "" })),
    sandbox: sandboxSetting({ kind: config.kind, sandbox: config.sandbox ?? null }, look.ofRun),
    problem: failed ? { code: settings.code, message: settings.message, hint: settings.hint } : null,
  };
}

function findAgentOf({ name, config }: KnownWorker): AgentPreset | null {
  try {
    return requireAgent(name, config);
  } catch {
    return null;
  }
}

async function planCommand(app: App, settings: WorkerSettings, mode: "read-only" | "edit"): Promise<readonly string[]> {
  return (await app.workers.get(settings.kind)?.planCommand?.(settings, mode)) ?? settings.command;
}

/** First line that a program prints about its version; it sees PATH and an empty HOME and nothing else. */
export async function fetchVersion(app: App, command: readonly string[], directory: string): Promise<string | null> {
  const [program, ...args] = command;
  if (program === undefined) return null;
  const end = await app.processes
    .run({
      command: [program, ...args],
      cwd: directory,
      env: { PATH: app.surroundings.env["PATH"] ?? "", HOME: directory },
      stdin: "",
      deadlineMs: VERSION_DEADLINE_MS,
      runId: app.ids.randomHex(12),
      transcriptPath: null,
      captureBytes: 4096,
      redact: (text) => text,
      signal: new AbortController().signal,
    })
    .catch(() => null);
  const line = end?.ended === "by-itself" && end.exitCode === 0 ? end.stdout.text.trim().split("\n")[0]?.trim() : undefined;
  return line === undefined || line === "" ? null : line.slice(0, MAX_VERSION);
}
