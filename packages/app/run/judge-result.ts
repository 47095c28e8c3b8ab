import * as z from "zod";
import type { LaneEnd } from "@okstra/core/domain/finding";
import type { RunManifest } from "@okstra/core/domain/run";
import type { LaneOutcome } from "@okstra/core/ports";
import { isNestedDeeper, MAX_DEPTH } from "../door/check-given.ts";

export interface Judged {
  readonly end: LaneEnd;
  readonly reason: string | null;
  readonly result: Readonly<Record<string, unknown>> | null;
}

/**
 * What every result must pass: right nonce, right run, right shape, or the lane has failed.
 * @param redact makes secrets unreadable in the reason; the result itself is as it was given
 */
export function judgeResult(
  schema: z.ZodType,
  manifest: Pick<RunManifest, "runId">,
  nonce: string,
  outcome: Pick<LaneOutcome, "end" | "reason" | "resultText">,
  redact: (text: string) => string,
): Judged {
  if (outcome.end !== "ok") return { end: outcome.end, reason: outcome.reason, result: null };
  const failed = (reason: string): Judged => ({ end: "failed", reason, result: null });
  if (outcome.resultText === null) return failed("the worker ended without a result");
  let data: unknown;
  try {
    data = JSON.parse(outcome.resultText.replace(/^\uFEFF/, ""));
  } catch {
    return failed("the result is not JSON");
  }
  if (isNestedDeeper(data, MAX_DEPTH)) return failed(`the result is nested deeper than ${MAX_DEPTH} levels`);
  const given = data as { nonce?: unknown; runId?: unknown } | null;
  if (given?.nonce !== nonce) return failed("the result has another nonce: it is not this lane's");
  if (given.runId !== undefined && given.runId !== manifest.runId) return failed("the result names another run");
  const parsed = schema.safeParse(data);
  if (!parsed.success)
    return failed(
      `the result breaks its schema: ${redact(z.prettifyError(parsed.error)).split("\n").slice(0, 2).join(" ").replaceAll(/\s+/g, " ").slice(0, 300)}`,
    );
  return { end: "ok", reason: null, result: parsed.data as Record<string, unknown> };
}
