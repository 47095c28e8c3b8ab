import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { App } from "@okstra/app/app";
import type { Worker } from "@okstra/core/ports";
import { randomIds, sha256, systemClock } from "@okstra/node/clock";
import { createProjectFiles } from "@okstra/node/config/project-files";
import { createGitProcess } from "@okstra/node/exec/git-process";
import { createCallOutside } from "@okstra/node/exec/outside-call";
import { createProcesses } from "@okstra/node/exec/processes";
import { runInherited } from "@okstra/node/exec/run-inherited";
import { startDetached } from "@okstra/node/exec/start-detached";
import type { SandboxProbe } from "@okstra/node/exec/sandbox-tool";
import { createGit } from "@okstra/node/git/git";
import { createJournals } from "@okstra/node/index/journals";
import { createWatchIndex } from "@okstra/node/index/watch-index";
import { createInstallFiles } from "@okstra/node/install/install-files";
import { createLocks } from "@okstra/node/lock/locks";
import { createReadOlderRecords } from "@okstra/node/migrate/older-records";
import { createRegistryStore } from "@okstra/node/store/registry-store";
import { createSealer } from "@okstra/node/store/seal-key";
import { createScanSecrets } from "@okstra/node/secrets/scan-secrets";
import { createStore } from "@okstra/node/store/store";
import { createTrustStore } from "@okstra/node/store/trust-store";
import { readTreeFile, removeTreeFile } from "@okstra/node/worktree/tree-file";
import { createWorktreeFiles, findHome } from "@okstra/node/worktree/worktree-files";
import packageJson from "../../package.json" with { type: "json" };

export interface AppOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly emit: App["emit"];
  /** The directory of this okstra: where its `bin/` and `assets/` are. A bundled module cannot tell it from its own place. */
  readonly runtime: string;
  /** How this okstra is started again; absent: by the launcher of the installed one. */
  readonly launcher?: readonly [string, ...string[]] | undefined;
  /** Answers for the system what workers' sandboxes are made of; absent: the system is asked. */
  readonly fetchSandbox?: SandboxProbe | undefined;
}

/** Wires the real parts together: the only place that knows them all. */
export async function createApp({ env, cwd, emit, runtime, launcher, fetchSandbox }: AppOptions): Promise<App> {
  const store = createStore();
  const home = await findHome(resolve(cwd, env["OKSTRA_HOME"] ?? join(env["HOME"] ?? homedir(), ".okstra")));
  const locks = createLocks(home, store);
  const trust = createTrustStore(home, { store, locks });
  const processes = createProcesses({ clock: systemClock, fetchSandbox });
  const workers = new Map<string, Worker>();
  const app: App = {
    surroundings: {
      cwd,
      home,
      version: packageJson.version,
      runtime,
      launcher: launcher ?? [process.execPath, join(runtime, "bin", "okstra.js")],
      assets: join(runtime, "assets"),
      env,
      platform: process.platform,
      nodeVersion: process.versions.node,
      processId: process.pid,
    },
    clock: systemClock,
    ids: randomIds,
    sha256,
    sealer: createSealer(home, { store }),
    store,
    locks,
    registry: createRegistryStore(home, { store, locks, clock: systemClock, ids: randomIds }),
    journals: createJournals(home),
    watchIndex: createWatchIndex(home),
    git: createGit({ process: createGitProcess(), trust }),
    files: createWorktreeFiles(home, store),
    installFiles: createInstallFiles(store),
    readTreeFile,
    projects: createProjectFiles(home, store),
    trust,
    loadPriceTable: async () => (await import("../../assets/prices.json", { with: { type: "json" } })).default,
    processes,
    runInherited,
    startDetached,
    readOlderRecords: createReadOlderRecords(store),
    callOutside: createCallOutside({ env }),
    scanSecrets: createScanSecrets(),
    workers,
    startFakeModel: async () => (await import("@okstra/node/fake-model/fake-model")).startFakeModel(),
    emit,
  };
  // Loaded when a run starts one: most commands start none.
  workers.set("command", {
    kind: "command",
    run: async (request) => (await import("@okstra/workers/command")).createCommandWorker({ processes, store }).run(request),
  });
  for (const kind of ["acp", "claude", "codex", "gemini"] as const)
    workers.set(kind, {
      kind,
      run: async (request) => (await createAgent(kind, { processes, clock: systemClock })).run(request),
      planCommand: async (worker, mode) =>
        (await (await createAgent(kind, { processes, clock: systemClock })).planCommand?.(worker, mode)) ?? worker.command,
    });
  workers.set("checks", {
    kind: "checks",
    run: async (request) => (await createChecks(app)).run(request),
    findCommands: async (directory) => (await (await createChecks(app)).findCommands?.(directory)) ?? [],
    suggestCommands: async (directory) => (await (await createChecks(app)).suggestCommands?.(directory)) ?? [],
  });
  return app;
}

/** Agents' adapters bring their protocol's library along, so each is loaded by itself. */
async function createAgent(kind: "acp" | "claude" | "codex" | "gemini", parts: Pick<App, "processes" | "clock">): Promise<Worker> {
  const { createAgentWorker } = await import("@okstra/workers/agents/agent-worker");
  switch (kind) {
    case "acp":
      return createAgentWorker((await import("@okstra/workers/acp")).createAcpDriver(parts), parts);
    case "claude":
      return createAgentWorker((await import("@okstra/workers/claude")).createClaudeDriver(parts), parts);
    case "codex":
      return createAgentWorker((await import("@okstra/workers/codex")).createCodexDriver(parts), parts);
    case "gemini":
      return createAgentWorker((await import("@okstra/workers/gemini")).createGeminiDriver(parts), parts);
  }
}

async function createChecks(app: App): Promise<Worker> {
  const [{ createChecksWorker }, { baselineCache, openBaseline }] = await Promise.all([
    import("@okstra/workers/checks"),
    import("@okstra/app/run/baseline"),
  ]);
  return createChecksWorker({
    processes: app.processes,
    clock: app.clock,
    sha256: app.sha256,
    readText: (root, relative) => readTreeFile(root, relative),
    removeFile: (root, relative) => removeTreeFile(root, relative),
    openBaseline: (request, commit) => openBaseline(app, request, commit),
    cache: baselineCache(app),
  });
}
