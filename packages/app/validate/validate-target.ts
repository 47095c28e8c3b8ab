import { TASK_TYPES } from "@okstra/core/domain/work";
import { parseTaskName, formatTaskKey } from "@okstra/core/domain/task-key";
import { OkstraError } from "@okstra/core/errors";
import type { App } from "../app.ts";
import { openProject } from "../project/open-project.ts";
import { eventsPath, parseEvents } from "../run/run-log.ts";
import { listPreparedRuns } from "../run/run-paths.ts";
import { validateRun, type BrokenRule, type Validation } from "./validate-run.ts";

export interface ValidationAnswer {
  readonly ok: boolean;
  readonly broken: readonly BrokenRule[];
  readonly runs: readonly Validation[];
}

/** Validates a run directory, or every run of a task that came to a report. @throws OKSTRA_RUN_NOT_FOUND */
export async function validateTarget(app: App, target: string, dir: string): Promise<ValidationAnswer> {
  const asPath = target.startsWith("/") ? target : `${app.surroundings.cwd}/${target}`;
  const directories =
    (await app.store.exists(`${asPath}/events.jsonl`)) || (await app.store.exists(`${asPath}/run.json`))
      ? [asPath.replace(/\/+$/, "")]
      : await taskRuns(app, target, dir);
  const runs: Validation[] = [];
  for (const directory of directories) runs.push(await validateRun(app, directory));
  const broken = runs.flatMap((run) => run.broken);
  return { ok: broken.length === 0, broken, runs };
}

async function taskRuns(app: App, target: string, dir: string): Promise<readonly string[]> {
  if (target.startsWith("/"))
    throw new OkstraError("OKSTRA_RUN_NOT_FOUND", { message: `${target} is no run of okstra.`, details: { path: target } });
  const opened = await openProject(app, dir, { allowNew: target.startsWith("verify/") });
  const key = parseTaskName(target, opened.project.projectId, app.sha256);
  const all: string[] = [];
  for (const type of TASK_TYPES) all.push(...(await listPreparedRuns(app, opened.root, key, type)));
  if (all.length === 0)
    throw new OkstraError("OKSTRA_RUN_NOT_FOUND", {
      message: `${formatTaskKey(key)} has no run.`,
      details: { taskKey: formatTaskKey(key) },
    });
  const judged: string[] = [];
  for (const directory of all) if (await hasReport(app, directory)) judged.push(directory);
  // A run that is under way or was cancelled claims nothing yet; where there is no other, it says how far it is.
  return judged.length > 0 ? judged : all.slice(-1);
}

async function hasReport(app: App, directory: string): Promise<boolean> {
  const { events } = await parseEvents((await app.store.readText(eventsPath(directory))) ?? "", app);
  return events.some((event) => event.type === "report-written") || (await app.store.exists(`${directory}/report.json`));
}
