import type { Project } from "@okstra/core/domain/project";
import type { RegistryRow } from "@okstra/core/domain/registry";
import { putRow } from "@okstra/core/domain/registry-change";
import { splitTaskKey, type TaskKey } from "@okstra/core/domain/task-key";
import { OkstraError } from "@okstra/core/errors";
import type { WorktreeMarker } from "@okstra/core/git-port";
import type { App } from "../app.ts";
import type { OpenProject } from "../project/open-project.ts";

/** Where a task lives. */
export interface Place {
  readonly key: TaskKey;
  readonly taskKey: string;
  readonly path: string;
  readonly mainRoot: string;
  readonly repository: string;
  readonly project: Project;
}

/** Name of the lock that whoever builds or changes a task's tree holds. */
export function taskLockName(app: App, key: string): string {
  return `task-${app.sha256(key).slice(0, 24)}`;
}

/** Name of the lock under which one repository's worktrees and branches are changed. */
export function repositoryLockName(app: App, repository: string): string {
  return `repository-${app.sha256(repository).slice(0, 24)}`;
}

/** Tells what the registry's reader set aside or rebuilt. */
export function tellNotes(app: App, notes: readonly string[]): void {
  for (const note of notes) app.emit({ type: "registry-healed", level: "warning", text: note });
}

/**
 * The task's directory: where its row says when the row is this repository's (an adopted worktree stays where it
 * was), else the default one.
 */
export function pathOfTask(app: App, key: TaskKey, row: RegistryRow | null, repository: string): string {
  return row !== null && row.repository === repository && row.worktree_path !== "" ? row.worktree_path : app.files.pathOf(key);
}

/**
 * The place of a task in a project that is in git.
 * @throws OKSTRA_REPOSITORY_NOT_FOUND
 */
export function placeOf(app: App, opened: OpenProject, taskKey: string, row: RegistryRow | null): Place {
  const { location } = opened;
  if (location === null)
    throw new OkstraError("OKSTRA_REPOSITORY_NOT_FOUND", {
      message: `${opened.root} is in no git repository.`,
      details: { path: opened.root },
    });
  const key = splitTaskKey(taskKey);
  return {
    key,
    taskKey,
    path: pathOfTask(app, key, row, location.commonDir),
    mainRoot: location.mainRoot ?? location.topLevel,
    repository: location.commonDir,
    project: opened.project,
  };
}

export function rowFor(
  place: Place,
  facts: { branch: string; base: string; createdAt: string; lastPhase: string | null; status: RegistryRow["status"] },
): RegistryRow {
  return {
    project_id: place.key.project,
    task_group: place.key.group,
    task_id: place.key.task,
    repository: place.repository,
    worktree_path: place.path,
    branch: facts.branch,
    base_ref: facts.base,
    created_at: facts.createdAt,
    last_phase: facts.lastPhase,
    status: facts.status,
  };
}

export function markerOf(place: Place, row: RegistryRow, facts: { category: string; baseName?: string | undefined }): WorktreeMarker {
  return {
    schema: 1,
    taskKey: place.taskKey,
    projectId: place.key.project,
    branch: row.branch,
    baseRef: row.base_ref,
    ...(facts.baseName === undefined ? {} : { baseName: facts.baseName }),
    createdAt: row.created_at,
    category: facts.category,
    lastPhase: row.last_phase,
    status: "active",
    links: [],
    copies: {},
    prepared: place.project.prepare === undefined,
  };
}

export async function saveRow(app: App, key: string, row: RegistryRow): Promise<void> {
  const { notes } = await app.registry.update((registry) => ({ registry: putRow(registry, key, row), result: null }));
  tellNotes(app, notes);
}

/** @throws OKSTRA_PROJECT_ID_TAKEN: two clones with one project id never get each other's tree */
export function requireSameRepository(place: Place, row: RegistryRow): void {
  if (row.repository === place.repository || row.repository === "") return;
  throw new OkstraError("OKSTRA_PROJECT_ID_TAKEN", {
    message: `${place.taskKey} belongs to the repository ${row.repository}, and this one is ${place.repository}.`,
    hint: `Give this repository its own id: okstra setup --project-id <id>; or, if the other moved here: okstra worktree repair`,
    details: { taskKey: place.taskKey, registered: row.repository, here: place.repository },
  });
}

/** The row without the note of a step that was under way. */
export function withoutPending(row: RegistryRow): RegistryRow {
  const { pending: _pending, ...rest } = row;
  return rest as RegistryRow;
}
