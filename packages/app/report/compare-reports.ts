import { formatTaskKey, parseTaskName, type TaskKey } from "@okstra/core/domain/task-key";
import { TASK_TYPES, type TaskType } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import { diffReports, type ReportDiff } from "@okstra/core/report/diff-reports";
import type { Report } from "@okstra/core/report/report-data";
import type { App } from "../app.ts";
import { openProject } from "../project/open-project.ts";
import { listReportedRuns, nameOfReport, readReport, reportPaths, type ReportPlace } from "./list-reports.ts";

/** A report as a person names it; null: what follows from the rest. */
export interface ReportChoice {
  readonly type: TaskType | null;
  readonly run: number | null;
}

/**
 * Compares two reports of a task. Without a choice: the two newest of the phase that was reported last among those with two.
 * @throws OKSTRA_RUN_NOT_FOUND when there are no two, OKSTRA_RUN_CORRUPT when one cannot be read, and what openProject throws
 */
export async function compareReports(
  app: App,
  request: { task: string; dir: string; taskType: TaskType | null; from: ReportChoice; to: ReportChoice },
): Promise<ReportDiff> {
  const opened = await openProject(app, request.dir, { allowNew: request.task.startsWith("verify/") });
  const key = parseTaskName(request.task, opened.project.projectId, app.sha256);
  const places = new Map<TaskType, readonly ReportPlace[]>();
  for (const type of TASK_TYPES) places.set(type, await listReportedRuns(app, opened.root, key, type));

  const { from, to, taskType } = request;
  const type = taskType ?? from.type ?? to.type ?? (await pickType(app, key, places));
  const [fromType, toType] = [from.type ?? type, to.type ?? type];
  const later = pickPlace(key, places, toType, to.run, (run) => fromType !== toType || run !== from.run);
  const earlier = pickPlace(key, places, fromType, from.run, (run) => fromType !== toType || run < later.run);
  return diffReports(await requireReport(app, key, earlier), await requireReport(app, key, later), { sha256: app.sha256 });
}

type Places = ReadonlyMap<TaskType, readonly ReportPlace[]>;

/** @param isMeant which runs come into question when none is named; the newest of them is taken */
function pickPlace(key: TaskKey, places: Places, type: TaskType, run: number | null, isMeant: (run: number) => boolean): ReportPlace {
  const own = places.get(type) ?? [];
  const picked = run === null ? own.findLast((place) => isMeant(place.run)) : own.find((place) => place.run === run);
  if (picked !== undefined) return picked;
  throw describeLack(key, places, run === null ? `no ${own.length === 0 ? "" : "other "}report of ${type}` : `no report of ${type} ${run}`);
}

function describeLack(key: TaskKey, places: Places, lack: string): OkstraError {
  const reports = [...places].flatMap(([type, own]) => own.map(({ run }) => `${type}:${run}`));
  const [first, last] = [reports[0], reports.at(-1)];
  return new OkstraError("OKSTRA_RUN_NOT_FOUND", {
    message: `${formatTaskKey(key)} has ${lack} to compare; it has ${reports.length === 0 ? "none" : reports.join(", ")}.`,
    ...(reports.length < 2
      ? {}
      : { hint: `Name two: okstra report diff ${key.group}/${key.task} --from ${first ?? ""} --to ${last ?? ""}` }),
    details: { taskKey: formatTaskKey(key), reports },
  });
}

/** The phase that was reported last, of those with two reports. */
async function pickType(app: App, key: TaskKey, places: Places): Promise<TaskType> {
  const types = [...places].flatMap(([type, own]) => (own.length < 2 ? [] : [{ type, last: own.at(-1) as ReportPlace }]));
  if (types[0] === undefined) throw describeLack(key, places, "no two reports of one phase");
  if (types.length === 1) return types[0].type;
  let newest = { type: types[0].type, at: Number.NEGATIVE_INFINITY };
  for (const { type, last } of types) {
    const at = Date.parse((await requireReport(app, key, last)).generatedAt);
    if (at > newest.at) newest = { type, at };
  }
  return newest.type;
}

async function requireReport(app: App, key: TaskKey, place: ReportPlace): Promise<Report> {
  const report = await readReport(app, place);
  if (report !== null && typeof report !== "string") return report;
  const path = reportPaths(place.runDir).json;
  throw new OkstraError("OKSTRA_RUN_CORRUPT", {
    message: `The report of ${nameOfReport(key, place.type, place.run)} cannot be read: ${report ?? "it is gone"}.`,
    details: { path, reason: report },
  });
}
