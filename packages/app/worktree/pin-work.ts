import type { RegistryRow } from "@okstra/core/domain/registry";
import type { GitLock, WorktreeMarker } from "@okstra/core/git-port";
import type { App } from "../app.ts";
import type { Work, WorkFile } from "./load-work.ts";
import type { Place } from "./place.ts";
import { listTrashStamps, nextStamp, trashDirectory, type TrashFile, type TrashManifest } from "./trash.ts";

/** Objects and refs are on the disk before anything is deleted; git older than 2.36 knows its own way only. */
const DURABLE = ["-c", "core.fsync=all", "-c", "core.fsyncMethod=fsync"];
const IDENTITY = {
  GIT_AUTHOR_NAME: "okstra",
  GIT_AUTHOR_EMAIL: "okstra@localhost",
  GIT_COMMITTER_NAME: "okstra",
  GIT_COMMITTER_EMAIL: "okstra@localhost",
};

/**
 * Keeps everything that would be lost: the branch's tip, one commit of the dirty and untracked files with their
 * very bytes (no filter, no hook), one of what is staged where that differs, and an archive of the rest. The
 * manifest is written last: an entry without one was never finished, and nothing was deleted then.
 */
export async function pinWork(
  app: App,
  place: Place,
  options: { row: RegistryRow; marker: WorktreeMarker | null; adminDir: string | null; work: Work; lock: GitLock },
): Promise<TrashManifest> {
  const { work, row } = options;
  const stamp = nextStamp(app.clock.now(), await listTrashStamps(app, place.taskKey));
  const directory = `${trashDirectory(app, place.taskKey)}/${stamp}`;
  for (const part of [
    `${app.surroundings.home}/trash`,
    trashDirectory(app, place.key.project),
    trashDirectory(app, `${place.key.project}/${place.key.group}`),
    trashDirectory(app, place.taskKey),
    directory,
  ]) {
    await app.store.ensureDirectory(part);
  }
  const archived = work.files.filter((file) => file.archived);
  const archive =
    archived.length === 0
      ? null
      : { path: `${directory}/ignored.tar`, bytes: await app.files.writeArchive(`${directory}/ignored.tar`, place.path, archived) };
  app.emit({
    type: "work-archived",
    text: archive === null ? "no ignored files to keep" : `kept ${archived.length} ignored files in ${archive.path}`,
  });

  const snapshot =
    options.adminDir === null
      ? { blobs: new Map<string, string>(), commits: {} }
      : await commitWork(app, place, options.adminDir, { work, stamp, lock: options.lock });
  const commits: Record<string, string> = {
    ...(work.tip === null ? {} : { branch: work.tip }),
    ...(work.detached && work.head !== null ? { head: work.head } : {}),
    ...snapshot.commits,
  };
  const refs: Record<string, { ref: string; commit: string }> = {};
  for (const [name, commit] of Object.entries(commits)) refs[name] = { ref: `refs/okstra/trash/${place.taskKey}/${stamp}/${name}`, commit };
  await app.git.run(place.mainRoot, [...DURABLE, "update-ref", "--stdin"], {
    stdin: ["start", ...Object.values(refs).map(({ ref, commit }) => `create ${ref} ${commit}`), "prepare", "commit", ""].join("\n"),
    lock: options.lock,
  });
  app.emit({ type: "work-pinned", text: `kept ${place.taskKey} under refs/okstra/trash/${place.taskKey}/${stamp}` });

  const manifest: TrashManifest = {
    schema: 1,
    taskKey: place.taskKey,
    stamp,
    removedAt: app.clock.now(),
    row,
    marker: options.marker === null ? null : { ...options.marker },
    refs,
    detached: work.detached,
    operations: [...work.operations],
    files: work.files.map((file): TrashFile => ({
      path: file.path,
      kind: file.kind,
      type: file.type,
      mode: file.mode,
      size: file.size,
      mtimeMs: file.mtimeMs,
      blob: snapshot.blobs.get(file.path) ?? null,
    })),
    archive,
  };
  await app.store.writeText(`${directory}/manifest.json`, `${JSON.stringify(manifest, null, 2)}\n`);
  app.emit({ type: "trash-written", text: `wrote ${directory}/manifest.json` });
  return manifest;
}

