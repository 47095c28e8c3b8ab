import { listAgents, workerNameOf } from "@okstra/core/domain/agents";
import type { HomeConfig, Project, WorkerConfig } from "@okstra/core/domain/project";
import { OkstraError } from "@okstra/core/errors";

/** A worker that can be named in a roster. */
export interface KnownWorker {
  readonly name: string;
  readonly config: WorkerConfig;
  readonly origin: "project" | "home" | "built-in";
}

/** Every worker by name. The project's win over home's, and both over what is known without configuration. */
export function listKnownWorkers(project: Pick<Project, "workers">, home: Pick<HomeConfig, "workers">): ReadonlyMap<string, KnownWorker> {
  const known = new Map<string, KnownWorker>([["checks", { name: "checks", config: { kind: "checks" }, origin: "built-in" }]]);
  for (const agent of listAgents()) {
    const name = workerNameOf(agent);
    known.set(name, { name, config: { kind: agent.kind, preset: agent.name }, origin: "built-in" });
  }
  for (const [name, config] of Object.entries(home.workers ?? {})) known.set(name, { name, config, origin: "home" });
  for (const [name, config] of Object.entries(project.workers ?? {})) known.set(name, { name, config, origin: "project" });
  return known;
}

/** Names of those that somebody configured, sorted; `checks` has nothing to say where no code is judged. */
export function listConfigured(known: ReadonlyMap<string, KnownWorker>): readonly string[] {
  return [...known.values()]
    .filter(({ origin, config }) => origin !== "built-in" && config.kind !== "checks")
    .map(({ name }) => name)
    .sort();
}

/** @throws OKSTRA_PREPARE_WORKER_UNKNOWN */
export function requireWorker(known: ReadonlyMap<string, KnownWorker>, name: string): KnownWorker {
  const worker = known.get(name);
  if (worker !== undefined) return worker;
  const names = [...known.keys()].sort();
  throw new OkstraError("OKSTRA_PREPARE_WORKER_UNKNOWN", {
    message: `The worker "${name}" is neither built in nor configured; known: ${names.join(", ")}.`,
    details: { worker: name, known: names },
  });
}
