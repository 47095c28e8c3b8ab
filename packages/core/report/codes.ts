/** Why a gate is open or holds: the stable codes of `Gate.reasons`. */
export const GATE_REASONS = [
  "all-clear",
  "blocking-findings",
  "held-findings",
  "no-cross-check",
  "lane-not-ok",
  "no-lane-ok",
  "tree-changed",
  "tree-not-clean",
  "no-reproduction",
  "cause-not-located",
  "cause-confirmed",
  "no-commit",
  "override",
  "checks-incomplete",
] as const;
export type GateReason = (typeof GATE_REASONS)[number];

/** What a person may do next: the stable codes of `Report.nextSteps`. */
export const NEXT_STEPS = [
  "fix-blocking",
  "answer-held",
  "add-worker",
  "rerun-lanes",
  "merge-ready",
  "find-cause",
  "reproduce",
  "plan-implementation",
  "override",
  "restore-tree",
] as const;
export type NextStepCode = (typeof NEXT_STEPS)[number];

/** Why the deterministic text stands where a report writer's text could. */
const WRITER_FALLBACKS = ["not-configured", "not-available", "missing", "invalid"] as const;
export type WriterFallback = (typeof WRITER_FALLBACKS)[number];
