import * as z from "zod";
import { baselineSchema, dispositionSchema, findingClassSchema, severitySchema, verificationSchema } from "../domain/finding.ts";
import { ledgerSchema } from "./ledger.ts";
import { voteRecordSchema } from "./votes.ts";

/** One defect as the run sees it: the findings that name it, what was verified, and what follows for the gate. */
export const clusterSchema = z.looseObject({
  id: z.string().describe("C1, C2 … in the order of the report, gravest first"),
  members: z.array(z.string()).min(1).describe("Ids of findings, <worker>#<n>; the first speaks for the cluster"),
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
  support: z.int().min(0).default(0).describe("Distinct families with a grounded finding"),
  kEff: z.int().min(0).default(0).describe("Distinct families that could have agreed about this place"),
  reason: z.string().nullable().default(null).describe("Why it is contested or dismissed, one line"),
  score: z.number().nullable().default(null).describe("Likeness of the two members that are least alike, 0 to 1"),
  possiblySame: z.array(z.string()).default([]).describe("Ids of clusters that may be the same defect"),
});
export type Cluster = z.infer<typeof clusterSchema>;

/** Two findings of which the text alone does not say whether they are one defect. */
const candidateSchema = z.looseObject({
  pair: z.tuple([z.string(), z.string()]),
  score: z.number(),
  likeness: z.enum(["same", "between"]),
  nearness: z.enum(["overlap", "apart", "unknown"]),
});

/** `convergence.json`. `kEff` counts the distinct families whose lane is `ok`. */
export const convergenceSchema = z.looseObject({
  schema: z.literal(1),
  runId: z.string(),
  commit: z.string(),
  round: z.int().min(1).default(1),
  kEff: z.int().min(0),
  crossChecked: z.boolean(),
  clusters: z.array(clusterSchema),
  unheard: z.array(z.string()).default([]).describe("Ids of findings of lanes that did not end ok"),
  undecided: z.array(candidateSchema).default([]).describe("What an adjudicator would be asked, likeliest first"),
  votes: z.array(voteRecordSchema).default([]),
  ledger: ledgerSchema.default([]),
});
export type Convergence = z.infer<typeof convergenceSchema>;
