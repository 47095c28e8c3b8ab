import { formatTaskKey, type TaskKey } from "@okstra/core/domain/task-key";
import type { TaskType } from "@okstra/core/domain/work";
import { reportSchema, type Report } from "@okstra/core/report/report-data";
import type { App } from "../app.ts";
import { listPreparedRuns } from "../run/run-paths.ts";

/** A report that is longer is named and not read: 5,000 findings take about a quarter of it. */
const MAX_REPORT_BYTES = 32 * 1024 * 1024;

/** Where the forms of a run's report are, absolute. */
export interface ReportPaths {
  readonly md: string;
  readonly html: string;
  readonly json: string;
}

export function reportPaths(runDir: string): ReportPaths {
  return { md: `${runDir}/report.md`, html: `${runDir}/report.html`, json: `${runDir}/report.json` };
}

/** A place where a report should be, by the name of its directories. */
export interface ReportPlace {
  readonly group: string;
  readonly task: string;
  readonly type: string;
  readonly run: number;
  readonly runDir: string;
}

/** Directories of a task's runs of one type that have a report, first run first. */
export async function listReportedRuns(app: App, root: string, key: TaskKey, type: TaskType): Promise<readonly ReportPlace[]> {
  const places: ReportPlace[] = [];
  for (const runDir of await listPreparedRuns(app, root, key, type))
    if (await app.store.exists(`${runDir}/report.json`))
      places.push({ group: key.group, task: key.task, type, run: Number(runDir.split("/").at(-1)), runDir });
  return places;
}

/**
 * A run's report, or in words why it is none; null when there is none. It is read only when it is a regular file of at most
 * MAX_REPORT_BYTES, and believed only when it says that it is of the place where it stands.
 */
export async function readReport(app: App, place: ReportPlace): Promise<Report | string | null> {
  const path = reportPaths(place.runDir).json;
  let text: string | null;
  try {
    text = await app.store.readText(path, { maxBytes: MAX_REPORT_BYTES, regularFileOnly: true });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  if (text === null) return null;
  const parsed = reportSchema.safeParse(readJson(text));
  if (!parsed.success) return "it is not a report of okstra";
  const report = parsed.data;
  const [, group, task] = report.taskKey.split("/");
  if (group !== place.group || task !== place.task || report.type !== place.type || report.run !== place.run)
    return `it says that it is of ${report.taskKey}, ${report.type} ${report.run}`;
  return Number.isFinite(Date.parse(report.generatedAt)) ? report : "its time cannot be read";
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** How a report is named in a message. */
export function nameOfReport(key: TaskKey, type: string, run: number): string {
  return `${formatTaskKey(key)} (${type} ${run})`;
}
