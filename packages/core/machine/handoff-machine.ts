import type { HandoffAction, HandoffAnswer, HandoffOutcome } from "../domain/handoff.ts";
import type { RunEventBody } from "../events.ts";

/** What the machine must know of a plan. */
interface PlanBrief {
  readonly action: HandoffAction;
  readonly head: string;
  readonly outgoing: string;
  readonly ref: string;
  readonly opensPullRequest: boolean;
}

export interface HandoffState {
  /** By hash, in the order in which they were made. */
  readonly plans: Readonly<Record<string, PlanBrief>>;
  readonly answers: readonly HandoffAnswer[];
  readonly chosen: { readonly planSha256: string; readonly how: "terminal" | "hash"; readonly by: string } | null;
  /** What the remote said in this attempt; null before it was asked. */
  readonly remote: { readonly commit: string | null } | null;
  readonly push: "none" | "started" | "pushed" | "rejected";
  /** A push was begun in this attempt, and neither its end nor the remote's word since is known. */
  readonly pushing: boolean;
  readonly rejection: string | null;
  readonly moved: { readonly from: string; readonly to: string; readonly recoveryRef: string } | null;
  /** Whether the forge was asked in this attempt. */
  readonly forgeAsked: boolean;
  readonly opening: boolean;
  readonly pullRequest: { readonly url: string; readonly number: number; readonly state: string; readonly opened: boolean } | null;
  readonly outcome: HandoffOutcome | null;
}

export const NEW_HANDOFF: HandoffState = {
  plans: {},
  answers: [],
  chosen: null,
  remote: null,
  push: "none",
  pushing: false,
  rejection: null,
  moved: null,
  forgeAsked: false,
  opening: false,
  pullRequest: null,
  outcome: null,
};

/** What is done next. Each effect ends in the event named beside it; asking comes before every act, in every attempt. */
export type HandoffEffect =
  /** → remote-asked */
  | { readonly type: "ask-remote" }
  /** → push-started, push-ended */
  | { readonly type: "push" }
  /** → branch-moved */
  | { readonly type: "move-branch" }
  /** → pull-request-asked */
  | { readonly type: "ask-forge" }
  /** → pull-request-started, pull-request-opened */
  | { readonly type: "open-pull-request" }
  /** → handoff-settled */
  | { readonly type: "settle"; readonly outcome: HandoffOutcome };

type HandoffEvent = Extract<
  RunEventBody,
  {
    type:
      | "handoff-answered"
      | "handoff-planned"
      | "handoff-chosen"
      | "handoff-refused"
      | "handoff-cancelled"
      | "handoff-called"
      | "remote-asked"
      | "push-started"
      | "push-ended"
      | "branch-moved"
      | "pull-request-asked"
      | "pull-request-started"
      | "pull-request-opened"
      | "handoff-settled";
  }
>;

/** The plan that a person chose; null while nobody did. */
export function chosenPlan(state: HandoffState): PlanBrief | null {
  return state.chosen === null ? null : (state.plans[state.chosen.planSha256] ?? null);
}

/**
 * What follows from what is known, or null while a person is waited for. Nothing leaves the machine before a plan was
 * chosen; what leaves is the chosen plan's commit and nothing else; what is there already is not sent again.
 */
export function nextHandoffEffect(state: HandoffState): HandoffEffect | null {
  if (state.outcome !== null) return null;
  const plan = chosenPlan(state);
  if (plan === null) return null;
  const movesBranch = plan.outgoing !== plan.head && state.moved === null;
  if (plan.action === "skip") return { type: "settle", outcome: "skipped" };
  if (plan.action === "commit") return movesBranch ? { type: "move-branch" } : { type: "settle", outcome: "committed" };
  if (state.push === "rejected") return { type: "settle", outcome: "push-rejected" };
  // Before a push and after it: what the remote has is its own word, not git's exit status.
  if (state.remote === null) return { type: "ask-remote" };
  if (state.push !== "pushed") return { type: "push" };
  if (movesBranch) return { type: "move-branch" };
  if (!plan.opensPullRequest || state.pullRequest !== null) return { type: "settle", outcome: "handed-off" };
  return state.forgeAsked ? { type: "open-pull-request" } : { type: "ask-forge" };
}

/** The state when an attempt begins: what the outside said before may not hold any more, what was done stays done. */
export function restartHandoff(state: HandoffState): HandoffState {
  return { ...state, remote: null, pushing: false, forgeAsked: false, opening: false };
}

