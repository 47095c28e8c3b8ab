import type { Gate, Verdict } from "../domain/run.ts";
import type { Clarification } from "../domain/task-context.ts";
import type { TaskType } from "../domain/work.ts";
import type { Stage } from "./run-machine.ts";

/** A run as far as it matters for what is due. */
export interface NextRun {
  readonly type: TaskType;
  readonly run: number;
  readonly stage: Stage;
  /** Whether okstra can go on with it; only asked where it has not ended. */
  readonly resumable: boolean;
  readonly verdict: Verdict | null;
  /** Null before it was decided. */
  readonly gate: Pick<Gate, "name" | "kind" | "reasons"> | null;
  /** Whether the gate is passed now, with overrides, answers and approvals counted. */
  readonly open: boolean;
  readonly commit: string;
  /** What the validator said; null before it was asked. */
  readonly valid: boolean | null;
  /** What the run waits for, in words; null or absent while it does not. */
  readonly waiting?: string | null;
  /** Who leads it; absent: okstra's own code. */
  readonly lead?: "code" | "agent";
  /** Of a release-handoff: whether a person chose. */
  readonly begun?: boolean;
}

/** The newest hand-off that ended with commits that stay or went out. */
export interface HandedOff {
  readonly run: number;
  /** What the branch is at since. */
  readonly commit: string;
  readonly outcome: string;
  /** Page of the pull request; null when there is none. */
  readonly pullRequest: string | null;
  /** How and where it was merged, once `okstra task done` noticed; null before. */
  readonly merged: { readonly how: string; readonly base: string } | null;
}

/** That the work is in the base branch, as `okstra task done` found. */
export interface Merged {
  readonly how: string;
  readonly base: string;
  /** Commit whose work the base has. */
  readonly commit: string;
  /** What the task's branch was at then; null when it was gone. */
  readonly head: string | null;
}

/** All that decides what a task does next. */
export interface NextFacts {
  /** `<group>/<task>`, for commands. */
  readonly task: string;
  /** Work category as it was last classified. */
  readonly category: string;
  readonly hasBrief: boolean;
  /** Where a task begins that was made from an improvement; null: at the beginning. */
  readonly startAt: TaskType | null;
  /** Head commit of the worktree; empty without git, or where there is no worktree yet. */
  readonly head: string;
  /** Runs of the current cycle in the order of their creation; damaged and cancelled ones left out. */
  readonly runs: readonly NextRun[];
  /** What the newest requirements-discovery that passed says; null when there is none. */
  readonly discovery: {
    readonly size: string | null;
    readonly nextPhase: TaskType | null;
    readonly skip: readonly { readonly type: TaskType; readonly why: string }[];
  } | null;
  /** State of the newest plan; null when there is none. */
  readonly plan: {
    readonly run: number;
    readonly state: "approved" | "override" | "rejected" | "stale" | "pending";
    readonly reason: string | null;
    /** Whether an implementation began after the rejection. */
    readonly overtaken: boolean;
  } | null;
  /** In this cycle; null or absent when nothing was handed off. */
  readonly handedOff?: HandedOff | null;
  /** In this cycle, with no run begun since; null or absent when it was not found to be merged. */
  readonly merged?: Merged | null;
  /** Unanswered questions of this cycle. */
  readonly questions: readonly Pick<Clarification, "id" | "blocks">[];
}

export interface DuePhase {
  readonly type: TaskType;
  readonly why: string;
  /** The run to go on with; null: a new one. */
  readonly resume: number | null;
  readonly command: string;
}

export interface HeldGate {
  readonly gate: { readonly name: string; readonly kind: Gate["kind"]; readonly type: TaskType };
  readonly why: string;
  /** Exactly what answers it. */
  readonly command: string;
}

export interface NextPhase {
  readonly due: DuePhase | null;
  /** The work is finally verified at the head commit. */
  readonly done: boolean;
  readonly skipped: readonly { readonly type: TaskType; readonly why: string }[];
  readonly blocked: HeldGate | null;
  /** Set when the head commit was handed off: nothing is due but to wait for what others say of it. */
  readonly handedOff: HandedOff | null;
  /** Set when the work is in the base branch: nothing is due at all. */
  readonly merged: Omit<Merged, "head"> | null;
}

/** The phases that a task goes through, in order. `release-handoff` follows when it is done. */
export const PHASE_ORDER = [
  "requirements-discovery",
  "error-analysis",
  "implementation-planning",
  "implementation",
  "final-verification",
] as const;
type Ordered = (typeof PHASE_ORDER)[number];

/**
 * What is due, and why. Never both a due phase and a held gate; final-verification is never skipped, and it counts only
 * for the head commit. A phase is passed when its newest run is, and is newer than those of the phases before it.
 */
