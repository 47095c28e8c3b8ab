import type { Project } from "@okstra/core/domain/project";
import { slugSegment } from "@okstra/core/domain/task-key";
import { OkstraError } from "@okstra/core/errors";
import type { RepositoryLocation } from "@okstra/core/git-port";
import type { App } from "../app.ts";

/** The project that a directory belongs to. Without git the directory itself is the root. */
export interface OpenProject {
  /** Main worktree, or the directory itself without git; `.project-docs` is here. */
  readonly root: string;
  readonly location: RepositoryLocation | null;
  readonly project: Project;
  /** False where nobody ran `okstra setup`. */
  readonly setUp: boolean;
}

/**
 * Finds the project of a directory. A directory without git needs no setup: its project is named after it.
 * @param allowNew a repository without setup is answered with a project named after its directory
 * @throws OKSTRA_DIRECTORY_NOT_FOUND, OKSTRA_REPOSITORY_BARE, OKSTRA_PROJECT_NOT_SET_UP, OKSTRA_PROJECT_INVALID
 */
export async function openProject(app: App, dir: string, options: { allowNew?: boolean } = {}): Promise<OpenProject> {
  if (!(await app.store.exists(dir)))
    throw new OkstraError("OKSTRA_DIRECTORY_NOT_FOUND", { message: `${dir} does not exist.`, details: { path: dir } });
  const location = await app.git.locate(dir);
  const root = location === null ? dir : (location.mainRoot ?? location.topLevel);
  const project = await app.projects.loadProject(root);
  if (project !== null) return { root, location, project, setUp: true };
  if (location === null || options.allowNew === true)
    return { root, location, project: { schema: 1, projectId: suggestProjectId(app, root) }, setUp: false };
  throw new OkstraError("OKSTRA_PROJECT_NOT_SET_UP", { message: `${root} has no okstra setup.`, details: { root } });
}

/** The directory's name as a slug. */
export function suggestProjectId(app: App, root: string): string {
  return slugSegment(root.split(/[\\/]/).findLast((part) => part !== "") ?? "", app.sha256);
}
