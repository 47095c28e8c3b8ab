import { findAgent } from "@okstra/core/domain/agents";
import type { WorkerConfig } from "@okstra/core/domain/project";
import { OkstraError } from "@okstra/core/errors";
import type { InteractiveSession, RunState } from "@okstra/core/machine/run-machine";
import type { CancelSignal } from "@okstra/core/ports";
import { allowedEnvironment, type App } from "../app.ts";
import { openProject } from "../project/open-project.ts";
import { requireTrustedTree } from "../project/trust.ts";
import type { PreparedRun } from "../run/begin-run.ts";
import { describeLaunch } from "../run/launch.ts";
import { loadRun, type RunRequest } from "../run/prepare-run.ts";
import { findTaskRun, goOnWithRun, requireGoing, runTask } from "../run/run-task.ts";
import { listKnownWorkers, requireWorker } from "../workers/known-workers.ts";
import { findProgram } from "../workers/resolve-worker.ts";
import { loadDue, type LeadAnswer, type LeadRequest } from "./lead-steps.ts";

/** Programs that a person talks with on a terminal, and how a session of theirs is begun and taken up again. */
interface Dialogue {
  /** Whether the program takes an id that we made, so that the session can be found again. */
  readonly takesId: boolean;
  begin(prompt: string, sessionId: string): readonly string[];
  takeUp(sessionId: string): readonly string[];
}

/** From the programs' own help; docs: agents. */
const DIALOGUES: Readonly<Record<string, Dialogue>> = {
  claude: {
    takesId: true,
    begin: (prompt, sessionId) => ["--session-id", sessionId, prompt],
    takeUp: (sessionId) => ["--resume", sessionId],
  },
  gemini: {
    takesId: true,
    begin: (prompt, sessionId) => ["--session-id", sessionId, "--prompt-interactive", prompt],
    takeUp: (sessionId) => ["--resume", sessionId],
  },
  codex: { takesId: false, begin: (prompt) => [prompt], takeUp: () => [] },
};

export const DEFAULT_INTERACTIVE_AGENT = "claude";

interface InteractiveAgent {
  readonly name: string;
  readonly dialogue: Dialogue;
  /** Absolute path of the program, and its own arguments. */
  readonly command: readonly [string, ...string[]];
  /** Names of the variables that it may see beside those that every worker sees. */
  readonly env: readonly string[];
}

/**
 * Prepares a run that an agent leads, and starts that agent on the person's terminal with the launch prompt. Answers what
 * is due when the program has ended.
 * @throws OKSTRA_USAGE, OKSTRA_PREPARE_WORKER_*, and all that preparing a run throws: before anything is made
 */
export async function runInteractively(
  app: App,
  request: RunRequest,
  options: { readonly agent: string; readonly signal: CancelSignal },
): Promise<LeadAnswer> {
  const agent = await requireInteractiveAgent(app, request.dir, options.agent);
  await runTask(app, { ...request, lead: "agent", interactive: true }, { prepareOnly: true, signal: options.signal });
  return holdSession(app, { task: request.task, dir: request.dir, taskType: request.taskType }, agent, options.signal);
}

/** Who leads a task's newest run, and the session of the agent that was started on a terminal for it, if one was. */
export async function loadLead(app: App, request: LeadRequest): Promise<Pick<RunState, "lead" | "session">> {
  const { runDir } = await findTaskRun(app, request);
  const { lead, session } = (await loadRun(app, runDir)).log.state;
  return { lead, session };
}

/** Starts the agent of a run's session again, in that session where it has one. @throws as {@link runInteractively} */
export async function resumeInteractively(
  app: App,
  request: LeadRequest,
  options: { readonly session: InteractiveSession; readonly signal: CancelSignal },
): Promise<LeadAnswer> {
  const agent = await requireInteractiveAgent(app, request.dir, options.session.agent);
  return holdSession(app, request, agent, options.signal);
}

