import { TASK_TYPES, type TaskType } from "../domain/work.ts";
import { OkstraError } from "../errors.ts";
import { errorAnalysis } from "./error-analysis/phase.ts";
import { finalVerification } from "./final-verification/phase.ts";
import { implementation } from "./implementation/phase.ts";
import { implementationPlanning } from "./implementation-planning/phase.ts";
import { improvementDiscovery } from "./improvement-discovery/phase.ts";
import type { Phase } from "./phase.ts";
import { requirementsDiscovery } from "./requirements-discovery/phase.ts";

/** A new phase is a folder and one line here. */
export const PHASES: readonly Phase[] = [
  requirementsDiscovery,
  errorAnalysis,
  implementationPlanning,
  implementation,
  finalVerification,
  improvementDiscovery,
];

/** @throws OKSTRA_PHASE_NOT_AVAILABLE for a task type that this version cannot run */
export function requirePhase(type: TaskType): Phase {
  const phase = PHASES.find((each) => each.type === type);
  if (phase !== undefined) return phase;
  throw new OkstraError("OKSTRA_PHASE_NOT_AVAILABLE", {
    message: `${type} cannot be run yet; available: ${PHASES.map((each) => each.type).join(", ")}.`,
    details: { given: type, available: PHASES.map((each) => each.type), known: TASK_TYPES },
  });
}
