import { compareSchedules, keptScheduleSchema, type KeptSchedule, type ScheduleComparison } from "@okstra/core/schedule/compare-schedules";
import type { JournalOf } from "@okstra/core/journal-port";
import { OkstraError } from "@okstra/core/errors";
import type { App } from "../app.ts";
import { ensureRecords } from "../project/setup.ts";
import { parseJson } from "../task/load-task-run.ts";
import { loadSchedule, type ScheduleReport } from "./load-schedule.ts";

function keptPath(root: string): string {
  return `${root}/.project-docs/okstra/schedule.json`;
}

/**
 * Keeps a forecast of one project, to be compared with later; it takes the place of the one before.
 * @returns where
 */
export async function writeKept(app: App, { root }: JournalOf, report: ScheduleReport): Promise<string> {
  await ensureRecords(app, root);
  const path = keptPath(root);
  await app.store.writeText(path, `${JSON.stringify({ schema: 1, ...report }, null, 2)}\n`);
  return path;
}

/** What `okstra schedule check --json` prints. */
export interface CheckReport extends ScheduleComparison {
  readonly path: string;
  /** When the forecast was kept, and of which tasks. */
  readonly keptAt: string;
  readonly at: string;
  readonly group: string | null;
  readonly capacity: number;
  /** Of the forecast of now. */
  readonly basis: ScheduleReport["basis"];
  readonly words: string;
  readonly damaged: ScheduleReport["damaged"];
}

/**
 * Compares the forecast that was kept with what became of it, and with a forecast of now for the same group and capacity.
 * Changes nothing.
 * @throws OKSTRA_SCHEDULE_NOT_KEPT, OKSTRA_SCHEDULE_UNREADABLE
 */
export async function checkSchedule(app: App, of: JournalOf): Promise<CheckReport> {
  const path = keptPath(of.root);
  const kept = await requireKept(app, path, of);
  const { group, capacity } = kept;
  const { report, finished } = await loadSchedule(app, { projects: [of], group, capacity, from: null });
  return {
    path,
    keptAt: kept.at,
    at: report.at,
    group,
    capacity,
    basis: report.basis,
    words: report.words,
    damaged: report.damaged,
    ...compareSchedules(kept, report, finished),
  };
}

async function requireKept(app: App, path: string, { project }: JournalOf): Promise<KeptSchedule> {
  const text = await app.store.readText(path);
  if (text === null)
    throw new OkstraError("OKSTRA_SCHEDULE_NOT_KEPT", {
      message: `No forecast of ${project} was kept.`,
      hint: "Keep one: okstra schedule --save",
      details: { path },
    });
  const parsed = keptScheduleSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new OkstraError("OKSTRA_SCHEDULE_UNREADABLE", {
    message: `${path} is no forecast that okstra keeps${issue === undefined || issue.path.length === 0 ? "" : `: ${issue.path.join(".")}`}.`,
    hint: "Keep another, which takes its place: okstra schedule --save",
    details: { path },
  });
}
