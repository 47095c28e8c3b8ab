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
  const report = await loadReport(app, answer.runDir);
  if (report === null)
    return [
      `prepared  ${answer.taskKey} ${answer.type} run ${answer.run}`,
      `run       ${answer.runDir}`,
      `launch    ${answer.runDir}/launch.md`,
    ].join("\n");
  return [...cardOf(report), "", ...findingsOf(report), `report    ${answer.runDir}/report.html`].join("\n");
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
        `worker    ${lane.worker} (${lane.family}): ${lane.end}${lane.reason === null ? `, ${lane.findings}` : `: ${neutralise(lane.reason)}`}`,
    ),
    ...report.nextSteps.map(
      (step) =>
        `next      ${withoutStop(phraseFor(words.nextSteps, step.code))}${step.command === null ? "" : `: ${neutralise(step.command)}`}`,
    ),
  ];
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
