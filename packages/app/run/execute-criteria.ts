import type { Execution } from "@okstra/core/domain/execution";
import { createRedactor } from "@okstra/core/domain/redaction";
import { allowedEnvironment } from "../app.ts";
import type { Lead } from "./lead-parts.ts";
import { recordTreeChange } from "./record-tree-change.ts";
import { loadSecrets } from "./secrets.ts";

const MAX_CRITERIA = 50;
const MAX_DEADLINE_MS = 10 * 60 * 1000;

/** Executes the commands of the acceptance criteria at the commit that is judged, each once: what a worker says of them counts less. */
export async function executeCriteria({ app, run, phase, watch, signal }: Lead): Promise<void> {
  const { log, manifest } = run;
  if (!phase.executesCriteria) return;
  const { commit } = log.state;
  const known = new Set(log.state.criterionExecutions.map(({ criterion }) => criterion));
  const redact = createRedactor(await loadSecrets(app, [manifest.project.root, manifest.provision.path]));
  for (const { id, check } of manifest.context.criteria.slice(0, MAX_CRITERIA)) {
    if (check.command === null || check.command.includes("\0") || known.has(id)) continue;
    if (signal.aborted) return;
    app.emit({ type: "criterion-executing", text: `${id}: ${redact(check.command)}` });
    const end = await app.processes.run({
      command: ["sh", "-c", check.command],
      cwd: manifest.provision.path,
      env: { ...allowedEnvironment(app.surroundings.env, []), CI: "true" },
      deadlineMs: Math.min(MAX_DEADLINE_MS, Math.max(...manifest.roster.map((entry) => entry.deadlineMs))),
      runId: manifest.runId,
      transcriptPath: null,
      captureBytes: 64 * 1024,
      redact,
      signal,
    });
    // An interrupted execution has shown nothing: a resumed run makes it again.
    if (signal.aborted) return;
    const execution: Execution = {
      command: redact(check.command),
      commit,
      exitCode: end.exitCode,
      signal: end.signal,
      timedOut: end.ended === "deadline",
      startedAt: end.startedAt,
      durationMs: end.durationMs,
      outputSha256: app.sha256(`${end.stdout.text}\0${end.stderr.text}`),
      failureKeys: [],
    };
    await log.append({ type: "criterion-executed", criterion: id, execution });
    const worker = manifest.roster[0]?.worker ?? "";
    await recordTreeChange({ app, run }, await watch.laneEnded(worker));
  }
}
