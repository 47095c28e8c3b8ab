import type { FoundReport, FoundReports } from "@okstra/app/report/find-reports";
import { cutLine, placeOf } from "./show-line.ts";
import { neutralise } from "@okstra/core/report/neutral-text";

/** So many matching claims are shown of each report. */
const SHOWN_CLAIMS = 3;

/** @param cwd absolute; what is below it is named from there */
export function showFound(
  { reports, more, damaged }: FoundReports,
  { severalProjects, cwd }: { readonly severalProjects: boolean; readonly cwd: string },
): string {
  return [
    ...(reports.length === 0 ? ["no reports"] : reports.flatMap((report) => showReport(report, severalProjects, cwd))),
    ...(more ? ["… more: --limit N"] : []),
    ...damaged.flatMap(({ path, reason }) => [cutLine(`damaged: ${reason}`), neutralise(`  ${relativeTo(cwd, path)}`)]),
  ].join("\n");
}

function showReport(report: FoundReport, severalProjects: boolean, cwd: string): readonly string[] {
  const name = severalProjects ? report.taskKey : report.taskKey.split("/").slice(1).join("/");
  const gate = report.gateOpen ? "open" : "holds";
  const count = `${report.findings} finding${report.findings === 1 ? "" : "s"}`;
  const at = new Date(report.generatedAt).toISOString().slice(0, 16).replace("T", " ");
  const rest = report.matching - Math.min(SHOWN_CLAIMS, report.matches.length);
  return [
    cutLine(`${at}  ${name}  ${report.type} ${report.run}  ${report.verdict} ${gate}  ${count}`),
    ...report.matches.slice(0, SHOWN_CLAIMS).map((match) => cutLine(`  ${match.severity} ${placeOf(match)}${match.claim}`)),
    ...(rest > 0 ? [`  … ${rest} more`] : []),
    // A path is to be copied, so it is never cut.
    neutralise(`  ${relativeTo(cwd, report.md)}`),
  ];
}

function relativeTo(cwd: string, path: string): string {
  return path.startsWith(`${cwd}/`) ? path.slice(cwd.length + 1) : path;
}
