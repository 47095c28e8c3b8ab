import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleDriver } from "@okstra/testkit/faults/bundle-driver";
import { mountSmallDisk, type SmallDisk } from "@okstra/testkit/faults/small-disk";
import { startProcess } from "@okstra/testkit/faults/start-process";
import { findStraceObstacle, injectInto, traceInto } from "@okstra/testkit/faults/strace";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createStore, isTemporaryOf } from "./store.ts";

const store = createStore();
const obstacle = findStraceObstacle();
let bundles = "";
let driver = "";
let root = "";
let disk: SmallDisk | null = null;
beforeAll(async () => {
  bundles = mkdtempSync(join(tmpdir(), "okstra-store-"));
  driver = await bundleDriver("store-driver", bundles);
});
afterAll(() => rmSync(bundles, { recursive: true, force: true }));
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "okstra-store-"));
});
afterEach(() => {
  disk?.unmount();
  disk = null;
  rmSync(root, { recursive: true, force: true });
});

/** One registry update in a process of its own. */
async function updateOnce(
  prefix: readonly string[],
  order: Record<string, unknown> = { do: "update", prefix: "a", count: 1 },
): Promise<readonly string[]> {
  const [program = process.execPath, ...args] = [
    ...prefix,
    process.execPath,
    driver,
    JSON.stringify({ home: join(root, "home"), ...order }),
  ];
  const started = startProcess([program, ...args], { cwd: root, env: { UV_THREADPOOL_SIZE: "1" } });
  await started.ended;
  return started.lines();
}

function mode(path: string): number {
  return lstatSync(path).mode & 0o7777;
}

describe("case 20: private whatever the umask, corrected on what exists", () => {
  test("files and directories", async () => {
    const before = process.umask(0);
    try {
      await store.ensureDirectory(join(root, "a/b"));
      await store.writeText(join(root, "a/b/written"), "x");
      await store.createText(join(root, "a/b/created"), "x");
      await store.appendLines(join(root, "a/b/appended"), ["x"]);
    } finally {
      process.umask(before);
    }
    expect([mode(join(root, "a")), mode(join(root, "a/b"))]).toEqual([0o700, 0o700]);
    for (const name of ["written", "created", "appended"]) expect(mode(join(root, "a/b", name)), name).toBe(0o600);
  });

  test("what was open is closed at the next write", async () => {
    const path = join(root, "a");
    mkdirSync(path, { mode: 0o777 });
    chmodSync(path, 0o777);
    for (const name of ["written", "appended"]) {
      writeFileSync(join(path, name), "old\n");
      chmodSync(join(path, name), 0o666);
    }
    await store.ensureDirectory(path);
    await store.writeText(join(path, "written"), "new\n");
    await store.appendLines(join(path, "appended"), ["new"]);
    expect([mode(path), mode(join(path, "written")), mode(join(path, "appended"))]).toEqual([0o700, 0o600, 0o600]);
    expect(readFileSync(join(path, "appended"), "utf8")).toBe("old\nnew\n");
  });

  test("a directory that is shared on purpose stays shared", async () => {
    const path = join(root, "shared");
    mkdirSync(path);
    chmodSync(path, 0o1777);
    await store.ensureDirectory(path);
    expect(mode(path)).toBe(0o1777);
  });

  test("a file that is the person's own gets the mode that was asked for", async () => {
    await store.writeText(join(root, "exclude"), "x", { mode: 0o644 });
    expect(mode(join(root, "exclude"))).toBe(0o644);
  });
});

