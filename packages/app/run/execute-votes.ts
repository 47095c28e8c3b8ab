import { createRedactor } from "@okstra/core/domain/redaction";
import { openScratch } from "../scratch/open-scratch.ts";
import type { Lead } from "./lead-parts.ts";
import { recordTreeChange } from "./record-tree-change.ts";
import { countFailures, EXECUTIONS, withinBudget } from "./reproduce.ts";
import { loadVoteAnswers, verificationPlan } from "./run-records.ts";
import { loadSecrets } from "./secrets.ts";

/**
 * Executes the commands that blind verifiers give as evidence, twice each, at the commit that is judged. One that is to
 * refute is tried in an empty directory too: what passes there as well says nothing about this tree.
 */
export async function executeVotes(lead: Lead): Promise<void> {
  const { app, run, watch, signal } = lead;
  const { log, manifest } = run;
  const { round, commit } = log.state;
  const known = new Set(log.state.executedVotes.filter((record) => record.round === round).map(({ item, worker }) => `${item} ${worker}`));
  const asked = new Map((await verificationPlan(app, run, round)).assignments.map(({ worker, items }) => [worker, new Set(items)]));
  const redact = createRedactor(await loadSecrets(app, [manifest.project.root, manifest.provision.path]));
  const seen = new Map<string, number>();
  for (const { worker, votes } of await loadVoteAnswers(app, run, round)) {
    for (const { item, answer, evidence } of withinBudget(votes, (vote) => ({ worker, command: vote.evidence.command }))) {
      const { command } = evidence;
      if (
        evidence.kind !== "reproduction" ||
        command === undefined ||
        known.has(`${item} ${worker}`) ||
        asked.get(worker)?.has(item) !== true
      )
        continue;
      if (signal.aborted) return;
      known.add(`${item} ${worker}`);
      app.emit({ type: "reproducing", text: `executing what ${worker} gives as evidence: ${redact(command)}` });
      const options = { manifest, cwd: manifest.provision.path, redact, signal };
      const failures = seen.get(command) ?? (await countFailures(app, command, options));
      seen.set(command, failures);
      const alone = answer === "refuted" ? await failsAlone(lead, command, redact) : null;
      if (signal.aborted) return;
      await log.append({
        type: "vote-executed",
        record: { item, worker, command: redact(command), commit, executions: EXECUTIONS, failures, failsInEmptyDirectory: alone },
      });
      await recordTreeChange({ app, run }, await watch.laneEnded(worker));
    }
  }
}

async function failsAlone({ app, run, signal }: Lead, command: string, redact: (text: string) => string): Promise<boolean> {
  const scratch = await openScratch(app, "empty");
  try {
    await app.store.ensureDirectory(scratch.path);
    return (await countFailures(app, command, { manifest: run.manifest, cwd: scratch.path, redact, signal })) > 0;
  } finally {
    await scratch.close();
  }
}
