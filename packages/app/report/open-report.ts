import { OkstraError } from "@okstra/core/errors";
import type { App } from "../app.ts";
import { findRunToShow } from "../logs/find-run.ts";
import { openWithSystem } from "../open/open-with-system.ts";
import { loadReport } from "../run/run-task.ts";
import { renderAll } from "../run/write-report.ts";
import { reportPaths } from "./list-reports.ts";

interface OpenedReport {
  readonly taskKey: string;
  readonly type: string;
  readonly run: number;
  readonly format: "html" | "md";
  /** Absolute. */
  readonly path: string;
  readonly opened: boolean;
  /** Absolute path of the program that was asked to open it; null when none was. */
  readonly opener: string | null;
  /** Why it was not opened, in words; null when it was, or when that was not wished. */
  readonly reason: string | null;
}

/**
 * Opens the report of a task's newest run, or of the one that is said, with the system's opener. The opener is looked for
 * outside the project only, and a page that okstra did not write is not opened: its scripts would run.
 * @throws OKSTRA_RUN_NOT_FOUND, OKSTRA_RUN_CORRUPT, OKSTRA_TASK_TYPE_UNKNOWN, and what openProject throws
 */
export async function openReport(
  app: App,
  request: { task: string; dir: string; taskType: string | null; run: number | null; format: "html" | "md"; mayOpen: boolean },
): Promise<OpenedReport> {
  const { runDir, manifest } = await findRunToShow(app, request);
  const report = await loadReport(app, runDir);
  if (report === null)
    throw new OkstraError("OKSTRA_RUN_NOT_FOUND", {
      message: `${runDir} has no report yet.`,
      hint: `Go on with the run: okstra resume ${request.task}`,
      details: { runDir },
    });
  const path = reportPaths(runDir)[request.format];
  if (!(await app.store.exists(path)))
    throw new OkstraError("OKSTRA_RUN_CORRUPT", {
      message: `${path} is gone.`,
      hint: `Print it instead: okstra report ${request.task} --format ${request.format}`,
      details: { path },
    });
  const told = { taskKey: manifest.taskKey, type: manifest.type, run: manifest.run, format: request.format, path };
  const closed = (reason: string | null): OpenedReport => ({ ...told, opened: false, opener: null, reason });
  if (!request.mayOpen) return closed(null);

  const text = await app.store.readText(path, { regularFileOnly: true });
  if (text !== renderAll(app, report)[`report.${request.format}`])
    return closed(`it is not what this okstra (${app.surroundings.version}) would write`);
  const { opened, opener, reason } = await openWithSystem(app, path, [manifest.project.root, manifest.provision.path]);
  return { ...told, opened, opener, reason };
}
