import { budgetSchema, type Budget, type SandboxSetting } from "@okstra/core/domain/agent-use";
import { modelTable } from "@okstra/core/domain/models";
import { DEFAULT_DEADLINE_MS, type HomeConfig, type Project, type QaCommand } from "@okstra/core/domain/project";
import type { WorkerSettings } from "@okstra/core/ports";
import type { Phase } from "@okstra/core/phases/phase";
import { OkstraError } from "@okstra/core/errors";
import { WRITER_LANE } from "@okstra/core/machine/run-machine";
import type { App } from "../app.ts";
import { listConfigured, listKnownWorkers, requireWorker } from "../workers/known-workers.ts";
import { resolveWorker } from "../workers/resolve-worker.ts";

/** What a run works with after flags, project and home were laid over each other. */
export interface RunSettings {
  readonly lang: "en" | "ko";
  readonly roster: readonly WorkerSettings[];
  readonly qaCommands: readonly QaCommand[] | null;
  readonly disposable: readonly string[] | null;
  /** Name of the worker that edits; null in a phase without one. It is in the roster. */
  readonly executor: string | null;
  readonly reportWriter: WorkerSettings | null;
  /** Null: not set, which is auto for agents and off for command workers. */
  readonly sandbox: SandboxSetting | null;
  /** Limits of the whole run; null has none. */
  readonly budget: Budget | null;
}

export interface SettingsFlags {
  readonly workers: readonly string[] | null;
  readonly executor?: string | null;
  readonly deadlineMs: number | null;
  readonly lang: "en" | "ko" | null;
  /** For every worker of the run, over what is configured for it. */
  readonly sandbox?: SandboxSetting | null;
  /** Limits of the run. `maxCost` as in the budget's `cost`: "2.50" or "2.50 EUR". */
  readonly maxCost?: string | null;
  readonly maxTokens?: number | null;
}

/**
 * Flags override the project, the project overrides home.
 * @throws OKSTRA_PREPARE_WORKER_*, OKSTRA_PREPARE_MODEL_UNKNOWN, OKSTRA_PREPARE_NO_WORKERS, OKSTRA_USAGE for a flag
 */
export async function resolveSettings(
  app: App,
  root: string,
  project: Project,
  home: HomeConfig,
  phase: Phase,
  flags: SettingsFlags,
): Promise<RunSettings> {
  const known = listKnownWorkers(project, home);
  const configured = listConfigured(known);
  const byDefault = phase.defaultRoster === "configured" ? configured : phase.defaultRoster;
  const named = flags.workers ?? project.roster?.[phase.type] ?? home.roster?.[phase.type] ?? byDefault;
  const canEdit = (name: string): boolean => known.get(name)?.config.kind !== "checks";
  const executor =
    phase.executorProfile === null
      ? null
      : (flags.executor ?? project.executor ?? home.executor ?? [...named, ...configured].find(canEdit) ?? null);
  if (executor !== null && !canEdit(executor))
    throw new OkstraError("OKSTRA_PREPARE_NO_WORKERS", { message: `The worker ${executor} runs checks; it cannot edit.` });
  const names = executor === null || named.includes(executor) ? named : [executor, ...named];
  if (names.length === 0 || (phase.executorProfile !== null && executor === null))
    throw new OkstraError("OKSTRA_PREPARE_NO_WORKERS", {
      message: `No worker is named for ${phase.type}${names.length > 0 ? " that can edit" : ""}.`,
      details: { taskType: phase.type, configured: ["checks", ...configured].sort() },
    });
  if (names.includes(WRITER_LANE))
    throw new OkstraError("OKSTRA_PREPARE_WORKER_UNKNOWN", {
      message: `No worker of a roster can be called ${WRITER_LANE}: the role of that name has its place.`,
      hint: "Give the worker another name.",
    });
  const deadlineMs = flags.deadlineMs ?? project.deadlineMs ?? home.deadlineMs ?? DEFAULT_DEADLINE_MS;
  const models = modelTable(home, project);
  const resolve = async (name: string): Promise<WorkerSettings> => {
    const settings = await resolveWorker(app, requireWorker(known, name), { root, models, deadlineMs });
    return {
      ...settings,
      ...(flags.deadlineMs === null ? {} : { deadlineMs }),
      // What the person says for this run counts for every worker of it.
      ...((flags.sandbox ?? null) === null ? {} : { sandbox: null }),
    };
  };
  const roster: WorkerSettings[] = [];
  for (const name of new Set(names)) roster.push(await resolve(name));
  const writer = project.reportWriter ?? home.reportWriter ?? null;
  return {
    lang: flags.lang ?? project.lang ?? home.lang ?? "en",
    roster,
    qaCommands: project.qaCommands ?? null,
    disposable: project.disposable ?? home.disposable ?? null,
    executor,
    reportWriter: writer === null ? null : await resolve(writer),
    sandbox: flags.sandbox ?? project.sandbox ?? home.sandbox ?? null,
    budget: resolveBudget(project, home, flags),
  };
}

/** Member by member: a flag's limit over the project's, and that over home's. */
function resolveBudget(project: Project, home: HomeConfig, { maxCost = null, maxTokens = null }: SettingsFlags): Budget | null {
  const budget = {
    ...home.budget,
    ...project.budget,
    ...(maxCost === null ? {} : { cost: maxCost }),
    ...(maxTokens === null ? {} : { tokens: maxTokens }),
  };
  const parsed = budgetSchema.safeParse(budget);
  if (!parsed.success) {
    const flag = parsed.error.issues[0]?.path[0] === "cost" ? `--max-cost ${maxCost}` : `--max-tokens ${maxTokens}`;
    throw new OkstraError("OKSTRA_USAGE", { message: `${flag} is no limit; say for example --max-cost 2.50 or --max-tokens 200000.` });
  }
  return Object.keys(budget).length === 0 ? null : parsed.data;
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
