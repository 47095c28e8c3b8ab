import * as z from "zod";
import { findingSchema } from "./finding.ts";

/** The largest result file that okstra reads, in bytes. */
export const MAX_RESULT_BYTES = 8 * 1024 * 1024;

/** What every worker's result has, whatever the phase; a phase's own schema extends it. */
export const workerResultSchema = z.looseObject({
  nonce: z.string().describe("OKSTRA_NONCE, word for word: it binds the result to this lane of this run"),
  runId: z.string().optional().describe("OKSTRA_RUN_ID; checked when given"),
  findings: z.array(findingSchema).max(2000).describe("An empty list is a valid result"),
  covered: z.array(z.string()).optional().describe("Globs of what was looked at; absent means all in scope"),
});
