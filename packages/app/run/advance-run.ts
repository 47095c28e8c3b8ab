import { isConverged, isStalled, openBlockers } from "@okstra/core/convergence/ledger";
import { converge } from "@okstra/core/convergence/converge";
import { createRedactor } from "@okstra/core/domain/redaction";
import { MAX_ROUNDS } from "@okstra/core/events";
import { laneName, nextStep, quotaLanes, reviewLanes, type Effect } from "@okstra/core/machine/run-machine";
import { executeCriteria } from "./execute-criteria.ts";
import { executeVotes } from "./execute-votes.ts";
import { inspectExecutor } from "./inspect-executor.ts";
import type { Lead } from "./lead-parts.ts";
import { recordTreeChange } from "./record-tree-change.ts";
import { executeReproductions, withinBudget } from "./reproduce.ts";
import {
  commitOfRound,
  convergenceInput,
  decisionInput,
  keptConvergencePath,
  laneSummaries,
  loadConvergence,
  loadFindings,
  verificationPlan,
} from "./run-records.ts";
import { loadSecrets } from "./secrets.ts";

/** All lanes of a step have ended: looks at what they left and plans what follows, or converges. */
export async function advanceRun(lead: Lead): Promise<readonly Effect[]> {
  const { app, run } = lead;
  const { log, manifest } = run;
  const { round, commit } = log.state;
  switch (nextStep(log.state)) {
    case "pause":
      return pauseRun(lead);
    case "inspect":
      return log.append({ type: "work-inspected", round, from: commit, ...(await inspectExecutor(lead)) });
    case "plan-review": {
      if (!hasWork(lead)) return convergeRound(lead);
      await lead.watch.reset();
      const lanes = manifest.roster.map(({ worker }) => ({ lane: laneName(worker, "review", round), worker }));
      return log.append({ type: "lanes-planned", round, role: "review", lanes, commit });
    }
    case "plan-votes": {
      await reproduceFindings(lead);
      await executeCriteria(lead);
      if (lead.signal.aborted) return [];
      const { assignments, rulings } = await verificationPlan(app, run, round);
      const workers = [...new Set([...assignments.map(({ worker }) => worker), ...(rulings === null ? [] : [rulings.worker])])].sort();
      if (workers.length === 0) return convergeRound(lead);
      const lanes = workers.map((worker) => ({ lane: laneName(worker, "vote", round), worker }));
      return log.append({ type: "lanes-planned", round, role: "vote", lanes, commit });
    }
    case "converge":
      await executeVotes(lead);
      if (lead.signal.aborted) return [];
      return convergeRound(lead);
  }
}

/** The run waits until somebody resumes it: what has ended is kept, and no verdict is made without those who could not answer. */
async function pauseRun({ app, run }: Lead): Promise<readonly Effect[]> {
  const { log } = run;
  const lanes = [...quotaLanes(log.state)];
  const times = lanes.flatMap((lane) => log.state.lanes[lane]?.resumeAt ?? []).sort((a, b) => Date.parse(a) - Date.parse(b));
  const until = times.length === lanes.length ? (times.at(-1) ?? null) : null;
  app.emit({
    type: "run-paused",
    level: "warning",
    text: `${lanes.join(", ")}: the quota is used up${until === null ? "" : ` until ${until}`}; the run waits`,
    data: { lanes, until },
  });
  return log.append({ type: "run-paused", reason: "quota", lanes, until });
}

/** Whether the executor left something to look at: one that failed before its first commit did not. */
function hasWork({ run: { log, manifest } }: Lead): boolean {
  const { executor, round, lanes } = log.state;
  const ended = executor === null ? null : lanes[laneName(executor, "execute", round)]?.end;
  return ended === "ok" || log.state.commit !== manifest.commit;
}

