import * as z from "zod";
import { neutralise } from "@okstra/core/report/neutral-text";

/** So deep is no result; what reads it later may then be recursive. */
export const MAX_DEPTH = 100;

/** Problems told at once; an agent mends these and hears of the next. */
const MOST_TOLD = 20;
const MAX_TOLD_PATH = 200;

export function isNestedDeeper(value: unknown, most: number): boolean {
  let level: readonly unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > most) return true;
    level = level.flatMap((each) => (typeof each === "object" && each !== null ? Object.values(each) : []));
  }
  return false;
}

/** Size of a text in bytes of UTF-8. */
export function sizeOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** Why a value is too deep or too large to be looked at, for the agent that gave it; null when it is neither. */
export function describeExcess(value: unknown, maxBytes: number): string | null {
  if (isNestedDeeper(value, MAX_DEPTH)) return `it is nested deeper than ${MAX_DEPTH} levels`;
  const bytes = sizeOf(JSON.stringify(value) ?? "");
  return bytes > maxBytes ? `it has ${bytes} bytes; at most ${maxBytes} are taken` : null;
}

/** What breaks a schema, one problem a line: where, and what was expected there. */
export function describeProblems(schema: z.ZodType, value: unknown): readonly string[] {
  const parsed = schema.safeParse(value);
  if (parsed.success) return [];
  return parsed.error.issues.map(({ path, message }) => {
    const place = z.core.toDotPath(path);
    return `${neutralise(place === "" ? "(the whole)" : place.slice(0, MAX_TOLD_PATH))}: ${neutralise(message)}`;
  });
}

/** Problems as a list for an agent, bounded. */
export function listProblems(heading: string, problems: readonly string[]): string {
  const more = problems.length - MOST_TOLD;
  return [heading, ...problems.slice(0, MOST_TOLD).map((each) => `- ${each}`), ...(more > 0 ? [`- and ${more} more`] : [])].join("\n");
}

/** Why the path of a finding cannot be one of the worktree, as far as its text tells; null when it can. */
export function describePathProblem(file: string, worktree: string): string | null {
  if (file.startsWith(`${worktree}/`)) return `give the path relative to the worktree: ${neutralise(file.slice(worktree.length + 1))}`;
  if (file.startsWith("/") || /^[A-Za-z]:[\\/]/.test(file)) return "the path is absolute; give it relative to the worktree";
  if (file.includes("\0")) return "the path has a NUL";
  if (file.split(/[\\/]/).includes("..")) return "the path leads out of the worktree";
  return null;
}
