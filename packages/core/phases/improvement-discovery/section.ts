import * as z from "zod";
import type { Cluster } from "../../convergence/cluster.ts";
import { compareText } from "../../convergence/content.ts";
import { findingClassSchema, severitySchema, type FindingClass } from "../../domain/finding.ts";
import { TASK_TYPES, type TaskType } from "../../domain/work.ts";
import type { DecisionInput } from "../phase.ts";
import { chooseByFamilies } from "../requirements-discovery/choose.ts";
import { heardResults } from "../requirements-discovery/heard.ts";
import { BENEFITS, EFFORTS, improvementsResultSchema } from "./result-schema.ts";

const improvementSchema = z.looseObject({
  cluster: z.string(),
  claim: z.string(),
  severity: severitySchema,
  class: findingClassSchema,
  support: z.int().min(0),
  benefit: z.enum(BENEFITS).nullable().describe("What most families say; null: none did"),
  effort: z.enum(EFFORTS).nullable(),
  nextPhase: z.enum(TASK_TYPES).describe("Where a task that takes it up begins"),
  evidence: z.looseObject({
    file: z.string().nullable(),
    startLine: z.int().nullable(),
    quote: z.string().nullable(),
    reproducedBy: z.array(z.string()),
  }),
  reasons: z.array(z.looseObject({ worker: z.string(), why: z.string() })),
});

/** What an improvement-discovery says beside its findings. */
export const improvementsSectionSchema = z.looseObject({
  improvements: z.array(improvementSchema).describe("Best first; every cluster that was not dismissed"),
  unplaced: z
    .array(z.looseObject({ worker: z.string(), finding: z.int(), why: z.string() }))
    .describe("Improvements that name a finding which their result does not have"),
});
export type ImprovementsSection = z.infer<typeof improvementsSectionSchema>;
type Improvement = ImprovementsSection["improvements"][number];

const CLASS_ORDER: readonly FindingClass[] = ["consensus", "partial", "unique", "contested", "ungrounded", "dismissed"];
const LOWEST_FIRST = BENEFITS.toReversed();
const LARGEST_FIRST = EFFORTS.toReversed();
/** A task may begin with these; where nobody says, it begins at the beginning. */
const MAY_BE_FIRST: readonly TaskType[] = ["requirements-discovery", "error-analysis", "implementation-planning", "implementation"];
const BEGINNING: TaskType = "requirements-discovery";

interface Rating {
  readonly id: string;
  readonly worker: string;
  readonly family: string;
  readonly said: z.infer<typeof improvementsResultSchema>["improvements"][number];
}

/**
 * The clusters as improvements, best first: by support, class, severity, benefit, effort, then by what they say. What
 * workers rate differently is as most families say, and of equals the more cautious: the lower benefit, the larger
 * effort, the earlier phase. The order of workers and lanes has no effect.
 * @throws nothing; results that are not of this phase say nothing
 */
export function buildImprovementsSection(input: DecisionInput): ImprovementsSection {
  const ratings = heardResults(input, improvementsResultSchema)
    .flatMap(({ worker, family, said }) =>
      said.improvements.map((each): Rating => ({ id: `${worker}#${each.finding}`, worker, family, said: each })),
    )
    .toSorted((a, b) => compareText(a.worker, b.worker) || a.said.finding - b.said.finding || compareText(a.said.why, b.said.why));
  const known = new Set(input.convergence.clusters.flatMap(({ members }) => members));
  return {
    improvements: input.convergence.clusters
      .filter((cluster) => cluster.class !== "dismissed")
      .map((cluster) =>
        describeImprovement(
          cluster,
          ratings.filter(({ id }) => cluster.members.includes(id)),
        ),
      )
      .toSorted(compareImprovements),
    unplaced: ratings.filter(({ id }) => !known.has(id)).map(({ worker, said }) => ({ worker, finding: said.finding, why: said.why })),
  };
}

function describeImprovement(cluster: Cluster, ratings: readonly Rating[]): Improvement {
  const { file, startLine, quote, reproducedBy } = cluster;
  const choose = <T>(pick: (rating: Rating) => T, order: readonly T[]): T | null =>
    chooseByFamilies(
      ratings.map((rating) => ({ family: rating.family, value: pick(rating) })),
      order,
    ).value;
  return {
    cluster: cluster.id,
    claim: cluster.claim,
    severity: cluster.severity,
    class: cluster.class,
    support: cluster.support,
    benefit: choose(({ said }) => said.benefit, LOWEST_FIRST),
    effort: choose(({ said }) => said.effort, LARGEST_FIRST),
    nextPhase: choose(({ said }) => said.nextPhase, MAY_BE_FIRST) ?? BEGINNING,
    evidence: { file, startLine, quote, reproducedBy: [...reproducedBy] },
    reasons: ratings.map(({ worker, said }) => ({ worker, why: said.why })),
  };
}

/** What nobody rated comes after what somebody did. */
const rankIn = <T>(order: readonly T[], value: T | null): number => (value === null ? order.length : order.indexOf(value));

function compareImprovements(a: Improvement, b: Improvement): number {
  return (
    b.support - a.support ||
    rankIn(CLASS_ORDER, a.class) - rankIn(CLASS_ORDER, b.class) ||
    compareText(a.severity, b.severity) ||
    rankIn<string>(BENEFITS, a.benefit) - rankIn<string>(BENEFITS, b.benefit) ||
    rankIn<string>(EFFORTS, a.effort) - rankIn<string>(EFFORTS, b.effort) ||
    compareText(a.evidence.file ?? "", b.evidence.file ?? "") ||
    (a.evidence.startLine ?? 0) - (b.evidence.startLine ?? 0) ||
    compareText(a.claim, b.claim)
  );
}
