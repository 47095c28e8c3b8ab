import * as z from "zod";
import { loadRunStatus, STARTED_PHASES, startRun as start } from "@okstra/app/mcp/agent-runs";
import { formatHandle } from "@okstra/app/mcp/run-handle";
import { requireTaskType } from "@okstra/core/domain/work";
import { clean, defineTool, placeTask, taskField } from "../tool.ts";

export const startRun = defineTool({
  name: "okstra_start_run",
  title: "Start a run",
  description:
    "Starts one phase of a task in a process of its own and answers its handle at once; it goes on when this server ends. Ask okstra_run_status with waitMs. With lead agent you perform the chat workers' lanes yourself: okstra_run_status says which are due.",
  input: z.object({
    task: taskField,
    phase: z.enum(STARTED_PHASES),
    brief: z.string().min(1).max(200_000).optional(),
    category: z.string().min(1).max(40).optional(),
    baseRef: z.string().min(1).max(300).optional(),
    workers: z.array(z.string().min(1).max(100)).min(1).max(50).describe("Names of workers; absent: as configured").optional(),
    executor: z.string().min(1).max(100).optional(),
    lang: z.enum(["en", "ko"]).optional(),
    deadlineMs: z.int().min(1).max(86_400_000).describe("Wall time of each worker").optional(),
    maxCost: z.string().min(1).max(40).describe('Limit of the run, for example "2.50" or "2.50 EUR"').optional(),
    maxTokens: z.int().min(1).optional(),
    lead: z.enum(["code", "agent"]).optional(),
    chat: z
      .array(z.object({ name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/), family: z.string().min(1).max(64).nullable().optional() }))
      .max(20)
      .describe("With lead agent: the workers that you are, each with the family of its model")
      .optional(),
  }),
  readOnly: false,
  async call(parts, given, { signal }) {
    const place = await placeTask(parts, given.task);
    const handle = await start(
      parts.app,
      {
        ...place,
        phase: requireTaskType(given.phase),
        brief: given.brief ?? null,
        category: given.category ?? null,
        baseRef: given.baseRef ?? null,
        workers: given.workers ?? null,
        executor: given.executor ?? null,
        lang: given.lang ?? null,
        deadlineMs: given.deadlineMs ?? null,
        maxCost: given.maxCost ?? null,
        maxTokens: given.maxTokens ?? null,
        lead: given.lead ?? "code",
        chat: (given.chat ?? []).map(({ name, family }) => ({ name, family: family ?? null })),
      },
      signal,
    );
    return clean(parts, [place.dir], await loadRunStatus(parts.app, parts.known, formatHandle(handle)));
  },
});
