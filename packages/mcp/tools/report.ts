import * as z from "zod";
import { OkstraError } from "@okstra/core/errors";
import { defineTool, findTask, phaseField, taskField } from "../tool.ts";

export const report = defineTool({
  name: "okstra_report",
  title: "A report",
  description: "The report of a run as Markdown: verdict, findings with evidence, gates. Without a phase the newest one of the task.",
  input: z.object({ task: taskField, phase: phaseField.optional(), run: z.int().min(1).max(999_999_999).optional() }),
  readOnly: true,
  async call(parts, { task, phase, run }) {
    const ref = await findTask(parts, task);
    const { runs } = await parts.answers.task(ref);
    const found = runs.findLast(
      (each) => each.hasReport && (phase === undefined || each.type === phase) && (run === undefined || each.run === run),
    );
    if (found !== undefined) return parts.answers.report(ref, { type: found.type, run: found.run });
    throw new OkstraError("OKSTRA_RUN_NOT_FOUND", {
      message: `${ref.project}/${ref.group}/${ref.task} has no such report.`,
      hint: "See its runs: okstra_task",
    });
  },
});
