import * as z from "zod";
import { laneRoleSchema } from "./finding.ts";
import { TASK_TYPES } from "./work.ts";

/**
 * `workers/<lane>/door/lane.json`: what the lane's MCP server must know. The server writes `submitted.json` and, as
 * they come, `finding-<n>.json` and `question-<n>.json` beside it: each file once, so that two servers of one lane
 * neither mix nor lose what they were given.
 */
export const laneOrderSchema = z.looseObject({
  schema: z.literal(1),
  runId: z.string(),
  nonce: z.string(),
  taskKey: z.string(),
  phase: z.enum(TASK_TYPES),
  role: laneRoleSchema,
  worker: z.string(),
  lane: z.string(),
  /** The prompt as the lane got it, for `read_brief`. */
  brief: z.string(),
  /** Real path of the tree that the lane works in; quotes are looked up there. */
  worktree: z.string(),
  /** Trees whose `.env` files hold what must be redacted. */
  secretRoots: z.array(z.string()),
});
export type LaneOrder = z.infer<typeof laneOrderSchema>;

/** Environment variable that names the directory of the door. */
export const DOOR_VARIABLE = "OKSTRA_DOOR";
/** Name under which an agent has the server; its tools are `submit_result` and so on. */
export const DOOR_SERVER = "okstra";
