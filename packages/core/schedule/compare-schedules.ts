import * as z from "zod";
import type { Schedule } from "./make-schedule.ts";

const time = z.string().nullable();

/** The forecast that was kept, to be compared with what became of it: `.project-docs/okstra/schedule.json`. */
export const keptScheduleSchema = z.looseObject({
  schema: z.literal(1),
  at: z.string(),
  from: z.string(),
  capacity: z.int().min(1),
  group: z.string().nullable(),
  basis: z.enum(["history", "thin", "none"]),
  finish: z.looseObject({ plannedAt: time, p50At: time, p90At: time }),
  tasks: z.array(z.looseObject({ taskKey: z.string(), after: z.array(z.string()), p50At: time, p90At: time })),
});
export type KeptSchedule = z.infer<typeof keptScheduleSchema>;

/** What became of a task since a forecast was kept. */
export interface ScheduleChange {
  readonly taskKey: string;
  /**
   * finished-late: after its P90; overdue: not finished, and its P90 has passed; later, earlier, on-course: not finished,
   * and its P90 is now another by more than a minute, or the same; finished: by its P90, or nobody knows when; untold: there
   * was or is no date; new: was not in the forecast; gone: its records are not there any more, or cannot be read.
   */
  readonly kind: "finished-late" | "overdue" | "later" | "untold" | "new" | "gone" | "on-course" | "earlier" | "finished";
  readonly slipped: boolean;
  /** Milliseconds after the P90 that was kept, before it when negative; null where there is none to compare. */
  readonly byMs: number | null;
  /** As it was kept. */
  readonly p90At: string | null;
  /** As it is now; null too when it is finished. */
  readonly nowP90At: string | null;
  readonly finishedAt: string | null;
  /** What it waits for since, and what it does not wait for any more though that is not finished. */
  readonly afterAdded: readonly string[];
  readonly afterRemoved: readonly string[];
}

export interface ScheduleComparison {
  readonly tasks: readonly ScheduleChange[];
  /** Of the whole. */
  readonly finish: { readonly p90At: string | null; readonly nowP90At: string | null; readonly byMs: number | null };
  readonly slipped: number;
}

/**
 * What slipped since a forecast was kept, the worst first.
 * @param now the forecast of the same tasks as of now
 * @param finished when each task was finished that is not open any more; null: nobody knows when
 */
export function compareSchedules(
  kept: Pick<KeptSchedule, "tasks" | "finish">,
  now: Pick<Schedule, "at" | "tasks" | "finish">,
  finished: ReadonlyMap<string, string | null>,
): ScheduleComparison {
  const open = new Map(now.tasks.map((task) => [task.taskKey, task]));
  const before = new Map(kept.tasks.map((task) => [task.taskKey, task]));
  const changes = kept.tasks.map(({ taskKey, p90At, after }): ScheduleChange => {
    const task = open.get(taskKey);
    const finishedAt = finished.get(taskKey) ?? null;
    const added = task === undefined ? [] : task.after.filter((key) => !after.includes(key));
    // What was waited for and is finished went by itself.
    const removed = task === undefined ? [] : after.filter((key) => open.has(key) && !task.after.includes(key));
    const answer = (kind: ScheduleChange["kind"], byMs: number | null): ScheduleChange => ({
      taskKey,
      kind,
      slipped: SLIPPED.has(kind),
      byMs,
      p90At,
      nowP90At: task?.p90At ?? null,
      finishedAt: task === undefined ? finishedAt : null,
      afterAdded: added,
      afterRemoved: removed,
    });
    if (task === undefined) {
      if (!finished.has(taskKey)) return answer("gone", null);
      const byMs = difference(finishedAt, p90At);
      return answer(byMs !== null && byMs > 0 ? "finished-late" : "finished", byMs);
    }
    const passedBy = difference(now.at, p90At);
    if (passedBy === null) return answer("untold", null);
    if (passedBy > 0) return answer("overdue", passedBy);
    const byMs = difference(task.p90At, p90At);
    return answer(byMs === null ? "untold" : byMs > SAME_MS ? "later" : byMs < -SAME_MS ? "earlier" : "on-course", byMs);
  });
  const added = now.tasks
    .filter(({ taskKey }) => !before.has(taskKey))
    .map(({ taskKey, p90At, after }): ScheduleChange => ({
      taskKey,
      kind: "new",
      slipped: false,
      byMs: null,
      p90At: null,
      nowP90At: p90At,
      finishedAt: null,
      afterAdded: after,
      afterRemoved: [],
    }));
  const tasks = [...changes, ...added].toSorted(
    (a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind) || (b.byMs ?? 0) - (a.byMs ?? 0) || (a.taskKey < b.taskKey ? -1 : 1),
  );
  const [p90At, nowP90At] = [kept.finish.p90At, now.finish.p90At];
  return {
    tasks,
    finish: { p90At, nowP90At, byMs: difference(nowP90At, p90At) },
    slipped: tasks.filter(({ slipped }) => slipped).length,
  };
}

const ORDER: readonly ScheduleChange["kind"][] = [
  "overdue",
  "finished-late",
  "later",
  "new",
  "gone",
  "untold",
  "on-course",
  "earlier",
  "finished",
];
/** Of an open task the date that was kept may still hold, so that it has not slipped by then. */
const SLIPPED: ReadonlySet<string> = new Set(["overdue", "finished-late"]);
/** A forecast of now that is nearer to the one that was kept, in milliseconds, is the same. */
const SAME_MS = 60_000;

/** Milliseconds from `to` on until `at`; null when one of them is not known. */
function difference(at: string | null, to: string | null): number | null {
  return at === null || to === null ? null : Date.parse(at) - Date.parse(to);
}