/** Makes the commits from a copy of the worktree's index; the worktree and its index stay as they are. */
async function commitWork(
  app: App,
  place: Place,
  adminDir: string,
  options: { work: Work; stamp: string; lock: GitLock },
): Promise<{ blobs: ReadonlyMap<string, string>; commits: Record<string, string> }> {
  const { work, lock } = options;
  const changed = work.files.filter((file) => !file.archived && file.type !== "directory" && file.type !== "other");
  const commits: Record<string, string> = {};
  if (work.operations.includes("merge")) {
    const [merge] = await app.git.resolveCommits(place.path, ["MERGE_HEAD"]);
    if (merge !== undefined && merge !== null) commits["merge"] = merge;
  }
  if (changed.length === 0 && !work.staged) return { blobs: new Map(), commits };
  const copy = await app.files.copyIndex(adminDir);
  const call = { env: { ...IDENTITY, GIT_INDEX_FILE: copy }, lock };
  const parents = work.head === null ? [] : ["-p", work.head];
  const commit = async (what: string, tree: string, more: readonly string[] = []): Promise<string> =>
    (
      await app.git.run(
        place.path,
        [...DURABLE, "commit-tree", tree, ...parents, ...more, "-m", `okstra: ${what} of ${place.taskKey}, kept ${options.stamp}`],
        call,
      )
    ).stdout.trim();
  const writeTree = async (): Promise<string> => (await app.git.run(place.path, [...DURABLE, "write-tree"], call)).stdout.trim();
  try {
    let stagedTree: string | null = null;
    if (work.staged && !work.unmerged) {
      stagedTree = await writeTree();
      commits["index"] = await commit("the index", stagedTree);
    }
    const blobs = await hashFiles(app, place.path, changed, lock);
    const lines = [
      ...changed.filter(({ type }) => type === "absent").map(({ path }) => `0 ${"0".repeat(40)}\t${path}\0`),
      ...changed.filter(({ path }) => blobs.has(path)).map((file) => `${gitMode(file)} ${blobs.get(file.path)}\t${file.path}\0`),
    ];
    if (lines.length === 0) return { blobs, commits };
    await app.git.run(place.path, [...DURABLE, "update-index", "--add", "--replace", "-z", "--index-info"], {
      ...call,
      stdin: lines.join(""),
    });
    const tree = await writeTree();
    if (tree !== stagedTree)
      commits["work"] = await commit("the working tree", tree, commits["index"] === undefined ? [] : ["-p", commits["index"]]);
    return { blobs, commits };
  } finally {
    await app.store.remove(copy);
  }
}

function gitMode(file: WorkFile): string {
  if (file.type === "link") return "120000";
  return (file.mode & 0o100) === 0 ? "100644" : "100755";
}

/** Puts the very bytes of files, and the targets of links, into the repository. */
async function hashFiles(app: App, root: string, files: readonly WorkFile[], lock: GitLock): Promise<ReadonlyMap<string, string>> {
  const blobs = new Map<string, string>();
  const regular = files.filter(({ type }) => type === "file");
  if (regular.length > 0) {
    const { stdout } = await app.git.run(root, [...DURABLE, "hash-object", "-w", "--no-filters", "--stdin-paths"], {
      stdin: regular.map(({ path }) => `${quotePath(path)}\n`).join(""),
      lock,
    });
    for (const [index, id] of stdout.trimEnd().split("\n").entries()) blobs.set(regular[index]?.path ?? "", id);
  }
  for (const { path } of files.filter(({ type }) => type === "link")) {
    const { stdout } = await app.git.run(root, [...DURABLE, "hash-object", "-w", "--no-filters", "--stdin"], {
      stdin: await app.files.loadLinkTarget(root, path),
      lock,
    });
    blobs.set(path, stdout.trim());
  }
  return blobs;
}

/** git reads a line that begins with a quote as C does. */
function quotePath(path: string): string {
  if (!/^"|[\n\r]/.test(path)) return path;
  return `"${path.replaceAll(/["\\]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\r", "\\r")}"`;
}
