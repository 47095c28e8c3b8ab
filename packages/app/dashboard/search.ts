import type { SearchAnswer, SearchHit } from "@okstra/core/dashboard/api";
import { ledgerSchema, type LedgerRow } from "@okstra/core/convergence/ledger";
import { SEVERITIES, type Severity } from "@okstra/core/domain/finding";
import type { TaskKey } from "@okstra/core/domain/task-key";
import { TASK_TYPES } from "@okstra/core/domain/work";
import * as z from "zod";
import type { App } from "../app.ts";
import { runsDirectory, taskDirectory } from "../run/run-paths.ts";
import { parseJson } from "../task/load-task-run.ts";
import type { Cleaners } from "./clean-texts.ts";
import { listTasks, type KnownProjects, type KnownTask } from "./known-tasks.ts";

/** Characters that are kept of all tasks together. */
const MOST_CHARS = 32 * 1024 * 1024;
/** A brief is searched and shown so far. */
const MAX_BRIEF = 64 * 1024;
const MAX_TITLE = 200;
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const AT_ONCE = 16;

export type Search = (query: { readonly q: string; readonly limit: number }) => Promise<SearchAnswer>;

interface Found {
  readonly hit: SearchHit;
  /** What the words are looked for in, folded. */
  readonly text: string;
}

/** What is searched of one task, as long as its files are what they were. */
interface Entry {
  readonly stamp: string;
  readonly found: readonly Found[];
  readonly chars: number;
}

/**
 * Looks for words in names and briefs of tasks, and in claims, files and ids of the findings of their ledgers; letter case
 * does not count. Tasks first, then findings, gravest first. What was read is kept until it changes, up to a bound.
 */
export function createSearch(app: App, known: KnownProjects, cleaners: Cleaners): Search {
  const kept = new Map<string, Entry>();
  let chars = 0;
  const drop = (name: string): void => {
    chars -= kept.get(name)?.chars ?? 0;
    kept.delete(name);
  };
  const load = async (task: KnownTask): Promise<readonly Found[]> => {
    const name = `${task.of.root}\n${task.taskKey}`;
    const stamp = await stampOf(app, task);
    const entry = kept.get(name);
    drop(name);
    const fresh = entry !== undefined && entry.stamp === stamp ? entry : { stamp, ...(await read(app, task)) };
    // What was used last goes last.
    kept.set(name, fresh);
    chars += fresh.chars;
    for (const oldest of kept.keys()) if (chars > MOST_CHARS) drop(oldest);
    return fresh.found;
  };
  let queue: Promise<unknown> = Promise.resolve();
  const search = async (q: string, limit: number): Promise<SearchAnswer> => {
    const words = fold(q)
      .split(/\s+/)
      .filter((word) => word !== "");
    if (words.length === 0) return { hits: [], isCut: false };
    let hits: { readonly hit: SearchHit; readonly task: KnownTask }[] = [];
    let isCut = false;
    const take = async (tasks: readonly KnownTask[]): Promise<void> => {
      const all = await Promise.all(tasks.map(async (task) => ({ task, found: await load(task) })));
      for (const { task, found } of all)
        for (const { hit, text } of found) if (words.every((word) => text.includes(word))) hits.push({ hit, task });
      hits = hits.toSorted((a, b) => compareHits(a.hit, b.hit));
      isCut ||= hits.length > limit;
      hits = hits.slice(0, limit);
    };
    let some: KnownTask[] = [];
    for await (const task of listTasks(app, await known.list())) {
      some.push(task);
      if (some.length < AT_ONCE) continue;
      await take(some);
      some = [];
    }
    await take(some);
    return { hits: await Promise.all(hits.map(async ({ hit, task }) => (await cleaners.ofTask(task)).document(hit))), isCut };
  };
  // One at a time: what one has read the next has ready.
  return ({ q, limit }) => {
    const answer = queue.then(() => search(q, limit));
    queue = answer.catch(() => undefined);
    return answer;
  };
}

/** Differs when one of the files that a task's words come from may have changed. */
async function stampOf(app: App, { of: { root }, key }: KnownTask): Promise<string> {
  const taskDir = taskDirectory(root, key);
  const files = [`${taskDir}/task.json`, `${taskDir}/events.jsonl`];
  for (const type of await app.store.listDirectory(`${taskDir}/runs`).catch(() => []))
    for (const run of await app.store.listDirectory(`${taskDir}/runs/${type}`).catch(() => []))
      files.push(`${taskDir}/runs/${type}/${run}/events.jsonl`);
  const stamps = await Promise.all(files.map((file) => app.files.stamp(file)));
  return app.sha256(JSON.stringify([files, stamps]));
}

