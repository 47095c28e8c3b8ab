import { installedSchema, isOwnPath, type Installed } from "@okstra/core/domain/install";
import { OkstraError } from "@okstra/core/errors";
import type { App } from "../app.ts";
import { parseJson } from "../task/load-task-run.ts";

const NEWEST_SCHEMA = 1;

/** Where it is said what was installed. */
export function installedPath(app: App): string {
  return `${app.surroundings.home}/installed.json`;
}

/**
 * What was installed; null when nothing was. Files that no okstra would have written are left out, so that nothing is ever
 * removed by a file that somebody else wrote.
 * @throws OKSTRA_SCHEMA_NEWER, OKSTRA_INSTALLED_UNREADABLE
 */
export async function loadInstalled(app: App): Promise<Installed | null> {
  const path = installedPath(app);
  const text = await app.store.readText(path, { regularFileOnly: true, maxBytes: 4 * 1024 * 1024 });
  if (text === null) return null;
  const data = parseJson(text) as { schema?: unknown } | null;
  if (typeof data?.schema === "number" && data.schema > NEWEST_SCHEMA)
    throw new OkstraError("OKSTRA_SCHEMA_NEWER", { message: `${path} was written by a newer okstra.`, details: { path } });
  const read = installedSchema.safeParse(data);
  if (!read.success)
    throw new OkstraError("OKSTRA_INSTALLED_UNREADABLE", {
      message: `${path} cannot be read.`,
      hint: `Move it away and install again: mv ${path} ${path}.old && okstra install`,
      details: { path },
    });
  return { ...read.data, files: read.data.files.filter(({ path: own }) => isOwnPath(own)) };
}

export async function writeInstalled(app: App, installed: Installed): Promise<void> {
  await app.store.ensureDirectory(app.surroundings.home);
  await app.store.writeText(installedPath(app), `${JSON.stringify(installed, null, 2)}\n`);
}
