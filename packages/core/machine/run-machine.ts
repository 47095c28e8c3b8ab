import type { CriterionExecution } from "../phases/phase.ts";
import type { ExecutedVote, ReproductionRecord } from "../domain/execution.ts";
import type { LaneEnd, LaneRole } from "../domain/finding.ts";
import type { Gate, Verdict } from "../domain/run.ts";
import { MAX_ROUNDS, type RunEventBody } from "../events.ts";
import {
  handoffTransition,
  NEW_HANDOFF,
  nextHandoffEffect,
  restartHandoff,
  type HandoffEffect,
  type HandoffState,
} from "./handoff-machine.ts";

/** How far a run is. `ended` and `cancelled` are final, but for an override of the gate. */
export type Stage = "new" | "prepared" | "running" | "converged" | "decided" | "reported" | "validated" | "ended" | "cancelled";

export interface LaneState {
  readonly worker: string;
  readonly role: LaneRole;
  readonly round: number;
  readonly state: "pending" | "running" | "ended";
  readonly attempt: number;
  readonly commit: string;
  readonly end: LaneEnd | null;
  readonly nonce: string | null;
  /** Family of the model that served; null: the roster's. */
  readonly family: string | null;
  /** When the quota that ended the lane is filled again; null when that is not known. */
  readonly resumeAt: string | null;
  /** The agent that leads performs the lane itself; absent: a process of okstra's runs it, and dies with okstra. */
  readonly outside?: { readonly treeSha256: string | null };
}

/** The newest session of an agent that was started on a person's terminal to lead the run. */
export interface InteractiveSession {
  readonly agent: string;
  readonly sessionId: string | null;
  readonly worktree: string;
}

export interface RunState {
  readonly stage: Stage;
  /** True between an interruption, a failure or a crash that was noticed, and the next start. */
  readonly halted: boolean;
  readonly attempt: number;
  /** `agent`: a chat agent says by commands what is done next; the transition is the same. */
  readonly lead: "code" | "agent";
  /** Null while no agent was started on a terminal. */
  readonly session: InteractiveSession | null;
  /** The commit that is judged now: the head of the executor's work once that was inspected. */
  readonly commit: string;
  readonly executor: string | null;
  readonly reviewers: readonly string[];
  /** From 1; one more for each round of fixes. */
  readonly round: number;
  readonly lanes: Readonly<Record<string, LaneState>>;
  /** Hash of what stood before the executor first started; null before it was looked at. */
  readonly surroundingsSha256: string | null;
  readonly reproductions: readonly (ReproductionRecord & { readonly worker: string; readonly round: number })[];
  readonly executedVotes: readonly (ExecutedVote & { readonly round: number })[];
  readonly criterionExecutions: readonly CriterionExecution[];
  /** What git saw of the executor's work, round by round. */
  readonly works: readonly { readonly round: number; readonly workSha256: string; readonly from: string; readonly head: string }[];
  /** Open blockers after each round that converged. */
  readonly blockersPerRound: readonly number[];
  readonly treeChanges: readonly { readonly workers: readonly string[]; readonly paths: readonly string[] }[];
  readonly verdict: Verdict | null;
  readonly gate: Gate | null;
  readonly writerFallback: string | null;
  readonly valid: boolean | null;
  /** A person said to go on without the lanes whose quota is used up. */
  readonly withoutQuota: boolean;
  /** What the run waits for; null while it does not. */
  readonly paused: { readonly reason: "quota"; readonly lanes: readonly string[]; readonly until: string | null } | null;
  /** Of a release-handoff, which has no lanes; null for every other task type. */
  readonly handoff: HandoffState | null;
}

/** What the lead does next. Each effect ends in the event named beside it. */
export type Effect =
  /** → lane-started, lane-ended */
  | { readonly type: "dispatch"; readonly lane: string }
  /** → lanes-planned, work-inspected, or what was executed and then run-converged: as {@link nextStep} says */
  | { readonly type: "advance" }
  /** Of a release-handoff: → as its own effect says */
  | { readonly type: "handoff"; readonly effect: HandoffEffect }
  /** → gate-decided, or lanes-planned of a round of fixes */
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

/** Name of a worker's lane: its first review has the worker's own name. No worker's name has a dot in it. */
export function laneName(worker: string, role: "review" | "execute" | "vote", round: number): string {
  const suffix = { review: "", execute: ".execute", vote: ".votes" }[role];
  return `${worker}${suffix}${round === 1 ? "" : `.r${round}`}`;
}

/** The lane of the report-writer role, whichever worker has it. */
export const WRITER_LANE = "report-writer";

