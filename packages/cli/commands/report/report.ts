import { findTaskRun, loadReport } from "@okstra/app/run/run-task";
import { renderAll } from "@okstra/app/run/write-report";
import { requireTaskType } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";
import { neutraliseJson } from "../../neutral-json.ts";

interface Flags {
  readonly taskType?: string;
  readonly format: "md" | "html" | "json" | "sarif" | "path";
  readonly json: boolean;
  readonly lang?: "en" | "ko";
  readonly projectRoot?: string;
}

export async function run(context: CliContext, flags: Flags, task: string): Promise<void> {
  const taskType = flags.taskType === undefined ? null : requireTaskType(flags.taskType);
  const app = await context.openApp();
  const { runDir } = await findTaskRun(app, { task, dir: resolveDirectory(app, flags.projectRoot), taskType });
  const format = flags.json && flags.format === "md" ? "json" : flags.format;
  const path = `${runDir}/report.${format === "path" ? "html" : format}`;
  const report = await loadReport(app, runDir);
  if (report === null)
    throw new OkstraError("OKSTRA_RUN_NOT_FOUND", {
      message: `${runDir} has no report yet.`,
      hint: `Go on with the run: okstra resume ${task}`,
      details: { runDir },
    });
  if (format === "path") {
    const paths = { md: `${runDir}/report.md`, html: path, json: `${runDir}/report.json`, sarif: `${runDir}/report.sarif` };
    context.ui.answer(paths, path);
    return;
  }
  if (flags.lang !== undefined && flags.lang !== report.lang && (format === "md" || format === "html")) {
    context.ui.raw(renderAll(app, { ...report, lang: flags.lang })[`report.${format}`]);
    return;
  }
  const text = (await app.store.readText(path)) ?? "";
  context.ui.raw(format === "json" || format === "sarif" ? neutraliseJson(text) : text);
}
