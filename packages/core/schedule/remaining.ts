import { nextPhase, PHASE_ORDER, type NextFacts, type NextPhase } from "../machine/next-phase.ts";
import type { TaskType } from "../domain/work.ts";

/** What decides which of the later phases a task goes through. */
export type RemainingFacts = Pick<NextFacts, "category" | "hasBrief" | "startAt" | "discovery">;

/**
 * The phases that a task still goes through if every one of them passes, the due one first. A task that a gate holds goes
 * on as if the person let it pass, or with the phase that has to be run again. What is verified has none: handing it off
 * is a person's.
 */
export function listRemaining(facts: RemainingFacts, next: NextPhase): readonly TaskType[] {
  if (next.done || next.handedOff !== null) return [];
  const [passed, first] = next.due === null ? readHeld(next) : [null, next.due.type];
  const phases: TaskType[] = first === null ? [] : [first];
  while (phases.length <= PHASE_ORDER.length) {
    const passing = [...(passed === null ? [] : [passed]), ...phases];
    const { due, done } = nextPhase({
      ...facts,
      task: "",
      head: "",
      runs: passing.map((type) => ({
        type,
        run: 1,
        stage: "ended",
        resumable: false,
        verdict: null,
        gate: null,
        open: true,
        commit: "",
        valid: true,
      })),
      plan: null,
      questions: [],
    });
    if (done || due === null || phases.includes(due.type)) break;
    phases.push(due.type);
  }
  return phases;
}

/** Of a held gate: the phase that counts as passed, and the one that is run again. What answers a gate says which it is. */
function readHeld({ blocked }: NextPhase): readonly [TaskType | null, TaskType | null] {
  if (blocked === null) return [null, null];
  const again = /^okstra run \S+ --task-type (\S+)$/.exec(blocked.command)?.[1];
  const type = PHASE_ORDER.find((each) => each === again);
  return type === undefined ? [blocked.gate.type, null] : [null, type];
}
