import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { putRow } from "@okstra/core/domain/registry-change";
import type { RegistryRow } from "@okstra/core/domain/registry";
import { bundleDriver } from "@okstra/testkit/faults/bundle-driver";
import { countRounds, useMemoryForTemporaryFiles } from "@okstra/testkit/faults/fault-project";
import { endStarted, startProcess, type StartedProcess } from "@okstra/testkit/faults/start-process";
import type { StoreOrder } from "@okstra/testkit/faults/store-driver";
import { createTestHome, type TestHome } from "@okstra/testkit/test-home";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { randomIds, systemClock } from "../clock.ts";
import { createLocks } from "../lock/locks.ts";
import { createRegistryStore } from "./registry-store.ts";
import { createStore } from "./store.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

let memory: ReturnType<typeof useMemoryForTemporaryFiles>;
let driver = "";
let home: TestHome;
beforeAll(async () => {
  memory = useMemoryForTemporaryFiles();
  driver = await bundleDriver("store-driver", memory.directory);
});
afterAll(() => memory.remove());
beforeEach(() => {
  home = createTestHome();
});
afterEach(async () => {
  await endStarted();
  home.remove();
});

type Part<T> = T extends unknown ? Omit<T, "home"> : never;

function start(order: Part<StoreOrder>): StartedProcess {
  return startProcess([process.execPath, driver, JSON.stringify({ home: home.okstraHome, ...order })], { cwd: home.root });
}

async function expectDone(started: StartedProcess): Promise<void> {
  await started.ended;
  expect(started.lines()).toContain("done");
}

function open(): ReturnType<typeof createRegistryStore> {
  const store = createStore();
  return createRegistryStore(home.okstraHome, { store, locks: createLocks(home.okstraHome, store), clock: systemClock, ids: randomIds });
}

function path(name: string): string {
  return join(home.okstraHome, "worktrees", name);
}

function readRegistry(): { schema: number; tasks: Record<string, RegistryRow>; branches: Record<string, Record<string, string>> } {
  return JSON.parse(readFileSync(path("registry.json"), "utf8"));
}

function rowOf(key: string, more: Partial<RegistryRow> = {}): RegistryRow {
  const [project_id = "", task_group = "", task_id = ""] = key.split("/");
  return {
    project_id,
    task_group,
    task_id,
    repository: "/repo/.git",
    worktree_path: `/trees/${key}`,
    branch: `task-${task_id}`,
    base_ref: "",
    created_at: "2026-01-01T00:00:00.000Z",
    last_phase: null,
    status: "active",
    ...more,
  };
}

async function put(...rows: readonly RegistryRow[]): Promise<void> {
  await open().update((registry) => ({
    registry: rows.reduce((all, row) => putRow(all, `${row.project_id}/${row.task_group}/${row.task_id}`, row), registry),
    result: null,
  }));
}

describe("many processes", () => {
  test("case 28: 8 processes make 20 updates each and none is lost", async () => {
    for (let round = 0; round < countRounds(2); round += 1) {
      const all = Array.from({ length: 8 }, (_, at) => start({ do: "update", prefix: `r${round}-${at}`, count: 20 }));
      for (const each of all) await expectDone(each);
      expect(Object.keys(readRegistry().tasks)).toHaveLength(160 * (round + 1));
    }
    const { tasks, branches } = readRegistry();
    expect(Object.values(branches["/nowhere/.git"] ?? {}).sort()).toEqual(Object.keys(tasks).sort());
    expect(readdirSync(path("")).sort()).toEqual(["registry.json", "registry.lock"]);
  });

  test("case 29: while the holder is stopped nobody else writes, and nothing is lost when it goes on", async () => {
    const stopped = start({ do: "update", prefix: "stopped", count: 1, signalInside: "SIGSTOP" });
    await stopped.waitForLine("inside");
    const waiter = start({ do: "update", prefix: "waiter", count: 1 });
    const soon = await Promise.race([waiter.ended.then(() => "ended"), new Promise((resolve) => setTimeout(() => resolve("waits"), 600))]);
    expect([soon, existsSync(path("registry.json"))]).toEqual(["waits", false]);
    stopped.signal("SIGCONT");
    await expectDone(stopped);
    await expectDone(waiter);
    expect(Object.keys(readRegistry().tasks).sort()).toEqual(["p/g/stopped-0", "p/g/waiter-0"]);
  });

  test("case 22, case 30: a holder that is killed in its change leaves the old registry, and the next goes on", async () => {
    await put(rowOf("p/g/old"));
    const before = readFileSync(path("registry.json"), "utf8");
    const killed = start({ do: "update", prefix: "killed", count: 1, signalInside: "SIGKILL" });
    expect((await killed.ended).signal).toBe("SIGKILL");
    expect(readFileSync(path("registry.json"), "utf8")).toBe(before);
    // The lock's file names a process id that lives: it has no say.
    writeFileSync(path("registry.lock"), `${process.pid}`);
    await expectDone(start({ do: "update", prefix: "next", count: 1 }));
    expect(Object.keys(readRegistry().tasks)).toEqual(["p/g/old", "p/g/next-0"]);
  });

  test("case 31: clocks two days apart lose nothing and make nobody wait", async () => {
    const all = [-2 * DAY_MS, 0, 2 * DAY_MS].map((clockOffsetMs, at) =>
      start({ do: "update", prefix: `c${at}`, count: 10, clockOffsetMs }),
    );
    for (const each of all) await expectDone(each);
    expect(Object.keys(readRegistry().tasks)).toHaveLength(30);
  });
});

