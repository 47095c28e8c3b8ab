import type { ReproductionRecord } from "../domain/execution.ts";
import type { LaneEnd } from "../domain/finding.ts";
import type { Gate, Verdict } from "../domain/run.ts";
import type { RunEventBody } from "../events.ts";

/** How far a run is. `ended` and `cancelled` are final, but for an override of the gate. */
export type Stage = "new" | "prepared" | "running" | "converged" | "decided" | "reported" | "validated" | "ended" | "cancelled";

export interface LaneState {
  readonly state: "pending" | "running" | "ended";
  readonly attempt: number;
  readonly commit: string;
  readonly end: LaneEnd | null;
  readonly nonce: string | null;
}

export interface RunState {
  readonly stage: Stage;
  /** True between an interruption, a failure or a crash that was noticed, and the next start. */
  readonly halted: boolean;
  readonly attempt: number;
  readonly commit: string;
  readonly lanes: Readonly<Record<string, LaneState>>;
  readonly reproductions: readonly (ReproductionRecord & { readonly worker: string })[];
  readonly treeChanges: readonly { readonly workers: readonly string[]; readonly paths: readonly string[] }[];
  readonly verdict: Verdict | null;
  readonly gate: Gate | null;
  readonly writerFallback: string | null;
  readonly valid: boolean | null;
}

/** What the lead does next. Each effect ends in the event named beside it. */
export type Effect =
  /** → lane-started, lane-ended */
  | { readonly type: "dispatch"; readonly worker: string }
  /** → reproduction-executed*, run-converged */
  | { readonly type: "converge" }
  /** → gate-decided */
  | { readonly type: "decide" }
  /** → report-written */
  | { readonly type: "report" }
  /** → run-validated */
  | { readonly type: "validate" }
  /** → run-ended */
  | { readonly type: "end" };

export interface Transition {
  readonly state: RunState;
  readonly effects: readonly Effect[];
  /** Why the event does not fit the state, which it then leaves as it was; null when it fits. */
  readonly rejected: string | null;
}

export const NEW_RUN: RunState = {
  stage: "new",
  halted: false,
  attempt: 0,
  commit: "",
  lanes: {},
  reproductions: [],
  treeChanges: [],
  verdict: null,
  gate: null,
  writerFallback: null,
  valid: null,
};

/** A lane with one of these ends has said what it will say: a resumed run at the same commit does not ask again. */
const FINISHED_ENDS: readonly LaneEnd[] = ["ok", "partial", "failed", "timeout"];

/**
 * The run as a pure transition. Whatever order events come in, these hold: an event that does not fit changes
 * nothing; a lane ends only after it started in the same attempt; convergence needs every lane ended; a verdict
 * needs convergence; a gate opens only by `gate-decided` or `gate-overridden`; nothing follows a final stage.
 */
