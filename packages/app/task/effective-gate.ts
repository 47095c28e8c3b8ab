import type { Gate } from "@okstra/core/domain/run";
import type { Clarification } from "@okstra/core/domain/task-context";
import type { RunEvent } from "@okstra/core/events";

/** A gate as it stands now, whatever stood when it was decided. */
export interface EffectiveGate {
  readonly open: boolean;
  /** What opened it; null while it holds. */
  readonly by: "decision" | "override" | "answers" | "approval" | null;
  /** The override that counts now. */
  readonly override: Gate["override"];
}

/** Reasons of a gate that hold it and that a person's word about the task lifts. */
const LIFTED_BY_ANSWERS = "clarifications-open";
const LIFTED_BY_APPROVAL = "plan-not-approved";
/** Reasons that say something and hold nothing. */
const REMARKS: ReadonlySet<string> = new Set([
  "all-clear",
  "cause-confirmed",
  "clarifications-answered",
  "plan-approved",
  "criteria-met",
  "without-plan",
  "nothing-held",
  "no-cross-check",
]);

/**
 * Whether a run's gate is passed now. It is when the run has ended and is valid, and the gate was decided open, or an
 * override of it has not run out, or all that holds it is lifted: open questions by answers, a plan that waits by its
 * approval. Whose commit it is, is the caller's to look at.
 */
export function effectiveGate(input: {
  /** The run's events. */
  readonly events: readonly RunEvent[];
  readonly ended: boolean;
  readonly valid: boolean | null;
  readonly clarifications: readonly Pick<Clarification, "blocks" | "answer">[];
  /** Whether the plan of this very run is approved. */
  readonly planApproved: boolean;
  /** RFC 3339. */
  readonly now: string;
}): EffectiveGate {
  const held: EffectiveGate = { open: false, by: null, override: null };
  const decided = input.events.findLast((event) => event.type === "gate-decided");
  if (!input.ended || input.valid !== true || decided?.type !== "gate-decided") return held;
  const override = currentOverride(input.events, decided.gate.name, input.now);
  if (decided.gate.open) return { open: true, by: "decision", override };
  if (override !== null) return { open: true, by: "override", override };
  const holding = decided.gate.reasons.filter((reason) => !REMARKS.has(reason));
  const isAnswered = input.clarifications.every(({ blocks, answer }) => blocks !== "approval" || answer !== null);
  const lifted = holding.every(
    (reason) => (reason === LIFTED_BY_ANSWERS && isAnswered) || (reason === LIFTED_BY_APPROVAL && input.planApproved),
  );
  if (holding.length === 0 || !lifted) return held;
  return { open: true, by: holding.includes(LIFTED_BY_APPROVAL) ? "approval" : "answers", override: null };
}

/** The last override of the gate that has not run out; one without an end counts for ever. */
export function currentOverride(events: readonly RunEvent[], gate: string, now: string): Gate["override"] {
  const found = events.findLast(
    (event) =>
      event.type === "gate-overridden" && event.gate === gate && (event.until === null || Date.parse(event.until) > Date.parse(now)),
  );
  return found?.type === "gate-overridden" ? { reason: found.reason, by: found.by, at: found.at, until: found.until } : null;
}
