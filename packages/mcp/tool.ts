import * as z from "zod";
import type { App } from "@okstra/app/app";
import type { DashboardAnswers } from "@okstra/app/dashboard/answers";
import type { Cleaners } from "@okstra/app/dashboard/clean-texts";
import type { KnownProjects } from "@okstra/app/dashboard/known-tasks";
import type { TaskRef } from "@okstra/core/dashboard/api";
import { OkstraError } from "@okstra/core/errors";

/** What tools work with; every text that leaves is redacted and neutral. */
export interface ToolParts {
  readonly app: App;
  /** Only what is read: what a person decides is out of reach here. */
  readonly answers: Pick<DashboardAnswers, "board" | "task" | "findings" | "report" | "schedule" | "time" | "cost" | "search">;
  readonly known: KnownProjects;
  readonly cleaners: Cleaners;
}

export interface CallContext {
  /** Fires when the client gives up, or the server ends. */
  readonly signal: AbortSignal;
  /** Tells a client that asked for it how far the call is; never rejects. */
  readonly tell: (text: string) => Promise<void>;
}

/** A tool of `okstra mcp`. None approves, answers for a person, passes a gate, trusts, configures, removes or hands off. */
export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input: z.ZodObject;
  readonly readOnly: boolean;
  /** @param given what `input` took */
  call(parts: ToolParts, given: never, context: CallContext): Promise<object>;
}

/** Declares a tool with the type of its own input. */
export function defineTool<INPUT extends z.ZodObject>(
  tool: Omit<Tool, "input" | "call"> & {
    readonly input: INPUT;
    call(parts: ToolParts, given: z.output<INPUT>, context: CallContext): Promise<object>;
  },
): Tool {
  return tool;
}

const MAX_NAME = 300;

export const taskField = z
  .string()
  .min(1)
  .max(MAX_NAME)
  .describe("Task as <project>/<group>/<task>, or <group>/<task> of the project that the server was started in");
export const projectField = z.string().min(1).max(100).describe("Project id; absent: every project that okstra knows here").optional();
export const groupField = z.string().min(1).max(100).describe("Only tasks of this group").optional();
export const phaseField = z.string().min(1).max(40).describe("Task type, for example final-verification");
export const timeField = z.string().min(1).max(40).describe("RFC 3339, or YYYY-MM-DD");
export const handleField = z.string().min(1).max(400).describe("Handle of a run: <project>/<group>/<task>:<phase>/<run>");

/** The task that a name means. @throws OKSTRA_USAGE, OKSTRA_PROJECT_NOT_SET_UP, OKSTRA_TASK_NOT_FOUND */
export async function findTask({ known }: ToolParts, text: string): Promise<TaskRef> {
  const parts = text.split("/");
  const [project = "", group = "", task = ""] = parts.length === 2 ? [await ownProject(known), ...parts] : parts;
  if (parts.length < 2 || parts.length > 3)
    throw new OkstraError("OKSTRA_USAGE", { message: `${JSON.stringify(text.slice(0, 100))} is no task; say <group>/<task>.` });
  await known.find({ project, group, task });
  return { project, group, task };
}

/** Where a task is made that may not be there yet. @throws as {@link findTask} */
export async function placeTask({ known }: ToolParts, text: string): Promise<{ readonly task: string; readonly dir: string }> {
  const parts = text.split("/");
  if (parts.length < 2 || parts.length > 3)
    throw new OkstraError("OKSTRA_USAGE", { message: `${JSON.stringify(text.slice(0, 100))} is no task; say <group>/<task>.` });
  const project = parts.length === 3 ? (parts[0] ?? "") : await ownProject(known);
  const [found] = await known.pick(project);
  if (found === undefined) throw noProject(project);
  return { task: parts.slice(-2).join("/"), dir: found.root };
}

async function ownProject(known: KnownProjects): Promise<string> {
  const own = await known.here();
  if (own !== null) return own.project;
  throw new OkstraError("OKSTRA_PROJECT_NOT_SET_UP", {
    message: "The server was started in no project that is set up.",
    hint: "Name the project: <project>/<group>/<task>.",
  });
}

function noProject(project: string): OkstraError {
  return new OkstraError("OKSTRA_PROJECT_NOT_SET_UP", {
    message: `No project ${JSON.stringify(project.slice(0, 100))} is known here.`,
    hint: "List what there is: okstra_status",
  });
}

/** @returns RFC 3339 UTC with milliseconds, or null. @throws OKSTRA_USAGE */
export function readTime(text: string | undefined): string | null {
  if (text === undefined) return null;
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isFinite(at)) return new Date(at).toISOString();
  throw new OkstraError("OKSTRA_USAGE", { message: `${JSON.stringify(text)} is no time; say for example 2026-01-31T12:00:00Z.` });
}

/** A document of projects' or a task's own, safe to show. */
export async function clean<T>({ cleaners }: ToolParts, roots: readonly string[], document: T): Promise<T> {
  return (await cleaners.of(roots)).document(document);
}
