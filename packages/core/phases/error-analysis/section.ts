import * as z from "zod";
import type { Cluster } from "../../convergence/cluster.ts";
import { isProof } from "../../convergence/proof.ts";
import type { DecisionInput } from "../phase.ts";
import { errorAnalysisResultSchema } from "./phase.ts";

/** What an error-analysis says beside its findings. */
export const errorAnalysisSectionSchema = z.looseObject({
  symptoms: z.array(z.looseObject({ worker: z.string(), text: z.string() })),
  hypotheses: z.array(
    z.looseObject({
      worker: z.string(),
      cause: z.string(),
      evidenceFor: z.array(z.string()),
      evidenceAgainst: z.array(z.string()),
      cluster: z.string().nullable().describe("Cluster id of the finding it rests on"),
      confirmed: z.boolean(),
    }),
  ),
  reproductions: z.array(
    z.looseObject({ findingId: z.string(), command: z.string(), executions: z.int(), failures: z.int(), confirmed: z.boolean() }),
  ),
});
export type ErrorAnalysisSection = z.infer<typeof errorAnalysisSectionSchema>;

const isConfirmed = (cluster: Cluster | undefined): boolean => cluster?.verification === "confirmed" && cluster.class !== "ungrounded";

export function buildErrorAnalysisSection(input: DecisionInput): ErrorAnalysisSection {
  const symptoms: ErrorAnalysisSection["symptoms"] = [];
  const hypotheses: ErrorAnalysisSection["hypotheses"] = [];
  const clusterOf = (id: string): Cluster | undefined => input.convergence.clusters.find((cluster) => cluster.members.includes(id));
  for (const { worker, result } of input.results) {
    const said = errorAnalysisResultSchema.parse(result);
    for (const text of said.symptoms) symptoms.push({ worker, text });
    for (const hypothesis of said.hypotheses) {
      const cluster = hypothesis.finding === undefined ? undefined : clusterOf(`${worker}#${hypothesis.finding}`);
      hypotheses.push({
        worker,
        cause: hypothesis.cause,
        evidenceFor: hypothesis.evidenceFor,
        evidenceAgainst: hypothesis.evidenceAgainst,
        cluster: cluster?.id ?? null,
        confirmed: isConfirmed(cluster),
      });
    }
    if (said.hypotheses.length > 0) continue;
    // A worker that only locates failures, such as `checks`, proposes each of them as the place of the cause.
    for (const finding of input.findings.filter((each) => each.worker === worker)) {
      const cluster = clusterOf(finding.id);
      if (cluster !== undefined)
        hypotheses.push({
          worker,
          cause: finding.claim,
          evidenceFor: cluster.reproducedBy.map((command) => `\`${command}\` fails each time`),
          evidenceAgainst: [],
          cluster: cluster.id,
          confirmed: isConfirmed(cluster),
        });
    }
  }
  return {
    symptoms,
    hypotheses,
    reproductions: input.reproductions.map((record) => ({
      findingId: record.findingId,
      command: record.command,
      executions: record.executions,
      failures: record.failures,
      confirmed: isProof(record),
    })),
  };
}
