import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sha256 } from "../clock.ts";
import { createLocks } from "../lock/locks.ts";
import { createStore } from "../store/store.ts";
import { copyIncludedFiles, isUnchangedCopy } from "./include.ts";
import { excludeLinks, findLinkSources, linkDirectories } from "./links.ts";

let root = "";
let main = "";
let tree = "";
let outside = "";
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "okstra-links-")));
  [main, tree, outside] = ["main", "tree", "outside"].map((name) => join(root, name)) as [string, string, string];
  for (const each of [main, tree, outside]) mkdirSync(each);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(base: string, path: string, text = "x\n"): void {
  mkdirSync(dirname(join(base, path)), { recursive: true });
  writeFileSync(join(base, path), text);
}

describe("sources", () => {
  test("directories inside the main worktree are usable, in the order given, each once; missing ones and files are passed over", async () => {
    write(main, "b/x");
    write(main, "a/deep/x");
    write(main, "file");
    mkdirSync(join(main, "real"));
    symlinkSync(join(main, "real"), join(main, "inner-link"));
    expect(await findLinkSources(main, ["b", "a/deep", "absent", "file", "b", "inner-link"])).toEqual({
      usable: ["b", "a/deep", "inner-link"],
      notes: [],
    });
  });

  test("case 16: what leads outside is passed over and named", async () => {
    symlinkSync(outside, join(main, "link"));
    mkdirSync(join(main, "a"));
    symlinkSync(outside, join(main, "a/link"));
    mkdirSync(join(outside, "deep"));
    const { usable, notes } = await findLinkSources(main, ["link", "a/link", "link/deep"]);
    expect(usable).toEqual([]);
    expect(notes).toEqual(["link", "a/link", "link/deep"].map((name) => `not linked: ${name} leads outside the main worktree`));
  });

  test("case 15: names that are no plain path inside are refused, git's own among them", async () => {
    mkdirSync(join(main, ".git"));
    const names = ["../outside", "/etc", "a/../../outside", "", ".", ".git", ".GIT/hooks", "a//b", "a\nb", "a\\b"];
    const { usable, notes } = await findLinkSources(main, names);
    expect(usable).toEqual([]);
    expect(notes).toHaveLength(names.length);
  });
});

describe("links", () => {
  test("a missing target becomes a link, one that is there is left alone, an own link counts again", async () => {
    for (const name of ["new", "deep/new", "mine", "again"]) write(main, `${name}/x`);
    write(tree, "mine/own", "own\n");
    symlinkSync(join(main, "again"), join(tree, "again"));
    const { linked, notes } = await linkDirectories(main, tree, ["new", "deep/new", "mine", "again"]);
    expect(linked).toEqual(["new", "deep/new", "again"]);
    expect(notes).toEqual(["mine is in the tree itself and was left alone"]);
    expect([readlinkSync(join(tree, "new")), readlinkSync(join(tree, "deep/new"))]).toEqual([join(main, "new"), join(main, "deep/new")]);
    expect(readFileSync(join(tree, "mine/own"), "utf8")).toBe("own\n");
  });

  test("case 17: a parent in the tree that is a link to outside is not followed", async () => {
    write(main, "docs/cache/x");
    write(main, "docs/a/b/x");
    symlinkSync(outside, join(tree, "docs"));
    const { linked, notes } = await linkDirectories(main, tree, ["docs/cache", "docs/a/b"]);
    expect(linked).toEqual([]);
    expect(notes).toEqual(["not linked: docs/cache would lie outside the tree", "not linked: docs/a/b would lie outside the tree"]);
    expect(readdirSync(outside)).toEqual([]);
  });

  test("a link of the tree to another place in the tree is an ordinary parent", async () => {
    write(main, "docs/cache/x");
    mkdirSync(join(tree, "real"));
    symlinkSync("real", join(tree, "docs"));
    expect((await linkDirectories(main, tree, ["docs/cache"])).linked).toEqual(["docs/cache"]);
    expect(lstatSync(join(tree, "real/cache")).isSymbolicLink()).toBe(true);
  });
});

