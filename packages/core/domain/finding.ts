import * as z from "zod";

export const SEVERITIES = ["P0", "P1", "P2", "P3"] as const;
export const severitySchema = z
  .enum(SEVERITIES)
  .describe("P0: stops everything; P1: must be mended before release; P2: should be; P3: advice");
export type Severity = z.infer<typeof severitySchema>;

/** A command that shows the defect, and what it printed. okstra runs it again itself before it counts. */
export const reproductionSchema = z.looseObject({
  command: z.string().min(1).max(4000).describe("Shell command, run in the worktree; it must fail while the defect is there"),
  output: z.string().max(65_536).default("").describe("What it printed, last lines are enough"),
});

/** One claim with a location, a verbatim quote and a proposed severity. Lines count from 1, both ends included. */
export const findingSchema = z.looseObject({
  claim: z.string().min(1).max(200).describe("One sentence: what is wrong"),
  category: z.string().min(1).max(64).describe("For example correctness, security, test-failure, lint, type"),
  severity: severitySchema,
  file: z.string().max(4096).optional().describe("Path relative to the worktree, with forward slashes; absent when there is no place"),
  startLine: z.int().min(1).optional(),
  endLine: z.int().min(1).optional(),
  symbol: z.string().max(256).optional().describe("Enclosing function, class or section id"),
  quote: z.string().max(4000).optional().describe("Copied letter by letter from the file at the head commit"),
  fix: z.string().max(4000).optional(),
  reproduction: reproductionSchema.optional(),
});
export type Finding = z.infer<typeof findingSchema>;

/** A finding with the identity it has inside its run: `<worker>#<n>`, n from 1 in the order of the result. */
export interface RaisedFinding extends Finding {
  readonly id: string;
  readonly worker: string;
  readonly family: string;
}

const LANE_ENDS = ["ok", "partial", "failed", "timeout", "quota", "cancelled"] as const;
export const laneEndSchema = z.enum(LANE_ENDS);
export type LaneEnd = z.infer<typeof laneEndSchema>;

/** What a lane is for. `review`: find; `execute`: edit and commit; `vote`: verify claims blind; `write`: the report's prose. */
export const laneRoleSchema = z.enum(["review", "execute", "vote", "write"]);
export type LaneRole = z.infer<typeof laneRoleSchema>;

export const findingClassSchema = z.enum(["contested", "consensus", "partial", "unique", "ungrounded", "dismissed"]);
export type FindingClass = z.infer<typeof findingClassSchema>;

export const verificationSchema = z.enum(["confirmed", "refuted", "unverifiable", "unverified"]);
export type Verification = z.infer<typeof verificationSchema>;

export const dispositionSchema = z.enum(["blocks", "held", "advisory"]);
export type Disposition = z.infer<typeof dispositionSchema>;

/** Whether the same failure exists at the base commit. `unknown`: it was not or could not be compared. */
export const baselineSchema = z.enum(["new", "already-there", "unknown"]);
export type Baseline = z.infer<typeof baselineSchema>;
