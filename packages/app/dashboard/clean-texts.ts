import { createRedactor } from "@okstra/core/domain/redaction";
import { findRow } from "@okstra/core/domain/registry-change";
import { neutraliseBlock } from "@okstra/core/report/neutral-text";
import type { App } from "../app.ts";
import { loadSecrets } from "../run/secrets.ts";
import type { KnownTask } from "./known-tasks.ts";

/** Makes the texts of a document safe to show. */
export interface Cleaner {
  /** A text of one line or several; lines end with `\n`, and there are as many as before. */
  text(text: string): string;
  /** A copy of a document: its texts are redacted and neutral, its names and hashes only neutral, so that they still find what they name. */
  document<T>(value: T): T;
}

export interface Cleaners {
  of(directories: readonly string[]): Promise<Cleaner>;
  /** For what a task's workers wrote: secrets of the project and of the task's worktree count. */
  ofTask(task: KnownTask): Promise<Cleaner>;
}

/** Secrets are read again after so many milliseconds. */
const FRESH_MS = 2000;
const MOST_KEPT = 200;

/** Members whose values are names that okstra itself gave, and that addresses are made of. */
const NAMES: ReadonlySet<string> = new Set([
  "project",
  "projects",
  "group",
  "task",
  "taskKey",
  "root",
  "taskDir",
  "runDir",
  "runId",
  "type",
  "phase",
  "state",
  "id",
  "members",
  "findingId",
  "item",
  "lane",
  "worker",
  "role",
  "gate",
  "name",
  "commit",
  "head",
  "base",
  "branch",
  "worktree",
  "boundTo",
  "planSha256",
  "kind",
  "severity",
  "at",
]);
const PLAIN_WORD = /^[A-Za-z]{1,24}$/;
/** Shorter than any secret, and with nothing that acts. */
const HARMLESS = /^[\x20-\x7e]{0,7}$/;

export function createCleaners(app: App): Cleaners {
  const kept = new Map<string, { readonly at: number; readonly cleaner: Promise<Cleaner> }>();
  const keep = (name: string, load: () => Promise<readonly string[]>): Promise<Cleaner> => {
    const found = kept.get(name);
    const now = app.clock.monotonicMs();
    if (found !== undefined && now - found.at < FRESH_MS) return found.cleaner;
    kept.delete(name);
    const cleaner = load()
      .then((directories) => loadSecrets(app, directories))
      .then((secrets) => createCleaner(createRedactor(secrets)));
    kept.set(name, { at: now, cleaner });
    // What could not be read is tried again by whoever asks next.
    cleaner.catch(() => kept.delete(name));
    for (const oldest of kept.keys()) if (kept.size > MOST_KEPT) kept.delete(oldest);
    return cleaner;
  };
  return {
    of: (directories) => keep(JSON.stringify(directories), async () => directories),
    ofTask: ({ of: { root }, taskKey }) =>
      keep(`${root}\n${taskKey}`, async () => {
        const row = findRow((await app.registry.peek()).registry, taskKey);
        return [root, ...(row === null || row.worktree_path === "" ? [] : [row.worktree_path])];
      }),
  };
}

function createCleaner(redact: (text: string) => string): Cleaner {
  const clean = (text: string): string => (HARMLESS.test(text) ? text : neutraliseBlock(redactLines(text, redact)));
  const walk = (value: unknown, member: string): unknown => {
    if (typeof value === "string") return NAMES.has(member) ? neutraliseBlock(value) : clean(value);
    if (Array.isArray(value)) return value.map((each) => walk(each, member));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [PLAIN_WORD.test(name) ? name : clean(name), walk(each, name)]));
  };
  return { text: clean, document: <T>(value: T): T => walk(value, "") as T };
}

/** A secret of several lines is made unreadable line by line, so that the numbers of lines stay what they are. */
function redactLines(text: string, redact: (text: string) => string): string {
  const whole = redact(text);
  if (whole === text || !text.includes("\n")) return whole;
  return text.split("\n").map(redact).join("\n");
}
