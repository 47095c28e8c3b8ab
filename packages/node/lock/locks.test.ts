import { lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleDriver } from "@okstra/testkit/faults/bundle-driver";
import { useMemoryForTemporaryFiles } from "@okstra/testkit/faults/fault-project";
import { endStarted, startProcess, waitUntil, type StartedProcess } from "@okstra/testkit/faults/start-process";
import type { StoreOrder } from "@okstra/testkit/faults/store-driver";
import { createTestHome, type TestHome } from "@okstra/testkit/test-home";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createStore } from "../store/store.ts";
import { createLocks } from "./locks.ts";

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

function locks(): ReturnType<typeof createLocks> {
  return createLocks(home.okstraHome, createStore());
}

test("a second holder waits, is told so, and goes on when the first releases; the holder's word is for people", async () => {
  const holder = start({ do: "hold", lock: "task-a", holder: "proj/g/t" });
  await holder.waitForLine("held");
  expect(await locks().tryAcquire("task-a", "me")).toEqual({ holder: "proj/g/t" });
  let waited = 0;
  const second = locks().acquire("task-a", { holder: "me", onWait: () => (waited += 1) });
  await waitUntil(() => waited > 0);
  holder.say("release");
  const lease = await second;
  expect(waited).toBe(1);
  expect(readFileSync(join(home.okstraHome, "locks/task-a.lock"), "utf8")).toBe("me");
  await lease.release();
  await lease.release();
  expect("lease" in (await locks().tryAcquire("task-a"))).toBe(true);
});

test("two descriptors of one process exclude each other as two processes do", async () => {
  const first = await locks().acquire("task-a");
  expect("lease" in (await locks().tryAcquire("task-a"))).toBe(false);
  await first.release();
  const again = await locks().tryAcquire("task-a");
  expect("lease" in again).toBe(true);
});

test("a lock that stays held is an error that names the file and the holder", async () => {
  const holder = start({ do: "hold", lock: "task-a", holder: "proj/g/\u001B[31mt" });
  await holder.waitForLine("held");
  await expect(locks().acquire("task-a", { waitMs: 30 })).rejects.toMatchObject({
    code: "OKSTRA_LOCK_TIMEOUT",
    message: `The lock ${home.okstraHome}/locks/task-a.lock is held by proj/g/?[31mt.`,
  });
});

test("case 29: a stopped holder keeps its lock, and the waiter goes on when it does", async () => {
  const holder = start({ do: "hold", lock: "registry", holder: "first" });
  await holder.waitForLine("held");
  holder.signal("SIGSTOP");
  const waiter = start({ do: "hold", lock: "registry", holder: "second" });
  await waiter.waitForLine("waiting");
  await expect(locks().acquire("registry", { waitMs: 300 })).rejects.toMatchObject({ code: "OKSTRA_LOCK_TIMEOUT" });
  expect(waiter.lines()).not.toContain("held");
  holder.say("release");
  holder.signal("SIGCONT");
  await waiter.waitForLine("held");
  waiter.say("release");
  expect((await waiter.ended).status).toBe(0);
});

test("case 30: a killed holder's lock is free at once, whatever process id its file names", async () => {
  const holder = start({ do: "hold", lock: "task-a", holder: `pid ${process.pid}` });
  await holder.waitForLine("held");
  holder.signal("SIGKILL");
  await holder.ended;
  const taken = await locks().tryAcquire("task-a", "me");
  expect("lease" in taken).toBe(true);
  // A file left by the dead that names a living process is nobody's lock.
  mkdirSync(join(home.okstraHome, "locks"), { recursive: true });
  writeFileSync(join(home.okstraHome, "locks/task-b.lock"), `${process.pid}`);
  expect("lease" in (await locks().tryAcquire("task-b"))).toBe(true);
});

test("case 23: a child that inherited the descriptor keeps the lock until it ends too", async () => {
  const parent = start({ do: "leave-lock-to-child", lock: "repository-a" });
  await waitUntil(() => parent.lines().some((line) => line.startsWith("child ")));
  const child = Number(parent.lines()[0]?.slice("child ".length));
  await waitUntil(() => !isAlive(parent.pid));
  expect(isAlive(child)).toBe(true);
  expect(await locks().tryAcquire("repository-a")).toEqual({ holder: "" });
  const waiting = locks().acquire("repository-a");
  parent.closeStdin();
  const lease = await waiting;
  expect(isAlive(child)).toBe(false);
  await lease.release();
});

test("case 16: a lock file that is a link is refused, and what it leads to is not written", async () => {
  const target = join(home.root, "mine.txt");
  writeFileSync(target, "mine\n");
  mkdirSync(join(home.okstraHome, "locks"), { recursive: true });
  symlinkSync(target, join(home.okstraHome, "locks/task-a.lock"));
  await expect(locks().acquire("task-a", { holder: "x" })).rejects.toMatchObject({ code: "OKSTRA_PATH_IS_LINK" });
  await expect(locks().tryAcquire("task-a", "x")).rejects.toMatchObject({ code: "OKSTRA_PATH_IS_LINK" });
  expect(readFileSync(target, "utf8")).toBe("mine\n");
});

test("case 20: lock files are private whatever the umask", async () => {
  const before = process.umask(0);
  try {
    await (await locks().acquire("task-a")).release();
    await (await locks().acquire("registry")).release();
  } finally {
    process.umask(before);
  }
  for (const name of ["locks/task-a.lock", "worktrees/registry.lock"])
    expect(lstatSync(join(home.okstraHome, name)).mode & 0o777).toBe(0o600);
  for (const name of ["", "locks", "worktrees"]) expect(lstatSync(join(home.okstraHome, name)).mode & 0o777).toBe(0o700);
});

/** A zombie is not alive: it holds nothing. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/mu.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
