import { findingSchema, type Finding } from "@okstra/core/domain/finding";
import { canonicalJson } from "@okstra/core/domain/task-context";
import { MAX_RESULT_BYTES } from "@okstra/core/domain/worker-result";
import { proposedClarificationSchema, type ProposedClarification } from "@okstra/core/phases/requirements-discovery/result-schema";
import type { App } from "../app.ts";
import { isNestedDeeper, MAX_DEPTH, sizeOf } from "./check-given.ts";

/** As many as a result may have. */
export const MAX_FINDINGS = 2000;
export const MAX_QUESTIONS = 100;
/** The largest finding or question, in bytes of JSON: its longest texts, escaped, and room for members of its own. */
export const MAX_PART_BYTES = 512 * 1024;

/** What came through a door so far, as it stands on disk: all of it may have been written by the agent itself. */
export interface Delivered {
  /** The submitted result as text; null when there is none, or something that is no file of okstra's. */
  readonly submitted: string | null;
  /** By number; one that is no finding is left out. */
  readonly findings: readonly { readonly number: number; readonly value: Finding }[];
  readonly questions: readonly { readonly number: number; readonly value: ProposedClarification }[];
  /** Bytes of findings and questions together. */
  readonly bytes: number;
}

export function submittedPath(door: string): string {
  return `${door}/submitted.json`;
}

export function partPath(door: string, kind: "finding" | "question", number: number): string {
  return `${door}/${kind}-${number}.json`;
}

/** Reads what is in a door, bounded, and never through a link. A door that is gone or replaced has nothing in it. */
export async function loadDelivered(app: Pick<App, "files" | "store">, door: string): Promise<Delivered> {
  let bytes = 0;
  const isDoor = (await app.files.inspectOwn(door).catch(() => null))?.type === "directory";
  const names = isDoor ? await app.store.listDirectory(door).catch(() => []) : [];
  const read = (path: string, maxBytes: number): Promise<string | null> =>
    app.store.readText(path, { maxBytes, regularFileOnly: true }).catch(() => null);
  const load = async <T>(kind: "finding" | "question", most: number, parse: (data: unknown) => T | null) => {
    const numbers = names.flatMap((name) => new RegExp(`^${kind}-([1-9]\\d{0,3})[.]json$`).exec(name)?.[1] ?? []).map(Number);
    const found: { number: number; value: T }[] = [];
    for (const number of numbers.sort((a, b) => a - b).filter((each) => each <= most)) {
      const text = (await read(partPath(door, kind, number), MAX_PART_BYTES)) ?? "";
      if (bytes + sizeOf(text) > MAX_RESULT_BYTES) break;
      bytes += sizeOf(text);
      const data = readJson(text);
      const value = isNestedDeeper(data, MAX_DEPTH) ? null : parse(data);
      if (value !== null) found.push({ number, value });
    }
    return found;
  };
  const findings = await load("finding", MAX_FINDINGS, (data) => findingSchema.safeParse(data).data ?? null);
  const questions = await load("question", MAX_QUESTIONS, (data) => proposedClarificationSchema.safeParse(data).data ?? null);
  return { submitted: isDoor ? await read(submittedPath(door), MAX_RESULT_BYTES) : null, findings, questions, bytes };
}

/** JSON as data; undefined when it is none. */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * A result together with what was given before it. Its own findings come first, so that a number in the result means
 * what it says there; those of before follow in their order, and without any of its own they keep the numbers that
 * they were given. What is in it already, word for word, is not added again, nor what it has no room for.
 * @returns the result, and how many had no room
 */
export function joinResult(
  result: Readonly<Record<string, unknown>>,
  { findings, questions }: Pick<Delivered, "findings" | "questions">,
): { result: Record<string, unknown>; left: number } {
  const joined = { ...result };
  let left = 0;
  const join = (member: string, before: readonly { readonly value: unknown }[], most: number): void => {
    if (before.length === 0) return;
    const own = result[member];
    const list: unknown[] = Array.isArray(own) ? [...own] : [];
    const known = new Set(list.map(canonicalJson));
    const added = before.filter(({ value }) => {
      const key = canonicalJson(value);
      const isNew = !known.has(key);
      known.add(key);
      return isNew;
    });
    const room = Math.max(0, most - list.length);
    left += Math.max(0, added.length - room);
    joined[member] = [...list, ...added.slice(0, room).map(({ value }) => value)];
  };
  join("findings", findings, MAX_FINDINGS);
  join("clarifications", questions, MAX_QUESTIONS);
  return { result: joined, left };
}
