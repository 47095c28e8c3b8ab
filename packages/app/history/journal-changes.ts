import { TASK_TYPES } from "@okstra/core/domain/work";
import type { JournalOf } from "@okstra/core/journal-port";
import type { RunSummary } from "@okstra/core/domain/run-summary";
import type { App } from "../app.ts";
import { rebuildJournal } from "./rebuild-journal.ts";

/** A run of which something new was noted. */
export interface ChangedRun {
  readonly of: JournalOf;
  readonly taskKey: string;
  readonly type: string;
  readonly run: number;
}

export interface JournalChanges {
  /** What is there by now is nobody's news. */
  begin(projects: readonly JournalOf[]): Promise<void>;
  /**
   * The runs that were noted since, each once, in the order in which they were.
   * @returns `again`: a journal was just being written and is to be read once more soon
   */
  look(projects: readonly JournalOf[]): Promise<{ readonly changed: readonly ChangedRun[]; readonly again: boolean }>;
}

/** Lines of a journal that are read back at most for what is new. */
const MOST_LINES = 2000;
/** A journal that is being written may look damaged for a moment; one that still does is made anew. */
const TRIES = 3;

/** Finds what journals have more than before. */
export function createJournalChanges(app: App): JournalChanges {
  const newest = new Map<string, string>();
  const damaged = new Map<string, number>();
  const nameOf = ({ project, root }: JournalOf): string => `${project}\n${root}`;

  const read = (of: JournalOf, since: string): { state: "whole" | "damaged" | "absent"; found: readonly ChangedRun[] } => {
    const seen = newest.get(nameOf(of));
    const found = new Map<string, ChangedRun>();
    let first: string | null = null;
    let lines = 0;
    const state = app.journals.scanBack(of, (summary) => {
      const line = JSON.stringify(summary);
      first ??= line;
      lines += 1;
      if (line === seen || lines > MOST_LINES) return false;
      // A journal that was made anew has everything that ever was.
      if (summary.at < since || !isRun(of, summary)) return true;
      const { taskKey, type, run } = summary;
      if (!found.has(summary.runId)) found.set(summary.runId, { of, taskKey, type, run });
      return true;
    });
    if (first !== null) newest.set(nameOf(of), first);
    return { state, found: [...found.values()].reverse() };
  };
  let since = "";
  return {
    async begin(projects) {
      since = app.clock.now();
      for (const of of projects) {
        if (read(of, "~").state !== "damaged") continue;
        await rebuildJournal(app, of);
        read(of, "~");
      }
    },
    async look(projects) {
      const changed: ChangedRun[] = [];
      let again = false;
      for (const of of projects) {
        const { state, found } = read(of, since);
        changed.push(...found);
        const tries = state === "damaged" ? (damaged.get(nameOf(of)) ?? 0) + 1 : 0;
        damaged.set(nameOf(of), tries);
        if (tries === 0) continue;
        if (tries >= TRIES) {
          await rebuildJournal(app, of);
          damaged.delete(nameOf(of));
        }
        again = true;
      }
      return { changed, again };
    },
  };
}

/** A line is believed only where it names a run that can be looked up: its files are the truth. */
function isRun({ project }: JournalOf, { taskKey, type, run }: RunSummary): boolean {
  const segments = taskKey.split("/");
  return (
    segments.length === 3 &&
    segments[0] === project &&
    segments.every((each) => /^[a-z0-9_-]{1,65}$/.test(each)) &&
    (TASK_TYPES as readonly string[]).includes(type) &&
    Number.isSafeInteger(run) &&
    run > 0
  );
}
