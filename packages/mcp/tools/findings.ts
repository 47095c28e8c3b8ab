import * as z from "zod";
import { defineTool, findTask, phaseField, taskField } from "../tool.ts";

export const findings = defineTool({
  name: "okstra_findings",
  title: "Findings of a task",
  description:
    "Findings of a task's newest reports, the gravest first, with cluster, votes and evidence. Without phase and run: the ledger of the whole task.",
  input: z.object({
    task: taskField,
    phase: phaseField.optional(),
    run: z.int().min(1).max(999_999_999).optional(),
    offset: z.int().min(0).max(1_000_000).optional(),
    limit: z.int().min(1).max(200).optional(),
  }),
  readOnly: true,
  async call(parts, { task, phase, run, offset = 0, limit = 50 }) {
    const all = await parts.answers.findings(await findTask(parts, task), { type: phase ?? null, run: run ?? null });
    const shown = all.findings.slice(offset, offset + limit);
    return { total: all.findings.length, offset, findings: shown, unheard: all.unheard };
  },
});