/**
 * What is searched of a task. Read without looking at seals, which takes many times as long: what is found here is looked at
 * in the task's own documents, which do. A task that cannot be read is found by its name.
 */
async function read(app: App, { of: { root }, key, taskKey }: KnownTask): Promise<Omit<Entry, "stamp">> {
  const ref = { project: key.project, group: key.group, task: key.task, taskKey };
  const runs = await listRuns(app, root, key);
  const brief = (runs.find((run) => run.brief !== null)?.brief ?? (await findBrief(app, taskDirectory(root, key)))).slice(0, MAX_BRIEF);
  const found: Found[] = [
    {
      hit: { ...ref, what: "task", id: null, title: titleOf(brief) ?? key.task, severity: null, state: null, file: null, line: null },
      text: fold(`${taskKey}\n${brief}`),
    },
    ...(await findRows(app, runs)).map(({ id, claim, severity, state, file, startLine }): Found => ({
      hit: { ...ref, what: "finding", id, title: claim, severity, state, file, line: startLine },
      text: fold(`${id}\n${claim}\n${file ?? ""}`),
    })),
  ];
  // Both the words as they are and folded, and what comes with each.
  return { found, chars: found.reduce((sum, { text }) => sum + 2 * text.length + 300, 0) };
}

interface RunFile {
  readonly runDir: string;
  readonly createdAt: string;
  readonly brief: string | null;
}
const runFileSchema = z.looseObject({ createdAt: z.string(), brief: z.string().nullable().catch(null) });

/** The runs that may have a ledger, newest first. */
async function listRuns(app: App, root: string, key: TaskKey): Promise<readonly RunFile[]> {
  const runs: RunFile[] = [];
  for (const type of TASK_TYPES) {
    if (type === "release-handoff") continue;
    const parent = runsDirectory(root, key, type);
    for (const name of await app.store.listDirectory(parent).catch(() => [])) {
      const file = runFileSchema.safeParse(parseJson(await readQuietly(app, `${parent}/${name}/run.json`)));
      if (file.success) runs.push({ runDir: `${parent}/${name}`, ...file.data });
    }
  }
  return runs.toSorted((a, b) => compare(b.createdAt, a.createdAt));
}

/** What was last asked for, as the task's own log has it. */
async function findBrief(app: App, taskDir: string): Promise<string> {
  const lines = ((await readQuietly(app, `${taskDir}/events.jsonl`)) ?? "").split("\n");
  const briefs = lines.map((line) => (parseJson(line) as { brief?: unknown } | null)?.brief);
  return briefs.findLast((each) => typeof each === "string") ?? "";
}

/** The ledger of the newest run that ended, if it is the one that the run wrote. */
async function findRows(app: App, runs: readonly RunFile[]): Promise<readonly LedgerRow[]> {
  for (const { runDir } of runs) {
    const text = await readQuietly(app, `${runDir}/convergence.json`);
    if (text === null) continue;
    const events = ((await readQuietly(app, `${runDir}/events.jsonl`)) ?? "")
      .split("\n")
      .map((line) => parseJson(line) as { type?: unknown; convergenceSha256?: unknown } | null);
    const converged = events.findLast((event) => event?.type === "run-converged");
    if (!events.some((event) => event?.type === "run-ended") || converged?.convergenceSha256 !== app.sha256(text)) continue;
    const parsed = z.looseObject({ ledger: ledgerSchema }).safeParse(parseJson(text));
    return parsed.success ? parsed.data.ledger : [];
  }
  return [];
}

async function readQuietly(app: App, path: string): Promise<string | null> {
  return app.store.readText(path, { maxBytes: MAX_FILE_BYTES, regularFileOnly: true }).catch(() => null);
}

function titleOf(brief: string): string | null {
  const line = brief.split("\n").find((each) => each.trim() !== "");
  return line === undefined ? null : line.replace(/^\s*#+\s*/, "").slice(0, MAX_TITLE);
}

function compareHits(a: SearchHit, b: SearchHit): number {
  if (a.what !== b.what) return a.what === "task" ? -1 : 1;
  return rankOf(a) - rankOf(b) || compare(a.taskKey, b.taskKey) || Number(a.id?.slice(1) ?? 0) - Number(b.id?.slice(1) ?? 0);
}

function rankOf({ severity }: SearchHit): number {
  return severity === null ? SEVERITIES.length : SEVERITIES.indexOf(severity as Severity);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** A text as it is compared. */
function fold(text: string): string {
  return text.normalize("NFC").toLowerCase().normalize("NFC");
}
