import * as z from "zod";
import type { Cluster } from "@okstra/core/convergence/cluster";
import { foldClarifications, raisedQuestionSchema } from "@okstra/core/domain/clarifications";
import { reportProseSchema } from "@okstra/core/domain/report-prose";
import type { Receipt } from "@okstra/core/domain/receipt";
import { requireTaskType } from "@okstra/core/domain/work";
import { WRITER_LANE } from "@okstra/core/machine/run-machine";
import type { PhaseResult } from "@okstra/core/phases/phase";
import { buildSections } from "@okstra/core/phases/sections";
import { renderHtml } from "@okstra/core/report/html";
import { renderMarkdown } from "@okstra/core/report/markdown";
import { nextSteps } from "@okstra/core/report/next-steps";
import { reportSchema, type Report } from "@okstra/core/report/report-data";
import { renderSarif } from "@okstra/core/report/sarif";
import type { App } from "../app.ts";
import type { PreparedRun } from "./begin-run.ts";
import { commitOfRound, decisionInput, loadAllFindings, loadReceipt, loadResult } from "./run-records.ts";

/** Builds the report from the run's files, writes its four forms, and answers the hash of `report.json`. */
export async function writeReport(app: App, run: PreparedRun): Promise<string> {
  const report = await buildReport(app, run, app.clock.now());
  const text = `${JSON.stringify(report, null, 2)}\n`;
  await app.store.writeText(`${run.runDir}/report.json`, text);
  for (const [name, rendered] of Object.entries(renderAll(app, report))) await app.store.writeText(`${run.runDir}/${name}`, rendered);
  return app.sha256(text);
}

/** The three forms that follow from `report.json` and nothing else. */
export function renderAll(
  app: Pick<App, "sha256">,
  report: Report,
): Readonly<Record<"report.md" | "report.html" | "report.sarif", string>> {
  return {
    "report.md": renderMarkdown(report),
    "report.html": renderHtml(report),
    "report.sarif": `${JSON.stringify(renderSarif(report, app.sha256), null, 2)}\n`,
  };
}

