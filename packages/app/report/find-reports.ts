import type { Verdict } from "@okstra/core/domain/run";
import type { JournalOf } from "@okstra/core/journal-port";
import type { Report } from "@okstra/core/report/report-data";
import type { App } from "../app.ts";
import { readReport, reportPaths, type ReportPaths, type ReportPlace } from "./list-reports.ts";

/** Which reports are asked for; null: whichever. */
interface ReportQuery {
  /** All of them must be found: in the task key, the brief, claims, file names or the verdict; letter case does not count. */
  readonly words: readonly string[];
  /** As the directory is named. */
  readonly group: string | null;
  readonly phase: string | null;
  readonly verdict: Verdict | null;
  /** RFC 3339 UTC: of the report's making, inclusive. */
  readonly since: string | null;
  readonly until: string | null;
}

/** A finding of which the claim or the file has one of the words. */
interface MatchingClaim {
  /** Of the cluster (C1), or of a finding as it was raised (anna#1) when only its own words match. */
  readonly id: string;
  readonly claim: string;
  readonly severity: string;
  readonly file: string | null;
  readonly startLine: number | null;
}

export interface FoundReport extends ReportPaths {
  readonly project: string;
  readonly taskKey: string;
  readonly type: string;
  readonly run: number;
  readonly runDir: string;
  readonly generatedAt: string;
  readonly verdict: Verdict;
  readonly gateOpen: boolean;
  readonly commit: string;
  /** As the report counts them: what several workers raised is one. */
  readonly findings: number;
  /** How many findings have one of the words; 0 without words. */
  readonly matching: number;
  /** The first MOST_CLAIMS of them, those with most words first. */
  readonly matches: readonly MatchingClaim[];
}

export interface FoundReports {
  /** The newest first. */
  readonly reports: readonly FoundReport[];
  /** Whether there are more than were asked for. */
  readonly more: boolean;
  /** What stands where a report should be and cannot be read as one, and directories that cannot be listed. */
  readonly damaged: readonly { readonly path: string; readonly reason: string }[];
}

const MOST_CLAIMS = 20;

/**
 * Looks through the reports of some projects. One report is read at a time; memory grows with `limit` and not with what
 * is there.
 * @param limit at least 1
 */
export async function findReports(app: App, projects: readonly JournalOf[], query: ReportQuery, limit: number): Promise<FoundReports> {
  const words = query.words.map(fold).filter((word) => word !== "");
  const damaged: { path: string; reason: string }[] = [];
  let found: FoundReport[] = [];
  let more = false;
  for (const { project, root } of projects) {
    for await (const place of listPlaces(app, root, query, damaged)) {
      const report = await readReport(app, place);
      if (report === null) continue;
      if (typeof report === "string") {
        damaged.push({ path: reportPaths(place.runDir).json, reason: report });
        continue;
      }
      const match = matchReport(report, { ...query, words });
      if (match === null) continue;
      found.push({ project, ...describe(report, place), ...match });
      if (found.length <= 2 * limit) continue;
      found = newest(found, limit);
      more = true;
    }
  }
  return { reports: newest(found, limit), more: more || found.length > limit, damaged };
}

function newest(reports: readonly FoundReport[], limit: number): FoundReport[] {
  return reports
    .toSorted((a, b) => Date.parse(b.generatedAt) - Date.parse(a.generatedAt) || (a.runDir < b.runDir ? -1 : 1))
    .slice(0, limit);
}

/** Every run's directory below a project that the names of directories let through. */
async function* listPlaces(
  app: App,
  root: string,
  { group: onlyGroup, phase }: ReportQuery,
  damaged: { path: string; reason: string }[],
): AsyncGenerator<ReportPlace> {
  const list = async (path: string): Promise<readonly string[]> => {
    try {
      return await app.store.listDirectory(path);
    } catch (error) {
      damaged.push({ path, reason: error instanceof Error ? error.message : String(error) });
      return [];
    }
  };
  const tasks = `${root}/.project-docs/okstra/tasks`;
  for (const group of onlyGroup === null ? await list(tasks) : [onlyGroup])
    for (const task of await list(`${tasks}/${group}`)) {
      const runs = `${tasks}/${group}/${task}/runs`;
      for (const type of phase === null ? await list(runs) : [phase])
        for (const name of await list(`${runs}/${type}`))
          if (/^\d{3,9}$/.test(name)) yield { group, task, type, run: Number(name), runDir: `${runs}/${type}/${name}` };
    }
}

/** @returns null when the report is not meant */
function matchReport(report: Report, { words, verdict, since, until }: ReportQuery): Pick<FoundReport, "matching" | "matches"> | null {
  const at = Date.parse(report.generatedAt);
  if (verdict !== null && report.verdict !== verdict) return null;
  if ((since !== null && at < Date.parse(since)) || (until !== null && at > Date.parse(until))) return null;
  if (words.length === 0) return { matching: 0, matches: [] };
  const missing = new Set(words);
  const look = (text: string): number => {
    const folded = fold(text);
    const here = words.filter((word) => folded.includes(word));
    for (const word of here) missing.delete(word);
    return here.length;
  };
  for (const text of [report.taskKey, report.brief ?? "", report.verdict]) look(text);
  const matches = listClaims(report).flatMap((claim) => {
    const count = look(`${claim.claim}\n${claim.file ?? ""}`);
    return count === 0 ? [] : [{ claim, count }];
  });
  if (missing.size > 0) return null;
  const best = matches.toSorted((a, b) => b.count - a.count).slice(0, MOST_CLAIMS);
  return { matching: matches.length, matches: best.map(({ claim }) => claim) };
}

/** The clusters, and what was raised in other words than theirs. */
function listClaims({ clusters, rawFindings }: Report): readonly MatchingClaim[] {
  const told = new Set(clusters.map(({ claim, file }) => JSON.stringify([claim, file])));
  return [...clusters, ...rawFindings.filter(({ claim, file }) => !told.has(JSON.stringify([claim, file])))].map(
    ({ id, claim, severity, file, startLine }) => ({ id, claim, severity, file, startLine }),
  );
}

function describe(report: Report, { runDir }: ReportPlace): Omit<FoundReport, "project" | "matching" | "matches"> {
  const { taskKey, type, run, generatedAt, verdict, gate, commit, clusters } = report;
  return {
    taskKey,
    type,
    run,
    runDir,
    ...reportPaths(runDir),
    generatedAt,
    verdict,
    gateOpen: gate.open,
    commit,
    findings: clusters.length,
  };
}

/** A text as it is compared. */
function fold(text: string): string {
  return text.normalize("NFC").toLowerCase().normalize("NFC");
}
