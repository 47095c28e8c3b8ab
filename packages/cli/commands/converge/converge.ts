import { resolve } from "node:path";
import { convergeFiles, type Converged, type ConvergedCluster } from "@okstra/app/converge/converge-results";
import { convergeRun, type ConvergedRun } from "@okstra/app/converge/converge-run";
import { OkstraError } from "@okstra/core/errors";
import { neutralise } from "@okstra/core/report/neutral-text";
import type { CliContext } from "../../command.ts";
import { resolveDirectory } from "../../directory.ts";

interface Flags {
  readonly results?: readonly string[];
  readonly run?: string;
  readonly projectRoot?: string;
}

export async function run(context: CliContext, flags: Flags, ...further: readonly string[]): Promise<void> {
  const app = await context.openApp();
  if (flags.run !== undefined) {
    if (flags.results !== undefined || further.length > 0)
      throw new OkstraError("OKSTRA_USAGE", { message: "--run converges a run of okstra, --results files of reviewers: say one of them." });
    const again = await convergeRun(app, flags.run, resolveDirectory(app, flags.projectRoot));
    context.ui.answer(again, printRun(again));
    return;
  }
  const files = [...(flags.results ?? []), ...further].map((source) => ({ source, path: resolve(app.surroundings.cwd, source) }));
  const converged = await convergeFiles(app, files);
  context.ui.answer(converged, printConverged(converged));
}

function printConverged({ workers, kEff, crossChecked, clusters }: Converged): string {
  const found = workers.reduce((sum, { findings }) => sum + findings, 0);
  const left = workers.reduce((sum, worker) => sum + worker.left, 0);
  return [
    `${count(found, "finding")} of ${count(workers.length, "reviewer")} (${count(kEff, "family", "families")}) in ${count(clusters.length, "cluster")}; quotes were not looked up`,
    ...(left > 0 ? [`${count(left, "result")} left out: passed, suppressed or gone`] : []),
    ...(crossChecked ? [] : ["one family only: nothing was cross-checked"]),
    ...clusters.flatMap(printCluster),
  ].join("\n");
}

type Printable = Pick<ConvergedCluster, "id" | "severity" | "strong" | "score" | "possiblySame" | "reason" | "class"> & {
  readonly members: readonly Pick<ConvergedCluster["members"][number], "id" | "severity" | "file" | "startLine" | "claim">[];
  readonly file?: string | null;
  readonly startLine?: number | null;
};

function printRun({ taskKey, round, kEff, crossChecked, clusters, findings, votes, unheard }: ConvergedRun): string {
  const byId = new Map(findings.map((finding) => [finding.id, finding]));
  return [
    `${taskKey}: ${count(findings.length, "finding")} of ${count(kEff, "family", "families")} in ${count(clusters.length, "cluster")}, ${count(votes.length, "vote")}, round ${round}`,
    ...(unheard.length > 0 ? [`${count(unheard.length, "finding")} of workers that did not finish: not heard`] : []),
    ...(crossChecked ? [] : ["one family only: nothing was cross-checked"]),
    ...clusters.flatMap((cluster) =>
      printCluster({ ...cluster, members: cluster.members.flatMap((id) => byId.get(id) ?? []) }).concat(
        cluster.verification === "unverified" ? [] : [`    ${cluster.verification}`],
      ),
    ),
  ].join("\n");
}

function printCluster({ id, severity, strong, score, members, possiblySame, reason, ...cluster }: Printable): string[] {
  const name = strong ? "consensus (strong)" : cluster.class;
  const likeness = score === null ? "" : `  likeness ${score.toFixed(2)}`;
  return [
    `\n${id}  ${severity}  ${name}${likeness}  ${placeOf(cluster)}`,
    ...(reason === null ? [] : [`    ${reason}`]),
    ...members.map((member) => `    ${neutralise(member.id)}  ${member.severity}  ${placeOf(member)}  ${neutralise(member.claim)}`),
    ...(possiblySame.length === 0 ? [] : [`    possibly the same as ${possiblySame.join(", ")}`]),
  ];
}

function placeOf({ file, startLine }: { file?: string | null | undefined; startLine?: number | null | undefined }): string {
  if (typeof file !== "string") return "-";
  return neutralise(typeof startLine === "number" ? `${file}:${startLine}` : file);
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