describe("case 16, case 19: links and foreseeable names", () => {
  test("a directory of okstra's own that is a link is refused", async () => {
    mkdirSync(join(root, "outside"));
    symlinkSync(join(root, "outside"), join(root, "link"));
    await expect(store.ensureDirectory(join(root, "link"))).rejects.toMatchObject({ code: "OKSTRA_PATH_IS_LINK" });
    expect(readdirSync(join(root, "outside"))).toEqual([]);
  });

  test("a file that is a link is replaced, and what it leads to is not written", async () => {
    writeFileSync(join(root, "mine"), "mine");
    symlinkSync(join(root, "mine"), join(root, "registry.json"));
    await store.writeText(join(root, "registry.json"), "new");
    expect(lstatSync(join(root, "registry.json")).isFile()).toBe(true);
    expect(readFileSync(join(root, "mine"), "utf8")).toBe("mine");
    expect(await store.createText(join(root, "registry.json"), "other")).toBe(false);
    expect(readFileSync(join(root, "registry.json"), "utf8")).toBe("new");
  });

  test("regularFileOnly refuses links and directories; an absent file is null", async () => {
    writeFileSync(join(root, "mine"), "mine");
    symlinkSync(join(root, "mine"), join(root, "link"));
    await expect(store.readText(join(root, "link"), { regularFileOnly: true })).rejects.toMatchObject({ code: "OKSTRA_IO_FAILED" });
    await expect(store.readText(root, { regularFileOnly: true })).rejects.toMatchObject({ code: "OKSTRA_IO_FAILED" });
    expect(await store.readText(join(root, "absent"), { regularFileOnly: true })).toBeNull();
    await expect(store.readText(join(root, "mine"), { maxBytes: 3 })).rejects.toMatchObject({ code: "OKSTRA_IO_FAILED" });
  });
});

describe("lines that are appended", () => {
  test("case 22: a torn last line never happened: the next append cuts it off", async () => {
    const path = join(root, "log");
    for (const [before, after] of [
      ['a\nb\n{"half', "a\nb\nc\n"],
      ['{"half', "c\n"],
      [`a\n${"x".repeat(200_000)}`, "a\nc\n"],
      ["a\n", "a\nc\n"],
      ["", "c\n"],
    ] as const) {
      writeFileSync(path, before);
      await store.appendLines(path, ["c"]);
      expect(readFileSync(path, "utf8")).toBe(after);
    }
  });

  test("nothing to append makes no file", async () => {
    await store.appendLines(join(root, "log"), []);
    expect(existsSync(join(root, "log"))).toBe(false);
  });
});

describe("case 24: a full disk", () => {
  test("no space: the old file is whole, the place is named, nothing is left over", async (context) => {
    const mounted = mountSmallDisk(join(root, "disk"), "size=1m,mode=700");
    if (typeof mounted === "string") return context.skip(mounted);
    disk = mounted;
    const path = join(disk.path, "registry.json");
    const log = join(disk.path, "log");
    await store.writeText(path, "old\n");
    await store.appendLines(log, ["old"]);
    disk.fill();
    await expect(store.writeText(path, "y".repeat(64 * 1024))).rejects.toMatchObject({
      code: "OKSTRA_DISK_FULL",
      message: expect.stringContaining(path),
    });
    await expect(store.appendLines(log, ["y".repeat(64 * 1024)])).rejects.toMatchObject({
      code: "OKSTRA_DISK_FULL",
      message: expect.stringContaining(log),
    });
    await expect(store.createText(join(disk.path, "new"), "y".repeat(64 * 1024))).rejects.toMatchObject({ code: "OKSTRA_DISK_FULL" });
    expect(readdirSync(disk.path).sort()).toEqual(["ballast", "log", "registry.json"]);
    expect([readFileSync(path, "utf8"), readFileSync(log, "utf8")]).toEqual(["old\n", "old\n"]);
    disk.free();
    await store.writeText(path, "new\n");
    await store.appendLines(log, ["new"]);
    expect([readFileSync(path, "utf8"), readFileSync(log, "utf8")]).toEqual(["new\n", "old\nnew\n"]);
  });

  test("no inodes: the old file is whole and the place is named", async (context) => {
    const mounted = mountSmallDisk(join(root, "disk"), "size=1m,nr_inodes=4,mode=700");
    if (typeof mounted === "string") return context.skip(mounted);
    disk = mounted;
    const path = join(disk.path, "registry.json");
    await store.writeText(path, "old\n");
    for (const name of ["a", "b"]) writeFileSync(join(disk.path, name), "");
    await expect(store.writeText(path, "new\n")).rejects.toMatchObject({
      code: "OKSTRA_DISK_FULL",
      message: expect.stringContaining(path),
    });
    await expect(store.ensureDirectory(join(disk.path, "d"))).rejects.toMatchObject({ code: "OKSTRA_DISK_FULL" });
    expect(readFileSync(path, "utf8")).toBe("old\n");
    rmSync(join(disk.path, "a"));
    await store.writeText(path, "new\n");
    expect(readFileSync(path, "utf8")).toBe("new\n");
  });
});

