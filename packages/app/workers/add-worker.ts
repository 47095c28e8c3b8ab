import { modelTable } from "@okstra/core/domain/models";
import { workerConfigSchema, type WorkerConfig } from "@okstra/core/domain/project";
import { OkstraError } from "@okstra/core/errors";
import type { App } from "../app.ts";
import { setConfig } from "../project/config.ts";
import { openProject } from "../project/open-project.ts";
import { findProgram, requireAgent, requireModel } from "./resolve-worker.ts";

export interface AddRequest {
  readonly dir: string;
  readonly name: string;
  readonly kind: string;
  readonly preset: string | null;
  readonly command: readonly string[] | null;
  readonly model: string | null;
  readonly family: string | null;
  readonly where: "project" | "home";
  readonly replace: boolean;
}

export interface AddAnswer {
  readonly name: string;
  readonly worker: WorkerConfig;
  /** File that it was written to. */
  readonly path: string;
  /** Absolute path of its program; null: it is not there yet. */
  readonly program: string | null;
  /** How to get the program; null when it is there, or nobody knows. */
  readonly install: string | null;
}

/**
 * Writes a worker into project.json or OKSTRA_HOME/config.json. Whether its program is there is said, not asked for.
 * @throws OKSTRA_WORKER_EXISTS, OKSTRA_USAGE, OKSTRA_PREPARE_WORKER_UNKNOWN, OKSTRA_PREPARE_MODEL_UNKNOWN
 */
export async function addWorker(app: App, request: AddRequest): Promise<AddAnswer> {
  const { dir, name, where } = request;
  const { root, project } = await openProject(app, dir, { allowNew: true });
  const home = await app.projects.loadHomeConfig();
  if (!/^[a-z0-9][a-z0-9_-]{0,63}$/.test(name))
    throw new OkstraError("OKSTRA_USAGE", { message: `"${name}" is no name of a worker; use a-z, 0-9, _ and -, at most 64.` });
  const parsed = workerConfigSchema.safeParse({
    kind: request.kind,
    ...(request.preset === null ? {} : { preset: request.preset }),
    ...(request.command === null ? {} : { command: request.command }),
    ...(request.model === null ? {} : { model: request.model }),
    ...(request.family === null ? {} : { family: request.family }),
  });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new OkstraError("OKSTRA_USAGE", { message: `${issue?.path.join(".") ?? "The worker"}: ${issue?.message ?? "it is not valid"}.` });
  }
  const worker = parsed.data;
  const agent = requireAgent(name, worker);
  if (agent !== null) requireModel(name, worker, modelTable(home, project));
  const command = worker.command ?? agent?.command;
  if (command === undefined && worker.kind !== "checks")
    throw new OkstraError("OKSTRA_USAGE", {
      message: `A worker of the kind ${worker.kind} needs a command${worker.kind === "acp" ? " or a preset" : ""}.`,
      hint: `okstra workers add ${name} --kind ${worker.kind} -- PROGRAM ARGS`,
    });
  if (!request.replace && Object.hasOwn((where === "home" ? home : project).workers ?? {}, name))
    throw new OkstraError("OKSTRA_WORKER_EXISTS", {
      message: `The worker "${name}" is configured already in ${where === "home" ? "config.json" : "project.json"}.`,
      details: { worker: name, where },
    });
  const { path } = await setConfig(app, dir, `workers.${name}`, JSON.stringify(worker), where);
  const program = command?.[0] === undefined || worker.kind === "checks" ? null : await findProgram(app, root, command[0]);
  const install = program === null && worker.command === undefined ? (agent?.install ?? null) : null;
  return { name, worker, path, program, install };
}
