import { reportProseSchema } from "@okstra/core/domain/report-prose";
import { WRITER_LANE } from "@okstra/core/machine/run-machine";
import type { Lead } from "./lead-parts.ts";
import { runWriter } from "./run-lanes.ts";
import { loadResult } from "./run-records.ts";
import { buildReport } from "./write-report.ts";

const TRIES = 2;

/**
 * Has the report's prose written by the worker of the report-writer role: one retry, then the text is the code's own
 * and an event says why. A valid result of before is not asked for again.
 */
export async function writeProse(lead: Lead): Promise<void> {
  const { app, run, signal } = lead;
  const { log, manifest } = run;
  if (manifest.writer === null) {
    await log.append({ type: "report-writer-fallback", reason: "not-configured" });
    return;
  }
  if (log.state.lanes[WRITER_LANE]?.end === "ok" && reportProseSchema.safeParse(await loadResult(app, run, WRITER_LANE)).success) return;
  const { reportWriter: _own, ...facts } = await buildReport(app, run, "");
  for (let tried = 0; tried < TRIES && !signal.aborted; tried += 1) {
    const end = await runWriter(lead, JSON.stringify(facts));
    if (end === "ok") return;
  }
  if (signal.aborted) return;
  const last = log.events.findLast((event) => event.type === "lane-ended" && event.lane === WRITER_LANE);
  const isMissing = last?.type === "lane-ended" && (last.reason ?? "").includes("without a result");
  await log.append({ type: "report-writer-fallback", reason: isMissing ? "missing" : "invalid" });
}
