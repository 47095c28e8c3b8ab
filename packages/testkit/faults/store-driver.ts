/**
 * Works on a registry or a lock in a process of its own, as its first argument (a `StoreOrder` as JSON) says, and
 * tells each step as a line on stdout.
 */
import { spawn } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import type { RegistryRow } from "@okstra/core/domain/registry";
import { putRow } from "@okstra/core/domain/registry-change";
import type { Clock } from "@okstra/core/ports";
import { randomIds, systemClock } from "@okstra/node/clock";
import { createLocks } from "@okstra/node/lock/locks";
import { createRegistryStore } from "@okstra/node/store/registry-store";
import { createStore } from "@okstra/node/store/store";

export type StoreOrder = { readonly home: string; readonly clockOffsetMs?: number } & (
  | { readonly do: "update"; readonly prefix: string; readonly count: number; readonly signalInside?: "SIGSTOP" | "SIGKILL" }
  | { readonly do: "update-without-descriptors" }
  | { readonly do: "hold"; readonly lock: string; readonly holder: string }
  | { readonly do: "leave-lock-to-child"; readonly lock: string }
);

const order = JSON.parse(process.argv[2] ?? "{}") as StoreOrder;
const store = createStore();
const locks = createLocks(order.home, store);
const clock: Clock = { ...systemClock, now: () => new Date(Date.now() + (order.clockOffsetMs ?? 0)).toISOString() };
const registry = createRegistryStore(order.home, { store, locks, clock, ids: randomIds });

function tell(line: string): void {
  writeSync(1, `${line}\n`);
}

function makeRow(key: string): RegistryRow {
  const [project_id = "", task_group = "", task_id = ""] = key.split("/");
  return {
    project_id,
    task_group,
    task_id,
    repository: "/nowhere/.git",
    worktree_path: `/nowhere/${key}`,
    branch: `task-${task_id}`,
    base_ref: "",
    created_at: clock.now(),
    last_phase: null,
    status: "active",
  };
}

async function addRow(key: string, signalInside?: "SIGSTOP" | "SIGKILL"): Promise<void> {
  await registry.update((current) => {
    if (signalInside !== undefined) {
      tell("inside");
      process.kill(process.pid, signalInside);
    }
    return { registry: putRow(current, key, makeRow(key)), result: null };
  });
}

async function run(): Promise<void> {
  switch (order.do) {
    case "update":
      for (let at = 0; at < order.count; at += 1) await addRow(`p/g/${order.prefix}-${at}`, order.signalInside);
      break;
    case "update-without-descriptors": {
      // Loaded whole before the descriptors go.
      await addRow("p/g/before");
      const taken: number[] = [];
      try {
        for (;;) taken.push(openSync("/dev/null", "r"));
      } catch {
        // No descriptor is left.
      }
      const failure = await addRow("p/g/lost").then(
        () => null,
        (error: { code?: string; message?: string }) => error,
      );
      for (const fd of taken) closeSync(fd);
      tell(`${failure?.code ?? "none"} ${failure?.message ?? ""}`);
      await addRow("p/g/after");
      break;
    }
    case "hold": {
      const lease = await locks.acquire(order.lock, { holder: order.holder, onWait: () => tell("waiting") });
      tell("held");
      await new Promise<void>((resolve) => process.stdin.once("data", () => resolve()));
      process.stdin.pause();
      await lease.release();
      break;
    }
    case "leave-lock-to-child": {
      const lease = await locks.acquire(order.lock);
      const child = spawn(process.execPath, ["-e", "process.stdin.resume(); process.stdin.on('end', () => {})"], {
        stdio: ["inherit", "ignore", "ignore", lease.fd],
      });
      tell(`child ${child.pid}`);
      await new Promise<void>((resolve) => child.once("spawn", () => resolve()));
      process.kill(process.pid, "SIGKILL");
    }
  }
}

try {
  await run();
  tell("done");
} catch (error) {
  const { code, message } = error as { code?: string; message?: string };
  tell(`error ${code ?? ""} ${message ?? String(error)}`);
  process.exitCode = 1;
}