export const NEW_RUN: RunState = {
  stage: "new",
  halted: false,
  attempt: 0,
  lead: "code",
  session: null,
  commit: "",
  executor: null,
  reviewers: [],
  round: 1,
  lanes: {},
  reproductions: [],
  executedVotes: [],
  surroundingsSha256: null,
  criterionExecutions: [],
  works: [],
  blockersPerRound: [],
  treeChanges: [],
  verdict: null,
  gate: null,
  writerFallback: null,
  valid: null,
  withoutQuota: false,
  paused: null,
  handoff: null,
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
  const going = isGoing(state);

  switch (event.type) {
    case "run-prepared": {
      if (state.stage !== "new") return reject("the run is prepared already");
      if (new Set(event.roster).size !== event.roster.length) return reject("a worker stands twice in the roster");
      const executor = event.executor ?? null;
      const isHandoff = event.taskType === "release-handoff";
      if (isHandoff !== (event.roster.length === 0)) return reject("only a release-handoff has no workers");
      if (isHandoff) return accept({ stage: "prepared", commit: event.commit, handoff: NEW_HANDOFF });
      const first = executor === null ? planLanes(event.roster, "review", 1) : planLanes([executor], "execute", 1);
      return accept({
        stage: "prepared",
        lead: event.lead ?? "code",
        commit: event.commit,
        executor,
        reviewers: event.roster,
        lanes: first,
      });
    }
    case "run-started": {
      if (!active) return reject("the run cannot be started");
      if (event.attempt !== state.attempt + 1) return reject("the attempt does not follow the one before");
      if (state.handoff !== null) return startHandoff(state, event);
      const withoutQuota = event.withoutQuota ?? false;
      const lanes = restartLanes(state, event.commit, withoutQuota);
      const keptWorker = (worker: string): boolean =>
        Object.values(lanes).some(
          (lane) => lane.worker === worker && lane.role === "review" && lane.round === state.round && lane.state === "ended",
        );
      return accept(
        {
          stage: "running",
          halted: false,
          paused: null,
          withoutQuota,
          attempt: event.attempt,
          commit: event.commit,
          lanes,
          // Rounds before this one rest on what was executed then.
          reproductions: state.reproductions.filter(
            (record) => record.round < state.round || (record.commit === event.commit && keptWorker(record.worker)),
          ),
          // What is voted on anew has other items: what was executed for the old ones says nothing of them.
          executedVotes: state.executedVotes.filter(
            (record) =>
              record.round < state.round ||
              (record.commit === event.commit && lanes[laneName(record.worker, "vote", record.round)]?.state === "ended"),
          ),
          criterionExecutions: state.criterionExecutions.filter(({ execution }) => execution.commit === event.commit),
          treeChanges: event.commit === state.commit ? state.treeChanges : [],
          blockersPerRound: state.blockersPerRound.slice(0, state.round - 1),
          verdict: null,
          gate: null,
          writerFallback: null,
          valid: null,
        },
        dueOfLanes(lanes),
      );
    }
    case "lanes-planned": {
      if (!going || event.commit !== state.commit) return reject("no lanes are to be planned at this commit");
      const current = lastStep(state);
      const follows =
        (state.stage === "running" &&
          event.round === state.round &&
          ((event.role === "review" && current === "execute" && isInspected(state)) || (event.role === "vote" && current === "review"))) ||
        (state.stage === "converged" && event.role === "execute" && event.round === state.round + 1 && state.round < MAX_ROUNDS);
      if (!follows) return reject("these lanes do not follow what was done");
      if (state.executor === null && event.role === "execute") return reject("the run has no executor");
      if (!allEnded(state.lanes)) return reject("not every lane has ended");
      const lanes: Record<string, LaneState> = {};
      for (const { lane, worker } of event.lanes) {
        const known = event.role === "execute" ? worker === state.executor : state.reviewers.includes(worker);
        if (!known || lane !== laneName(worker, event.role, event.round) || Object.hasOwn(state.lanes, lane) || Object.hasOwn(lanes, lane))
          return reject("a lane is planned that cannot be");
        lanes[lane] = { ...PENDING, worker, role: event.role, round: event.round };
      }
      return accept(
        { stage: "running", round: event.round, lanes: { ...state.lanes, ...lanes } },
        event.lanes.map(({ lane }) => ({ type: "dispatch", lane })),
      );
    }
    case "lane-started": {
      const known = state.lanes[event.lane];
      // The writer works when everything is decided; a second try takes the place of the first.
      const lane =
        event.lane === WRITER_LANE && known?.state !== "running" ? { ...PENDING, worker: event.worker, role: "write" as const } : known;
      const stage = lane?.role === "write" ? "decided" : "running";
      if (!going || state.stage !== stage || lane?.state !== "pending" || lane.worker !== event.worker)
        return reject("no such lane is waiting");
      if (event.attempt !== state.attempt || event.commit !== state.commit) return reject("the lane belongs to another attempt or commit");
      if (event.outside !== undefined && state.lead !== "agent") return reject("only an agent that leads performs lanes itself");
      const started: LaneState = {
        ...lane,
        state: "running",
        attempt: event.attempt,
        commit: event.commit,
        nonce: event.nonce,
        end: null,
        ...(event.outside === undefined ? {} : { outside: { treeSha256: event.outside.treeSha256 } }),
      };
      return accept({ lanes: { ...state.lanes, [event.lane]: started } });
    }
    case "lane-ended": {
      const lane = state.lanes[event.lane];
      if (
        !going ||
        lane?.state !== "running" ||
        lane.worker !== event.worker ||
        lane.attempt !== event.attempt ||
        lane.commit !== event.commit
      )
        return reject("no such lane is running");
      const lanes: RunState["lanes"] = {
        ...state.lanes,
        [event.lane]: { ...lane, state: "ended", end: event.end, family: event.family ?? null, resumeAt: event.resumeAt ?? null },
      };
      return accept({ lanes }, lane.role !== "write" && allEnded(lanes) ? [{ type: "advance" }] : []);
    }
    case "interactive-session":
      return active && state.lead === "agent"
        ? accept({ session: { agent: event.agent, sessionId: event.sessionId, worktree: event.worktree } })
        : reject("no agent leads the run");
    case "executor-prepared":
      return going && state.executor !== null && state.surroundingsSha256 === null
        ? accept({ surroundingsSha256: event.surroundingsSha256 })
        : reject("no executor is to be prepared");
    case "work-inspected": {
      if (!going || state.stage !== "running" || lastStep(state) !== "execute" || !allEnded(state.lanes) || isInspected(state))
        return reject("no work is to be inspected");
      if (event.round !== state.round || event.from !== state.commit) return reject("the work belongs to another round or commit");
      const { round, workSha256, from, head } = event;
      return accept({ commit: head, works: [...state.works, { round, workSha256, from, head }] }, [{ type: "advance" }]);
    }
    case "lane-activity":
    case "lane-retried":
    case "model-substituted":
      return going && Object.values(state.lanes).some((lane) => lane.worker === event.worker && lane.state === "running")
        ? accept({})
        : reject("no such lane is running");
    case "tree-changed":
      if (!going || state.stage !== "running" || !event.workers.every((worker) => isKnownWorker(state, worker)))
        return reject("no lane could have changed the tree");
      return accept({ treeChanges: [...state.treeChanges, { workers: event.workers, paths: event.paths }] });
    case "reproduction-executed": {
      if (!going || state.stage !== "running" || !isKnownWorker(state, event.worker)) return reject("nothing is to be reproduced");
      if (event.record.commit !== state.commit) return reject("the reproduction ran at another commit");
      if (event.record.failures > event.record.executions) return reject("more failures than executions");
      return accept({ reproductions: [...state.reproductions, { ...event.record, worker: event.worker, round: state.round }] });
    }
    case "vote-executed": {
      const { record } = event;
      if (!going || state.stage !== "running" || lastStep(state) !== "vote" || !isKnownWorker(state, record.worker))
        return reject("no vote is to be executed");
      if (record.commit !== state.commit) return reject("the vote was executed at another commit");
      if (record.failures > record.executions) return reject("more failures than executions");
      return accept({ executedVotes: [...state.executedVotes, { ...record, round: state.round }] });
    }
    case "criterion-executed": {
      if (!going || state.stage !== "running" || event.execution.commit !== state.commit) return reject("no criterion is to be executed");
      if (state.criterionExecutions.some(({ criterion }) => criterion === event.criterion))
        return reject("the criterion was executed already");
      return accept({ criterionExecutions: [...state.criterionExecutions, { criterion: event.criterion, execution: event.execution }] });
    }
    case "run-converged": {
      if (!going || state.stage !== "running" || !allEnded(state.lanes)) return reject("not every lane has ended");
      if ((event.round ?? 1) !== state.round) return reject("it converged in another round");
      if (lastStep(state) === "execute" && !isInspected(state)) return reject("the work was not inspected");
      return accept({ stage: "converged", blockersPerRound: [...state.blockersPerRound, event.blockers ?? 0] }, [{ type: "decide" }]);
    }
    case "handoff-answered":
    case "handoff-planned":
    case "handoff-chosen":
    case "handoff-refused":
    case "handoff-cancelled":
    case "handoff-called":
    case "remote-asked":
    case "push-started":
    case "push-ended":
    case "branch-moved":
    case "pull-request-asked":
    case "pull-request-started":
    case "pull-request-opened":
    case "handoff-settled": {
      const isOpen = active && (state.stage === "prepared" || state.stage === "running");
      if (state.handoff === null || !isOpen) return reject("nothing is handed off");
      const handoff = handoffTransition(state.handoff, event, going);
      if (typeof handoff === "string") return reject(handoff);
      if (event.type === "handoff-settled") return accept({ handoff, stage: "converged" }, [{ type: "decide" }]);
      const acts = going && event.type !== "handoff-called" && event.type !== "push-started" && event.type !== "pull-request-started";
      const effect = acts ? nextHandoffEffect(handoff) : null;
      return accept({ handoff }, effect === null ? [] : [{ type: "handoff", effect }]);
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
      return going && state.stage === "decided" && allEnded(state.lanes)
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
    case "sandbox-missing":
      return going && event.workers.every((worker) => isKnownWorker(state, worker)) ? accept({}) : reject("no such worker is in the run");
    case "run-paused": {
      const waiting = quotaLanes(state);
      if (!going || state.stage !== "running" || !allEnded(state.lanes) || waiting.length === 0)
        return reject("the run has nothing to wait for");
      if (event.lanes.join() !== waiting.join()) return reject("it waits for other lanes");
      return accept({ halted: true, paused: { reason: event.reason, lanes: event.lanes, until: event.until } });
    }
    case "run-interrupted":
    case "run-failed":
      return going ? accept({ halted: true, lanes: haltLanes(state.lanes, isOutside) }) : reject("the run is not going");
    case "run-cancelled":
      return active ? accept({ stage: "cancelled", halted: false, lanes: haltLanes(state.lanes) }) : reject("the run is not going");
  }
}

/** A hand-off begins, or goes on, only after a person's word; what the outside said in an earlier attempt does not count. */
function startHandoff(state: RunState, event: Extract<RunEventBody, { type: "run-started" }>): Transition {
  const handoff = state.handoff === null ? NEW_HANDOFF : restartHandoff(state.handoff);
  const effect = nextHandoffEffect(handoff);
  const rejected =
    event.commit !== state.commit
      ? "the run is bound to another commit"
      : effect === null && handoff.outcome === null
        ? "nobody has chosen"
        : null;
  if (rejected !== null) return { state, effects: [], rejected };
  const isSettled = handoff.outcome !== null;
  const next: RunState = {
    ...state,
    stage: isSettled ? "converged" : "running",
    halted: false,
    attempt: event.attempt,
    handoff,
    verdict: null,
    gate: null,
    valid: null,
  };
  return { state: next, effects: effect === null ? [{ type: "decide" }] : [{ type: "handoff", effect }], rejected: null };
}

const PENDING = { round: 1, state: "pending", attempt: 0, commit: "", end: null, nonce: null, family: null, resumeAt: null } as const;

function planLanes(workers: readonly string[], role: "review" | "execute", round: number): RunState["lanes"] {
  return Object.fromEntries(workers.map((worker) => [laneName(worker, role, round), { ...PENDING, worker, role, round }]));
}

/**
 * What is finished stays, the rest is asked again. Where a review is asked again its round's votes are planned anew: they
 * would be about what nobody says any more.
 */
function restartLanes(state: RunState, commit: string, withoutQuota: boolean): RunState["lanes"] {
  const stays = (lane: LaneState): boolean =>
    isFinished(lane, state.round, commit) ||
    (isOutside(lane) && lane.commit === commit) ||
    (withoutQuota && lane.state === "ended" && lane.end === "quota" && lane.commit === commit);
  const lanes = Object.entries(state.lanes).map(([name, lane]) => [name, stays(lane) ? lane : asPending(lane)] as const);
  const reviewsAgain = lanes.some(([, lane]) => lane.role === "review" && lane.state === "pending");
  return Object.fromEntries(lanes.filter(([, lane]) => !(reviewsAgain && lane.role === "vote" && lane.round === state.round)));
}

function asPending(lane: LaneState): LaneState {
  return { ...PENDING, worker: lane.worker, role: lane.role, round: lane.round };
}

/** A lane that is done for good: of an earlier round, the executor's (its commits are there), or finished at this commit. */
function isFinished(lane: LaneState, round: number, commit: string): boolean {
  if (lane.state !== "ended" || lane.end === null) return false;
  if (lane.role !== "write" && lane.round < round) return true;
  if (!FINISHED_ENDS.includes(lane.end)) return false;
  if (lane.role === "write") return lane.commit === commit && lane.end === "ok";
  return lane.role === "execute" || lane.commit === commit;
}

function allEnded(lanes: RunState["lanes"]): boolean {
  return Object.values(lanes).every(({ state, role }) => state === "ended" || (role === "write" && state === "pending"));
}

function isKnownWorker(state: RunState, worker: string): boolean {
  return worker === state.executor || state.reviewers.includes(worker);
}

function isInspected(state: RunState): boolean {
  return state.works.some(({ round }) => round === state.round);
}

const STEPS = ["execute", "review", "vote"] as const;

/** The latest kind of lanes that the round has had. */
function lastStep(state: RunState): (typeof STEPS)[number] {
  const roles = new Set(Object.values(state.lanes).flatMap((lane) => (lane.round === state.round ? [lane.role] : [])));
  return STEPS.findLast((role) => roles.has(role)) ?? "review";
}

/** The lanes of the round whose worker could not answer because its quota is used up; none when a person goes on without them. */
export function quotaLanes(state: RunState): readonly string[] {
  if (state.withoutQuota) return [];
  return Object.keys(state.lanes)
    .filter((name) => {
      const lane = state.lanes[name];
      return lane?.end === "quota" && lane.state === "ended" && lane.round === state.round && lane.role !== "write";
    })
    .sort();
}

/**
 * What follows when every lane of a run that is `running` has ended. `plan-votes` and `converge` come after what the
 * lanes propose was executed; `pause` comes before everything.
 */
export function nextStep(state: RunState): "pause" | "inspect" | "plan-review" | "plan-votes" | "converge" {
  if (quotaLanes(state).length > 0) return "pause";
  const step = lastStep(state);
  if (step === "execute") return isInspected(state) ? "plan-review" : "inspect";
  return step === "review" ? "plan-votes" : "converge";
}

/** The review lanes of the current round, by name. */
export function reviewLanes(state: Pick<RunState, "lanes">, round: number): readonly (readonly [string, LaneState])[] {
  return Object.entries(state.lanes).filter(([, lane]) => lane.role === "review" && lane.round === round);
}

/** What okstra's own processes ran is asked again. @param stays a running lane that no end of a process ends */
function haltLanes(lanes: RunState["lanes"], stays: (lane: LaneState) => boolean = () => false): RunState["lanes"] {
  return Object.fromEntries(
    Object.entries(lanes).map(([name, lane]) => [name, lane.state === "running" && !stays(lane) ? asPending(lane) : lane]),
  );
}

/** A lane that the leading agent is at: it goes on whatever becomes of a process of okstra's. The report's is asked anew, for other facts. */
function isOutside({ state, outside, role }: LaneState): boolean {
  return state === "running" && outside !== undefined && role !== "write";
}

function dueOfLanes(lanes: RunState["lanes"]): readonly Effect[] {
  const pending = Object.keys(lanes).filter((name) => lanes[name]?.state === "pending" && lanes[name]?.role !== "write");
  if (pending.length > 0) return pending.map((lane) => ({ type: "dispatch", lane }));
  return allEnded(lanes) ? [{ type: "advance" }] : [];
}

/**
 * What is due in a run that is going, as it follows from its state alone: whoever leads it in several steps goes on with
 * this, each step in a process of its own. Empty while lanes run, and where only `run-started` makes it go on.
 */
export function dueEffects(state: RunState): readonly Effect[] {
  if (!isGoing(state) || state.handoff !== null) return [];
  switch (state.stage) {
    case "running":
      return dueOfLanes(state.lanes);
    case "converged":
      return [{ type: "decide" }];
    case "decided":
      return state.lanes[WRITER_LANE]?.state === "running" ? [] : [{ type: "report" }];
    case "reported":
      return [{ type: "validate" }];
    case "validated":
      return [{ type: "end" }];
    default:
      return [];
  }
}

/** Whether the run was started and nothing stopped it since. */
export function isGoing({ stage, halted, attempt }: RunState): boolean {
  return stage !== "new" && stage !== "ended" && stage !== "cancelled" && !halted && attempt > 0;
}

/** Running lanes that die with the process that runs them. */
export function heldLanes({ lanes }: Pick<RunState, "lanes">): readonly string[] {
  return Object.keys(lanes).filter((name) => lanes[name]?.state === "running" && lanes[name].outside === undefined);
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