describe("case 25: the disk or the system refuses", () => {
  test("EIO from fsync: the old registry is whole, the place is named, nothing is left over", async (context) => {
    if (obstacle !== null) return context.skip(obstacle);
    const registry = join(root, "home/worktrees/registry.json");
    expect(await updateOnce([])).toEqual(["done"]);
    const before = readFileSync(registry, "utf8");
    expect(await updateOnce(injectInto("fsync", "error=EIO"), { do: "update", prefix: "b", count: 1 })).toEqual([
      `error OKSTRA_IO_FAILED EIO at ${registry}.`,
    ]);
    expect(readFileSync(registry, "utf8")).toBe(before);
    expect(readdirSync(join(root, "home/worktrees")).sort()).toEqual(["registry.json", "registry.lock"]);
    expect(await updateOnce([], { do: "update", prefix: "b", count: 1 })).toEqual(["done"]);
  });

  test("EIO from fsync of the directory is told too", async (context) => {
    if (obstacle !== null) return context.skip(obstacle);
    await updateOnce([]);
    const registry = join(root, "home/worktrees/registry.json");
    expect(await updateOnce(injectInto("fsync", "error=EIO:when=2"), { do: "update", prefix: "b", count: 1 })).toEqual([
      `error OKSTRA_IO_FAILED EIO at ${registry}.`,
    ]);
    expect(Object.keys(JSON.parse(readFileSync(registry, "utf8")).tasks)).toContain("p/g/a-0");
  });

  test("EMFILE: the old registry is whole, the place is named, and it works when descriptors are back", async () => {
    const lines = await updateOnce(["sh", "-c", 'ulimit -n 64; exec "$@"', "sh"], { do: "update-without-descriptors" });
    expect(lines).toEqual([expect.stringMatching(/^OKSTRA_IO_FAILED EMFILE at .*\/home\/worktrees/u), "done"]);
    expect(Object.keys(JSON.parse(readFileSync(join(root, "home/worktrees/registry.json"), "utf8")).tasks)).toEqual([
      "p/g/before",
      "p/g/after",
    ]);
  });
});

test("case 26, case 19: what was answered is on the disk: file, then name, then directory, each before the answer", async (context) => {
  if (obstacle !== null) return context.skip(obstacle);
  await updateOnce([]);
  const log = join(root, "trace");
  expect(await updateOnce(traceInto(log), { do: "update", prefix: "b", count: 1 })).toEqual(["done"]);
  const steps = readFileSync(log, "utf8")
    .split("\n")
    .map((line) => line.replace(/^\d+\s+/u, ""))
    .flatMap((line) => {
      const ours = line.includes(`${root}/home/worktrees`);
      if (/^openat.*registry\.json\.[0-9a-f]{12}\.tmp", /u.test(line))
        return [`create ${/O_CREAT\|O_EXCL/u.test(line) ? "exclusive" : "careless"} ${/, (0\d{3})\)/u.exec(line)?.[1]}`];
      if (ours && line.startsWith("fsync")) return [line.includes(".tmp>") ? "fsync file" : "fsync directory"];
      if (ours && line.startsWith("rename")) return ["rename"];
      return line.startsWith("write(1<") ? ["answer"] : [];
    });
  expect(steps).toEqual(["create exclusive 0600", "fsync file", "rename", "fsync directory", "answer"]);
});

test("names of temporary files are told from others", () => {
  expect(isTemporaryOf(".registry.json.0123456789ab.tmp", "registry.json")).toBe(true);
  expect(isTemporaryOf("registry.json", "registry.json")).toBe(false);
  expect(isTemporaryOf(".other.0123456789ab.tmp", "registry.json")).toBe(false);
});
