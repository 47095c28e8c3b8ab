import type { App } from "@okstra/app/app";
import { createDashboardAnswers } from "@okstra/app/dashboard/answers";
import { openWithSystem } from "@okstra/app/open/open-with-system";
import { OkstraError } from "@okstra/core/errors";
import { startDashboard } from "@okstra/server/start-dashboard";
import { loadWebFiles } from "@okstra/server/web-files";
import type { CliContext } from "../../command.ts";
import { SIGNAL_EXIT_CODES } from "../../exit-codes.ts";

/** So many problems are told; one that comes with each request fills no terminal. */
const MOST_PROBLEMS = 20;
const MAX_PROBLEM = 300;

interface Flags {
  readonly port?: string;
  readonly open: boolean;
  readonly json: boolean;
}

export async function run(context: CliContext, flags: Flags): Promise<number | void> {
  const port = readPort(flags.port);
  const app = await context.openApp();
  const { runtime, processId } = app.surroundings;
  let problems = 0;
  const server = await startDashboard({
    answers: createDashboardAnswers(app),
    files: await loadWebFiles(app.store, `${runtime}/dist/web`),
    port,
    onProblem: (thrown) => {
      problems += 1;
      const text = (thrown instanceof Error ? thrown.message : String(thrown)).slice(0, MAX_PROBLEM);
      if (problems <= MOST_PROBLEMS) app.emit({ type: "dashboard-problem", level: "warning", text });
    },
  });
  try {
    if (context.ui.json) context.ui.documentLine({ url: server.url, port: server.port, pid: processId });
    else context.ui.raw(server.url);
    app.emit({ type: "dashboard-open", level: "note", text: "this address opens the dashboard once; Ctrl-C ends it" });
    const status = flags.open && !flags.json ? await openBrowser(context, app, server.url) : 0;
    if (status !== 0) return status;
    await fired(context.interrupted);
  } finally {
    await server.close();
  }
}

/** Answers 0, or the status to end with: while the opener ran, a signal went to it and was not okstra's. */
async function openBrowser(context: CliContext, app: App, url: string): Promise<number> {
  const tell = (reason: string): void => app.emit({ type: "dashboard-not-opened", level: "note", text: `not opened: ${reason}` });
  if (context.streams.terminal === null) {
    tell("there is no terminal");
    return 0;
  }
  const { status, reason } = await openWithSystem(app, url, await listRoots(context, app));
  if (status !== null && Object.values<number>(SIGNAL_EXIT_CODES).includes(status)) return status;
  if (reason !== null) tell(reason);
  return 0;
}

/** Main worktrees and worktrees of every project that okstra knows here. */
async function listRoots(context: CliContext, app: App): Promise<readonly string[]> {
  const { registry } = await app.registry.peek();
  const here = (await context.openIndex()).findProject(undefined);
  return [
    ...app.journals.list().map(({ root }) => root),
    ...Object.values(registry.tasks).flatMap((row) => [row.worktree_path, row.repository.replace(/\/\.git$/, "")]),
    ...(here === null ? [] : [here.root]),
  ];
}

function fired(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function readPort(text: string | undefined): number {
  if (text === undefined) return 0;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new OkstraError("OKSTRA_USAGE", { message: `--port ${text.slice(0, 20)} is no port; say 0 to 65535.` });
}
