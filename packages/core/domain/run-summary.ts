import type { RunEvent } from "../events.ts";
import { foldRun } from "../machine/run-machine.ts";

/** What lists of runs show of one: a line of a project's journal, derived from the run's events and never the truth. */
export interface RunSummary {
  readonly runId: string;
  readonly taskKey: string;
  readonly type: string;
  readonly run: number;
  /** Absolute. */
  readonly runDir: string;
  /** prepared, running, halted, paused, ended, cancelled, or the stage in between. */
  readonly state: string;
  readonly verdict: string | null;
  readonly gateOpen: boolean | null;
  /** Why the gate is open or holds, as stable codes. */
  readonly reasons: readonly string[];
  readonly valid: boolean | null;
  readonly commit: string;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  /** When the newest event happened. */
  readonly at: string;
  readonly lanes: readonly { readonly lane: string; readonly worker: string; readonly end: string | null }[];
  readonly findings: number;
  readonly blockers: number;
}

/** Events after which a run is another one in a list. */
const MILESTONES: ReadonlySet<RunEvent["type"]> = new Set([
  "run-prepared",
  "run-started",
  "lane-ended",
  "gate-decided",
  "gate-overridden",
  "run-paused",
  "run-interrupted",
  "run-failed",
  "run-cancelled",
  "run-ended",
]);

export function isMilestone(type: RunEvent["type"]): boolean {
  return MILESTONES.has(type);
}

/** @returns null for a log that does not begin with a prepared run */
export function summariseRun(events: readonly RunEvent[], runDir: string): RunSummary | null {
  const [prepared] = events;
  if (prepared?.type !== "run-prepared") return null;
  const { state } = foldRun(events);
  const converged = events.findLast((event) => event.type === "run-converged");
  return {
    runId: prepared.runId,
    taskKey: prepared.taskKey,
    type: prepared.taskType,
    run: Number(runDir.split(/[\\/]/).at(-1) ?? 0),
    runDir,
    state: state.paused !== null ? "paused" : state.halted ? "halted" : state.stage,
    verdict: state.verdict,
    gateOpen: state.gate?.open ?? null,
    reasons: state.gate?.reasons ?? [],
    valid: state.valid,
    commit: state.commit,
    createdAt: prepared.at,
    startedAt: events.find((event) => event.type === "run-started")?.at ?? null,
    endedAt: events.findLast((event) => event.type === "run-ended" || event.type === "run-cancelled")?.at ?? null,
    at: events.at(-1)?.at ?? prepared.at,
    lanes: Object.entries(state.lanes).map(([lane, { worker, end }]) => ({ lane, worker, end })),
    findings: converged?.type === "run-converged" ? converged.clusters : 0,
    blockers: converged?.type === "run-converged" ? converged.blockers : 0,
  };
}
