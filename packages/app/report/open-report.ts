import { OkstraError } from "@okstra/core/errors";
import type { App } from "../app.ts";
import { findRunToShow } from "../logs/find-run.ts";
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

/** What opens a file for a person, by platform. Each takes a path as its only argument and asks no shell. */
const OPENERS: Readonly<Record<string, string>> = { darwin: "open", win32: "explorer.exe" };
const OTHER_OPENER = "xdg-open";

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
  const closed = (reason: string | null, opener: string | null = null): OpenedReport => ({ ...told, opened: false, opener, reason });
  if (!request.mayOpen) return closed(null);

  const text = await app.store.readText(path, { regularFileOnly: true });
  if (text !== renderAll(app, report)[`report.${request.format}`])
    return closed(`it is not what this okstra (${app.surroundings.version}) would write`);
  const { env, platform, home } = app.surroundings;
  const search = withoutProject(env["PATH"] ?? "", [manifest.project.root, manifest.provision.path]);
  const name = OPENERS[platform] ?? OTHER_OPENER;
  const opener = await app.processes.findProgram(name, search);
  if (opener === null) return closed(`there is no ${name} here`);
  const passed = Object.fromEntries(Object.entries(env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
  const cwd = (await app.store.exists(home)) ? home : "/";
  const status = await app.runInherited({ command: [opener, path], cwd, env: { ...passed, PATH: search } });
  return status === 0 ? { ...told, opened: true, opener, reason: null } : closed(`${opener} ended with status ${status}`, opener);
}

/** The directories of PATH that are not below any of some directories: what a repository brings along is not started. */
function withoutProject(path: string, roots: readonly string[]): string {
  const isInside = (directory: string): boolean =>
    roots.some((root) => root !== "" && root !== "/" && `${directory}/`.startsWith(`${root.replace(/\/+$/, "")}/`));
  return path
    .split(":")
    .filter((directory) => directory.startsWith("/") && !isInside(directory))
    .join(":");
}
