import { nextPhase, type NextFacts, type NextPhase } from "@okstra/core/machine/next-phase";
import type { HandedOff, Merged } from "@okstra/core/machine/next-phase";
import { handoffSectionSchema } from "@okstra/core/phases/release-handoff/section";
import { currentRuns, eventsOfCycle, type TaskFacts } from "./load-task.ts";

/** What a task does next, from all that is known of it. */
export function decideNext(facts: TaskFacts): NextPhase {
  return nextPhase(factsForNext(facts));
}

function factsForNext(facts: TaskFacts): NextFacts {
  const runs = currentRuns(facts);
  const { plan, discovery, cycle, key } = facts;
  const raisedHere = new Set(runs.map(({ type, run }) => `${type} ${run}`));
  return {
    task: `${key.group}/${key.task}`,
    category: facts.category,
    hasBrief: facts.brief !== null,
    startAt: cycle.cycle === 1 ? (facts.from?.startAt ?? null) : null,
    head: facts.head,
    runs: runs.map((run) => ({
      type: run.type,
      run: run.run,
      stage: run.stage,
      // As resumeRun demands: an executor goes on from what it left, all others at their commit.
      resumable: (run.type === "implementation" && run.attempt > 0) || run.startCommit === facts.head,
      verdict: run.verdict,
      gate: run.gate,
      open: run.effective.open,
      commit: run.commit,
      valid: run.valid,
      waiting: run.waiting,
      lead: run.lead,
      begun: run.type === "release-handoff" && run.events.some(({ type }) => type === "handoff-chosen" || type === "handoff-cancelled"),
    })),
    handedOff: findHandedOff(facts),
    merged: findMerged(facts),
    discovery,
    plan:
      plan === null
        ? null
        : {
            run: plan.run,
            state: plan.state,
            reason: plan.rejection?.reason ?? null,
            overtaken: runs.some((run) => run.type === "implementation" && run.createdAt > (plan.rejection?.at ?? "")),
          },
    questions: facts.clarifications.filter(
      ({ answer, raisedBy }) => answer === null && raisedBy.some(({ type, run }) => raisedHere.has(`${type} ${run}`)),
    ),
  };
}

/** The newest hand-off of this cycle whose commits stay or went out; null when there is none. */
export function findHandedOff(facts: TaskFacts): HandedOff | null {
  const run = currentRuns(facts).findLast((each) => each.type === "release-handoff" && each.stage === "ended" && each.valid === true);
  const section = handoffSectionSchema.safeParse(run?.report?.["releaseHandoff"]);
  if (run === undefined || !section.success || section.data.outgoing === null) return null;
  const { outcome, outgoing, pullRequest } = section.data;
  const done = facts.log.events.findLast((event) => event.type === "task-done" && event.commit === outgoing);
  const merged = done?.type === "task-done" ? { how: done.how, base: done.base } : null;
  return { run: run.run, commit: outgoing, outcome, pullRequest: pullRequest.url, merged };
}

/** What `okstra task done` found in this cycle; null when it found nothing, or a run was begun since. */
function findMerged({ log, cycle, runs }: TaskFacts): Merged | null {
  const done = eventsOfCycle(log.events, cycle.cycle).findLast((event) => event.type === "task-done");
  if (done?.type !== "task-done" || runs.some(({ createdAt }) => createdAt > done.at)) return null;
  const { how, base, commit, head } = done;
  return { how, base, commit, head };
}
