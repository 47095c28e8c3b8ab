import { UNKNOWN_FAMILY, type Budget } from "@okstra/core/domain/agent-use";
import { findAgent, listAgents, type AgentPreset } from "@okstra/core/domain/agents";
import { knownModelNames, resolveModel, type ModelTable } from "@okstra/core/domain/models";
import type { WorkerConfig } from "@okstra/core/domain/project";
import { isAgentKind } from "@okstra/core/domain/served-model";
import { OkstraError } from "@okstra/core/errors";
import type { WorkerSettings } from "@okstra/core/ports";
import type { App } from "../app.ts";
import type { KnownWorker } from "./known-workers.ts";

/** An agent that gives no sign of life for 10 minutes is stuck; one that prints 256 MiB says nothing any more. */
const AGENT_BUDGET: Budget = { idleMs: 10 * 60 * 1000, outputBytes: 256 * 1024 * 1024 };

export interface ResolveOptions {
  /** Main worktree: a program that is given as a relative path is looked up below it. */
  readonly root: string;
  readonly models: ModelTable;
  /** Wall time of a lane in milliseconds where the worker's own configuration does not say. */
  readonly deadlineMs: number;
}

/**
 * What a worker is started with.
 * @throws OKSTRA_PREPARE_WORKER_UNKNOWN for a kind or preset that is not known, OKSTRA_PREPARE_MODEL_UNKNOWN,
 *   OKSTRA_PREPARE_WORKER_NOT_FOUND when its program is not on PATH
 */
export async function resolveWorker(app: App, { name, config }: KnownWorker, options: ResolveOptions): Promise<WorkerSettings> {
  if (!app.workers.has(config.kind)) {
    throw new OkstraError("OKSTRA_PREPARE_WORKER_UNKNOWN", {
      message: `The worker "${name}" has the kind ${config.kind}, which this version cannot start; it can: ${[...app.workers.keys()].join(", ")}.`,
      details: { worker: name, kind: config.kind },
    });
  }
  const agent = requireAgent(name, config);
  const isAgent = isAgentKind(config.kind);
  const model = isAgent ? requireModel(name, config, options.models) : { id: config.model ?? null, family: null };
  const byKind = isAgent ? UNKNOWN_FAMILY : name;
  return {
    name,
    kind: config.kind,
    preset: agent?.name ?? null,
    command: await requireCommand(app, options.root, name, config, agent),
    family: config.family ?? model.family ?? agent?.family ?? byKind,
    model: model.id,
    env: [...new Set([...(agent?.env ?? []), ...(config.env ?? [])])],
    deadlineMs: config.deadlineMs !== undefined && config.deadlineMs > 0 ? config.deadlineMs : options.deadlineMs,
    budget: isAgent ? { ...AGENT_BUDGET, ...config.budget } : (config.budget ?? null),
    sandbox: config.sandbox ?? null,
  };
}

/** The row of the table of agents that a configuration is of; null for a worker that is of none. @throws OKSTRA_PREPARE_WORKER_UNKNOWN */
export function requireAgent(name: string, { kind, preset, command }: WorkerConfig): AgentPreset | null {
  if (!isAgentKind(kind)) return null;
  const agent = findAgent(kind, preset ?? command?.[0] ?? "");
  if (preset !== undefined && agent?.name !== preset) {
    const known = listAgents()
      .filter((each) => each.kind === kind)
      .map((each) => each.name);
    throw new OkstraError("OKSTRA_PREPARE_WORKER_UNKNOWN", {
      message: `The worker "${name}" has the preset "${preset}", which is not known for the kind ${kind}; known: ${known.join(", ")}.`,
      hint: `Use one of those, or give the worker a command: workers.${name}.command`,
      details: { worker: name, kind, preset, known },
    });
  }
  return agent;
}

/** @throws OKSTRA_PREPARE_MODEL_UNKNOWN */
export function requireModel(
  name: string,
  config: Pick<WorkerConfig, "model">,
  models: ModelTable,
): { readonly id: string | null; readonly family: string | null } {
  if (config.model === undefined) return { id: null, family: null };
  const model = resolveModel(config.model, models);
  if (model !== null) return model;
  const known = knownModelNames(models);
  throw new OkstraError("OKSTRA_PREPARE_MODEL_UNKNOWN", {
    message: `The worker "${name}" has the model "${config.model}", which is not known; known: ${known.join(", ")}.`,
    details: { worker: name, model: config.model, known },
  });
}

/** A program given as a path is looked up below the project's root: what a task changes in its tree is not what runs. */
async function requireCommand(
  app: App,
  root: string,
  name: string,
  config: WorkerConfig,
  agent: AgentPreset | null,
): Promise<readonly string[]> {
  const command = config.command ?? agent?.command ?? [];
  if (config.kind === "checks") return command;
  const [program, ...args] = command;
  if (program === undefined)
    throw new OkstraError("OKSTRA_PREPARE_WORKER_UNKNOWN", {
      message: `The worker "${name}" has no command${config.kind === "acp" ? " and no preset" : ""}.`,
      hint:
        config.kind === "acp"
          ? `Give it a preset or a command: okstra workers list; workers.${name}.preset in project.json`
          : `Give it one: workers.${name}.command in project.json`,
      details: { worker: name },
    });
  const found = await findProgram(app, root, program);
  if (found === null) {
    throw new OkstraError("OKSTRA_PREPARE_WORKER_NOT_FOUND", {
      message: `The worker "${name}" starts ${program}, which is ${program.includes("/") ? "no program that can be run" : "not on PATH"}.`,
      ...(agent === null || agent.command[0] !== program ? {} : { hint: `Install it: ${agent.install}` }),
      details: { worker: name, program },
    });
  }
  return [found, ...args];
}

/** Absolute path of a worker's program, or null. */
export function findProgram(app: App, root: string, program: string): Promise<string | null> {
  const wanted = program.includes("/") && !program.startsWith("/") ? `${root}/${program}` : program;
  return app.processes.findProgram(wanted, app.surroundings.env["PATH"] ?? "");
}
