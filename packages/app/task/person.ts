import { OkstraError } from "@okstra/core/errors";
import type { App } from "../app.ts";

/**
 * Name of the person at the keyboard, as the system gives it; for records, never for a decision. What a run starts is no
 * person: a worker, or a command that it proposed, that calls okstra is told so. It is a rail, no wall: who may write the
 * person's files can do as the person does.
 * @throws OKSTRA_GATE_HOLDS inside a run
 */
export function personOf({ surroundings: { env } }: Pick<App, "surroundings">): string {
  const runId = env["OKSTRA_RUN_ID"] ?? "";
  if (runId !== "")
    throw new OkstraError("OKSTRA_GATE_HOLDS", {
      message: `This was started by a run of okstra (OKSTRA_RUN_ID ${runId.slice(0, 64)}), which cannot answer for a person.`,
      hint: "Answer it from a shell of your own.",
      details: { runId },
    });
  return env["USER"] ?? env["LOGNAME"] ?? "unknown";
}
