import { listWorkers, type WorkerView } from "@okstra/app/workers/list-workers";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

const MAX_COMMAND = 200;

export async function run(context: CliContext, flags: { readonly projectRoot?: string }): Promise<void> {
  const app = await context.openApp();
  const list = await listWorkers(app, resolveDirectory(app, flags.projectRoot));
  const { state, reason } = list.sandbox;
  context.ui.answer(
    list,
    [
      ...list.workers.flatMap(describe),
      "",
      `models: ${list.models.join(", ")}`,
      `sandbox: ${state}${reason === null ? "" : ` (${reason})`}`,
    ].join("\n"),
  );
}

function describe(worker: WorkerView): string[] {
  const where = worker.configuredIn === null ? "known" : `configured in ${worker.configuredIn === "home" ? "config.json" : "project.json"}`;
  const kind = worker.preset === null || worker.preset === worker.kind ? worker.kind : `${worker.kind}, ${worker.preset}`;
  const head = `${worker.name}  (${kind}; ${where})`;
  // Agents that are known and not there are a line each, so that those that are there are seen.
  if (worker.configuredIn === null && worker.problem?.code === "OKSTRA_PREPARE_WORKER_NOT_FOUND")
    return [`${worker.name}  (${kind}) not on PATH. ${worker.problem.hint}`];
  if (worker.problem !== null) return [head, `  ${worker.problem.message} ${worker.problem.hint}`];
  if (worker.kind === "checks") return [head];
  const set = worker.env.filter(({ isSet }) => isSet).map(({ name }) => name);
  const unset = worker.env.filter(({ isSet }) => !isSet).map(({ name }) => name);
  return [
    head,
    `  program    ${worker.path ?? "not there"}${describeVersion(worker)}`,
    ...startLines(worker),
    `  model      ${worker.model ?? "its own choice"}; family ${describeFamily(worker)}; sandbox ${worker.sandbox}`,
    ...(worker.env.length === 0 ? [] : [`  may see    ${[...set.map((name) => `${name} (set)`), ...unset].join(", ")}`]),
  ];
}

/** An agent that cannot say its version may not be able to start at all; a program of one's own is not asked. */
function describeVersion({ preset, path, version }: WorkerView): string {
  if (version !== null) return `  (${version})`;
  return path === null || preset === null ? "" : "  (it did not say its version)";
}

/** What an agent counts as is known when its stream has said which model served. */
function describeFamily({ kind, family }: WorkerView): string {
  if (family === null) return "unknown";
  return kind === "command" ? family : `${family}, where its stream says that such a model served`;
}

function startLines({ start, modes }: WorkerView): string[] {
  if (start === null) return [];
  const inMode = (mode: string | null): string => (mode === null ? "" : `  (mode ${mode})`);
  const readOnly = `${shorten(start.readOnly)}${inMode(modes?.readOnly ?? null)}`;
  const edit = `${shorten(start.edit)}${inMode(modes?.edit ?? null)}`;
  return readOnly === edit ? [`  starts     ${readOnly}`] : [`  read-only  ${readOnly}`, `  edit       ${edit}`];
}

/** --json has all of it. */
function shorten(command: readonly string[]): string {
  const line = command.join(" ");
  return line.length > MAX_COMMAND ? `${line.slice(0, MAX_COMMAND)}…` : line;
}
