import { converge } from "@okstra/core/convergence/converge";
import { createRedactor } from "@okstra/core/domain/redaction";
import { requireTaskType } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import type { Effect } from "@okstra/core/machine/run-machine";
import { requirePhase } from "@okstra/core/phases/index";
import type { Phase } from "@okstra/core/phases/phase";
import type { CancelSignal } from "@okstra/core/ports";
import type { App } from "../app.ts";
import { validateRun } from "../validate/validate-run.ts";
import { dispatchLane } from "./dispatch-lane.ts";
import { describeStart, type PreparedRun } from "./prepare-run.ts";
import { executeReproductions } from "./reproduce.ts";
import { convergenceInput, laneSummaries, loadConvergence, loadFindings, loadResults } from "./run-records.ts";
import { loadSecrets } from "./secrets.ts";
import { watchTree, type TreeWatch } from "./tree-watch.ts";
import { writeReport } from "./write-report.ts";

/** How often a run looks whether `okstra cancel` asked it to stop, in milliseconds. */
const CANCEL_POLL_MS = 250;

/** `okstra cancel` of a run that another process leads is a file in the run's directory. */
export function cancelRequestPath(runDir: string): string {
  return `${runDir}/cancel-requested`;
}

/**
 * Takes a prepared run to its end: does what the run's transition asks for, and puts what came of it into the
 * log. Everything it knows it reads back from the run's files, so that it can begin anywhere.
 * @throws OKSTRA_INTERRUPTED after an interruption; the run then waits for `okstra resume`
 */
export async function leadRun(app: App, run: PreparedRun, outer: CancelSignal): Promise<void> {
  const phase = requirePhase(requireTaskType(run.manifest.type));
  const stop = new AbortController();
  const onOuter = (): void => stop.abort();
  outer.addEventListener("abort", onOuter, { once: true });
  if (outer.aborted) stop.abort();
  let cancelled = false;
  const poll = setInterval(() => {
    void app.store.exists(cancelRequestPath(run.runDir)).then((asked) => {
      cancelled ||= asked;
      if (asked) stop.abort();
    });
  }, CANCEL_POLL_MS);
  try {
    const watch = await watchTree(app, run.manifest);
    const effects = await run.log.append({
      type: "run-started",
      attempt: run.log.state.attempt + 1,
      commit: run.manifest.commit,
      isolation: await app.processes.isolation(),
    });
    await perform({ app, run, phase, watch, signal: stop.signal }, effects);
  } catch (thrown) {
    const error = cancelled ? cancelledError(run) : thrown;
    const failure =
      error instanceof OkstraError
        ? error
        : new OkstraError("OKSTRA_INTERNAL", { message: error instanceof Error ? error.message : String(error), cause: error });
    await run.log
      .append(
        cancelled
          ? { type: "run-cancelled", by: "person" }
          : stop.signal.aborted
            ? { type: "run-interrupted", signal: "interrupt" }
            : { type: "run-failed", code: failure.code, message: failure.message },
      )
      .catch(() => undefined);
    throw error;
  } finally {
    clearInterval(poll);
    outer.removeEventListener("abort", onOuter);
  }
}

function cancelledError({ manifest, runDir }: PreparedRun): OkstraError {
  return new OkstraError("OKSTRA_INTERRUPTED", {
    message: `The run ${manifest.run} of ${manifest.taskKey} was cancelled.`,
    hint: `Start a new one: ${describeStart(manifest)}`,
    details: { runDir },
  });
}

interface Lead {
  readonly app: App;
  readonly run: PreparedRun;
  readonly phase: Phase;
  readonly watch: TreeWatch;
  readonly signal: CancelSignal;
}

