import { runManifestSchema, type RunManifest } from "@okstra/core/domain/run";
import { formatTaskKey, parseTaskName } from "@okstra/core/domain/task-key";
import { requireTaskType, TASK_TYPES } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import type { App } from "../app.ts";
import { openProject } from "../project/open-project.ts";
import { listPreparedRuns } from "../run/run-paths.ts";

export interface ShownRun {
  readonly runDir: string;
  readonly manifest: RunManifest;
}

/**
 * The newest run of a task, or the one that is said. Unlike a run that is to be led it is only read: another process may
 * be writing to it.
 * @throws OKSTRA_RUN_NOT_FOUND, OKSTRA_TASK_TYPE_UNKNOWN, OKSTRA_TASK_KEY_INVALID, and what openProject throws
 */
export async function findRunToShow(
  app: App,
  { task, dir, taskType, run }: { task: string; dir: string; taskType: string | null; run: number | null },
): Promise<ShownRun> {
  const types = taskType === null ? TASK_TYPES : [requireTaskType(taskType)];
  const opened = await openProject(app, dir, { allowNew: task.startsWith("verify/") });
  const key = parseTaskName(task, opened.project.projectId, app.sha256);
  let newest: ShownRun | null = null;
  for (const type of types) {
    const directories = await listPreparedRuns(app, opened.root, key, type);
    const runDir = run === null ? directories.at(-1) : directories.find((each) => Number(each.split("/").at(-1)) === run);
    const manifest = runDir === undefined ? null : await loadManifest(app, runDir);
    if (runDir !== undefined && manifest !== null && (newest === null || manifest.createdAt > newest.manifest.createdAt))
      newest = { runDir, manifest };
  }
  if (newest !== null) return newest;
  const what = `${taskType === null ? "" : `${taskType} `}run${run === null ? "" : ` ${run}`}`;
  throw new OkstraError("OKSTRA_RUN_NOT_FOUND", {
    message: `${formatTaskKey(key)} has no ${what}.`,
    details: { taskKey: formatTaskKey(key), type: taskType, run },
  });
}

/** Null for a run that cannot be read: `okstra validate` tells about it. */
async function loadManifest(app: App, runDir: string): Promise<RunManifest | null> {
  try {
    const parsed = runManifestSchema.safeParse(JSON.parse((await app.store.readText(`${runDir}/run.json`)) ?? ""));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
