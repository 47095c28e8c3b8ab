import * as z from "zod";
import { listRuns } from "@okstra/app/history/list-runs";
import { rebuildJournal } from "@okstra/app/history/rebuild-journal";
import { clean, defineTool, groupField, phaseField, projectField, readTime, timeField } from "../tool.ts";

const USUAL = 20;

export const history = defineTool({
  name: "okstra_history",
  title: "Runs, the newest first",
  description: "Runs of tasks with their state, verdict, gate and lanes, the newest first.",
  input: z.object({
    project: projectField,
    group: groupField,
    phase: phaseField.optional(),
    state: z.string().min(1).max(40).describe("For example ended, running, cancelled").optional(),
    since: timeField.optional(),
    until: timeField.optional(),
    limit: z.int().min(1).max(200).optional(),
  }),
  readOnly: true,
  async call(parts, { project, group, phase, state, since, until, limit = USUAL }) {
    const { app, known } = parts;
    const projects = await known.pick(project ?? null);
    const filter = {
      group: group ?? null,
      task: null,
      phase: phase ?? null,
      state: state ?? null,
      since: readTime(since),
      until: readTime(until),
    };
    let list = listRuns(app.journals, projects, filter, limit);
    for (const of of list.broken) await rebuildJournal(app, of);
    if (list.broken.length > 0) list = listRuns(app.journals, projects, filter, limit);
    return clean(
      parts,
      projects.map(({ root }) => root),
      { runs: list.runs, more: list.more },
    );
  },
});