export function transition(state: RunState, event: RunEventBody): Transition {
  const reject = (rejected: string): Transition => ({ state, effects: [], rejected });
  const accept = (next: Partial<RunState>, effects: readonly Effect[] = []): Transition => ({
    state: { ...state, ...next },
    effects,
    rejected: null,
  });
  const active = state.stage !== "new" && state.stage !== "ended" && state.stage !== "cancelled";
  const going = active && !state.halted && state.attempt > 0;

  switch (event.type) {
    case "run-prepared": {
      if (state.stage !== "new") return reject("the run is prepared already");
      if (new Set(event.roster).size !== event.roster.length) return reject("a worker stands twice in the roster");
      const lanes = Object.fromEntries(event.roster.map((worker) => [worker, PENDING_LANE]));
      return accept({ stage: "prepared", commit: event.commit, lanes });
    }
    case "run-started": {
      if (!active) return reject("the run cannot be started");
      if (event.attempt !== state.attempt + 1) return reject("the attempt does not follow the one before");
      const lanes = Object.fromEntries(
        Object.entries(state.lanes).map(([worker, lane]) => [worker, isFinished(lane, event.commit) ? lane : PENDING_LANE]),
      );
      const kept = (worker: string): boolean => lanes[worker]?.state === "ended";
      const pending = Object.keys(lanes).filter((worker) => !kept(worker));
      return accept(
        {
          stage: "running",
          halted: false,
          attempt: event.attempt,
          commit: event.commit,
          lanes,
          reproductions: state.reproductions.filter((record) => record.commit === event.commit && kept(record.worker)),
          treeChanges: event.commit === state.commit ? state.treeChanges : [],
          verdict: null,
          gate: null,
          writerFallback: null,
          valid: null,
        },
        pending.length > 0 ? pending.map((worker) => ({ type: "dispatch", worker })) : [{ type: "converge" }],
      );
    }
    case "lane-started": {
      const lane = state.lanes[event.worker];
      if (!going || state.stage !== "running" || lane?.state !== "pending") return reject("no such lane is waiting");
      if (event.attempt !== state.attempt || event.commit !== state.commit) return reject("the lane belongs to another attempt or commit");
      return accept({
        lanes: {
          ...state.lanes,
          [event.worker]: { state: "running", attempt: event.attempt, commit: event.commit, end: null, nonce: event.nonce },
        },
      });
    }
    case "lane-ended": {
      const lane = state.lanes[event.worker];
      if (!going || lane?.state !== "running" || lane.attempt !== event.attempt || lane.commit !== event.commit)
        return reject("no such lane is running");
      const lanes: RunState["lanes"] = { ...state.lanes, [event.worker]: { ...lane, state: "ended", end: event.end } };
      const all = Object.values(lanes).every(({ state: each }) => each === "ended");
      return accept({ lanes }, all ? [{ type: "converge" }] : []);
    }
    case "lane-activity":
      return going && state.lanes[event.worker]?.state === "running" ? accept({}) : reject("no such lane is running");
    case "tree-changed":
      if (!going || state.stage !== "running" || !event.workers.every((worker) => Object.hasOwn(state.lanes, worker)))
        return reject("no lane could have changed the tree");
      return accept({ treeChanges: [...state.treeChanges, { workers: event.workers, paths: event.paths }] });
    case "reproduction-executed": {
      if (!going || state.stage !== "running" || !Object.hasOwn(state.lanes, event.worker)) return reject("nothing is to be reproduced");
      if (event.record.commit !== state.commit) return reject("the reproduction ran at another commit");
      if (event.record.failures > event.record.executions) return reject("more failures than executions");
      return accept({ reproductions: [...state.reproductions, { ...event.record, worker: event.worker }] });
    }
    case "run-converged": {
      const all = Object.values(state.lanes).every((lane) => lane.state === "ended");
      return going && state.stage === "running" && all
        ? accept({ stage: "converged" }, [{ type: "decide" }])
        : reject("not every lane has ended");
    }
    case "gate-decided":
      if (!going || state.stage !== "converged" || event.commit !== state.commit) return reject("nothing is to be decided at this commit");
      if (event.gate.override !== null) return reject("a decision cannot bring its own override");
      return accept({ stage: "decided", verdict: event.verdict, gate: event.gate }, [{ type: "report" }]);
    case "report-writer-fallback":
      return going && state.stage === "decided" ? accept({ writerFallback: event.reason }) : reject("no report is being written");
    case "report-written":
      // An override is shown in the report for ever after, so it is written once more.
      if (state.stage === "ended" && state.gate?.override !== null) return accept({});
      return going && state.stage === "decided"
        ? accept({ stage: "reported" }, [{ type: "validate" }])
        : reject("no report is being written");
    case "run-validated":
      return going && state.stage === "reported"
        ? accept({ stage: "validated", valid: event.ok }, [{ type: "end" }])
        : reject("there is no report to validate");
    case "run-ended":
      if (!going || state.stage !== "validated") return reject("the run was not validated");
      if (event.verdict !== state.verdict || event.gateOpen !== (state.gate?.open === true && state.valid === true))
        return reject("it does not end as it was decided");
      return accept({ stage: "ended" });
    case "gate-overridden":
      if (state.stage !== "ended" || state.gate === null || state.gate.name !== event.gate || event.commit !== state.commit)
        return reject("there is no such gate at this commit");
      return accept({ gate: { ...state.gate, open: true, override: { reason: event.reason, by: event.by, at: "", until: event.until } } });
    case "run-interrupted":
    case "run-failed":
      return going ? accept({ halted: true, lanes: haltLanes(state.lanes) }) : reject("the run is not going");
    case "run-cancelled":
      return active ? accept({ stage: "cancelled", halted: false, lanes: haltLanes(state.lanes) }) : reject("the run is not going");
  }
}

const PENDING_LANE: LaneState = { state: "pending", attempt: 0, commit: "", end: null, nonce: null };

function isFinished(lane: LaneState, commit: string): boolean {
  return lane.state === "ended" && lane.commit === commit && lane.end !== null && FINISHED_ENDS.includes(lane.end);
}

function haltLanes(lanes: RunState["lanes"]): RunState["lanes"] {
  return Object.fromEntries(Object.entries(lanes).map(([worker, lane]) => [worker, lane.state === "running" ? PENDING_LANE : lane]));
}

/** The state after all events. An event that was rejected when it happened is in no log, so a rejection here is damage. */
export function foldRun(events: readonly RunEventBody[]): { state: RunState; rejected: readonly { index: number; reason: string }[] } {
  let state = NEW_RUN;
  const rejected: { index: number; reason: string }[] = [];
  for (const [index, event] of events.entries()) {
    const next = transition(state, event);
    if (next.rejected !== null) rejected.push({ index, reason: next.rejected });
    state = next.state;
  }
  return { state, rejected };
}
