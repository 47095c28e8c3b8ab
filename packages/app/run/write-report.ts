import type { Cluster, Convergence } from "@okstra/core/convergence/cluster";
import { isProof } from "@okstra/core/convergence/converge";
import type { RaisedFinding } from "@okstra/core/domain/finding";
import type { Receipt } from "@okstra/core/domain/receipt";
import { errorAnalysisResultSchema } from "@okstra/core/phases/error-analysis/phase";
import { renderHtml } from "@okstra/core/report/html";
import { renderMarkdown } from "@okstra/core/report/markdown";
import { reportSchema, type Report } from "@okstra/core/report/report-data";
import { renderSarif } from "@okstra/core/report/sarif";
import type { App } from "../app.ts";
import { loadConvergence, loadFindings, loadReceipts, loadResults } from "./run-records.ts";
import type { PreparedRun } from "./prepare-run.ts";

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
  const convergence = await loadConvergence(app, run);
  const findings = await loadFindings(app, run);
  const receipts = await loadReceipts(app, run);
  const { state } = log;
  const gate = state.gate ?? { name: "none", kind: "abort" as const, open: false, reasons: [], override: null };
  const override = log.events.findLast((event) => event.type === "gate-overridden");
  const report: Report = {
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
    commit: manifest.commit,
    baseCommit: manifest.baseCommit,
    brief: manifest.brief,
    verdict: state.verdict ?? "none",
    gate: override === undefined || gate.override === null ? gate : { ...gate, override: { ...gate.override, at: override.at } },
    kEff: convergence.kEff,
    crossChecked: convergence.crossChecked,
    lanes: receipts.map((receipt) => ({
      worker: receipt.worker,
      kind: receipt.kind,
      family: receipt.family,
      end: receipt.end,
      reason: receipt.reason,
      findings: findings.filter((finding) => finding.worker === receipt.worker).length,
      durationMs: receipt.durationMs,
      modelAsked: receipt.modelAsked,
      modelServed: receipt.modelServed,
      exitCode: receipt.exitCode,
      isolation: receipt.isolation,
    })),
    clusters: convergence.clusters,
    rawFindings: findings.map((finding) => ({ ...finding, file: finding.file ?? null, startLine: finding.startLine ?? null })),
    totals: {
      findings: findings.length,
      byClass: countBy(convergence.clusters, (cluster) => cluster.class),
      bySeverity: countBy(convergence.clusters, (cluster) => cluster.severity),
    },
    nextSteps: nextSteps(run, convergence),
    errorAnalysis: manifest.type === "error-analysis" ? await errorAnalysisSection(app, run, convergence, findings) : null,
    finalVerification: manifest.type === "final-verification" ? finalVerificationSection(run, receipts) : null,
    executions: receipts.flatMap((receipt) => receipt.executions.map((execution) => ({ worker: receipt.worker, ...execution }))),
    reportWriter: { summary: null, fallback: state.writerFallback },
    sourceRoot: manifest.sourceRoot,
  };
  return reportSchema.parse(report);
}

function countBy<K extends string>(clusters: readonly Cluster[], key: (cluster: Cluster) => K): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const cluster of clusters) counts[key(cluster)] = (counts[key(cluster)] ?? 0) + 1;
  return counts;
}