/** The report as it follows from events, results, receipts and convergence. `generatedAt` is the one thing that does not. */
export async function buildReport(app: App, run: Pick<PreparedRun, "manifest" | "runDir" | "log">, generatedAt: string): Promise<Report> {
  const { manifest, log } = run;
  const { state } = log;
  const input = await decisionInput(app, run);
  const { convergence, findings, receipts } = input;
  const gate = state.gate ?? { name: "none", kind: "abort" as const, open: false, reasons: [], override: null };
  const override = log.events.findLast((event) => event.type === "gate-overridden");
  const shownGate = override === undefined || gate.override === null ? gate : { ...gate, override: { ...gate.override, at: override.at } };
  const task = manifest.taskKey.split("/").slice(1).join("/");
  const sections = buildSections(requireTaskType(manifest.type), input, task);
  const prose = state.lanes[WRITER_LANE]?.end === "ok" ? reportProseSchema.safeParse(await loadResult(app, run, WRITER_LANE)) : null;
  const clarifications = foldClarifications(
    [{ type: manifest.type, run: manifest.run, asked: askedIn(input.results) }],
    [],
    manifest.context.clarifications,
  );
  const report = {
    schema: 1,
    okstraVersion: manifest.okstraVersion,
    runId: manifest.runId,
    taskKey: manifest.taskKey,
    type: manifest.type,
    run: manifest.run,
    lang: manifest.lang,
    generatedAt,
    project: manifest.project,
    provision: manifest.provision,
    commit: state.commit,
    baseCommit: manifest.baseCommit,
    brief: manifest.brief,
    cycle: manifest.context.cycle,
    verdict: state.verdict ?? "none",
    gate: shownGate,
    gates: gatesOf(log),
    kEff: convergence.kEff,
    crossChecked: convergence.crossChecked,
    lanes: (await laneReceipts(app, run)).map((receipt) => ({
      worker: receipt.worker,
      lane: receipt.lane,
      role: receipt.role,
      round: receipt.round,
      kind: receipt.kind,
      family: receipt.family,
      end: receipt.end,
      reason: receipt.reason,
      findings:
        receipt.lane === receiptLane(receipts, receipt.worker) ? findings.filter((finding) => finding.worker === receipt.worker).length : 0,
      durationMs: receipt.durationMs,
      modelAsked: receipt.modelAsked,
      modelServed: receipt.modelServed,
      exitCode: receipt.exitCode,
      isolation: receipt.isolation,
      sandbox: receipt.sandbox,
      sessionId: receipt.sessionId,
      usage: receipt.usage,
      cost: receipt.cost,
    })),
    clusters: convergence.clusters,
    votes: convergence.votes,
    ledger: convergence.ledger,
    unheard: convergence.unheard,
    rounds: state.blockersPerRound.map((blockers, index) => ({ round: index + 1, commit: commitOfRound(run, index + 1), blockers })),
    clarifications,
    rawFindings: (await loadAllFindings(app, run)).map((finding) => ({
      ...finding,
      file: finding.file ?? null,
      startLine: finding.startLine ?? null,
    })),
    totals: {
      findings: findings.length,
      byClass: countBy(convergence.clusters, (cluster) => cluster.class),
      bySeverity: countBy(convergence.clusters, (cluster) => cluster.severity),
    },
    ...sections,
    executions: [
      ...receipts.flatMap((receipt) => receipt.executions.map((execution) => ({ worker: receipt.worker, ...execution }))),
      ...state.criterionExecutions.map(({ criterion, execution }) => ({ worker: `okstra (${criterion})`, ...execution })),
    ],
    reportWriter: { summary: prose?.success === true ? prose.data.summary : null, fallback: state.writerFallback },
    sourceRoot: manifest.sourceRoot,
  };
  return reportSchema.parse({
    ...report,
    nextSteps: nextSteps({
      taskKey: manifest.taskKey,
      type: manifest.type,
      gate: shownGate,
      verdict: report.verdict,
      clusters: convergence.clusters,
      isVerify: task.startsWith("verify/"),
      worktree: manifest.provision.path,
      clarifications,
      routing: sections.releaseHandoff?.routing ?? null,
    }),
  });
}

/** The questions in the accepted results, whatever the phase. */
function askedIn(results: readonly PhaseResult[]): Parameters<typeof foldClarifications>[0][number]["asked"] {
  return results.flatMap(({ worker, result }) => {
    const asked = z.array(raisedQuestionSchema).safeParse(result["clarifications"] ?? []);
    return asked.success ? asked.data.map(({ question, why, blocks }) => ({ worker, question, why, blocks })) : [];
  });
}

/** Receipts of all lanes that ended, in the order in which they were planned. */
async function laneReceipts(app: App, run: Pick<PreparedRun, "runDir" | "log">): Promise<readonly Receipt[]> {
  const found: Receipt[] = [];
  for (const [lane, { state }] of Object.entries(run.log.state.lanes)) {
    const receipt = state === "ended" ? await loadReceipt(app, run, lane) : null;
    if (receipt !== null) found.push(receipt);
  }
  return found;
}

function receiptLane(receipts: readonly Receipt[], worker: string): string | null {
  return receipts.find((receipt) => receipt.worker === worker)?.lane ?? null;
}

/** Every gate of the run, with what it looked at. */
function gatesOf(log: Pick<PreparedRun["log"], "events">): unknown[] {
  return log.events
    .flatMap((event) =>
      event.type === "gate-decided"
        ? [{ name: event.gate.name, kind: event.gate.kind, open: event.gate.open, reasons: event.gate.reasons, looked: event.looked }]
        : [],
    )
    .slice(-1);
}

function countBy<K extends string>(clusters: readonly Cluster[], key: (cluster: Cluster) => K): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const cluster of clusters) counts[key(cluster)] = (counts[key(cluster)] ?? 0) + 1;
  return counts;
}
