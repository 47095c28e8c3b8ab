import { formatTaskKey } from "@okstra/core/domain/task-key";
import type { TaskType } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import type { RunEvent } from "@okstra/core/events";
import type { App } from "../app.ts";
import { currentOverride } from "../task/effective-gate.ts";
import type { PreparedRun } from "./begin-run.ts";
import { loadRun } from "./prepare-run.ts";
import { takeRunLock } from "./run-lock.ts";
import { answerOf, findTaskRun, type RunAnswer } from "./run-task.ts";
import { writeReport } from "./write-report.ts";

/**
 * The hash of the event that decided a run's gate, as the event after it has it: what an override is about. Null before
 * anything came after the decision.
 */
export function hashDecision(events: readonly RunEvent[]): string | null {
  const at = events.findLastIndex(({ type }) => type === "gate-decided");
  return at < 0 ? null : (events[at + 1]?.prev ?? null);
}

/**
 * A person passes a gate that holds, by name and with a reason, for the newest run of the phase and so for its
 * commit. The report says `PASSED (override)` for ever after.
 * @throws OKSTRA_OVERRIDE_IMPOSSIBLE when there is no such gate, it is open, or the run has not ended
 * @throws OKSTRA_DASHBOARD_CHANGED
 */
export async function overrideGate(
  app: App,
  request: {
    task: string;
    dir: string;
    taskType: TaskType;
    gate: string | null;
    reason: string;
    until: string | null;
    by: string;
    /** What the person looked at: the newest run of the phase, and its decision as {@link hashDecision} has it. */
    expected?: { readonly run: number; readonly decision: string };
  },
): Promise<RunAnswer> {
  const { opened, key, runDir } = await findTaskRun(app, request);
  const lease = await takeRunLock(app, opened.root, formatTaskKey(key), "an override");
  try {
    const run = await loadRun(app, runDir);
    const { state } = run.log;
    if (request.expected !== undefined) await requireSeen(app, request, run, request.expected);
    const impossible = (why: string): OkstraError =>
      new OkstraError("OKSTRA_OVERRIDE_IMPOSSIBLE", {
        message: `Run ${run.manifest.run} of ${run.manifest.taskKey}: ${why}.`,
        details: { runDir, gate: state.gate },
      });
    if (state.handoff !== null) throw impossible("what leaves is chosen by okstra handoff, and passed by nothing else");
    if (state.stage !== "ended" || state.gate === null) throw impossible("it has not ended, so no gate holds");
    if (request.gate !== null && request.gate !== state.gate.name)
      throw impossible(`it has no gate "${request.gate}"; its gate is "${state.gate.name}"`);
    if (state.valid !== true) throw impossible("its report did not pass the validator, which no override replaces");
    const decided = run.log.events.findLast((event) => event.type === "gate-decided");
    const isOpen = decided?.type === "gate-decided" && decided.gate.open;
    // One that has run out can be renewed.
    if (isOpen || currentOverride(run.log.events, state.gate.name, app.clock.now()) !== null) throw impossible("its gate is open");
    await run.log.append({
      type: "gate-overridden",
      gate: state.gate.name,
      reason: request.reason,
      by: request.by,
      until: request.until,
      commit: state.commit,
    });
    const reportSha256 = await writeReport(app, run);
    await run.log.append({ type: "report-written", reportSha256 });
    return await answerOf(app, run);
  } finally {
    await lease.release();
  }
}

/** A run may have been made since the newest one was looked for. @throws OKSTRA_DASHBOARD_CHANGED */
async function requireSeen(
  app: App,
  request: { task: string; dir: string; taskType: TaskType },
  { manifest, runDir, log }: PreparedRun,
  expected: { readonly run: number; readonly decision: string },
): Promise<void> {
  const newest = await findTaskRun(app, request);
  if (newest.runDir === runDir && manifest.run === expected.run && hashDecision(log.events) === expected.decision) return;
  throw new OkstraError("OKSTRA_DASHBOARD_CHANGED", {
    message: `The gate of ${manifest.taskKey} is not the one that was looked at: that of ${manifest.type} run ${expected.run}.`,
    details: { expected, runDir: newest.runDir },
  });
}