describe("what is written", () => {
  test("two-space indented, one member a line, members of others kept", async () => {
    await put(rowOf("p/g/t"));
    const text = readFileSync(path("registry.json"), "utf8");
    expect(text).toBe(`{
  "schema": 2,
  "tasks": {
    "p/g/t": {
      "project_id": "p",
      "task_group": "g",
      "task_id": "t",
      "repository": "/repo/.git",
      "worktree_path": "/trees/p/g/t",
      "branch": "task-t",
      "base_ref": "",
      "created_at": "2026-01-01T00:00:00.000Z",
      "last_phase": null,
      "status": "active"
    }
  },
  "branches": {
    "/repo/.git": {
      "task-t": "p/g/t"
    }
  }
}
`);
    const data = JSON.parse(text);
    data.later = { a: 1 };
    data.tasks["p/g/t"].later = "row";
    writeFileSync(path("registry.json"), JSON.stringify(data));
    await put(rowOf("p/g/u"));
    expect(readRegistry()).toMatchObject({ later: { a: 1 }, tasks: { "p/g/t": { later: "row" } } });
  });

  test("case 20: registry, history and lock are private, and made so where they are not", async () => {
    const before = process.umask(0);
    try {
      await put(...manyReleased(101));
    } finally {
      process.umask(before);
    }
    for (const name of ["registry.json", "registry.history.jsonl", "registry.lock"])
      expect(lstatSync(path(name)).mode & 0o777, name).toBe(0o600);
    for (const name of ["registry.json", "registry.history.jsonl", "registry.lock"]) {
      writeFileSync(path(name), readFileSync(path(name)), { mode: 0o666 });
      rmSync(path(name));
      writeFileSync(path(name), "", { mode: 0o644 });
    }
    rmSync(path("registry.json"));
    await put(...manyReleased(101));
    for (const name of ["registry.json", "registry.history.jsonl", "registry.lock"])
      expect(lstatSync(path(name)).mode & 0o777, name).toBe(0o600);
  });

  test("a left-over temporary file goes with the next write", async () => {
    mkdirSync(path(""), { recursive: true });
    writeFileSync(path(".registry.json.0123456789ab.tmp"), "{");
    await put(rowOf("p/g/t"));
    expect(readdirSync(path("")).sort()).toEqual(["registry.json", "registry.lock"]);
  });

  test("a change that changes nothing writes nothing", async () => {
    await put(rowOf("p/g/t"));
    const before = lstatSync(path("registry.json"));
    expect((await open().update((registry) => ({ registry, result: 7 }))).result).toBe(7);
    const after = lstatSync(path("registry.json"));
    expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
  });
});

function manyReleased(count: number): readonly RegistryRow[] {
  return Array.from({ length: count }, (_, at) =>
    rowOf(`p/g/t${String(at).padStart(4, "0")}`, {
      status: "released",
      released_at: `2026-01-01T00:00:00.${String(at).padStart(3, "0")}Z`,
    }),
  );
}

