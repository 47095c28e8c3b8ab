import type { RegistryRow } from "@okstra/core/domain/registry";
import { OkstraError } from "@okstra/core/errors";
import type { TreeState } from "@okstra/core/git-port";
import type { App } from "../app.ts";
import { requireTask } from "./list-tasks.ts";

/**
 * A task's whole worktree, looked at by reading files only.
 * @throws OKSTRA_WORKTREE_MISSING, OKSTRA_REPOSITORY_TAMPERED, OKSTRA_PATH_NOT_MOUNTED
 */
export async function requirePresentTree(app: App, taskKey: string, row: RegistryRow): Promise<TreeState & { kind: "worktree" }> {
  const name = taskKey.slice(taskKey.indexOf("/") + 1);
  const tree = await app.files.inspect(row.worktree_path);
  if (tree.kind === "parent-absent")
    throw new OkstraError("OKSTRA_PATH_NOT_MOUNTED", {
      message: `The directory above ${row.worktree_path} is gone; is a disk not mounted?`,
      hint: "Mount it; or, if it was deleted: okstra worktree repair",
      details: { path: row.worktree_path },
    });
  if (tree.kind === "absent" || row.status === "provisioning" || row.pending !== undefined) {
    throw new OkstraError("OKSTRA_WORKTREE_MISSING", {
      message: `${row.worktree_path} is not there as a whole worktree.`,
      hint: `Make it whole: okstra worktree provision ${name}`,
      details: { taskKey, path: row.worktree_path },
    });
  }
  if (tree.kind === "foreign" || tree.repository !== row.repository) {
    const reason = tree.kind === "foreign" ? tree.reason : `its .git leads to ${tree.repository}`;
    throw new OkstraError("OKSTRA_REPOSITORY_TAMPERED", {
      message: `${row.worktree_path} is not the worktree that okstra made: ${reason}.`,
      details: { path: row.worktree_path, reason },
    });
  }
  return tree;
}

/** Where a task works. @throws OKSTRA_TASK_NOT_FOUND and what {@link requirePresentTree} throws */
export async function findTaskPath(app: App, name: string, dir: string): Promise<string> {
  const { taskKey, row } = await requireTask(app, name, dir);
  await requirePresentTree(app, taskKey, row);
  return row.worktree_path;
}

/**
 * Runs a command in a task's worktree with the person's own environment and terminal; answers its exit status.
 * What names another repository to git (as inside a git hook) is left out.
 */
export async function runInTask(
  app: App,
  request: { task: string; dir: string; command: readonly [string, ...string[]] },
): Promise<number> {
  const path = await findTaskPath(app, request.task, request.dir);
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(app.surroundings.env))
    if (value !== undefined && !REPOSITORY_VARIABLES.has(name)) env[name] = value;
  return app.runInherited({ command: request.command, cwd: path, env: { ...env, PWD: path } });
}

/** `git rev-parse --local-env-vars`, without what only carries configuration. */
const REPOSITORY_VARIABLES = new Set([
  "GIT_ALTERNATE_OBJECT_DIRECTORIES",
  "GIT_OBJECT_DIRECTORY",
  "GIT_DIR",
  "GIT_WORK_TREE",
  "GIT_IMPLICIT_WORK_TREE",
  "GIT_GRAFT_FILE",
  "GIT_INDEX_FILE",
  "GIT_NO_REPLACE_OBJECTS",
  "GIT_REPLACE_REF_BASE",
  "GIT_PREFIX",
  "GIT_SHALLOW_FILE",
  "GIT_COMMON_DIR",
]);
