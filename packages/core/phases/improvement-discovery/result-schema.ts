import * as z from "zod";
import { TASK_TYPES } from "../../domain/work.ts";
import { workerResultSchema } from "../../domain/worker-result.ts";

/** Best first. */
export const BENEFITS = ["high", "medium", "low"] as const;
/** Least first. */
export const EFFORTS = ["small", "medium", "large"] as const;

/** What a worker says of its findings as improvements. */
export const improvementsResultSchema = workerResultSchema.extend({
  improvements: z
    .array(
      z.looseObject({
        finding: z.int().min(1).describe("Number (from 1) of a finding in this result"),
        benefit: z.enum(BENEFITS),
        effort: z.enum(EFFORTS),
        nextPhase: z.enum(TASK_TYPES),
        why: z.string().min(1).max(2000).describe("What becomes better"),
      }),
    )
    .max(2000)
    .default([]),
});