describe("released rows", () => {
  test("the newest 100 stay, older ones move to the history, where lookup and branch checks find them", async () => {
    await put(...manyReleased(150), rowOf("p/g/active"));
    expect(Object.keys(readRegistry().tasks)).toHaveLength(101);
    expect(readRegistry().tasks).not.toHaveProperty("p/g/t0049");
    expect(readRegistry().tasks).toHaveProperty("p/g/t0050");
    expect(await open().findInHistory("p/g/t0049")).toMatchObject({ task_id: "t0049", status: "released" });
    expect(await open().findInHistory("p/g/t0050")).toBeNull();
    expect(await open().findBranchInHistory("/repo/.git", "task-t0000")).toMatchObject({ task_id: "t0000" });
    expect(await open().findBranchInHistory("/other/.git", "task-t0000")).toBeNull();
  });

  test("the last of several rows of a task counts, and a damaged line hides no other", async () => {
    await put(...manyReleased(101));
    const line = (row: RegistryRow): string => JSON.stringify({ key: "p/g/t0000", row });
    writeFileSync(
      path("registry.history.jsonl"),
      `${line(rowOf("p/g/t0000", { base_ref: "first" }))}\nnot json\n{"key":1}\n\n${line(rowOf("p/g/t0000", { base_ref: "last" }))}\n{"key":"p/g/t00`,
    );
    expect(await open().findInHistory("p/g/t0000")).toMatchObject({ base_ref: "last" });
    await put(rowOf("p/g/t0999", { status: "released", released_at: "2026-01-02T00:00:00.000Z" }));
    expect(await open().findInHistory("p/g/t0001")).toMatchObject({ task_id: "t0001" });
  });

  test("case 22: a row that a crash left in both places is one row", async () => {
    const rows = manyReleased(101);
    await put(...rows);
    const history = readFileSync(path("registry.history.jsonl"), "utf8");
    await put(rows[0] as RegistryRow);
    expect(Object.keys(readRegistry().tasks)).toHaveLength(100);
    expect(readFileSync(path("registry.history.jsonl"), "utf8")).toBe(history + history);
    expect(await open().findInHistory("p/g/t0000")).toMatchObject({ task_id: "t0000" });
  });

  test("case 31: a release by a clock two days back is found all the same", async () => {
    await put(...manyReleased(100));
    await put(rowOf("p/g/late", { status: "released", released_at: "2025-12-30T00:00:00.000Z" }));
    const row = readRegistry().tasks["p/g/late"] ?? (await open().findInHistory("p/g/late"));
    expect(row).toMatchObject({ task_id: "late", branch: "task-late" });
  });
});

describe("case 27: a registry of another shape", () => {
  test("a newer schema is read-only, whatever its rows look like, and stays byte by byte", async () => {
    await put(rowOf("p/g/t"));
    for (const text of [JSON.stringify({ ...readRegistry(), schema: 3 }), '{"schema":7,"tasks":[{"key":"p/g/t"}]}', '{"schema":3}']) {
      writeFileSync(path("registry.json"), text);
      expect((await open().load()).readOnly).toBe(true);
      expect((await open().peek()).state).toBe("newer");
      await expect(put(rowOf("p/g/u"))).rejects.toMatchObject({ code: "OKSTRA_REGISTRY_READ_ONLY" });
      expect(readFileSync(path("registry.json"), "utf8")).toBe(text);
    }
    expect(readdirSync(path("")).sort()).toEqual(["registry.json", "registry.lock"]);
  });

  test("a byte order mark before a good registry is no damage", async () => {
    await put(rowOf("p/g/t"));
    writeFileSync(path("registry.json"), `\uFEFF${readFileSync(path("registry.json"), "utf8")}`);
    expect(await open().load()).toMatchObject({ notes: [], registry: { tasks: { "p/g/t": {} } } });
    await put(rowOf("p/g/u"));
    expect(Object.keys(readRegistry().tasks)).toEqual(["p/g/t", "p/g/u"]);
  });

  test("the kept bad file has the very bytes, text or not", async () => {
    mkdirSync(path(""), { recursive: true });
    const bytes = Buffer.from([0xff, 0xfe, 0x00, 0x7b, 0x80]);
    writeFileSync(path("registry.json"), bytes);
    const { notes } = await open().load();
    const [kept = ""] = readdirSync(path("")).filter((name) => name.startsWith("registry.json.bad-"));
    expect(kept).toMatch(/^registry\.json\.bad-\d{17}-[0-9a-f]{8}$/u);
    expect(notes).toEqual([expect.stringContaining(kept)]);
    expect(readFileSync(path(kept))).toEqual(bytes);
    expect(readRegistry()).toEqual({ schema: 2, tasks: {}, branches: {} });
  });

  test("the shape of version 1 comes forward once; its file is kept, a second one under a name of its own", async () => {
    mkdirSync(path(""), { recursive: true });
    const old = {
      tasks: {
        "p/g/t": {
          project_id: "p",
          task_group: "g",
          task_id: "t",
          worktree_path: "/trees/p/g/t",
          branch: "fix-t",
          status: "active",
          note: "mine",
        },
      },
      branches: { "fix-t": "p/g/t" },
    };
    const text = JSON.stringify(old);
    writeFileSync(path("registry.json"), text);
    expect((await open().load()).notes).toEqual([expect.stringContaining("registry.v1.json")]);
    expect((await open().load()).notes).toEqual([]);
    expect(readFileSync(path("registry.v1.json"), "utf8")).toBe(text);
    expect(readRegistry().tasks["p/g/t"]).toMatchObject({
      branch: "fix-t",
      repository: "",
      last_phase: null,
      status: "active",
      note: "mine",
    });
    const other = text.replaceAll("fix-t", "fix-u");
    writeFileSync(path("registry.json"), other);
    await open().load();
    expect(readFileSync(path("registry.v1.json"), "utf8")).toBe(text);
    const [second = ""] = readdirSync(path("")).filter((name) => name.startsWith("registry.v1.json."));
    expect(readFileSync(path(second), "utf8")).toBe(other);
  });
});
