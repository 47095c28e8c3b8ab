import { readFile, readdir, realpath } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import * as z from "zod";
import type { WorktreeMarker } from "@okstra/core/git-port";
import { isAbsent } from "../io-error.ts";

/** Where okstra keeps its facts about a task: beside git's own bookkeeping of the worktree. */
export const MARKER_FILE = "okstra.json";

const markerSchema: z.ZodType<WorktreeMarker> = z.looseObject({
  schema: z.literal(1),
  taskKey: z.string(),
  projectId: z.string(),
  branch: z.string(),
  baseRef: z.string(),
  baseName: z.string().optional(),
  home: z.string().optional(),
  createdAt: z.string(),
  category: z.string(),
  lastPhase: z.string().nullable(),
  status: z.enum(["active", "released"]),
  links: z.array(z.string()),
  copies: z.record(z.string(), z.tuple([z.number(), z.number()])),
  prepared: z.boolean(),
});

/** Small text files of git's bookkeeping; null when absent. */
export async function loadLine(path: string): Promise<string | null> {
  try {
    return (await readFile(path, "utf8")).trimEnd();
  } catch (error) {
    if (isAbsent(error) || (error as NodeJS.ErrnoException).code === "EISDIR") return null;
    throw error;
  }
}

/** The administrative directory that a worktree's `.git` file names; null when `.git` is no such file. */
export async function loadGitFile(worktree: string): Promise<string | null> {
  const line = await loadLine(join(worktree, ".git"));
  if (line === null || !line.startsWith("gitdir: ")) return null;
  const target = line.slice("gitdir: ".length);
  return isAbsolute(target) ? target : resolve(worktree, target);
}

/** The common git directory (real path) that an administrative directory belongs to; null when it names none. */
export async function loadCommonDir(adminDir: string): Promise<string | null> {
  const line = await loadLine(join(adminDir, "commondir"));
  if (line === null) return null;
  try {
    return await realpath(isAbsolute(line) ? line : resolve(adminDir, line));
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

/** The worktree that an administrative directory says it is for. */
export async function loadWorktreeOf(adminDir: string): Promise<string | null> {
  const line = await loadLine(join(adminDir, "gitdir"));
  if (line === null) return null;
  return dirname(isAbsolute(line) ? line : resolve(adminDir, line));
}

/** Short branch name of HEAD; null when detached or unreadable. */
export async function loadBranch(adminDir: string): Promise<string | null> {
  const line = await loadLine(join(adminDir, "HEAD"));
  return line?.startsWith("ref: refs/heads/") === true ? line.slice("ref: refs/heads/".length) : null;
}

export async function loadMarker(adminDir: string): Promise<WorktreeMarker | null> {
  const text = await loadLine(join(adminDir, MARKER_FILE));
  if (text === null) return null;
  try {
    const parsed = markerSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** Administrative directories of a repository that name this worktree; several only after a crash. */
export async function findAdminDirs(repository: string, worktree: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const adminDir of await listAdminDirs(repository)) {
    if ((await loadWorktreeOf(adminDir)) === worktree) found.push(adminDir);
    else if (basename(adminDir).startsWith(basename(worktree)) && (await isEmptyAdminDir(adminDir))) found.push(adminDir);
  }
  return found;
}

/** git makes the directory before it writes `gitdir` into it; a kill in between leaves one that names nothing. */
async function isEmptyAdminDir(adminDir: string): Promise<boolean> {
  return (await loadLine(join(adminDir, "gitdir"))) === null && (await loadLine(join(adminDir, "HEAD"))) === null;
}

export async function listAdminDirs(repository: string): Promise<readonly string[]> {
  const parent = join(repository, "worktrees");
  try {
    return (await readdir(parent)).sort().map((name) => join(parent, name));
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/** git's own word that `worktree add` never finished here. */
export async function isInitializing(adminDir: string): Promise<boolean> {
  return (await loadLine(join(adminDir, "locked"))) === "initializing";
}
