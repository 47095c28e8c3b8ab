import type { TaskType } from "../domain/work.ts";
import { buildErrorAnalysisSection, type ErrorAnalysisSection } from "./error-analysis/section.ts";
import { buildFinalVerificationSection, type FinalVerificationSection } from "./final-verification/section.ts";
import { buildImplementationSection, type ImplementationSection } from "./implementation/section.ts";
import { buildPlanningSection } from "./implementation-planning/section.ts";
import { buildImprovementsSection } from "./improvement-discovery/section.ts";
import type { DecisionInput } from "./phase.ts";
import { buildHandoffSection, type HandoffSection } from "./release-handoff/section.ts";
import { buildRequirementsSection } from "./requirements-discovery/section.ts";

/** What each phase says in the report beside its findings; null but for the phase that ran. */
interface PhaseSections {
  readonly errorAnalysis: ErrorAnalysisSection | null;
  readonly finalVerification: FinalVerificationSection | null;
  readonly requirementsDiscovery: ReturnType<typeof buildRequirementsSection> | null;
  readonly implementationPlanning: ReturnType<typeof buildPlanningSection> | null;
  readonly implementation: ImplementationSection | null;
  readonly improvementDiscovery: ReturnType<typeof buildImprovementsSection> | null;
  readonly releaseHandoff: HandoffSection | null;
}

/** @param task `<group>/<task>`, for commands */
export function buildSections(type: TaskType, input: DecisionInput, task: string): PhaseSections {
  return {
    errorAnalysis: type === "error-analysis" ? buildErrorAnalysisSection(input) : null,
    finalVerification: type === "final-verification" ? buildFinalVerificationSection(input) : null,
    requirementsDiscovery: type === "requirements-discovery" ? buildRequirementsSection(input) : null,
    implementationPlanning: type === "implementation-planning" ? buildPlanningSection(input) : null,
    implementation: type === "implementation" ? buildImplementationSection(input) : null,
    improvementDiscovery: type === "improvement-discovery" ? buildImprovementsSection(input) : null,
    releaseHandoff: type === "release-handoff" && input.handoff !== null ? buildHandoffSection(input.handoff, task) : null,
  };
}
