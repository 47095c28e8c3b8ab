import { DEFAULT_DEADLINE_MS, type HomeConfig, type Project, type QaCommand, type WorkerConfig } from "@okstra/core/domain/project";
import type { WorkerSettings } from "@okstra/core/ports";
import type { Phase } from "@okstra/core/phases/phase";
import { OkstraError } from "@okstra/core/errors";
import { WRITER_LANE } from "@okstra/core/machine/run-machine";
import type { App } from "../app.ts";

/** What a run works with after flags, project and home were laid over each other. */
export interface RunSettings {
  readonly lang: "en" | "ko";
  readonly roster: readonly WorkerSettings[];
  readonly qaCommands: readonly QaCommand[] | null;
  readonly disposable: readonly string[] | null;
  /** Name of the worker that edits; null in a phase without one. It is in the roster. */
  readonly executor: string | null;
  readonly reportWriter: WorkerSettings | null;
}

export interface SettingsFlags {
  readonly workers: readonly string[] | null;
  readonly executor?: string | null;
  readonly deadlineMs: number | null;
  readonly lang: "en" | "ko" | null;
}

const BUILT_IN: Readonly<Record<string, WorkerConfig>> = { checks: { kind: "checks" } };

/** Flags override the project, the project overrides home. @throws OKSTRA_PREPARE_WORKER_* and OKSTRA_PREPARE_NO_WORKERS */
export async function resolveSettings(
  app: App,
  root: string,
  project: Project,
  home: HomeConfig,
  phase: Phase,
  flags: SettingsFlags,
): Promise<RunSettings> {
  const configured: Readonly<Record<string, WorkerConfig>> = { ...BUILT_IN, ...home.workers, ...project.workers };
  const byDefault = phase.defaultRoster === "configured" ? listConfigured(configured) : phase.defaultRoster;
  const named = flags.workers ?? project.roster?.[phase.type] ?? home.roster?.[phase.type] ?? byDefault;
  const executor =
    phase.executorProfile === null ? null : (flags.executor ?? project.executor ?? home.executor ?? pickExecutor(named, configured));
  if (executor !== null && configured[executor]?.kind === "checks")
    throw new OkstraError("OKSTRA_PREPARE_NO_WORKERS", { message: `The worker ${executor} runs checks; it cannot edit.` });
  const names = executor === null || named.includes(executor) ? named : [executor, ...named];
  if (names.length === 0 || (phase.executorProfile !== null && executor === null))
    throw new OkstraError("OKSTRA_PREPARE_NO_WORKERS", {
      message: `No worker is named for ${phase.type}${names.length > 0 ? " that can edit" : ""}.`,
      details: { taskType: phase.type, configured: Object.keys(configured).sort() },
    });
  if (names.includes(WRITER_LANE))
    throw new OkstraError("OKSTRA_PREPARE_WORKER_UNKNOWN", {
      message: `No worker of a roster can be called ${WRITER_LANE}: the role of that name has its place.`,
      hint: "Give the worker another name.",
    });
  const deadlineMs = flags.deadlineMs ?? project.deadlineMs ?? home.deadlineMs ?? DEFAULT_DEADLINE_MS;
  const roster: WorkerSettings[] = [];
  for (const name of new Set(names)) roster.push(await resolveWorker(app, root, name, configured, flags.deadlineMs ?? 0, deadlineMs));
  const writer = project.reportWriter ?? home.reportWriter ?? null;
  return {
    lang: flags.lang ?? project.lang ?? home.lang ?? "en",
    roster,
    qaCommands: project.qaCommands ?? null,
    disposable: project.disposable ?? home.disposable ?? null,
    executor,
    reportWriter: writer === null ? null : await resolveWorker(app, root, writer, configured, flags.deadlineMs ?? 0, deadlineMs),
  };
}

/** Every worker that somebody configured, by name; `checks` has nothing to say where no code is judged. */
function listConfigured(configured: Readonly<Record<string, WorkerConfig>>): readonly string[] {
  return Object.keys(configured)
    .filter((name) => configured[name]?.kind !== "checks")
    .sort();
}

function pickExecutor(names: readonly string[], configured: Readonly<Record<string, WorkerConfig>>): string | null {
  return [...names, ...listConfigured(configured)].find((name) => configured[name]?.kind !== "checks") ?? null;
}

async function resolveWorker(
  app: App,
  root: string,
  name: string,
  configured: Readonly<Record<string, WorkerConfig>>,
  flagMs: number,
  defaultMs: number,
): Promise<WorkerSettings> {
  const config = Object.hasOwn(configured, name) ? configured[name] : undefined;
  if (config === undefined) {
    throw new OkstraError("OKSTRA_PREPARE_WORKER_UNKNOWN", {
      message: `The worker "${name}" is neither built in nor configured; known: ${Object.keys(configured).sort().join(", ")}.`,
      details: { worker: name, known: Object.keys(configured).sort() },
    });
  }
  if (!app.workers.has(config.kind)) {
    throw new OkstraError("OKSTRA_PREPARE_WORKER_UNKNOWN", {
      message: `The worker "${name}" has the kind ${config.kind}, which this version cannot start; it can: ${[...app.workers.keys()].join(", ")}.`,
      details: { worker: name, kind: config.kind },
    });
  }
  const command = await resolveCommand(app, root, name, config);
  return {
    name,
    kind: config.kind,
    command,
    family: config.family ?? name,
    model: config.model ?? null,
    env: config.env ?? [],
    deadlineMs: flagMs > 0 ? flagMs : config.deadlineMs !== undefined && config.deadlineMs > 0 ? config.deadlineMs : defaultMs,
  };
}

/** A program given as a path is looked up below the project's root: what a task changes in its tree is not what runs. */
async function resolveCommand(app: App, root: string, name: string, config: WorkerConfig): Promise<readonly string[]> {
  if (config.kind !== "command") return config.command ?? [];
  const [program, ...args] = config.command ?? [];
  if (program === undefined)
    throw new OkstraError("OKSTRA_PREPARE_WORKER_UNKNOWN", {
      message: `The worker "${name}" has no command.`,
      hint: `Give it one: workers.${name}.command in project.json`,
      details: { worker: name },
    });
  const wanted = program.includes("/") && !program.startsWith("/") ? `${root}/${program}` : program;
  const found = await app.processes.findProgram(wanted, app.surroundings.env["PATH"] ?? "");
  if (found === null) {
    throw new OkstraError("OKSTRA_PREPARE_WORKER_NOT_FOUND", {
      message: `The worker "${name}" starts ${program}, which is ${program.includes("/") ? "no program that can be run" : "not on PATH"}.`,
      details: { worker: name, program },
    });
  }
  return [found, ...args];
}

/** `90s`, `10m`, `1h`, `1500ms`; a bare number is seconds, as in timeout(1). @throws OKSTRA_USAGE */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match?.[2] ?? "s"] ?? 1000;
  const value = match === null ? Number.NaN : Math.round(Number(match[1]) * unit);
  if (!(value > 0) || value > 7 * 24 * 3_600_000)
    throw new OkstraError("OKSTRA_USAGE", { message: `"${text}" is no duration; say for example 90s, 10m or 1h.` });
  return value;
}
