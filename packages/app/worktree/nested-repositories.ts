/** Repositories inside a tree: git is never run in them, and what is in them is work like any other. */
import { OkstraError } from "@okstra/core/errors";
import type { FileFacts } from "@okstra/core/tree-port";
import type { App } from "../app.ts";
import { loadDisposable } from "../project/tree-settings.ts";
import type { Place } from "./place.ts";

/** Files of one repository, itself first, with its whole git directory; disposable directories are left out of the rest. */
export async function listRepository(app: App, place: Pick<Place, "path" | "project">, path: string): Promise<readonly FileFacts[]> {
  const root = path.replace(/\/$/, "");
  const disposable = await loadDisposable(app, place.project);
  return (await app.files.listFiles(place.path, [root], [])).filter((file) => {
    const parts = file.path.slice(root.length + 1).split("/");
    const directories = file.type === "directory" ? parts : parts.slice(0, -1);
    return parts.includes(".git") || !directories.some((part) => disposable.includes(part));
  });
}

/** What lies where the index names a repository, by its path: git tells nothing of these files. Empty directories are not told. */
export async function loadNestedFiles(
  app: App,
  place: Pick<Place, "path" | "project">,
): Promise<ReadonlyMap<string, readonly FileFacts[]>> {
  const found = new Map<string, readonly FileFacts[]>();
  for (const path of await app.git.listGitlinks(place.path)) {
    const files = await listRepository(app, place, path);
    if (files[0]?.type === "directory" && files.length > 1) found.set(path, files);
  }
  return found;
}

/**
 * A merge that puts something else in the place of a repository deletes the repository, commits that are nowhere else
 * included.
 * @throws OKSTRA_TREE_DIRTY
 */
export async function requireNoneReplaced(app: App, place: Pick<Place, "path" | "project">, onto: string): Promise<void> {
  const replaced: string[] = [];
  for (const path of (await loadNestedFiles(app, place)).keys()) {
    const parts = path.split("/");
    const above = parts.map((_, index) => parts.slice(0, index + 1).join("/"));
    const { stdout } = await app.git.run(place.path, ["--literal-pathspecs", "ls-tree", "-z", "--full-tree", onto, "--", ...above]);
    const entries = stdout.split("\0").filter((line) => line !== "");
    const isReplaced = entries.some((line) => {
      const isItself = line.slice(line.indexOf("\t") + 1) === path;
      return !line.startsWith(isItself ? "160000 " : "040000 ");
    });
    if (isReplaced) replaced.push(path);
  }
  if (replaced.length === 0) return;
  throw new OkstraError("OKSTRA_TREE_DIRTY", {
    message: `${place.path} has a repository in ${replaced.join(", ")}, where ${onto.slice(0, 12)} has something else.`,
    hint: "Move the repository out of the tree, then try again.",
    details: { path: place.path, operations: [], files: replaced },
  });
}

/**
 * Keeps a merge from fetching. Where both sides moved a repository git looks into the one in the tree, which could say
 * that commits are missing and which program fetches them. In a partial clone git must fetch itself, and may where no
 * side names a repository.
 */
export async function fetchQuietEnvironment(
  app: App,
  dir: string,
  sides: { tip: string; onto: string },
): Promise<Readonly<Record<string, string>>> {
  const quiet = { GIT_ALLOW_PROTOCOL: "none", GIT_NO_LAZY_FETCH: "1" };
  const partial = await app.git.run(dir, ["config", "--get-regexp", String.raw`^(remote\..*\.promisor|extensions\.partialclone)$`], {
    okExitCodes: [0, 1],
  });
  if (partial.exitCode === 1) return quiet;
  if ((await app.git.listGitlinks(dir)).length > 0) return quiet;
  const log = ["log", "-m", "-z", "--raw", "--no-renames", "--no-show-signature", "--no-ext-diff", "--format="];
  const { stdout } = await app.git.run(dir, [...log, `${sides.tip}...${sides.onto}`, "--"]);
  return stdout.split("\0").some((field) => /^:+(?:\d+ )*160000 /.test(field)) ? quiet : {};
}
