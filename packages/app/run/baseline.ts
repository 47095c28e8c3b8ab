import type { LaneRequest } from "@okstra/core/ports";
import { allowedEnvironment, type App } from "../app.ts";
import { loadDisposable } from "../project/tree-settings.ts";
import { openCheckout } from "../scratch/open-scratch.ts";
import { loadRun } from "./prepare-run.ts";

const PREPARE_DEADLINE_MS = 15 * 60 * 1000;

/**
 * A throw-away checkout of the base commit in which checks can run, outside the person's repository. It gets the
 * project's `prepare` command, or, without one, copies of the installed dependencies of the tree that is judged.
 * @returns null when the commit cannot be checked out, as in a shallow clone
 */
export async function openBaseline(
  app: App,
  request: LaneRequest,
  commit: string,
): Promise<{ path: string; close(): Promise<void> } | null> {
  const { manifest } = await loadRun(app, request.laneDir.split("/").slice(0, -2).join("/"));
  const location = await app.git.locate(request.worktree);
  if (location === null) return null;
  try {
    const safe = await app.git.safeConfig(location);
    const project = await app.projects.loadProject(manifest.project.root);
    const own = project?.prepare;
    const checkout = await openCheckout(app, {
      name: manifest.runId,
      repository: location.commonDir,
      commit,
      safe,
      installed: own === undefined ? { tree: request.worktree, names: await loadDisposable(app, project) } : null,
    });
    if (own !== undefined) await prepare(app, request, own, checkout.path);
    return checkout;
  } catch (error) {
    app.emit({
      type: "baseline-unavailable",
      level: "note",
      text: `the base ${commit.slice(0, 12)} could not be checked out to compare with: ${error instanceof Error ? error.message : String(error)}`,
    });
    return null;
  }
}

async function prepare(app: App, request: LaneRequest, command: string, path: string): Promise<void> {
  await app.processes.run({
    command: ["sh", "-c", command],
    cwd: path,
    env: allowedEnvironment(app.surroundings.env, []),
    deadlineMs: Math.min(PREPARE_DEADLINE_MS, request.deadlineMs),
    runId: request.runId,
    transcriptPath: null,
    captureBytes: 64 * 1024,
    redact: request.redact,
    signal: request.signal,
  });
}

/** Failure keys of a command at a commit, in `OKSTRA_HOME/cache/baseline/`; a damaged entry is no entry. */
export function baselineCache(app: App): {
  load(key: string): Promise<readonly string[] | null>;
  save(key: string, failureKeys: readonly string[]): Promise<void>;
} {
  const directory = `${app.surroundings.home}/cache/baseline`;
  return {
    async load(key) {
      const text = await app.store.readText(`${directory}/${key}.json`);
      try {
        const data: unknown = text === null ? null : JSON.parse(text);
        return Array.isArray(data) && data.every((each) => typeof each === "string") ? data : null;
      } catch {
        return null;
      }
    },
    async save(key, failureKeys) {
      await app.store.ensureDirectory(directory);
      await app.store.writeText(`${directory}/${key}.json`, `${JSON.stringify(failureKeys)}\n`);
    },
  };
}
