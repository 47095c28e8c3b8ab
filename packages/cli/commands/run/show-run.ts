import type { RunAnswer } from "@okstra/app/run/run-task";
import type { Report } from "@okstra/core/report/report-data";
import { loadReport } from "@okstra/app/run/run-task";
import { neutralise } from "@okstra/core/report/neutral-text";
import { phraseFor, wordingFor } from "@okstra/core/report/wording";
import type { App } from "@okstra/app/app";
import { EXIT_GATE_HOLDS } from "../../exit-codes.ts";

/** Exit status of a run that ended: 0 when its gate is open, 10 when it holds. */
export function statusOf(answer: RunAnswer): number {
  return answer.gate?.open === true && answer.valid === true ? 0 : EXIT_GATE_HOLDS;
}

/** The verdict card for a terminal, in the report's language. */
export async function describeRun(app: App, answer: RunAnswer): Promise<string> {
  if (answer.waiting !== null) return describeWaiting(answer);
  const report = await loadReport(app, answer.runDir);
  if (report === null)
    return [
      `prepared  ${answer.taskKey} ${answer.type} run ${answer.run}`,
      `run       ${answer.runDir}`,
      `launch    ${answer.runDir}/launch.md`,
    ].join("\n");
  return [...cardOf(report), "", ...findingsOf(report), `report    ${answer.runDir}/report.html`].join("\n");
}

/** A run that cannot go on before a quota is filled. */
function describeWaiting({ taskKey, type, run, waiting, runDir, lanes }: RunAnswer): string {
  const task = taskKey.split("/").slice(1).join("/");
  return [
    `waits     ${taskKey} ${type} run ${run}`,
    ...lanes.map(
      (lane) =>
        `worker    ${lane.worker} (${lane.family}): ${lane.end ?? "not asked"}${lane.reason === null ? "" : `: ${neutralise(lane.reason)}`}${lane.quotaResetsAt === null ? "" : ` (until ${lane.quotaResetsAt})`}`,
    ),
    `until     ${waiting?.until ?? "its quota is filled again; when is not known"}`,
    `next      okstra resume ${task} --task-type ${type}`,
    `or        okstra resume ${task} --task-type ${type} --without-quota`,
    `run       ${runDir}`,
  ].join("\n");
}

function cardOf(report: Report): readonly string[] {
  const words = wordingFor(report.lang);
  const gate =
    report.gate.override !== null
      ? `PASSED (override: ${neutralise(report.gate.override.reason)})`
      : report.gate.open
        ? words.gate.open
        : words.gate.held;
  return [
    `verdict   ${report.verdict.toUpperCase()}${report.commit === "" ? "" : ` @ ${report.commit.slice(0, 12)}`}`,
    `gate      ${gate}: ${report.gate.reasons.map((reason) => withoutStop(phraseFor(words.gateReasons, reason))).join("; ")}`,
    ...report.lanes.map(
      (lane) =>
        `worker    ${lane.worker} (${lane.family}): ${lane.end}${lane.reason === null ? `, ${lane.findings}` : `: ${neutralise(lane.reason)}`}${factsOf(lane)}`,
    ),
    ...report.nextSteps.map(
      (step) =>
        `next      ${withoutStop(phraseFor(words.nextSteps, step.code))}${step.command === null ? "" : `: ${neutralise(step.command)}`}`,
    ),
  ];
}

/** What an agent's lane used and where it ran; nothing for programs of the person's own outside a sandbox. */
function factsOf({ sandbox, usage, cost, modelServed }: Report["lanes"][number]): string {
  const facts = [
    ...(modelServed === null ? [] : [modelServed]),
    ...(usage === null || usage === undefined ? [] : [`${usage.totalTokens} tokens`]),
    ...(cost !== null && cost !== undefined
      ? [`${cost.amount} ${cost.currency}`]
      : usage !== null && usage !== undefined
        ? ["cost unknown"]
        : []),
    ...(sandbox === undefined || sandbox === "none" || sandbox === "off" ? [] : [`sandbox: ${sandbox}`]),
  ];
  return facts.length === 0 ? "" : ` [${facts.map(neutralise).join(", ")}]`;
}

/** The reports say whole sentences; here something follows them on the line. */
function withoutStop(sentence: string): string {
  return sentence.replace(/\.$/, "");
}

function findingsOf(report: Report): readonly string[] {
  const shown = report.clusters.slice(0, 10).map((cluster) => {
    const place = cluster.file === null ? "" : ` ${cluster.file}${cluster.startLine === null ? "" : `:${cluster.startLine}`}`;
    return neutralise(`  ${cluster.severity} ${cluster.disposition.padEnd(8)}${place} ${cluster.claim}`);
  });
  const rest = report.clusters.length - shown.length;
  return [...shown, ...(rest > 0 ? [`  … ${rest} more in the report`] : []), ...(shown.length > 0 ? [""] : [])];
}
