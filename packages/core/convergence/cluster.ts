import * as z from "zod";
import { baselineSchema, dispositionSchema, findingClassSchema, severitySchema, verificationSchema } from "../domain/finding.ts";

/** One defect as the run sees it: the findings that name it, what was verified, and what follows for the gate. */
export const clusterSchema = z.looseObject({
  id: z.string().describe("C1, C2 … in the order of the report"),
  members: z.array(z.string()).min(1).describe("Ids of findings, <worker>#<n>"),
  families: z.array(z.string()).min(1),
  claim: z.string(),
  category: z.string(),
  severity: severitySchema,
  file: z.string().nullable(),
  startLine: z.int().nullable(),
  endLine: z.int().nullable(),
  quote: z.string().nullable(),
  class: findingClassSchema,
  strong: z.boolean(),
  verification: verificationSchema,
  /** Commands that okstra itself saw fail at the head commit, twice or more. */
  reproducedBy: z.array(z.string()),
  baseline: baselineSchema,
  flaky: z.boolean(),
  disposition: dispositionSchema,
});
export type Cluster = z.infer<typeof clusterSchema>;

/** `convergence.json`. `kEff` counts the distinct families whose lane is `ok`. */
export const convergenceSchema = z.looseObject({
  schema: z.literal(1),
  runId: z.string(),
  commit: z.string(),
  kEff: z.int().min(0),
  crossChecked: z.boolean(),
  clusters: z.array(clusterSchema),
});
export type Convergence = z.infer<typeof convergenceSchema>;