/**
 * The hand-off as a pure transition.
 * @param going whether an attempt of the run goes on; without one a person may plan and choose, and nothing is done
 * @returns the next state, or in words why the event does not fit
 */
export function handoffTransition(state: HandoffState, event: HandoffEvent, going: boolean): HandoffState | string {
  if (state.outcome !== null) return "the hand-off is settled";
  const plan = chosenPlan(state);
  const next = nextHandoffEffect(state)?.type ?? null;
  switch (event.type) {
    case "handoff-answered":
      if (state.chosen !== null) return "the choice is made";
      return { ...state, answers: [...state.answers, { question: event.question, text: event.text, how: event.how }] };
    case "handoff-planned": {
      if (state.chosen !== null) return "the choice is made";
      const { action, head, outgoing, ref, opensPullRequest } = event;
      const { [event.planSha256]: _, ...others } = state.plans;
      return { ...state, plans: { ...others, [event.planSha256]: { action, head, outgoing, ref, opensPullRequest } } };
    }
    case "handoff-chosen":
      if (state.chosen !== null) return "the choice is made";
      if (!Object.hasOwn(state.plans, event.planSha256)) return "nobody made that plan";
      return { ...state, chosen: { planSha256: event.planSha256, how: event.how, by: event.by } };
    case "handoff-refused":
      // A plan of which nothing was done can be given up; what was pushed is not taken back.
      if (!Object.hasOwn(state.plans, event.planSha256)) return "nobody made that plan";
      if (state.chosen === null) return state;
      if (state.chosen.planSha256 !== event.planSha256) return "another plan is chosen";
      // Whether a push that was begun has arrived is asked first, and after it.
      return (state.push === "none" || (state.push === "started" && !state.pushing && state.remote !== null)) && state.moved === null
        ? { ...state, chosen: null, push: "none" }
        : "it is being done already";
    case "handoff-cancelled":
      return state.chosen === null ? { ...state, outcome: "cancelled" } : "the choice is made";
    case "handoff-called":
      return going ? state : "nothing is being done";
    case "remote-asked":
      if (!going || plan === null || (next !== "ask-remote" && next !== "push")) return "the remote is not to be asked";
      if (event.ref !== plan.ref) return "another ref was asked for";
      return {
        ...state,
        remote: { commit: event.commit },
        push: event.commit === plan.outgoing ? "pushed" : state.push,
        pushing: false,
      };
    case "push-started":
      if (!going || plan === null || next !== "push" || state.push === "pushed" || state.pushing) return "nothing is to be pushed";
      if (event.ref !== plan.ref || event.commit !== plan.outgoing) return "it is not what was chosen";
      return { ...state, push: "started", pushing: true };
    case "push-ended":
      if (!going || plan === null || !state.pushing) return "nothing is being pushed";
      if (event.commit !== plan.outgoing) return "it is not what was chosen";
      return { ...state, push: event.end, pushing: false, rejection: event.reason, remote: event.end === "pushed" ? null : state.remote };
    case "branch-moved":
      if (!going || plan === null || next !== "move-branch") return "no branch is to be moved";
      if (event.from !== plan.head || event.to !== plan.outgoing) return "it is not what was chosen";
      return { ...state, moved: { from: event.from, to: event.to, recoveryRef: event.recoveryRef } };
    case "pull-request-asked":
      if (!going || next !== "ask-forge") return "the forge is not to be asked";
      return { ...state, forgeAsked: true, pullRequest: event.found === null ? null : { ...pick(event.found), opened: false } };
    case "pull-request-started":
      return going && next === "open-pull-request" && !state.opening ? { ...state, opening: true } : "no pull request is to be opened";
    case "pull-request-opened":
      if (!going || !state.opening || next !== "open-pull-request") return "no pull request is being opened";
      return { ...state, opening: false, pullRequest: { ...pick(event.pullRequest), opened: true } };
    case "handoff-settled": {
      const due = nextHandoffEffect(state);
      if (!going || due?.type !== "settle" || due.outcome !== event.outcome) return "it is not settled so";
      return { ...state, outcome: event.outcome };
    }
  }
}

function pick({ url, number, state }: { url: string; number: number; state: string }): { url: string; number: number; state: string } {
  return { url, number, state };
}
