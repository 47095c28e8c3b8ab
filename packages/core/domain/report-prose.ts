import * as z from "zod";

/** What a report writer writes: prose and nothing else. Numbers, verdicts and classes come from code. */
export const reportProseSchema = z.looseObject({
  nonce: z.string(),
  runId: z.string().optional(),
  summary: z.string().min(1).max(4000).describe("What was found and what it means, for a person in a hurry; plain text"),
});