export function nextPhase(facts: NextFacts): NextPhase {
  const skipped: { type: TaskType; why: string }[] = [];
  const answer = (part: Partial<NextPhase>): NextPhase => ({
    due: null,
    done: false,
    blocked: null,
    handedOff: null,
    merged: null,
    skipped,
    ...part,
  });

  const verified = newestOf(facts, "final-verification");
  // Once the clean-up took the branch away there is no head, and nothing that could differ from what was merged.
  if (facts.merged && (facts.head === "" || facts.head === facts.merged.head)) {
    const { head: _head, ...merged } = facts.merged;
    return answer({ done: true, merged, handedOff: facts.handedOff?.commit === merged.commit ? facts.handedOff : null });
  }
  if (facts.handedOff?.commit === facts.head) return answer({ done: true, handedOff: facts.handedOff });
  const handing = facts.runs.at(-1);
  if (handing?.type === "release-handoff" && handing.stage !== "ended" && handing.resumable && handing.begun === true)
    return answer({ done: true, due: handOff(facts, `hand-off run ${handing.run} was chosen and has not ended`, handing.run) });
  if (verified !== null && verified.open && verified.commit === facts.head)
    return answer({ done: true, due: handOff(facts, `final-verification run ${verified.run} passed${atCommit(facts.head)}`, null) });
  const going = facts.runs.findLast(({ type }) => type !== "release-handoff");
  if (going !== undefined && going.stage !== "ended" && going.type !== "improvement-discovery" && going.resumable)
    return answer({
      due: {
        type: going.type,
        why: whyGoing(going),
        resume: going.run,
        command: `okstra ${going.lead === "agent" ? "lead next" : "resume"} ${facts.task} --task-type ${going.type}`,
      },
    });
  // Without an answer to these no phase is passed.
  if (facts.questions.some(({ blocks }) => blocks === "approval")) return answer({ blocked: waitForAnswers(facts) });

  let reached = -1;
  for (const type of PHASE_ORDER) {
    const at = facts.runs.findLastIndex((run) => run.type === type && run.stage === "ended");
    const run = facts.runs[at];
    if (run === undefined || at < reached) {
      const reason = reasonToSkip(facts, type) ?? reasonGonePast(facts, type, reached);
      if (reason === null && type === "final-verification" && waiting(facts).length > 0) return answer({ blocked: waitForAnswers(facts) });
      if (reason === null) return answer({ due: due(facts, type, whyDue(facts, type, run)) });
      skipped.push({ type, why: reason });
      continue;
    }
    if (type === "implementation-planning" && facts.plan?.run === run.run && facts.plan.state === "rejected" && !facts.plan.overtaken)
      return answer({ due: due(facts, type, `the plan of run ${run.run} was rejected: ${facts.plan.reason ?? ""}`) });
    if (type === "final-verification" && run.commit !== facts.head) {
      if (waiting(facts).length > 0) return answer({ blocked: waitForAnswers(facts) });
      return answer({ due: due(facts, type, `run ${run.run} judged ${shorten(run.commit)}, and the head is ${shorten(facts.head)}`) });
    }
    if (run.open || isGonePast(facts, type, at)) {
      reached = at;
      continue;
    }
    return answer({ blocked: holdOf(facts, run) });
  }
  // Not reached: a final-verification at the head that passed was answered first.
  return answer({ due: due(facts, "final-verification", "nothing was verified") });
}

function whyGoing({ run, waiting, lead }: NextRun): string {
  if (waiting) return `run ${run} waits: ${waiting}`;
  return lead === "agent" ? `an agent leads run ${run}, which has not ended` : `run ${run} was begun and has not ended`;
}

function newestOf(facts: NextFacts, type: TaskType): NextRun | null {
  return facts.runs.findLast((run) => run.type === type && run.stage === "ended") ?? null;
}

/** A hand-off is a person's: it has a command of its own, which asks. */
function handOff({ task }: NextFacts, why: string, resume: number | null): DuePhase {
  return { type: "release-handoff", why, resume, command: `okstra handoff ${task}` };
}

function due({ task }: NextFacts, type: TaskType, why: string): DuePhase {
  return { type, why, resume: null, command: `okstra run ${task} --task-type ${type}` };
}

/** Why a phase without a run is not needed; null when it is. */
function reasonToSkip(facts: NextFacts, type: Ordered): string | null {
  const { category, discovery, hasBrief, startAt } = facts;
  if (type === "final-verification") return null;
  if (PHASE_ORDER.findIndex((each) => each === startAt) > PHASE_ORDER.indexOf(type))
    return `the improvement that the task takes up begins with ${startAt ?? ""}`;
  if (type === "requirements-discovery") return category === "bugfix" && hasBrief ? "a bug is analysed first, from the brief" : null;
  if (type === "error-analysis" && category !== "bugfix") return `the category is ${category}, not bugfix`;
  const said = discovery?.skip.find((each) => each.type === type);
  if (said !== undefined) return said.why;
  if (discovery === null) return null;
  if (type === "implementation-planning" && discovery.size === "trivial") return "the work is trivial";
  const jump = PHASE_ORDER.findIndex((each) => each === discovery.nextPhase);
  return jump > PHASE_ORDER.indexOf(type) ? `requirements-discovery leads to ${discovery.nextPhase ?? ""}` : null;
}

