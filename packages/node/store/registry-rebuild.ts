import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { RegistryRow } from "@okstra/core/domain/registry";
import { splitTaskKey } from "@okstra/core/domain/task-key";
import {
  isInitializing,
  listAdminDirs,
  loadBranch,
  loadCommonDir,
  loadGitFile,
  loadMarker,
  loadWorktreeOf,
} from "../worktree/admin-dir.ts";

/**
 * Finds the rows of every project again without the registry: from the directories under
 * `OKSTRA_HOME/worktrees` (each `.git` file names its repository), from git's bookkeeping in those
 * repositories, which also knows tasks whose directory is gone, and from the task manifests.
 */
export async function rebuildRows(worktreesRoot: string): Promise<readonly (readonly [string, RegistryRow])[]> {
  const rows = new Map<string, RegistryRow>();
  const repositories = new Set<string>();
  for (const path of await listTaskDirectories(worktreesRoot)) {
    const adminDir = await loadGitFile(path);
    const repository = adminDir === null ? null : await loadCommonDir(adminDir);
    if (adminDir === null || repository === null) continue;
    repositories.add(repository);
    const branch = (await loadBranch(adminDir)) ?? "";
    const key = path.slice(worktreesRoot.length + 1);
    rows.set(key, await rowOf(key, path, repository, branch, adminDir));
  }
  for (const repository of repositories) {
    for (const adminDir of await listAdminDirs(repository)) {
      const marker = await loadMarker(adminDir);
      const path = await loadWorktreeOf(adminDir);
      if (marker === null || path === null || rows.has(marker.taskKey)) continue;
      // An adopted worktree may lie anywhere; its marker says whose it is.
      if (!path.startsWith(`${worktreesRoot}/`) && marker.home !== dirname(worktreesRoot)) continue;
      rows.set(marker.taskKey, await rowOf(marker.taskKey, path, repository, (await loadBranch(adminDir)) ?? marker.branch, adminDir));
    }
  }
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
}

async function rowOf(key: string, path: string, repository: string, branch: string, adminDir: string): Promise<RegistryRow> {
  const marker = await loadMarker(adminDir);
  const { project, group, task } = splitTaskKey(key);
  const manifest = await loadTaskManifest(repository, group, task);
  const own = marker?.taskKey === key ? marker : null;
  return {
    project_id: own?.projectId ?? project,
    task_group: group,
    task_id: task,
    repository,
    worktree_path: path,
    branch: own?.branch ?? branch,
    base_ref: own?.baseRef ?? "",
    created_at: own?.createdAt ?? manifest.createdAt ?? "",
    last_phase: manifest.lastPhase ?? own?.lastPhase ?? null,
    // Only git's own word that it never finished makes a tree unfinished: someone may have worked in any other.
    status: own?.status ?? ((await isInitializing(adminDir)) ? "provisioning" : "active"),
  };
}

async function loadTaskManifest(repository: string, group: string, task: string): Promise<{ createdAt?: string; lastPhase?: string }> {
  try {
    const text = await readFile(join(dirname(repository), ".project-docs", "okstra", "tasks", group, task, "task.json"), "utf8");
    const data = JSON.parse(text) as { createdAt?: unknown; lastPhase?: unknown };
    return {
      ...(typeof data.createdAt === "string" ? { createdAt: data.createdAt } : {}),
      ...(typeof data.lastPhase === "string" ? { lastPhase: data.lastPhase } : {}),
    };
  } catch {
    return {};
  }
}

/** `<project>/<group>/<task>` directories, real ones only: a link could lead anywhere. */
export async function listTaskDirectories(worktreesRoot: string): Promise<readonly string[]> {
  let level = [worktreesRoot];
  for (let depth = 0; depth < 3; depth += 1) {
    const next: string[] = [];
    for (const directory of level) {
      const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
      for (const entry of entries) if (entry.isDirectory() && !entry.name.startsWith(".")) next.push(join(directory, entry.name));
    }
    level = next;
  }
  return level.sort();
}
