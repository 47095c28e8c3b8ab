import * as z from "zod";
import type { AnswersBody, ApprovalBody, BoardState, OverrideBody, RejectionBody } from "@okstra/core/dashboard/api";
import { TASK_TYPES } from "@okstra/core/domain/work";

/** One segment of a task key, as `slugSegment` makes them. */
const segment = z.string().regex(/^[a-z0-9_-]{1,65}$/, "is no name of a project, group or task");
const taskType = z.enum(TASK_TYPES);
const count = (max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, "is no whole number")
    .transform(Number)
    .pipe(z.int().max(max));
const runNumber = count(999_999).pipe(z.int().min(1));
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "is no SHA-256");
const BOARD_STATES = [
  "waiting",
  "running",
  "paused",
  "stopped",
  "damaged",
  "due",
  "handed-off",
  "done",
] as const satisfies readonly BoardState[];

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** A day (its beginning in UTC) or RFC 3339, as RFC 3339 UTC with milliseconds. */
const pointInTime = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], "is no time; say for example 2026-01-31 or 2026-01-31T12:00:00Z")
  .transform((text) => new Date(DAY.test(text) ? `${text}T00:00:00Z` : text).toISOString());
/** The same, or how long ago: 90m, 12h, 7d, 2w. */
const pastTime = z.union([
  z
    .string()
    .regex(/^\d{1,6}[mhdw]$/)
    .transform((text) => new Date(Date.now() - Number(text.slice(0, -1)) * UNITS[text.slice(-1) as keyof typeof UNITS]).toISOString()),
  pointInTime,
]);

/** An empty value of a query is one that was not given. */
const asked = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (value === "" || value === undefined ? null : value), schema.nullable());
const orElse = <T extends z.ZodType>(schema: T, instead: string) =>
  z.preprocess((value) => (value === "" || value === undefined ? instead : value), schema);

export const taskRefSchema = z.object({ project: segment, group: segment, task: segment });
export const runRefSchema = z.object({ type: taskType, run: runNumber });

export const nothingSchema = z.strictObject({});
export const boardSchema = z.strictObject({
  project: asked(segment),
  group: asked(segment),
  phase: asked(taskType),
  state: asked(z.enum(BOARD_STATES)),
});
export const findingsSchema = z.strictObject({ type: asked(taskType), run: asked(runNumber) });
export const codeSchema = z.strictObject({
  commit: z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, "is no commit"),
  path: z
    .string()
    .min(1)
    .max(4096)
    .refine(
      (path) => !path.includes("\0") && path.split("/").every((name) => name !== "" && name !== "." && name !== ".."),
      "is no path in a repository",
    ),
});
export const transcriptSchema = z.strictObject({
  worker: asked(z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, "is no name of a worker")),
  after: orElse(count(999_999_999), "0"),
});
export const scheduleSchema = z.strictObject({
  project: asked(segment),
  group: asked(segment),
  capacity: asked(count(64).pipe(z.int().min(1))),
});
export const timeSchema = z.strictObject({
  project: asked(segment),
  group: asked(segment),
  phase: asked(taskType),
  since: asked(pastTime),
  until: asked(pastTime),
});
export const costSchema = z.strictObject({ project: asked(segment), group: asked(segment), since: asked(pastTime) });
export const searchSchema = z.strictObject({
  q: z.string().max(200).default(""),
  limit: orElse(count(100).pipe(z.int().min(1)), "50"),
});
/** An id that a stream goes on from. */
export const streamIdSchema = z.string().regex(/^[A-Za-z0-9._:-]{1,128}$/, "is no id of a message");
export const streamSchema = z.strictObject({ after: asked(streamIdSchema) });

/** What a person wrote: something, and not without end. */
const words = (max: number) =>
  z
    .string()
    .max(max)
    .refine((text) => text.trim() !== "", "is empty");

export const answersSchema: z.ZodType<AnswersBody> = z.strictObject({
  answers: z
    .array(z.strictObject({ id: z.string().min(1).max(100), text: words(32_768), boundTo: sha256 }))
    .min(1)
    .max(100),
});
const approvalShape = { run: z.int().min(1).max(999_999), planSha256: sha256 };
export const approvalSchema: z.ZodType<ApprovalBody> = z.strictObject(approvalShape);
export const rejectionSchema: z.ZodType<RejectionBody> = z.strictObject({ ...approvalShape, reason: words(8000) });
export const overrideSchema: z.ZodType<OverrideBody> = z.strictObject({
  type: taskType,
  run: z.int().min(1).max(999_999),
  gate: z.string().regex(/^[a-z0-9-]{1,64}$/, "is no name of a gate"),
  reason: words(8000),
  until: pointInTime.nullable(),
  boundTo: sha256,
});