/** A person who ran a later phase by hand went past this one. */
function reasonGonePast({ runs }: NextFacts, type: Ordered, reached: number): string | null {
  const later = runs.findLast((run, at) => at > reached && isAfter(run.type, type));
  return later === undefined ? null : `${later.type} was run without it`;
}

/**
 * A held gate is behind the task when a person ran a later phase by hand since: for the phases that only find out, any
 * run; a plan or an implementation only when a later phase passed.
 */
function isGonePast({ runs, head }: NextFacts, type: Ordered, at: number): boolean {
  const findsOut = type === "requirements-discovery" || type === "error-analysis";
  return runs.some(
    (run, index) =>
      index > at &&
      run.stage === "ended" &&
      isAfter(run.type, type) &&
      (findsOut || (run.open && (run.type !== "final-verification" || run.commit === head))),
  );
}

function isAfter(type: TaskType, other: Ordered): boolean {
  return PHASE_ORDER.indexOf(type as Ordered) > PHASE_ORDER.indexOf(other);
}

function whyDue(facts: NextFacts, type: Ordered, stale: NextRun | undefined): string {
  if (stale !== undefined) return `an earlier phase was run since run ${stale.run}`;
  switch (type) {
    case "requirements-discovery":
      return "nothing is known of the task yet";
    case "error-analysis":
      return "the cause of the bug is not known";
    case "implementation-planning":
      return "there is no plan";
    case "implementation":
      return facts.plan === null ? "what is to be done is known" : `the plan of run ${facts.plan.run} is approved`;
    case "final-verification":
      return `nothing was verified${atCommit(facts.head)}`;
  }
}

function holdOf(facts: NextFacts, run: NextRun): HeldGate {
  const { type } = run;
  const gate = { name: run.gate?.name ?? "none", kind: run.gate?.kind ?? ("abort" as const), type };
  const reasons = run.gate?.reasons ?? [];
  const has = (...codes: readonly string[]): boolean => codes.some((code) => reasons.includes(code));
  const again = due(facts, type, "").command;
  const override = `okstra override ${facts.task} ${type} --reason "…"`;
  const hold = (why: string, command: string): HeldGate => ({ gate, why: `${why} (${type} run ${run.run})`, command });

  if (run.valid !== true) return hold("the run did not pass the validator", again);
  if (has("no-lane-ok", "lane-not-ok", "verifiers-missing")) return hold("not every worker was heard", again);
  if (has("clarifications-open")) return hold("it waited for answers that are given now", again);
  switch (type) {
    case "implementation-planning":
      if (has("no-plan", "plan-invalid")) return hold("there is no plan that could be approved", again);
      if (has("plan-not-approved") && !has("blocking-findings", "held-findings", "tree-changed"))
        return hold(
          facts.plan?.state === "stale" ? "the plan changed since one was approved" : "the plan waits for a person",
          `okstra approve ${facts.task}`,
        );
      break;
    case "requirements-discovery":
      if (has("not-classified", "no-criteria")) return hold("the task was not classified", again);
      break;
    case "error-analysis":
      if (run.verdict === "not-reproduced") return hold("no cause was confirmed by a reproduction", override);
      break;
    case "implementation":
      if (has("blocking-findings", "executor-not-ok", "no-commits", "uncommitted-work"))
        return hold("the implementation is not finished", again);
      break;
    case "final-verification":
      if (has("blocking-findings", "criteria-not-met"))
        return hold("the work is not good enough", due(facts, "implementation", "").command);
      break;
    default:
  }
  return hold(`the gate holds: ${reasons.join(", ")}`, override);
}

/** Questions that hold something up: a phase, or the end of the work. */
function waiting({ questions }: NextFacts): NextFacts["questions"] {
  return questions.filter(({ blocks }) => blocks !== "none");
}

function waitForAnswers(facts: NextFacts): HeldGate {
  const ids = waiting(facts).map(({ id }) => id);
  const last = facts.runs.findLast(({ stage, type }) => stage === "ended" && type !== "improvement-discovery");
  return {
    gate: { name: "clarifications", kind: "escalation", type: last?.type ?? "requirements-discovery" },
    why: `${ids.join(", ")} ${ids.length === 1 ? "waits" : "wait"} for an answer`,
    command: [`okstra answer ${facts.task}`, ...ids.map((id) => `${id}="…"`)].join(" "),
  };
}

function atCommit(commit: string): string {
  return commit === "" ? "" : ` at ${shorten(commit)}`;
}

function shorten(commit: string): string {
  return commit === "" ? "no commit" : commit.slice(0, 12);
}
