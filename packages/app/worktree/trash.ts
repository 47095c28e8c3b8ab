import * as z from "zod";
import { registryRowSchema } from "@okstra/core/domain/registry";
import { OkstraError } from "@okstra/core/errors";
import type { App } from "../app.ts";
import type { Place } from "./place.ts";

const refSchema = z.looseObject({ ref: z.string(), commit: z.string() });

const trashFileSchema = z.looseObject({
  path: z.string(),
  kind: z.enum(["dirty", "untracked", "ignored"]),
  type: z.enum(["file", "link", "directory", "other", "absent"]),
  mode: z.int(),
  size: z.number(),
  mtimeMs: z.number(),
  /** Blob of a dirty or untracked file's very bytes; null for what is in the archive or was deleted. */
  blob: z.string().nullable(),
});
export type TrashFile = z.infer<typeof trashFileSchema>;

/** `OKSTRA_HOME/trash/<project>/<group>/<task>/<stamp>/manifest.json`: written last, so an entry that has it is whole. */
export const trashManifestSchema = z.looseObject({
  schema: z.literal(1),
  taskKey: z.string(),
  stamp: z.string(),
  removedAt: z.string(),
  row: registryRowSchema,
  marker: z.looseObject({ category: z.string(), baseName: z.string().optional() }).nullable(),
  refs: z.looseObject({
    branch: refSchema.optional(),
    head: refSchema.optional(),
    work: refSchema.optional(),
    index: refSchema.optional(),
    merge: refSchema.optional(),
  }),
  detached: z.boolean(),
  operations: z.array(z.string()),
  files: z.array(trashFileSchema),
  archive: z.looseObject({ path: z.string(), bytes: z.number() }).nullable(),
});
export type TrashManifest = z.infer<typeof trashManifestSchema>;

/** Directory of a task's kept things. */
export function trashDirectory(app: App, taskKey: string): string {
  return `${app.surroundings.home}/trash/${taskKey}`;
}

/** Stamps of the task's whole entries, oldest first. */
export async function listTrashStamps(app: App, taskKey: string): Promise<readonly string[]> {
  const directory = trashDirectory(app, taskKey);
  const stamps: string[] = [];
  for (const name of await app.store.listDirectory(directory))
    if (await app.store.exists(`${directory}/${name}/manifest.json`)) stamps.push(name);
  return stamps;
}

/**
 * A stamp for a new entry (`20260131T235959123Z`): the time, and later than every stamp there is though the clock
 * went back, so that the newest entry is always the last.
 */
export function nextStamp(now: string, existing: readonly string[]): string {
  const stamp = now.replaceAll(/[-:.]/g, "");
  const last = existing.toSorted().at(-1);
  if (last === undefined || last < stamp) return stamp;
  const [digits = "", zone = ""] = [last.slice(9, 18), last.slice(18)];
  const next = String(Number(digits) + 1).padStart(9, "0");
  return `${last.slice(0, 9)}${next}${zone}`;
}

/** @throws OKSTRA_TRASH_NOT_FOUND */
export async function requireTrashEntry(
  app: App,
  place: Pick<Place, "taskKey" | "mainRoot">,
  stamp: string | null,
): Promise<TrashManifest> {
  const chosen = stamp ?? (await listTrashStamps(app, place.taskKey)).at(-1);
  const text = chosen === undefined ? null : await app.store.readText(`${trashDirectory(app, place.taskKey)}/${chosen}/manifest.json`);
  if (text === null) {
    throw new OkstraError("OKSTRA_TRASH_NOT_FOUND", {
      message: `Nothing was kept of ${place.taskKey}.`,
      hint: `List what was kept in this repository: git -C ${place.mainRoot} for-each-ref refs/okstra/trash`,
      details: { taskKey: place.taskKey, stamp: chosen ?? null },
    });
  }
  return parseManifest(text, place.taskKey);
}

function parseManifest(text: string, taskKey: string): TrashManifest {
  try {
    return trashManifestSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new OkstraError("OKSTRA_TRASH_NOT_FOUND", {
      message: `The manifest of what was kept of ${taskKey} cannot be read.`,
      details: { taskKey },
      cause,
    });
  }
}