describe("copies", () => {
  test("case 17: neither a file nor a directory is made where a link of the tree leads outside", async () => {
    write(main, "conf/a.local");
    write(main, "conf/deep/b.local");
    symlinkSync(outside, join(tree, "conf"));
    const { copies, notes } = await copyIncludedFiles(main, tree, ["conf/a.local", "conf/deep/b.local"]);
    expect(copies).toEqual({});
    expect(notes).toHaveLength(2);
    expect(readdirSync(outside)).toEqual([]);
  });

  test("a source that is a link is named, a target that is a link is left alone", async () => {
    write(outside, "secret", "secret\n");
    symlinkSync(join(outside, "secret"), join(main, "a.local"));
    write(main, "b.local", "b\n");
    symlinkSync(join(outside, "secret"), join(tree, "b.local"));
    const { copies, notes } = await copyIncludedFiles(main, tree, ["a.local", "b.local", "absent"]);
    expect([copies, notes]).toEqual([{}, ["not copied: a.local is a link"]]);
    expect(existsSync(join(tree, "a.local"))).toBe(false);
    expect(readFileSync(join(outside, "secret"), "utf8")).toBe("secret\n");
  });

  test("case 22: a copy that a kill cut short is never taken for one, and goes", async () => {
    write(main, "conf/a.local", "whole\n");
    write(tree, ".okstra-copy-0123456789ab.tmp", "who");
    expect(Object.keys((await copyIncludedFiles(main, tree, ["conf/a.local"])).copies)).toEqual(["conf/a.local"]);
    expect([readdirSync(tree), readFileSync(join(tree, "conf/a.local"), "utf8")]).toEqual([["conf"], "whole\n"]);
  });

  test("a copy is known as unchanged until it is changed", async () => {
    write(main, "a.local", "a\n");
    const { copies } = await copyIncludedFiles(main, tree, ["a.local"]);
    const recorded = copies["a.local"] ?? [0, 0];
    expect(await isUnchangedCopy(tree, "a.local", recorded)).toBe(true);
    expect((await copyIncludedFiles(main, tree, ["a.local"])).copies).toEqual(copies);
    writeFileSync(join(tree, "a.local"), "changed\n");
    expect(await isUnchangedCopy(tree, "a.local", recorded)).toBe(false);
  });
});

describe("the exclude file", () => {
  const lines = (): readonly string[] => readFileSync(join(root, "info/exclude"), "utf8").split("\n");

  const exclude = (names: readonly string[], hidden: ReadonlySet<string>): Promise<void> => {
    const store = createStore();
    return excludeLinks({ store, locks: createLocks(join(root, "home"), store), sha256 }, root, names, hidden);
  };

  test("okstra's block stands first, grows by what is new, and leaves every other line as it was", async () => {
    write(root, "info/exclude", "# mine\n*.log\n");
    await exclude(["a", "b"], new Set(["b"]));
    await exclude(["b", "c*"], new Set());
    expect(lines()).toEqual([
      "# okstra: links of task worktrees (begin)",
      "/a",
      "!/a/",
      "/b",
      "/c\\*",
      "!/c\\*/",
      "# okstra: links of task worktrees (end)",
      "# mine",
      "*.log",
      "",
    ]);
  });

  test("many at once lose nothing, and what a killed one left goes", async () => {
    write(root, "info/.exclude.0123456789ab.tmp");
    const names = Array.from({ length: 12 }, (_, at) => `d${at}`);
    await Promise.all(names.map((name) => exclude([name], new Set())));
    for (const name of names) expect(lines()).toContain(`/${name}`);
    expect(readdirSync(join(root, "info"))).toEqual(["exclude"]);
  });

  test("nothing new writes nothing, and a repository without info/ gets one", async () => {
    await exclude(["a"], new Set());
    const before = lstatSync(join(root, "info/exclude"));
    await exclude(["a"], new Set());
    expect(lstatSync(join(root, "info/exclude")).ino).toBe(before.ino);
    expect(before.mode & 0o777).toBe(0o644);
  });
});
