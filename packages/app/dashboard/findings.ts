import type { FindingOfTask, Findings } from "@okstra/core/dashboard/api";
import type { Cluster } from "@okstra/core/convergence/cluster";
import { openRows, type LedgerRow } from "@okstra/core/convergence/ledger";
import type { VoteRecord } from "@okstra/core/convergence/votes";
import { SEVERITIES, type Severity } from "@okstra/core/domain/finding";
import { OkstraError } from "@okstra/core/errors";
import type { RunEvent } from "@okstra/core/events";
import { reportSchema, type Report } from "@okstra/core/report/report-data";
import type { App } from "../app.ts";
import { loadLedger } from "../task/load-context.ts";
import type { RunFacts, TaskFacts } from "../task/load-task.ts";

/** A run whose report can be believed, looked up by what findings name. */
interface Reported {
  readonly report: Report;
  readonly clusters: ReadonlyMap<string, Cluster>;
  readonly rows: ReadonlyMap<string, LedgerRow>;
  readonly raw: ReadonlyMap<string, Report["rawFindings"][number]>;
  /** By the finding that was voted on. */
  readonly votes: ReadonlyMap<string, readonly VoteRecord[]>;
  readonly reproductions: ReadonlyMap<string, FindingOfTask["executions"]>;
  /** By item and worker. */
  readonly executedVotes: ReadonlyMap<string, FindingOfTask["executions"]>;
}

/**
 * The findings of a task, gravest first: each row of its ledger where it was last seen, and what the newest report of each
 * type has beside. With a type or a number only the newest of those runs count, and the ledger as it was then.
 * @throws OKSTRA_RUN_NOT_FOUND when a run is named that has no report
 */
export async function loadFindings(
  app: App,
  facts: TaskFacts,
  { type, run }: { readonly type: string | null; readonly run: number | null },
): Promise<Findings> {
  const meant = facts.runs.filter((each) => (type === null || each.type === type) && (run === null || each.run === run));
  const newest = [...new Map(meant.filter(isReported).map((each) => [each.type, each])).values()];
  if (newest.length === 0 && (type !== null || run !== null))
    throw new OkstraError("OKSTRA_RUN_NOT_FOUND", {
      message: `${facts.taskKey} has no report of ${type ?? "a run"}${run === null ? "" : ` ${run}`}.`,
      details: { taskKey: facts.taskKey, type, run },
    });
  const reports = new Map<string, Reported | null>();
  const reportOf = (of: { readonly type: string; readonly run: number }): Reported | null => {
    const name = `${of.type} ${of.run}`;
    const read = reports.get(name);
    if (read !== undefined) return read;
    const found = facts.runs.find((each) => each.type === of.type && each.run === of.run);
    const reported = found === undefined || !isReported(found) ? null : readReport(found);
    reports.set(name, reported);
    return reported;
  };
  const last = newest.toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : 1)).at(-1);
  const rows =
    type === null && run === null
      ? ((await loadLedger(app, facts))?.rows ?? [])
      : last === undefined
        ? []
        : (reportOf(last)?.report.ledger ?? []).filter(({ cluster }) => cluster !== null);
  const known = new Set(rows.map(({ id }) => id));
  const findings = [
    ...rows.map((row) => describeRow(row, reportOf(row.lastSeen))),
    ...newest.flatMap((each) => {
      const reported = reportOf(each);
      return reported === null ? [] : listOthers(reported, known);
    }),
  ];
  const open = new Set(openRows(rows).map(({ id }) => id));
  const gravity = ({ row, cluster }: FindingOfTask): number =>
    rankOf((row ?? cluster)?.severity) * 2 + (row === null || open.has(row.id) ? 0 : 1);
  return {
    findings: findings.toSorted((a, b) => gravity(a) - gravity(b) || numberOf(a.id) - numberOf(b.id)),
    unheard: [...new Set(newest.flatMap((each) => reportOf(each)?.report.unheard ?? []))],
  };
}

function isReported(run: RunFacts): boolean {
  return run.report !== null && run.damaged === null && run.type !== "release-handoff";
}

function rankOf(severity: Severity | undefined): number {
  return severity === undefined ? SEVERITIES.length : SEVERITIES.indexOf(severity);
}

function numberOf(id: string): number {
  return Number(id.slice(1));
}