/** Executes what the reviewers of the round propose as reproductions, in the phases that do so. */
async function reproduceFindings({ app, run, phase, watch, signal }: Lead): Promise<void> {
  const { log, manifest } = run;
  if (!phase.reproduces) return;
  const { round, commit } = log.state;
  const known = new Set(
    log.state.reproductions.filter((record) => record.commit === commit && record.round === round).map((record) => record.findingId),
  );
  const heard = new Set(reviewLanes(log.state, round).flatMap(([, lane]) => (lane.end === "ok" ? [lane.worker] : [])));
  await executeReproductions(app, {
    manifest,
    commit,
    findings: withinBudget(await loadFindings(app, run, round), ({ worker, reproduction }) => ({
      worker,
      command: reproduction?.command,
    })).filter((finding) => heard.has(finding.worker) && !known.has(finding.id)),
    redact: createRedactor(await loadSecrets(app, [manifest.project.root, manifest.provision.path])),
    signal,
    onRecord: async (worker, record) => {
      await log.append({ type: "reproduction-executed", worker, record });
    },
    onExecuted: async (worker) => {
      await recordTreeChange({ app, run }, await watch.laneEnded(worker));
    },
  });
}

async function convergeRound({ app, run }: Lead): Promise<readonly Effect[]> {
  const { log } = run;
  const { round } = log.state;
  const convergence = converge(await convergenceInput(app, run, round));
  const text = `${JSON.stringify(convergence, null, 2)}\n`;
  await app.store.writeText(`${run.runDir}/convergence.json`, text);
  if (log.state.executor !== null) await app.store.writeText(keptConvergencePath(run.runDir, round), text);
  const blockers = openBlockers(convergence.clusters).length;
  app.emit({
    type: "converged",
    text: `${convergence.clusters.length} finding${convergence.clusters.length === 1 ? "" : "s"} after matching, ${blockers} of them block or wait for a person`,
  });
  return log.append({
    type: "run-converged",
    round,
    convergenceSha256: app.sha256(text),
    clusters: convergence.clusters.length,
    blockers,
    kEff: convergence.kEff,
  });
}

/** The gate, or one more round of fixes: as long as blockers fall, there is a round left, and the executor can go on. */
export async function decideRun(lead: Lead): Promise<readonly Effect[]> {
  const { app, run, phase } = lead;
  const { log, manifest } = run;
  const { state } = log;
  if (await wantsRound(lead)) {
    const { executor } = state;
    const round = state.round + 1;
    app.emit({ type: "round-started", text: `round ${round}: the executor gets what is open` });
    return log.append({
      type: "lanes-planned",
      round,
      role: "execute",
      lanes: [{ lane: laneName(executor ?? "", "execute", round), worker: executor ?? "" }],
      commit: state.commit,
    });
  }
  const input = await decisionInput(app, run);
  const decided = phase.decide(input);
  return log.append({
    type: "gate-decided",
    verdict: decided.verdict,
    gate: decided.gate,
    commit: state.commit,
    looked: {
      convergenceSha256: log.events.findLast((event) => event.type === "run-converged")?.convergenceSha256 ?? null,
      lanes: Object.fromEntries(input.lanes.map((lane) => [lane.worker, lane.end])),
      holding: openBlockers(input.convergence.clusters).map((cluster) => cluster.id),
      plan: manifest.context.approval?.planSha256 ?? null,
      rounds: state.round,
    },
  });
}

async function wantsRound({ app, run }: Lead): Promise<boolean> {
  const { state } = run.log;
  if (state.executor === null || state.round >= MAX_ROUNDS || isStalled(state.blockersPerRound)) return false;
  if (state.lanes[laneName(state.executor, "execute", state.round)]?.end !== "ok") return false;
  const convergence = await loadConvergence(app, run, state.round);
  const lanes = await laneSummaries(app, run, state.round);
  const heard = lanes.some(({ end }) => end === "ok");
  return (
    heard && openBlockers(convergence.clusters).length > 0 && !isConverged({ lanes, convergence, commit: commitOfRound(run, state.round) })
  );
}
