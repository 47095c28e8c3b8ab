import type { RunOfTask, TaskPage, TaskRef } from "@okstra/core/dashboard/api";
import { taskPath, useApi, type Asked } from "../api-client.ts";
import { navigate, taskHash } from "../router.ts";
import { useReloadOn } from "../stream.ts";
import { isChangeOf } from "./findings/facts.ts";

export interface ChosenRun extends Asked<TaskPage> {
  /** Runs that can be chosen, the newest first. */
  readonly runs: readonly RunOfTask[];
  /** What the address names, else the newest; null when there is none, or not known yet. */
  readonly chosen: { readonly type: string; readonly run: number } | null;
}

/** The run that a view is about, of those that are fit for it. */
export function useRunChoice(task: TaskRef, type: string | null, run: number | null, isFit: (run: RunOfTask) => boolean): ChosenRun {
  const asked = useApi<TaskPage>(taskPath(task));
  useReloadOn(asked, (message) => isChangeOf(message, task));
  const runs = (asked.data?.runs ?? []).filter(isFit).toReversed();
  const named = type !== null && run !== null && Number.isSafeInteger(run) ? { type, run } : null;
  const newest = runs.find((each) => type === null || each.type === type);
  return { ...asked, runs, chosen: named ?? (newest === undefined ? null : { type: newest.type, run: newest.run }) };
}

interface RunSelectProps {
  readonly task: TaskRef;
  readonly tab: "report" | "transcripts";
  readonly runs: readonly RunOfTask[];
  readonly chosen: { readonly type: string; readonly run: number };
}

/** Another run is another address. */
export function RunSelect({ task, tab, runs, chosen }: RunSelectProps) {
  const isKnown = runs.some(({ type, run }) => type === chosen.type && run === chosen.run);
  const choose = (value: string): void => {
    const [type = "", run = ""] = value.split(" ");
    navigate(taskHash(task, tab, { type, run }));
  };
  return (
    <label class="field">
      <span>Run</span>
      <select value={`${chosen.type} ${chosen.run}`} onChange={(event) => choose(event.currentTarget.value)}>
        {!isKnown && (
          <option value={`${chosen.type} ${chosen.run}`}>
            {chosen.type} {chosen.run}
          </option>
        )}
        {runs.map(({ type, run, state }) => (
          <option key={`${type} ${run}`} value={`${type} ${run}`}>
            {type} {run} ({state})
          </option>
        ))}
      </select>
    </label>
  );
}