/** The run's lock is free while the program runs: it leads by commands that take it. */
async function holdSession(app: App, request: LeadRequest, agent: InteractiveAgent, signal: CancelSignal): Promise<LeadAnswer> {
  const begun: { args: readonly string[]; worktree: string }[] = [];
  await goOnWithRun(app, request, signal, {
    what: "the start of an agent that leads",
    plan: async (run) => {
      begun.push(await recordSession(app, run, agent));
      return null;
    },
  });
  for (const { args, worktree } of begun) {
    app.emit({ type: "session-started", text: `${agent.name} leads; when it ends okstra looks what is due` });
    const status = await app.runInherited({ command: [...agent.command, ...args], cwd: worktree, env: environmentOf(app, agent) });
    if (status !== 0)
      app.emit({ type: "session-ended", level: "note", text: `${agent.name} ended with exit status ${status}`, data: { status } });
  }
  return loadDue(app, request);
}

/** What the program is started with, noted in the run before it is. */
async function recordSession(app: App, run: PreparedRun, agent: InteractiveAgent): Promise<{ args: readonly string[]; worktree: string }> {
  requireGoing(run);
  const { manifest, log, runDir } = run;
  const worktree = manifest.provision.path;
  // What a worker put there must not be obeyed unseen.
  await requireTrustedTree(app, worktree, manifest.project.root);
  const before = log.state.session;
  const known = before !== null && before.agent === agent.name && before.worktree === worktree ? before.sessionId : null;
  const sessionId = agent.dialogue.takesId ? (known ?? makeSessionId(app)) : null;
  await log.append({ type: "interactive-session", agent: agent.name, sessionId, worktree, isResumed: known !== null });
  const args = known === null ? agent.dialogue.begin(describeLaunch(manifest, runDir), sessionId ?? "") : agent.dialogue.takeUp(known);
  return { args, worktree };
}

/** A UUID, version 4. */
function makeSessionId({ ids }: Pick<App, "ids">): string {
  const hex = ids.randomHex(16);
  const variant = "89ab"[Number.parseInt(hex.slice(16, 17), 16) % 4] ?? "8";
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `${variant}${hex.slice(17, 20)}`, hex.slice(20, 32)].join("-");
}

/** What every worker sees, the agent's own variables, and what a terminal's program and okstra's commands in it need. */
function environmentOf(app: App, { env: names }: InteractiveAgent): Readonly<Record<string, string>> {
  const { env, home } = app.surroundings;
  const { NO_COLOR: _workers, ...allowed } = allowedEnvironment(env, ["TERM", ...names]);
  return {
    ...allowed,
    ...(env["NO_COLOR"] === undefined ? {} : { NO_COLOR: env["NO_COLOR"] }),
    // It may have been given relative to another directory.
    ...(env["OKSTRA_HOME"] === undefined ? {} : { OKSTRA_HOME: home }),
  };
}

/** @throws OKSTRA_USAGE, OKSTRA_PREPARE_WORKER_UNKNOWN, OKSTRA_PREPARE_WORKER_NOT_FOUND */
async function requireInteractiveAgent(app: App, dir: string, name: string): Promise<InteractiveAgent> {
  const { project, root } = await openProject(app, dir);
  const { config } = requireWorker(listKnownWorkers(project, await app.projects.loadHomeConfig()), name);
  const dialogue = Object.hasOwn(DIALOGUES, config.kind) ? DIALOGUES[config.kind] : undefined;
  if (dialogue === undefined)
    throw new OkstraError("OKSTRA_USAGE", {
      message: `The worker ${name} is of the kind ${config.kind}, which cannot lead on a terminal; ${Object.keys(DIALOGUES).join(", ")} can.`,
      details: { worker: name, kind: config.kind },
    });
  return { name, dialogue, ...(await requireProgram(app, root, name, config)) };
}

async function requireProgram(
  app: App,
  root: string,
  name: string,
  config: WorkerConfig,
): Promise<Pick<InteractiveAgent, "command" | "env">> {
  const preset = findAgent(config.kind, config.preset ?? config.command?.[0] ?? "");
  const [program, ...args] = config.command ?? preset?.command ?? [config.kind];
  const found = program === undefined ? null : await findProgram(app, root, program);
  if (found === null)
    throw new OkstraError("OKSTRA_PREPARE_WORKER_NOT_FOUND", {
      message: `The agent "${name}" is ${program ?? config.kind}, which is not on PATH.`,
      ...(preset === null ? {} : { hint: `Install it: ${preset.install}` }),
      details: { worker: name, program },
    });
  return { command: [found, ...args], env: [...new Set([...(preset?.env ?? []), ...(config.env ?? [])])] };
}
