import type { ReproductionRecord } from "@okstra/core/domain/execution";
import type { RaisedFinding } from "@okstra/core/domain/finding";
import type { RunManifest } from "@okstra/core/domain/run";
import type { CancelSignal } from "@okstra/core/ports";
import { allowedEnvironment, type App } from "../app.ts";

/** At most so many different commands of workers are executed, so that no result can keep a run busy for ever. */
const MAX_COMMANDS = 20;
export const EXECUTIONS = 2;
const MAX_DEADLINE_MS = 10 * 60 * 1000;

/**
 * Executes the reproductions that workers propose, twice each, at the run's head commit. What a worker says it
 * printed counts for nothing: only these executions do.
 */
export async function executeReproductions(
  app: App,
  options: {
    manifest: RunManifest;
    /** Commit of the tree; empty without git. */
    commit: string;
    findings: readonly RaisedFinding[];
    redact: (text: string) => string;
    signal: CancelSignal;
    onRecord: (worker: string, record: ReproductionRecord) => Promise<void>;
    /** Called after the executions of a command that this worker proposed. */
    onExecuted: (worker: string) => Promise<void>;
  },
): Promise<void> {
  const { manifest } = options;
  const failures = new Map<string, number>();
  for (const finding of options.findings) {
    const command = finding.reproduction?.command;
    if (command === undefined) continue;
    let failed = failures.get(command);
    if (failed === undefined) {
      if (options.signal.aborted) continue;
      app.emit({ type: "reproducing", text: `reproducing: ${options.redact(command)}` });
      failed = await countFailures(app, command, { ...options, cwd: manifest.provision.path });
      // An interrupted execution has shown nothing: a resumed run makes it again.
      if (options.signal.aborted) return;
      await options.onExecuted(finding.worker);
      failures.set(command, failed);
    }
    await options.onRecord(finding.worker, {
      findingId: finding.id,
      command: options.redact(command),
      commit: options.commit,
      executions: EXECUTIONS,
      failures: failed,
      baseline: "unknown",
    });
  }
}

/** How many of {@link EXECUTIONS} executions of a shell command fail in a directory. */
export async function countFailures(
  app: App,
  command: string,
  options: { manifest: RunManifest; cwd: string; redact: (text: string) => string; signal: CancelSignal },
): Promise<number> {
  const { manifest, cwd, redact, signal } = options;
  const deadlineMs = Math.min(MAX_DEADLINE_MS, Math.max(...manifest.roster.map((entry) => entry.deadlineMs)));
  let failed = 0;
  for (let execution = 0; execution < EXECUTIONS; execution += 1) {
    const end = await app.processes.run({
      command: ["sh", "-c", command],
      cwd,
      env: { ...allowedEnvironment(app.surroundings.env, []), CI: "true" },
      deadlineMs,
      runId: manifest.runId,
      transcriptPath: null,
      captureBytes: 64 * 1024,
      redact,
      signal,
    });
    // 126 and 127: the shell could not start the command, which shows no defect of the project.
    if (end.ended === "by-itself" && end.exitCode !== 0 && end.exitCode !== 126 && end.exitCode !== 127) failed += 1;
  }
  return failed;
}

/**
 * Of what is proposed, what is executed: of each worker its first different commands, whatever the others propose, so that
 * neither their order nor one who proposes many takes anything from another. A NUL is in no command that a shell can be given.
 */
export function withinBudget<T>(all: readonly T[], of: (each: T) => { worker: string; command: string | undefined }): readonly T[] {
  const taken = new Map<string, Set<string>>();
  return all.filter((each) => {
    const { worker, command } = of(each);
    if (command === undefined || command.includes("\0")) return false;
    const own = taken.get(worker) ?? new Set();
    taken.set(worker, own.has(command) || own.size < MAX_COMMANDS ? own.add(command) : own);
    return own.has(command);
  });
}
