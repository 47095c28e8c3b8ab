import { budgetSchema, UNKNOWN_FAMILY, type Budget, type SandboxSetting } from "@okstra/core/domain/agent-use";
import { modelTable } from "@okstra/core/domain/models";
import { DEFAULT_DEADLINE_MS, type HomeConfig, type Project, type QaCommand } from "@okstra/core/domain/project";
import type { WorkerSettings } from "@okstra/core/ports";
import type { Phase } from "@okstra/core/phases/phase";
import { OkstraError } from "@okstra/core/errors";
import { WRITER_LANE } from "@okstra/core/machine/run-machine";
import type { App } from "../app.ts";
import { listConfigured, listKnownWorkers, requireWorker } from "../workers/known-workers.ts";
import { resolveWorker } from "../workers/resolve-worker.ts";
import { CHAT_KIND, DEFAULT_CHAT } from "./lead-parts.ts";

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
  /** `agent`: a chat agent leads. */
  readonly lead?: "code" | "agent";
  /** Workers that the leading agent performs itself, over configured ones of the same name. Only with `lead: "agent"`. */
  readonly chat?: readonly ChatWorker[];
}

export interface ChatWorker {
  readonly name: string;
  /** Vendor of the model that the agent uses for it; null: not said, so that its lanes agree with nobody. */
  readonly family: string | null;
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
  const chat = listChat(flags, known);
  const named = flags.workers ?? withChat(project.roster?.[phase.type] ?? home.roster?.[phase.type] ?? byDefault, flags);
  const canEdit = (name: string): boolean => chat.has(name) || known.get(name)?.config.kind !== "checks";
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
    const own = chat.get(name);
    if (own !== undefined) return chatSettings(own, deadlineMs);
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
  const reportWriter = writer === null ? null : await resolve(writer);
  const sandbox = flags.sandbox ?? project.sandbox ?? home.sandbox ?? null;
  if (sandbox === "require") requireNoChat([...roster, ...(reportWriter === null ? [] : [reportWriter])]);
  return {
    lang: flags.lang ?? project.lang ?? home.lang ?? "en",
    roster,
    qaCommands: project.qaCommands ?? null,
    disposable: project.disposable ?? home.disposable ?? null,
    executor,
    reportWriter,
    sandbox,
    budget: resolveBudget(project, home, flags),
  };
}

/** The workers that the leading agent performs itself, by name; without a word about them there is one to be named. */
function listChat({ lead, chat = [] }: SettingsFlags, known: ReadonlyMap<string, unknown>): ReadonlyMap<string, ChatWorker> {
  if (lead !== "agent") return new Map();
  const spare = known.has(DEFAULT_CHAT) ? [] : [{ name: DEFAULT_CHAT, family: null }];
  return new Map([...spare, ...chat].map((each) => [each.name, each]));
}

/** The agent's own workers join the others; where there are none, it is the worker. */
function withChat(names: readonly string[], { lead, chat = [] }: SettingsFlags): readonly string[] {
  if (lead !== "agent") return names;
  const joined = [...new Set([...names, ...chat.map(({ name }) => name)])];
  return joined.length === 0 ? [DEFAULT_CHAT] : joined;
}

/** No process of okstra's runs it, so there is nothing to put into a sandbox or to hold to a budget. */
function chatSettings({ name, family }: ChatWorker, deadlineMs: number): WorkerSettings {
  return {
    name,
    kind: CHAT_KIND,
    preset: null,
    command: [],
    family: family ?? UNKNOWN_FAMILY,
    model: null,
    env: [],
    deadlineMs,
    budget: null,
    sandbox: "off",
  };
}

/** @throws OKSTRA_PREPARE_SANDBOX_UNAVAILABLE */
function requireNoChat(workers: readonly WorkerSettings[]): void {
  const names = workers.filter(({ kind }) => kind === CHAT_KIND).map(({ name }) => name);
  if (names.length === 0) return;
  throw new OkstraError("OKSTRA_PREPARE_SANDBOX_UNAVAILABLE", {
    message: `A sandbox is required, and ${names.join(", ")} ${names.length === 1 ? "is" : "are"} performed by the agent that leads, in none of okstra's.`,
    hint: "Leave them out with --workers, or say --sandbox auto.",
    details: { workers: names },
  });
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
