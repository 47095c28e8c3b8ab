import { readSteps, type ChangedFile, type WorkCommit } from "@okstra/core/domain/work-record";
import type { App } from "../app.ts";

/** git answers from the objects themselves: refs/replace and grafts, which anybody can write, change nothing. */
const TRUE_HISTORY = { GIT_NO_REPLACE_OBJECTS: "1", GIT_GRAFT_FILE: "/dev/null" };
/** Raw and numbers of lines, NUL-separated; no driver of the repository runs. */
const DIFF = ["diff-tree", "-r", "-z", "--raw", "--numstat", "--no-renames", "--no-ext-diff", "--no-textconv"];
/** Pathspecs of one call, far below any limit of arguments. */
const PATHSPECS_PER_CALL = 200;

/** False too when `ancestor` is no longer there. */
export async function isAncestor(app: App, dir: string, ancestor: string, descendant: string): Promise<boolean> {
  const answer = await app.git.run(dir, ["merge-base", "--is-ancestor", ancestor, descendant], {
    env: TRUE_HISTORY,
    okExitCodes: [0, 1, 128],
  });
  return answer.exitCode === 0;
}

/** Net difference of two commits, by path. */
export async function fetchChanges(app: App, dir: string, from: string, to: string): Promise<ChangedFile[]> {
  const { stdout } = await app.git.run(dir, [...DIFF, from, to], { env: TRUE_HISTORY });
  return parseChanges(stdout.split("\0")).get("") ?? [];
}

/** Commits of `from..to`, oldest first, each with its changes against its first parent. `steps` are the plan's. */
export async function fetchCommits(
  app: App,
  dir: string,
  { from, to, steps }: { from: string; to: string; steps: readonly string[] },
): Promise<WorkCommit[]> {
  const format = "--format=tformat:%H%x00%P%x00%aI%x00%s%x00%B";
  const options = ["-z", "--no-show-signature", "--no-notes", "--no-color", "--encoding=UTF-8", "--topo-order", "--reverse"];
  const { stdout } = await app.git.run(dir, ["log", ...options, format, `${from}..${to}`, "--"], { env: TRUE_HISTORY });
  const fields = stdout.split("\0");
  const commits: WorkCommit[] = [];
  let stdin = "";
  for (let at = 0; at + 4 < fields.length; at += 5) {
    const [sha = "", parents = "", authoredAt = "", subject = "", message = ""] = fields.slice(at, at + 5);
    const parent = parents.split(" ")[0] ?? "";
    stdin += parent === "" ? `${sha}\n` : `${sha} ${parent}\n`;
    commits.push({ sha, subject, authoredAt, steps: readSteps(message, steps), files: [] });
  }
  if (commits.length === 0) return [];
  const changes = await app.git.run(dir, [...DIFF, "--stdin", "--always", "--root"], { env: TRUE_HISTORY, stdin });
  const files = parseChanges(changes.stdout.split("\0"));
  return commits.map((commit) => ({ ...commit, files: files.get(commit.sha) ?? [] }));
}

/** Files by commit, or by "" where the output names none. */
function parseChanges(fields: readonly string[]): Map<string, ChangedFile[]> {
  const found = new Map<string, Map<string, ChangedFile>>();
  let commit = "";
  for (let at = 0; at < fields.length; at += 1) {
    const field = fields[at] ?? "";
    const files = found.get(commit) ?? new Map<string, ChangedFile>();
    found.set(commit, files);
    const counts = /^(\d+|-)\t(\d+|-)\t(.*)$/s.exec(field);
    if (field.startsWith(":")) {
      const letter = field.split(" ")[4]?.[0];
      const path = fields[(at += 1)] ?? "";
      const status = letter === "A" || letter === "D" || letter === "T" ? letter : "M";
      files.set(path, { path, status, insertions: null, deletions: null });
    } else if (counts !== null) {
      const [, insertions = "", deletions = "", path = ""] = counts;
      const known = files.get(path);
      if (known !== undefined) files.set(path, { ...known, insertions: readCount(insertions), deletions: readCount(deletions) });
    } else if (/^[0-9a-f]{40,64}$/.test(field)) commit = field;
  }
  return new Map([...found].map(([sha, files]) => [sha, [...files.values()]]));
}

function readCount(text: string): number | null {
  return text === "-" ? null : Number(text);
}

/**
 * Paths of the difference that none of the plan's entries names. git matches them: an entry is a path or a glob
 * relative to the tree (`*` stays within a directory, `**` does not), and a directory covers what is below it. An
 * entry that leads out of the tree covers nothing.
 */
export async function fetchOutsidePlan(
  app: App,
  dir: string,
  { from, to, changed, plan }: { from: string; to: string; changed: readonly string[]; plan: readonly string[] },
): Promise<string[]> {
  const outside = new Set(changed);
  const pathspecs = plan.flatMap(readPlanEntry);
  for (let at = 0; at < pathspecs.length && outside.size > 0; at += PATHSPECS_PER_CALL) {
    const some = pathspecs.slice(at, at + PATHSPECS_PER_CALL);
    const args = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", from, to, "--", ...some];
    const { stdout } = await app.git.run(dir, args, { env: TRUE_HISTORY });
    for (const path of stdout.split("\0")) outside.delete(path);
  }
  return [...outside];
}

function readPlanEntry(entry: string): string[] {
  const path = entry.trim().replace(/^(?:\.\/+)+/, "");
  if (path === "." || (path === "" && entry.trim() !== "")) return [":(glob)**"];
  if (path === "" || path.startsWith("/") || path.includes("\0") || path.split("/").includes("..")) return [];
  return [`:(literal)${path}`, `:(glob)${path.endsWith("/") ? `${path}**` : path}`];
}
