import { resolve } from "node:path";
import type { App } from "@okstra/app/app";

/** The directory that --project-root names, absolute; the current one when it is absent. */
export function resolveDirectory(app: App, projectRoot: string | undefined): string {
  return projectRoot === undefined ? app.surroundings.cwd : resolve(app.surroundings.cwd, projectRoot);
}
