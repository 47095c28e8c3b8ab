import type { Dirent } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import type { OlderRun } from "@okstra/core/domain/task-log";
import type { OlderRecords, OlderTask, ReadOlderRecords } from "@okstra/core/migrate-port";
import type { Store } from "@okstra/core/ports";
import { errnoOf } from "../io-error.ts";

/** Files of one task that are looked at; more belong to no task that somebody wrote by hand or by okstra. */
const MAX_FILES = 20_000;
const MAX_DEPTH = 8;
/** Bytes of a brief or a manifest. */
const MAX_TEXT_BYTES = 1024 * 1024;
const MANIFESTS = ["task.json", "task-manifest.json"];
/** Members of a manifest that name the brief's file, or are the brief. */
const BRIEF_MEMBERS = ["brief", "briefPath", "brief_path", "taskBriefPath", "task_brief_path", "task_brief", "taskBrief"];
/** okstra's own, whatever its version; nothing below it is a run of an older one. */
const NEW_RECORD = "events.jsonl";

type Problems = { path: string; reason: string }[];

/**
 * Reads what an older okstra left below `.project-docs/okstra/tasks/`. Its layout within a run differs from version to version,
 * so that what counts is only this: a directory per task, below it `runs/<type>/`, and a number in the directory's or the file's
 * name. Links are never followed.
 */
export function createReadOlderRecords(store: Store): ReadOlderRecords {
  return async (root): Promise<OlderRecords> => {
    const base = join(root, ".project-docs", "okstra", "tasks");
    const problems: Problems = [];
    const tasks: OlderTask[] = [];
    for (const group of await listDirectories(base, problems)) {
      for (const task of await listDirectories(join(base, group), problems)) {
        const read = await readTask(store, join(base, group, task), problems).catch((error: unknown) => {
          problems.push({ path: join(base, group, task), reason: error instanceof Error ? error.message : String(error) });
          return null;
        });
        if (read !== null) tasks.push({ group, task, ...read });
      }
    }
    return { tasks, problems };
  };
}

async function readTask(store: Store, taskDir: string, problems: Problems): Promise<Pick<OlderTask, "manifest" | "brief" | "runs">> {
  const files = await listFiles(taskDir, problems);
  const manifest = await readManifest(store, taskDir, files, problems);
  return { manifest, brief: await readBrief(store, taskDir, files, manifest), runs: findRuns(files) };
}

async function readManifest(
  store: Store,
  taskDir: string,
  files: readonly string[],
  problems: Problems,
): Promise<Readonly<Record<string, unknown>>> {
  const name = MANIFESTS.find((each) => files.includes(each));
  if (name === undefined) return {};
  try {
    const data: unknown = JSON.parse(
      (await store.readText(join(taskDir, name), { maxBytes: MAX_TEXT_BYTES, regularFileOnly: true })) ?? "",
    );
    if (typeof data === "object" && data !== null && !Array.isArray(data)) return data as Record<string, unknown>;
    problems.push({ path: join(taskDir, name), reason: "it is no JSON object" });
  } catch {
    problems.push({ path: join(taskDir, name), reason: "it cannot be read as JSON" });
  }
  return {};
}

/** The file that the manifest names, within the task's directory; else the only kind of file that can be one; else the member's own text. */
async function readBrief(
  store: Store,
  taskDir: string,
  files: readonly string[],
  manifest: Readonly<Record<string, unknown>>,
): Promise<string | null> {
  const said = BRIEF_MEMBERS.map((name) => manifest[name]).filter(
    (value): value is string => typeof value === "string" && value.trim() !== "",
  );
  const named = said.map((value) => files.find((path) => path === value || value.endsWith(`/${path}`))).find((path) => path !== undefined);
  const found = named ?? files.find((path) => !path.startsWith("runs/") && /(?:^|[/_-])(?:task-?)?brief[^/]*\.(?:md|txt)$/i.test(path));
  if (found === undefined) return said.find((value) => /\s/.test(value.trim())) ?? null;
  const text = await store.readText(join(taskDir, found), { maxBytes: MAX_TEXT_BYTES, regularFileOnly: true }).catch(() => null);
  return text === null || text.trim() === "" ? null : text;
}

/** Groups files below `runs/<type>/` by the number in a directory's or a file's name. */
function findRuns(files: readonly string[]): readonly OlderRun[] {
  const own = new Set(files.filter((path) => path.endsWith(`/${NEW_RECORD}`)).map((path) => path.slice(0, -NEW_RECORD.length)));
  const runs = new Map<string, { type: string; run: number; paths: string[] }>();
  for (const path of files) {
    const [top, type, ...rest] = path.split("/");
    if (top !== "runs" || type === undefined || rest.length === 0 || [...own].some((directory) => path.startsWith(directory))) continue;
    const run = numberOf(rest);
    const key = `${type}\n${run}`;
    const known = runs.get(key) ?? { type, run, paths: [] };
    known.paths.push(path);
    runs.set(key, known);
  }
  return [...runs.values()]
    .map(({ type, run, paths }) => ({ type, run, files: paths.length, report: findReport(paths) }))
    .sort((a, b) => (a.type === b.type ? a.run - b.run : a.type < b.type ? -1 : 1));
}

function numberOf(parts: readonly string[]): number {
  for (const part of parts) {
    const match = /^(\d{3,9})$/.exec(part) ?? /[-_.](\d{3,9})(?:\.[A-Za-z.]+)?$/.exec(part);
    if (match !== null) return Number(match[1]);
  }
  return 0;
}

function findReport(paths: readonly string[]): string | null {
  const reports = paths.filter((path) => /report[^/]*\.(?:md|html|json)$/i.test(path));
  const rank = (path: string): number =>
    (/final-report|\/report\./i.test(path) ? 0 : 10) + (path.endsWith(".md") ? 0 : path.endsWith(".html") ? 1 : 2);
  return reports.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))[0] ?? null;
}

/** Names of real directories; links are told and passed over. */
async function listDirectories(path: string, problems: Problems): Promise<readonly string[]> {
  const names: string[] = [];
  for (const entry of await listEntries(path)) {
    if (entry.name.startsWith(".")) continue;
    if (entry.isSymbolicLink()) problems.push({ path: join(path, entry.name), reason: "it is a link, which is not followed" });
    else if (entry.isDirectory()) names.push(entry.name);
  }
  return names.sort();
}

/** Regular files below a directory, relative to it, with `/`, sorted. */
async function listFiles(directory: string, problems: Problems): Promise<readonly string[]> {
  const files: string[] = [];
  const walk = async (path: string, depth: number): Promise<void> => {
    for (const entry of await listEntries(path)) {
      const full = join(path, entry.name);
      if (entry.isSymbolicLink()) problems.push({ path: full, reason: "it is a link, which is not followed" });
      else if (entry.isDirectory() && depth < MAX_DEPTH) await walk(full, depth + 1);
      else if (entry.isDirectory()) problems.push({ path: full, reason: "it lies too deep to be a run's" });
      else if (entry.isFile()) files.push(relative(directory, full).split(sep).join("/"));
      if (files.length > MAX_FILES) throw new Error(`it has more than ${MAX_FILES} files`);
    }
  };
  await walk(directory, 0);
  return files.sort();
}

/** Nothing where there is no directory of one's own, also when a part of the way is a link. */
async function listEntries(path: string): Promise<readonly Dirent[]> {
  try {
    if ((await lstat(path)).isSymbolicLink()) return [];
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return [];
    throw error;
  }
}
