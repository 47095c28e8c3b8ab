import type * as z from "zod";
import { voteResultSchema } from "../convergence/votes.ts";
import type { LaneRole } from "../domain/finding.ts";
import { reportProseSchema } from "../domain/report-prose.ts";
import { workerResultSchema } from "../domain/worker-result.ts";
import type { TaskType } from "../domain/work.ts";
import { requirePhase } from "./index.ts";

/** What the result of a lane must be: for the prompt, the door and the lead alike. @throws OKSTRA_PHASE_* for a phase without lanes */
export function laneResultSchema(type: TaskType, role: LaneRole): z.ZodType {
  if (role === "vote") return voteResultSchema;
  if (role === "write") return reportProseSchema;
  if (role === "execute") return workerResultSchema;
  return requirePhase(type).resultSchema;
}