async function perform(lead: Lead, effects: readonly Effect[]): Promise<void> {
  const outcomes = await Promise.allSettled(
    effects.map(async (effect) => {
      const next = await performOne(lead, effect);
      requireNotInterrupted(lead);
      await perform(lead, next);
    }),
  );
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

function requireNotInterrupted({ signal, run }: Lead): void {
  if (!signal.aborted) return;
  const task = run.manifest.taskKey.split("/").slice(1).join("/");
  const isLost = task.startsWith("verify/") && !run.manifest.inPlace;
  throw new OkstraError("OKSTRA_INTERRUPTED", {
    message: `The run ${run.manifest.run} of ${run.manifest.taskKey} was interrupted.`,
    hint: isLost ? `Start it again: ${describeStart(run.manifest)}` : `Go on with: okstra resume ${task}`,
    details: { runDir: run.runDir },
  });
}

async function performOne(lead: Lead, effect: Effect): Promise<readonly Effect[]> {
  const { app, run, phase } = lead;
  const { log, manifest } = run;
  switch (effect.type) {
    case "dispatch":
      return dispatch(lead, effect.worker);
    case "converge":
      return convergeRun(lead);
    case "decide": {
      const convergence = await loadConvergence(app, run);
      const decided = phase.decide({
        convergence,
        lanes: laneSummaries(run),
        results: await loadResults(app, run),
        reproductions: log.state.reproductions,
        treeChanged: log.state.treeChanges.length > 0,
        commit: manifest.commit,
      });
      return log.append({ type: "gate-decided", verdict: decided.verdict, gate: decided.gate, commit: manifest.commit });
    }
    case "report": {
      // Prose of a model comes with the workers that have one; until then the text is the code's own.
      const writer = manifest.settings["reportWriter"];
      await log.append({ type: "report-writer-fallback", reason: typeof writer === "string" ? "not-available" : "not-configured" });
      const reportSha256 = await writeReport(app, run);
      return log.append({ type: "report-written", reportSha256 });
    }
    case "validate": {
      const validation = await validateRun(app, run.runDir, { byLead: true });
      await app.store.writeText(`${run.runDir}/validation.json`, `${JSON.stringify(validation, null, 2)}\n`);
      return log.append({ type: "run-validated", ok: validation.ok, broken: [...new Set(validation.broken.map((rule) => rule.code))] });
    }
    case "end":
      return log.append({
        type: "run-ended",
        verdict: log.state.verdict ?? "none",
        gateOpen: log.state.gate?.open === true && log.state.valid === true,
      });
  }
}

async function dispatch({ app, run, phase, watch, signal }: Lead, worker: string): Promise<readonly Effect[]> {
  const { log, manifest } = run;
  const entry = manifest.roster.find((each) => each.worker === worker);
  if (entry === undefined)
    throw new OkstraError("OKSTRA_RUN_CORRUPT", { message: `${worker} is in no roster of ${run.runDir}.`, details: { worker } });
  const attempt = log.state.attempt;
  const nonce = app.ids.randomHex(16);
  await log.append({ type: "lane-started", worker, attempt, nonce, commit: manifest.commit });
  app.emit({ type: "lane-started", text: `${worker}: started`, data: { worker } });
  watch.laneStarted(worker);
  const record = await dispatchLane(app, {
    manifest,
    phase,
    runDir: run.runDir,
    entry,
    nonce,
    signal,
    onActivity: (text) => app.emit({ type: "lane-activity", text: `${worker}: ${text}`, data: { worker } }),
    checkTree: async () => {
      const change = await watch.laneEnded(worker);
      if (change === null || signal.aborted) return null;
      await logTreeChange(app, run, change);
      const alone = change.workers.length === 1;
      return alone ? `it changed the tree of a read-only phase: ${change.paths.slice(0, 5).join(", ")}` : null;
    },
  });
  for (const each of record.reproductions) await log.append({ type: "reproduction-executed", worker, record: each });
  const { reproductions: _logged, ...ended } = record;
  app.emit({
    type: "lane-ended",
    text: `${worker}: ${record.end}${record.reason === null ? `, ${record.findings} finding${record.findings === 1 ? "" : "s"}` : ` (${record.reason})`}`,
    data: { worker, end: record.end },
  });
  return log.append({ type: "lane-ended", worker, attempt, commit: manifest.commit, ...ended });
}

async function logTreeChange(app: App, run: PreparedRun, change: NonNullable<Awaited<ReturnType<TreeWatch["laneEnded"]>>>): Promise<void> {
  const redact = await openRedactor(app, run);
  await run.log.append({ type: "tree-changed", workers: [...change.workers], paths: change.paths.slice(0, 100).map(redact) });
}

async function openRedactor(app: App, { manifest }: PreparedRun): Promise<(text: string) => string> {
  return createRedactor(await loadSecrets(app, [manifest.project.root, manifest.provision.path]));
}

async function convergeRun({ app, run, phase, watch, signal }: Lead): Promise<readonly Effect[]> {
  const { log, manifest } = run;
  const findings = await loadFindings(app, run);
  if (phase.reproduces) {
    const ownRecords = new Set(log.state.reproductions.map((record) => record.findingId));
    const heard = new Set(
      laneSummaries(run)
        .filter((lane) => lane.end === "ok")
        .map((lane) => lane.worker),
    );
    await executeReproductions(app, {
      manifest,
      findings: findings.filter((finding) => heard.has(finding.worker) && !ownRecords.has(finding.id)),
      redact: await openRedactor(app, run),
      signal,
      onRecord: async (worker, record) => {
        await log.append({ type: "reproduction-executed", worker, record });
      },
      onExecuted: async (worker) => {
        const change = await watch.laneEnded(worker);
        if (change !== null) await logTreeChange(app, run, change);
      },
    });
    if (signal.aborted) return [];
  }
  const convergence = converge(await convergenceInput(app, run, findings));
  const text = `${JSON.stringify(convergence, null, 2)}\n`;
  await app.store.writeText(`${run.runDir}/convergence.json`, text);
  return log.append({
    type: "run-converged",
    convergenceSha256: app.sha256(text),
    clusters: convergence.clusters.length,
    kEff: convergence.kEff,
  });
}
