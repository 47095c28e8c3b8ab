import { constants } from "node:fs";
import { copyFile, link } from "node:fs/promises";
import { join } from "node:path";
import { OkstraError } from "@okstra/core/errors";
import { EMPTY_REGISTRY, registryRowSchema, type Registry, type RegistryRow } from "@okstra/core/domain/registry";
import { splitHistory } from "@okstra/core/domain/registry-change";
import type { Clock, Ids, Locks, RegistryReport, RegistryStore, Store } from "@okstra/core/ports";
import { asIoError, errnoOf } from "../io-error.ts";
import { loadCommonDir, loadGitFile } from "../worktree/admin-dir.ts";
import { isTemporaryOf } from "./store.ts";
import { listTaskDirectories, rebuildRows } from "./registry-rebuild.ts";
import { printRegistry, readRegistryText, registryOfRows } from "./registry-text.ts";

/** `OKSTRA_HOME/worktrees/registry.json` under its one lock. */
export function createRegistryStore(home: string, parts: { store: Store; locks: Locks; clock: Clock; ids: Ids }): RegistryStore {
  const { store, locks } = parts;
  const root = join(home, "worktrees");
  const path = join(root, "registry.json");
  const historyPath = join(root, "registry.history.jsonl");

  /** Reads without the lock when all is well: a rename is atomic. Null: it must be healed under the lock. */
  async function loadUnhealed(): Promise<RegistryReport | null> {
    const text = await store.readText(path);
    if (text === null)
      return (await listTaskDirectories(root)).length === 0 ? { registry: EMPTY_REGISTRY, notes: [], readOnly: false } : null;
    const read = readRegistryText(text);
    return read.kind === "current" ? { registry: read.registry, notes: [], readOnly: read.readOnly } : null;
  }

  /** Under the lock: brings an old shape forward, sets an unreadable file aside and rebuilds. */
  async function heal(): Promise<RegistryReport> {
    const text = await store.readText(path);
    if (text !== null) {
      const read = readRegistryText(text);
      if (read.kind === "current") return { registry: read.registry, notes: [], readOnly: read.readOnly };
      if (read.kind === "old") {
        const registry = registryOfRows(await bringForward(read.rows));
        await keepOld(text);
        await store.writeText(path, printRegistry(registry));
        return {
          registry,
          notes: ["registry.json had the shape of version 1; it was brought forward and the old file kept as registry.v1.json"],
          readOnly: false,
        };
      }
      const kept = join(root, `registry.json.bad-${nameMoment()}`);
      await keepBytes(path, kept);
      const registry = registryOfRows(await rebuildRows(root));
      await store.writeText(path, printRegistry(registry));
      const count = Object.keys(registry.tasks).length;
      return {
        registry,
        notes: [
          `registry.json could not be read (${read.reason}); it was kept as ${kept} and rebuilt with ${count} task${count === 1 ? "" : "s"}`,
        ],
        readOnly: false,
      };
    }
    const rows = await rebuildRows(root);
    if (rows.length === 0) return { registry: EMPTY_REGISTRY, notes: [], readOnly: false };
    const registry = registryOfRows(rows);
    await store.writeText(path, printRegistry(registry));
    return {
      registry,
      notes: [`registry.json was missing; it was rebuilt with ${rows.length} task${rows.length === 1 ? "" : "s"}`],
      readOnly: false,
    };
  }

  /** One that came up after the first (the old version was used again) gets a name of its own. */
  async function keepOld(text: string): Promise<void> {
    const kept = join(root, "registry.v1.json");
    if (await store.createText(kept, text)) return;
    if ((await store.readText(kept)) !== text) await store.createText(`${kept}.${nameMoment()}`, text);
  }

  /** UTC milliseconds and a random part: unique, and in order of time. */
  function nameMoment(): string {
    return `${parts.clock.now().replaceAll(/[-:.TZ]/g, "")}-${parts.ids.randomHex(4)}`;
  }

  async function withLock<T>(action: () => Promise<T>): Promise<T> {
    await store.ensureDirectory(home);
    await store.ensureDirectory(root);
    const lease = await locks.acquire("registry");
    try {
      return await action();
    } finally {
      await lease.release();
    }
  }

  return {
    async peek() {
      const text = await store.readText(path);
      if (text === null) return { state: "absent", registry: EMPTY_REGISTRY, reason: "" };
      const read = readRegistryText(text);
      if (read.kind === "current") return { state: read.readOnly ? "newer" : "current", registry: read.registry, reason: "" };
      return { state: read.kind, registry: EMPTY_REGISTRY, reason: read.kind === "unreadable" ? read.reason : "" };
    },
    async readOf(other) {
      const foreign = join(other, "worktrees", "registry.json");
      const text = await store.readText(foreign);
      if (text === null) return { path: foreign, state: "absent", rows: {}, reason: "" };
      const read = readRegistryText(text);
      if (read.kind === "unreadable") return { path: foreign, state: "unreadable", rows: {}, reason: read.reason };
      if (read.kind === "old") return { path: foreign, state: "old", rows: Object.fromEntries(await bringForward(read.rows)), reason: "" };
      return { path: foreign, state: read.readOnly ? "newer" : "current", rows: read.registry.tasks, reason: "" };
    },
    async load() {
      return (await loadUnhealed()) ?? (await withLock(heal));
    },
    async update(change) {
      return withLock(async () => {
        const report = await heal();
        if (report.readOnly) {
          throw new OkstraError("OKSTRA_REGISTRY_READ_ONLY", { message: `${path} was written by a newer okstra.`, details: { path } });
        }
        const changed = change(report.registry);
        if (changed.registry !== report.registry) await replace(changed.registry);
        return { result: changed.result, notes: report.notes };
      });
    },
    findInHistory: (key) => findLast((entry) => entry.key === key),
    findBranchInHistory: (repository, branch) => findLast(({ row }) => row.repository === repository && row.branch === branch),
  };

  async function findLast(matches: (entry: { key: string; row: RegistryRow }) => boolean): Promise<RegistryRow | null> {
    const text = await store.readText(historyPath);
    return (
      text
        ?.split("\n")
        .map(readHistoryLine)
        .findLast((entry) => entry !== null && matches(entry))?.row ?? null
    );
  }

  /** History first: a crash between the two leaves a row in both places, which lookup bears. */
  async function replace(next: Registry): Promise<void> {
    for (const name of await store.listDirectory(root)) if (isTemporaryOf(name, "registry.json")) await store.remove(join(root, name));
    const { registry, moved } = splitHistory(next);
    await store.appendLines(
      historyPath,
      moved.map(([key, row]) => JSON.stringify({ key, row })),
    );
    await store.writeText(path, printRegistry(registry));
  }

  async function bringForward(
    rows: Readonly<Record<string, Omit<RegistryRow, "repository">>>,
  ): Promise<readonly (readonly [string, RegistryRow])[]> {
    const forward: (readonly [string, RegistryRow])[] = [];
    for (const [key, row] of Object.entries(rows)) {
      const adminDir = await loadGitFile(String(row["worktree_path"]));
      const repository = adminDir === null ? null : await loadCommonDir(adminDir);
      forward.push([key, registryRowSchema.parse({ ...row, repository: repository ?? "" })]);
    }
    return forward;
  }
}

/** A second name for the very bytes, which need not be text; a copy where there are no hard links. */
async function keepBytes(path: string, kept: string): Promise<void> {
  try {
    await link(path, kept).catch(async (error: unknown) => {
      if (errnoOf(error) === "ENOSPC") throw error;
      await copyFile(path, kept, constants.COPYFILE_EXCL);
    });
  } catch (error) {
    throw asIoError(error, kept);
  }
}

function readHistoryLine(line: string): { key: string; row: RegistryRow } | null {
  if (line === "") return null;
  try {
    const data = JSON.parse(line) as { key?: unknown; row?: unknown };
    const row = registryRowSchema.safeParse(data.row);
    return typeof data.key === "string" && row.success ? { key: data.key, row: row.data } : null;
  } catch {
    return null;
  }
}
