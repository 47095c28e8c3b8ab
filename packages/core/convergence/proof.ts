import type { ReproductionRecord } from "../domain/execution.ts";

/** At least so many executions, all with one outcome, show something. */
export const EXECUTIONS_FOR_PROOF = 2;

/** Whether okstra's executions reproduce the defect: two failed at least, and none passed. */
export function isProof({ executions, failures }: Pick<ReproductionRecord, "executions" | "failures">): boolean {
  return executions >= EXECUTIONS_FOR_PROOF && failures === executions;
}
