import { DEFAULT_DISPOSABLE, DEFAULT_SYNC_DIRECTORIES, type HomeConfig, type Project } from "@okstra/core/domain/project";
import type { App } from "../app.ts";

type OfTrees = Pick<HomeConfig, "worktreeSyncDirs" | "disposable">;

/**
 * Directories of the main worktree that a new one gets as links: the environment beats project.json, which beats
 * config.json. Set but empty links nothing.
 * @throws OKSTRA_CONFIG_INVALID
 */
export async function loadSyncDirectories(app: App, project: Project): Promise<readonly string[]> {
  const fromEnvironment = app.surroundings.env["OKSTRA_WORKTREE_SYNC_DIRS"];
  if (fromEnvironment !== undefined) return fromEnvironment.split(":").filter((name) => name !== "");
  return configuredSyncDirectories(project, await app.projects.loadHomeConfig());
}

export function configuredSyncDirectories(project: OfTrees, home: OfTrees): readonly string[] {
  return project.worktreeSyncDirs ?? home.worktreeSyncDirs ?? DEFAULT_SYNC_DIRECTORIES;
}

/** Names of directories that a worktree may lose: what project.json says beats config.json. @throws OKSTRA_CONFIG_INVALID */
export async function loadDisposable(app: App, project: OfTrees | null): Promise<readonly string[]> {
  return project?.disposable ?? (await app.projects.loadHomeConfig()).disposable ?? DEFAULT_DISPOSABLE;
}
