import * as z from "zod";

/** How a task stands, in the order in which a person wants to see it. */
export const TASK_STATES = ["waiting", "running", "paused", "stopped", "damaged", "due", "handed-off", "done"] as const;
export type TaskState = (typeof TASK_STATES)[number];

export const taskStatusSchema = z.object({
  project: z.string(),
  taskKey: z.string(),
  state: z
    .enum(TASK_STATES)
    .describe(
      "waiting: a person is needed; running: a process leads a run now; paused: a quota is waited for, or the next step of the agent that leads the run; stopped: a run was begun and nobody leads it; due: a phase could start; handed-off: others have it; done: merged",
    ),
  phase: z.string().nullable().describe("Task type that is due, held, or going on"),
  run: z.int().nullable(),
  cycle: z.int(),
  why: z.string(),
  command: z.string().nullable().describe("Exactly what goes on; null when nothing is to be done"),
  since: z.string().nullable().describe("Since when it stands so, RFC 3339 UTC; null when that is not known"),
  lanes: z
    .array(z.object({ lane: z.string(), worker: z.string(), role: z.string(), since: z.string() }))
    .readonly()
    .describe("Lanes that run now"),
});
/** A task as `okstra status` shows it. */
export type TaskStatus = Readonly<z.infer<typeof taskStatusSchema>>;