/** What a person would do now, most urgent first. */
function nextSteps({ manifest, log }: Pick<PreparedRun, "manifest" | "log">, convergence: Convergence): Report["nextSteps"] {
  const task = manifest.taskKey.split("/").slice(1).join("/");
  const isVerify = task.startsWith("verify/");
  const { gate, verdict } = log.state;
  const reasons = gate?.reasons ?? [];
  const steps: { code: string; command: string | null }[] = [];
  const again = isVerify ? "okstra verify" : `okstra run ${task} --task-type ${manifest.type}`;
  if (gate?.override !== null && gate?.override !== undefined) return [];
  if (reasons.includes("tree-changed")) steps.push({ code: "restore-tree", command: `git -C ${manifest.provision.path} status` });
  if (reasons.includes("blocking-findings")) steps.push({ code: "fix-blocking", command: null });
  if (reasons.includes("held-findings"))
    steps.push({ code: "answer-held", command: isVerify ? null : `okstra override ${task} ${manifest.type} --reason "…"` });
  if (reasons.includes("no-lane-ok") || reasons.includes("lane-not-ok")) steps.push({ code: "rerun-lanes", command: again });
  if (reasons.includes("no-cross-check") && verdict !== "blocked")
    steps.push({ code: "add-worker", command: `${again} --workers checks,<another>` });
  if (verdict === "reproduced") steps.push({ code: "plan-implementation", command: null });
  if (verdict === "not-reproduced") steps.push({ code: convergence.clusters.length > 0 ? "reproduce" : "find-cause", command: again });
  if (verdict === "accepted") steps.push({ code: "merge-ready", command: null });
  return steps;
}

async function errorAnalysisSection(
  app: App,
  run: Pick<PreparedRun, "manifest" | "runDir" | "log">,
  convergence: Convergence,
  findings: readonly RaisedFinding[],
): Promise<NonNullable<Report["errorAnalysis"]>> {
  const symptoms: { worker: string; text: string }[] = [];
  const hypotheses: NonNullable<Report["errorAnalysis"]>["hypotheses"] = [];
  const clusterOf = (id: string): Cluster | undefined => convergence.clusters.find((cluster) => cluster.members.includes(id));
  for (const { worker, result } of await loadResults(app, run)) {
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
        confirmed: cluster?.verification === "confirmed" && cluster.class !== "ungrounded",
      });
    }
    if (said.hypotheses.length > 0) continue;
    // A worker that only locates failures, such as `checks`, proposes each of them as the place of the cause.
    for (const finding of findings.filter((each) => each.worker === worker)) {
      const cluster = clusterOf(finding.id);
      if (cluster !== undefined)
        hypotheses.push({
          worker,
          cause: finding.claim,
          evidenceFor: cluster.reproducedBy.map((command) => `\`${command}\` fails each time`),
          evidenceAgainst: [],
          cluster: cluster.id,
          confirmed: cluster.verification === "confirmed" && cluster.class !== "ungrounded",
        });
    }
  }
  return {
    symptoms,
    hypotheses,
    reproductions: run.log.state.reproductions.map((record) => ({
      findingId: record.findingId,
      command: record.command,
      executions: record.executions,
      failures: record.failures,
      confirmed: isProof(record),
    })),
  };
}

function finalVerificationSection(
  { manifest, log }: Pick<PreparedRun, "manifest" | "log">,
  receipts: readonly Receipt[],
): NonNullable<Report["finalVerification"]> {
  const checks: NonNullable<Report["finalVerification"]>["checks"] = [];
  for (const receipt of receipts) {
    for (const command of new Set(receipt.executions.map((execution) => execution.command))) {
      const all = receipt.executions.filter((execution) => execution.command === command);
      const atHead = all.filter((execution) => execution.commit === manifest.commit);
      const atBase = all.find((execution) => execution.commit !== manifest.commit);
      const failures = atHead.filter((execution) => execution.exitCode !== 0).length;
      const records = log.state.reproductions.filter((record) => record.worker === receipt.worker && record.command === command);
      const compared = records.some((record) => record.baseline === "new")
        ? "new"
        : records.some((record) => record.baseline === "already-there")
          ? "already-there"
          : "unknown";
      checks.push({
        worker: receipt.worker,
        command,
        executions: atHead.length,
        failures,
        baseline: failures === 0 ? "passes" : atBase === undefined && compared === "unknown" ? "unknown" : compared,
      });
    }
  }
  return { checks, treeChangedBy: log.state.treeChanges.map((change) => ({ workers: [...change.workers], paths: [...change.paths] })) };
}
