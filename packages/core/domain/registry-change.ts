import type { Registry, RegistryRow } from "./registry.ts";

/** Released rows that stay in registry.json; older ones move to registry.history.jsonl. */
export const RELEASED_ROWS_KEPT = 100;

/** The registry with this row; the branch index follows from the rows. */
export function putRow(registry: Registry, key: string, row: RegistryRow): Registry {
  return withRows(registry, { ...registry.tasks, [key]: row });
}

/** The registry without this row; nothing happens when there is none. */
export function dropRow(registry: Registry, key: string): Registry {
  const { [key]: _dropped, ...tasks } = registry.tasks;
  return withRows(registry, tasks);
}

/** The registry with these rows and no others. */
export function withRows(registry: Registry, tasks: Registry["tasks"]): Registry {
  const branches: Record<string, Record<string, string>> = {};
  for (const [key, row] of Object.entries(tasks)) {
    if (row.status !== "released" && row.branch !== "") (branches[row.repository] ??= {})[row.branch] = key;
  }
  return { ...registry, tasks, branches };
}

/** The key of the task that holds this branch of this repository (released tasks hold none). */
export function findBranchOwner(registry: Registry, repository: string, branch: string): string | null {
  const index = registry.branches[repository];
  return index !== undefined && Object.hasOwn(index, branch) ? (index[branch] ?? null) : null;
}

/** Whether any row, released ones too, says that this branch of this repository is a task's. */
export function isKnownBranch(registry: Registry, repository: string, branch: string): boolean {
  return Object.values(registry.tasks).some((row) => row.repository === repository && row.branch === branch);
}

export function findRow(registry: Registry, key: string): RegistryRow | null {
  return Object.hasOwn(registry.tasks, key) ? (registry.tasks[key] ?? null) : null;
}

export function findRowByPath(registry: Registry, path: string): { key: string; row: RegistryRow } | null {
  for (const [key, row] of Object.entries(registry.tasks)) if (row.worktree_path === path) return { key, row };
  return null;
}

/** Splits off the released rows that are too many, oldest release first (creation time breaks ties). */
export function splitHistory(registry: Registry): { registry: Registry; moved: readonly (readonly [string, RegistryRow])[] } {
  const released = Object.entries(registry.tasks).filter(([, row]) => row.status === "released");
  if (released.length <= RELEASED_ROWS_KEPT) return { registry, moved: [] };
  const order = (row: RegistryRow): string => `${String(row["released_at"] ?? "")}\u0000${row.created_at}`;
  released.sort(([keyA, a], [keyB, b]) => (order(a) < order(b) ? -1 : order(a) > order(b) ? 1 : keyA < keyB ? -1 : 1));
  const moved = released.slice(0, released.length - RELEASED_ROWS_KEPT);
  const tasks = { ...registry.tasks };
  for (const [key] of moved) delete tasks[key];
  return { registry: { ...registry, tasks }, moved };
}