function readReport({ report: data, events }: RunFacts): Reported | null {
  const parsed = reportSchema.safeParse(data);
  if (!parsed.success) return null;
  const report = parsed.data;
  return {
    report,
    clusters: new Map(report.clusters.map((cluster) => [cluster.id, cluster])),
    rows: new Map(report.ledger.map((row) => [row.id, row])),
    raw: new Map(report.rawFindings.map((finding) => [finding.id, finding])),
    votes: groupBy(report.votes, ({ findingId }) => findingId),
    ...listExecutions(events, report.commit),
  };
}

function groupBy<T>(all: readonly T[], pick: (each: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const each of all) {
    const group = groups.get(pick(each));
    if (group === undefined) groups.set(pick(each), [each]);
    else group.push(each);
  }
  return groups;
}

/** What okstra executed at the commit that the run judged: the numbers of items are those of the last round. */
function listExecutions(events: readonly RunEvent[], commit: string): Pick<Reported, "reproductions" | "executedVotes"> {
  const reproductions = new Map<string, FindingOfTask["executions"]>();
  const executedVotes = new Map<string, FindingOfTask["executions"]>();
  const add = (to: typeof reproductions, name: string, execution: FindingOfTask["executions"][number]): void =>
    void to.set(name, [...(to.get(name) ?? []), execution]);
  for (const event of events) {
    if (event.type === "reproduction-executed" && event.record.commit === commit) {
      const { findingId, command, failures, executions } = event.record;
      add(reproductions, findingId, { worker: event.worker, command, outcome: `failed ${failures} of ${executions} times` });
    }
    if (event.type === "vote-executed" && event.record.commit === commit) {
      const { item, worker, command, failures, executions, failsInEmptyDirectory } = event.record;
      const elsewhere =
        failsInEmptyDirectory === null
          ? ""
          : failsInEmptyDirectory
            ? ", fails in an empty directory"
            : ", passes in an empty directory too";
      add(executedVotes, JSON.stringify([item, worker]), {
        worker,
        command,
        outcome: `failed ${failures} of ${executions} times${elsewhere}`,
      });
    }
  }
  return { reproductions, executedVotes };
}

/** A row with what the run had to say that saw it last. */
function describeRow(row: LedgerRow, reported: Reported | null): FindingOfTask {
  const { type, run, round } = row.lastSeen;
  const place = { id: row.id, type, run, commit: row.commit, row };
  if (reported === null) return { ...place, cluster: null, members: [], votes: [], executions: [] };
  const cluster = reported.clusters.get(reported.rows.get(row.id)?.cluster ?? "") ?? null;
  if (cluster !== null) return { ...place, ...describeCluster(cluster, reported) };
  // Seen in an earlier round only: its cluster is gone, and what was raised then is kept.
  const raised = reported.report.rawFindings.filter(
    (finding) => finding.round === round && finding.claim === row.claim && finding.file === row.file,
  );
  return { ...place, cluster: null, members: raised.map(describeMember), votes: [], executions: [] };
}

/** Clusters of a run that are no row of the ledger. */
function listOthers(reported: Reported, known: ReadonlySet<string>): readonly FindingOfTask[] {
  const { report } = reported;
  const rowOf = new Map(report.ledger.flatMap(({ id, cluster }) => (cluster === null ? [] : [[cluster, id] as const])));
  return report.clusters
    .filter(({ id }) => !known.has(rowOf.get(id) ?? ""))
    .map((cluster) => ({
      id: cluster.id,
      type: report.type,
      run: report.run,
      commit: report.commit,
      row: null,
      ...describeCluster(cluster, reported),
    }));
}

function describeCluster(cluster: Cluster, reported: Reported): Pick<FindingOfTask, "cluster" | "members" | "votes" | "executions"> {
  const { raw, votes: allVotes, reproductions, executedVotes } = reported;
  const votes = cluster.members.flatMap((id) => allVotes.get(id) ?? []);
  const members = cluster.members.flatMap((id) => {
    const finding = raw.get(id);
    return finding === undefined ? [] : [describeMember(finding)];
  });
  return {
    cluster,
    members,
    votes,
    executions: [
      ...cluster.members.flatMap((id) => reproductions.get(id) ?? []),
      ...votes.flatMap(({ item, worker }) => executedVotes.get(JSON.stringify([item, worker])) ?? []),
    ],
  };
}

function describeMember(finding: Report["rawFindings"][number]): FindingOfTask["members"][number] {
  const { id, worker, claim, severity, file, startLine, endLine, quote, fix } = finding;
  return { id, worker, claim, severity, file, startLine, endLine: endLine ?? null, quote: quote ?? null, fix: fix ?? null };
}
