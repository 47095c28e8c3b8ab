import { reportProseSchema } from "@okstra/core/domain/report-prose";
import { WRITER_LANE } from "@okstra/core/machine/run-machine";
import { CHAT_KIND, type Lead } from "./lead-parts.ts";
import { runWriter } from "./run-lanes.ts";
import { loadResult } from "./run-records.ts";
import { buildReport } from "./write-report.ts";

const TRIES = 2;

/**
 * Has the report's prose written by the worker of the report-writer role: one retry, then the text is the code's own
 * and an event says why. A valid result of before is not asked for again, and an agent that leads is asked once.
 * @returns whether the report can be written; false: the leading agent is at the prose
 */
export async function writeProse(lead: Lead): Promise<boolean> {
  const { app, run, signal } = lead;
  const { log, manifest } = run;
  if (log.state.writerFallback !== null) return true;
  if (manifest.writer === null) {
    await log.append({ type: "report-writer-fallback", reason: "not-configured" });
    return true;
  }
  if (log.state.lanes[WRITER_LANE]?.end === "ok" && reportProseSchema.safeParse(await loadResult(app, run, WRITER_LANE)).success)
    return true;
  const { reportWriter: _own, ...facts } = await buildReport(app, run, "");
  const isChat = manifest.writer.kind === CHAT_KIND;
  const wasAsked = isChat && log.state.lanes[WRITER_LANE]?.state === "ended";
  for (let tried = 0; tried < TRIES && !wasAsked && !signal.aborted; tried += 1) {
    const end = await runWriter(lead, JSON.stringify(facts));
    if (end === null) return false;
    if (end === "ok") return true;
  }
  if (signal.aborted) return true;
  const last = log.events.findLast((event) => event.type === "lane-ended" && event.lane === WRITER_LANE);
  const isMissing = last?.type === "lane-ended" && (last.reason ?? "").includes("without a result");
  await log.append({ type: "report-writer-fallback", reason: isMissing ? "missing" : "invalid" });
  return true;
}
