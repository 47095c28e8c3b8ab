import type { RunSummary } from "@okstra/core/domain/run-summary";
import type { JournalOf, RunJournals } from "@okstra/core/journal-port";

/** Which runs are asked for; null: whichever. */
export interface RunFilter {
  readonly group: string | null;
  readonly task: string | null;
  readonly phase: string | null;
  readonly state: string | null;
  /** RFC 3339 UTC: of the run's creation, inclusive. */
  readonly since: string | null;
  readonly until: string | null;
}

export interface RunList {
  /** The newest first, by what happened last. */
  readonly runs: readonly (RunSummary & { readonly project: string })[];
  /** Journals that are not whole or not there: a rebuild makes them so. */
  readonly broken: readonly JournalOf[];
  /** Whether there are more than were asked for. */
  readonly more: boolean;
}

/**
 * The newest runs of some projects that a filter lets through. Journals are read from their ends; memory grows with `limit`
 * and not with them.
 * @param limit at least 1
 */
export function listRuns(journals: RunJournals, projects: readonly JournalOf[], filter: RunFilter, limit: number): RunList {
  let runs: (RunSummary & { project: string })[] = [];
  const broken: JournalOf[] = [];
  let more = false;
  for (const of of projects) {
    const seen = new Set<string>();
    // What is older than as many as are wanted is not among the newest of all.
    const oldest = runs.length < limit ? null : (runs[limit - 1]?.at ?? null);
    let found = 0;
    const state = journals.scanBack(of, (summary) => {
      // What happened before a time belongs to runs that were made before it.
      if (filter.since !== null && summary.at < filter.since) return false;
      if (seen.has(summary.runId)) return true;
      seen.add(summary.runId);
      if (!passes(summary, filter)) return true;
      if (found >= limit || (oldest !== null && summary.at < oldest)) return ((more = true), false);
      found += 1;
      runs.push({ ...summary, project: of.project });
      return true;
    });
    if (state !== "whole") broken.push(of);
    runs = runs.toSorted((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0));
  }
  return { runs: runs.slice(0, limit), broken, more: more || runs.length > limit };
}

function passes(run: RunSummary, filter: RunFilter): boolean {
  const [, group, task] = run.taskKey.split("/");
  return (
    (filter.group === null || filter.group === group) &&
    (filter.task === null || filter.task === `${group ?? ""}/${task ?? ""}`) &&
    (filter.phase === null || filter.phase === run.type) &&
    (filter.state === null || filter.state === run.state || filter.state === run.verdict) &&
    (filter.since === null || run.createdAt >= filter.since) &&
    (filter.until === null || run.createdAt <= filter.until)
  );
}
