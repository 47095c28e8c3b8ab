import type { ReportText } from "@okstra/core/dashboard/api";
import { OkstraError } from "@okstra/core/errors";
import { renderMarkdown } from "@okstra/core/report/markdown";
import { reportSchema } from "@okstra/core/report/report-data";
import type { TaskFacts } from "../task/load-task.ts";

/**
 * The report of a run, rendered anew from the report.json that the run wrote.
 * @throws OKSTRA_RUN_NOT_FOUND without such a run or before it has a report, OKSTRA_RUN_CORRUPT
 */
export function loadReportText({ runs, taskKey }: TaskFacts, { type, run }: { readonly type: string; readonly run: number }): ReportText {
  const found = runs.find((each) => each.type === type && each.run === run);
  const details = { taskKey, type, run };
  if (found === undefined)
    throw new OkstraError("OKSTRA_RUN_NOT_FOUND", { message: `${taskKey} has no ${type.slice(0, 80)} run ${run}.`, details });
  if (found.damaged !== null)
    throw new OkstraError("OKSTRA_RUN_CORRUPT", { message: `${type} run ${run} of ${taskKey} is damaged: ${found.damaged}.`, details });
  if (found.report === null)
    throw new OkstraError("OKSTRA_RUN_NOT_FOUND", { message: `${type} run ${run} of ${taskKey} has no report yet.`, details });
  const parsed = reportSchema.safeParse(found.report);
  if (!parsed.success)
    throw new OkstraError("OKSTRA_RUN_CORRUPT", { message: `The report of ${type} run ${run} of ${taskKey} cannot be read.`, details });
  const { lang, verdict, generatedAt } = parsed.data;
  return { type, run, lang, verdict, valid: found.valid, generatedAt, markdown: renderMarkdown(parsed.data) };
}
