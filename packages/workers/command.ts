import { OkstraError } from "@okstra/core/errors";
import { MAX_RESULT_BYTES } from "@okstra/core/domain/worker-result";
import type { LaneOutcome, Processes, Store, Worker } from "@okstra/core/ports";

const CAPTURE_BYTES = 64 * 1024;
const EX_TEMPFAIL = 75;

/**
 * Any executable. It gets the prompt on standard input and OKSTRA_RESULT, OKSTRA_NONCE, OKSTRA_RUN_ID,
 * OKSTRA_TASK_KEY, OKSTRA_PHASE, OKSTRA_STEP (review, execute, vote or write) and OKSTRA_WORKTREE in its environment,
 * and writes its result to OKSTRA_RESULT. Exit status 75 (EX_TEMPFAIL of sysexits.h) says that a quota is used up.
 */
export function createCommandWorker(parts: { processes: Processes; store: Store }): Worker {
  return {
    kind: "command",
    async run(request) {
      const [program, ...args] = request.worker.command;
      if (program === undefined)
        throw new OkstraError("OKSTRA_PREPARE_WORKER_UNKNOWN", { message: `The worker ${request.worker.name} has no command.` });
      const submitted = `${request.laneDir}/door/submitted.json`;
      const end = await parts.processes.run({
        command: [program, ...args],
        cwd: request.worktree,
        env: {
          ...request.env,
          OKSTRA_RESULT: submitted,
          OKSTRA_NONCE: request.nonce,
          OKSTRA_RUN_ID: request.runId,
          OKSTRA_TASK_KEY: request.taskKey,
          OKSTRA_PHASE: request.phase,
          OKSTRA_STEP: request.step,
          OKSTRA_WORKTREE: request.worktree,
        },
        stdin: request.prompt,
        deadlineMs: request.deadlineMs,
        runId: request.runId,
        transcriptPath: `${request.laneDir}/transcript.log`,
        captureBytes: CAPTURE_BYTES,
        redact: request.redact,
        signal: request.signal,
        sandbox: request.sandbox,
        onOutput: request.onOutput,
      });
      // The lead removes it with the door: it may hold a secret, and only the judged and redacted result stays.
      const result = await readSubmitted(parts.store, submitted);
      const outcome = (kind: LaneOutcome["end"], reason: string | null, resultText: string | null): LaneOutcome => ({
        end: kind,
        reason,
        resultText,
        command: [program, ...args],
        modelServed: null,
        sessionId: null,
        exitCode: end.exitCode,
        signal: end.signal,
        isolation: end.isolation,
        sandbox: end.sandbox,
        stdoutBytes: end.stdout.totalBytes,
        stderrBytes: end.stderr.totalBytes,
        usage: null,
        executions: [],
        reproductions: [],
      });
      if (end.ended === "deadline") return outcome("timeout", `the deadline of ${request.deadlineMs} ms passed`, null);
      if (end.ended === "cancelled") return outcome("cancelled", "the run was interrupted", null);
      if (end.exitCode === EX_TEMPFAIL)
        return outcome(
          "quota",
          `the worker says that it cannot answer now (exit status ${EX_TEMPFAIL})${lastWords(end.stderr.text)}`,
          null,
        );
      if (end.exitCode !== 0)
        return outcome(
          "failed",
          `the worker ended with ${end.signal === null ? `exit status ${end.exitCode}` : `signal ${end.signal}`}${lastWords(end.stderr.text)}`,
          null,
        );
      if ("refused" in result) return outcome("failed", result.refused, null);
      return outcome("ok", null, result.text);
    },
  };
}

async function readSubmitted(store: Store, path: string): Promise<{ text: string | null } | { refused: string }> {
  try {
    return { text: await store.readText(path, { maxBytes: MAX_RESULT_BYTES, regularFileOnly: true }) };
  } catch (error) {
    return { refused: `the result cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function lastWords(stderr: string): string {
  const line = stderr.trimEnd().split("\n").at(-1)?.trim().slice(0, 160) ?? "";
  return line === "" ? "" : `: ${line}`;
}
