import type { ReproductionRecord } from "@okstra/core/domain/execution";
import type { RaisedFinding } from "@okstra/core/domain/finding";
import type { RunManifest } from "@okstra/core/domain/run";
import type { CancelSignal } from "@okstra/core/ports";
import { allowedEnvironment, type App } from "../app.ts";

/** At most so many different commands of workers are executed, so that no result can keep a run busy for ever. */
const MAX_COMMANDS = 20;
const EXECUTIONS = 2;
const MAX_DEADLINE_MS = 10 * 60 * 1000;

/**
 * Executes the reproductions that workers propose, twice each, at the run's head commit. What a worker says it
 * printed counts for nothing: only these executions do.
 */
export async function executeReproductions(
  app: App,
  options: {
    manifest: RunManifest;
    findings: readonly RaisedFinding[];
    redact: (text: string) => string;
    signal: CancelSignal;
    onRecord: (worker: string, record: ReproductionRecord) => Promise<void>;
    /** Called after the executions of a command that this worker proposed. */
    onExecuted: (worker: string) => Promise<void>;
  },
): Promise<void> {
  const { manifest } = options;
  const deadlineMs = Math.min(MAX_DEADLINE_MS, Math.max(...manifest.roster.map((entry) => entry.deadlineMs)));
  const failures = new Map<string, number>();
  for (const finding of options.findings) {
    const command = finding.reproduction?.command;
    if (command === undefined) continue;
    let failed = failures.get(command);
    if (failed === undefined) {
      if (failures.size >= MAX_COMMANDS || options.signal.aborted) continue;
      app.emit({ type: "reproducing", text: `reproducing: ${options.redact(command)}` });
      failed = await countFailures(app, manifest, command, deadlineMs, options);
      // An interrupted execution has shown nothing: a resumed run makes it again.
      if (options.signal.aborted) return;
      await options.onExecuted(finding.worker);
      failures.set(command, failed);
    }
    await options.onRecord(finding.worker, {
      findingId: finding.id,
      command: options.redact(command),
      commit: manifest.commit,
      executions: EXECUTIONS,
      failures: failed,
      baseline: "unknown",
    });
  }
}

async function countFailures(
  app: App,
  manifest: RunManifest,
  command: string,
  deadlineMs: number,
  options: { redact: (text: string) => string; signal: CancelSignal },
): Promise<number> {
  let failed = 0;
  for (let execution = 0; execution < EXECUTIONS; execution += 1) {
    const end = await app.processes.run({
      command: ["sh", "-c", command],
      cwd: manifest.provision.path,
      env: { ...allowedEnvironment(app.surroundings.env, []), CI: "true" },
      deadlineMs,
      runId: manifest.runId,
      transcriptPath: null,
      captureBytes: 64 * 1024,
      redact: options.redact,
      signal: options.signal,
    });
    // 126 and 127: the shell could not start the command, which shows no defect of the project.
    if (end.ended === "by-itself" && end.exitCode !== 0 && end.exitCode !== 126 && end.exitCode !== 127) failed += 1;
  }
  return failed;
}
