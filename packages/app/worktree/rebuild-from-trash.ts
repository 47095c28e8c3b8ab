import type { RegistryRow } from "@okstra/core/domain/registry";
import { UNCLASSIFIED } from "@okstra/core/domain/work";
import { OkstraError } from "@okstra/core/errors";
import type { SafeConfig, WorktreeMarker } from "@okstra/core/git-port";
import type { App } from "../app.ts";
import { createTree, finishTree } from "./create-tree.ts";
import { markerOf, withoutPending, type Place } from "./place.ts";
import type { TrashFile, TrashManifest } from "./trash.ts";

/**
 * Makes a removed task's branch and worktree again and lays everything that was kept into it. The row stays
 * `provisioning` until all of it is there, so an interrupted restore is done again from the start.
 * @throws OKSTRA_BRANCH_EXISTS when the branch's name was given to something else meanwhile
 */
export async function rebuildFromTrash(
  app: App,
  place: Place,
  options: { entry: TrashManifest; safe: SafeConfig },
): Promise<{ row: RegistryRow; marker: WorktreeMarker; notes: readonly string[] }> {
  const { entry, safe } = options;
  const { branch } = entry.row;
  const kept = entry.refs.branch?.commit ?? entry.refs.head?.commit ?? entry.row.base_ref;
  const [tip] = await app.git.resolveCommits(place.mainRoot, [`refs/heads/${branch}`]);
  if (tip !== null && tip !== undefined && tip !== kept) {
    throw new OkstraError("OKSTRA_BRANCH_EXISTS", {
      message: `The branch ${branch} exists at another commit than the one that was kept (${kept.slice(0, 12)}).`,
      hint: `Rename it: git -C ${place.mainRoot} branch -m ${branch} <other>`,
      details: { branch, found: tip, kept },
    });
  }
  const row: RegistryRow = {
    ...withoutPending(entry.row),
    repository: place.repository,
    worktree_path: place.path,
    status: "provisioning",
    pending: { step: "restoring", stamp: entry.stamp },
  };
  delete row["released_at"];
  const built = await createTree(app, place, { candidates: [branch], commit: kept, safe, makeRow: () => row, mayExist: true });
  const marker = markerOf(place, built.row, { category: entry.marker?.category ?? UNCLASSIFIED, baseName: entry.marker?.baseName });
  const finished = await finishTree(app, place, {
    marker,
    safe,
    row: built.row,
    beforeActivating: () => bringBack(app, place, entry, safe),
  });
  const lost = entry.operations.map((operation) => `a ${operation} was under way; its files are back, the ${operation} itself is not`);
  return { row: { ...withoutPending(built.row), status: "active" }, marker: finished.marker, notes: [...finished.notes, ...lost] };
}

async function bringBack(app: App, place: Place, entry: TrashManifest, safe: SafeConfig): Promise<void> {
  const { path } = place;
  if (entry.detached && entry.refs.head !== undefined)
    await app.git.run(path, ["checkout", "--quiet", "--detach", entry.refs.head.commit], { safe });
  if (entry.refs.index !== undefined) await app.git.run(path, ["read-tree", `${entry.refs.index.commit}^{tree}`]);
  const changed = entry.files.filter((file) => file.kind !== "ignored");
  for (const file of changed) if (file.type === "absent") await app.files.removeContent(path, file.path);
  const byBlob = new Map<string, TrashFile[]>();
  for (const file of changed) if (file.blob !== null) byBlob.set(file.blob, [...(byBlob.get(file.blob) ?? []), file]);
  const blobs = [...byBlob].map(([id, files]) => ({ id, size: files[0]?.size ?? 0 }));
  await app.git.loadBlobs(place.mainRoot, blobs, async (id, content) => {
    for (const file of byBlob.get(id) ?? []) await app.files.writeContent(path, file, content);
  });
  if (entry.archive !== null) await app.files.extractArchive(entry.archive.path, path);
  await app.git.run(path, ["update-index", "-q", "--refresh"], { okExitCodes: [0, 1], safe });
  await requireRestored(app, path, entry.files);
  app.emit({ type: "work-restored", text: `brought back ${entry.files.length} files of ${entry.taskKey}` });
}

/** Compares what lies there now with what the entry says. */
async function requireRestored(app: App, root: string, files: readonly TrashFile[]): Promise<void> {
  for (const file of files) {
    if (file.type === "other" || file.type === "directory") continue;
    const [now] = await app.files.listFiles(root, [file.path], []);
    const isSame =
      now !== undefined &&
      now.type === file.type &&
      (file.type === "absent" || (now.size === file.size && (file.type === "link" || now.mode === file.mode)));
    if (!isSame)
      throw new OkstraError("OKSTRA_IO_FAILED", {
        message: `${file.path} could not be brought back as it was.`,
        details: { path: file.path, expected: { ...file }, found: now ?? null },
      });
  }
}
