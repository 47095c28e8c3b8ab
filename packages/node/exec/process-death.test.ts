import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleProcess } from "@okstra/testkit/processes/bundle-process";
import { listMarkedProcesses, waitForMarked } from "@okstra/testkit/processes/marked-processes";
import type { StandInOrder } from "@okstra/testkit/processes/okstra-stand-in";
import { systemClock } from "@okstra/node/clock";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createProcesses } from "./processes.ts";

const isLinux = process.platform === "linux";
const hasNamespaces = (await createProcesses({ clock: systemClock }).isolation()) === "pid-namespace";

let directory: string;
let standIn: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "okstra-death-"));
  standIn = await bundleProcess("okstra-stand-in", directory);
});
vi.setConfig({ testTimeout: 60_000 });
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A worker with three children: a plain one, one under nohup, and one that left by setsid and a double fork. */
const WORKER = [
  "sleep 300 &",
  "nohup sleep 301 >/dev/null 2>&1 &",
  "setsid sh -c 'setsid sleep 302 >/dev/null 2>&1 &'",
  "sleep 303",
  "true",
].join("\n");
const SLEEPS = ["sleep 300", "sleep 301", "sleep 302", "sleep 303"];

interface StandIn {
  readonly pid: number;
  readonly ended: Promise<unknown>;
  readonly mark: string;
  readonly runId: string;
}

/** Starts okstra's stand-in with such a worker and waits until all four processes sleep. */
async function startStandIn(options: Pick<StandInOrder, "isolation" | "handleSignals">): Promise<StandIn> {
  const okstra = launchStandIn(options);
  const found = await waitForMarked(
    okstra.mark,
    (all) => SLEEPS.every((line) => all.some(({ commandLine }) => commandLine === line)),
    20_000,
  );
  expect(found.map(({ commandLine }) => commandLine)).toEqual(expect.arrayContaining(SLEEPS));
  return okstra;
}

function launchStandIn(options: Pick<StandInOrder, "isolation" | "handleSignals">): StandIn {
  const id = randomBytes(8).toString("hex");
  const order: StandInOrder = {
    command: ["sh", "-c", WORKER],
    cwd: directory,
    env: { PATH: process.env["PATH"] ?? "", OKSTRA_TEST_MARK: id },
    deadlineMs: 120_000,
    runId: `run-${id}`,
    transcriptPath: null,
    captureBytes: 1000,
    ...options,
  };
  const orderPath = join(directory, `${id}.json`);
  writeFileSync(orderPath, JSON.stringify(order));
  const okstra = spawn(process.execPath, [standIn, orderPath], { stdio: "inherit" });
  const ended = new Promise((resolve) => okstra.once("exit", (code, signal) => resolve(signal ?? code)));
  return { pid: okstra.pid ?? 0, ended, mark: `OKSTRA_TEST_MARK=${id}`, runId: order.runId };
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"] as const) {
  test.skipIf(!hasNamespaces)(`case 35: ${signal} of okstra leaves no process of the worker (needs PID namespaces)`, async () => {
    // Without handlers: the namespace alone must do it.
    const okstra = await startStandIn({ handleSignals: false });
    process.kill(okstra.pid, signal);
    expect(await okstra.ended).toBe(signal);
    expect(await waitForMarked(okstra.mark, (all) => all.length === 0, 5000)).toEqual([]);
    expect(listMarkedProcesses(`OKSTRA_RUN_ID=${okstra.runId}`)).toEqual([]);
  });
}

test.skipIf(!hasNamespaces)("case 35: SIGKILL at any moment of a start leaves nothing (needs PID namespaces)", async () => {
  for (let round = 0; round < 40; round += 1) {
    const okstra = launchStandIn({ handleSignals: false });
    // The start of node takes about half of this time, then come the probe, the namespace and the worker.
    await new Promise((resolve) => setTimeout(resolve, 30 + 1.5 * round));
    process.kill(okstra.pid, "SIGKILL");
    expect(await okstra.ended).toBe("SIGKILL");
    expect(await waitForMarked(okstra.mark, (all) => all.length === 0, 5000)).toEqual([]);
    expect(await waitForMarked(`OKSTRA_RUN_ID=${okstra.runId}`, (all) => all.length === 0, 5000)).toEqual([]);
    expect(await waitForMarked("OKSTRA_RUN_ID=probe", (all) => all.length === 0, 5000)).toEqual([]);
  }
});

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  test.skipIf(!isLinux)(`case 35: ${signal} of okstra without namespaces leaves no process of the worker (needs /proc)`, async () => {
    const okstra = await startStandIn({ isolation: "process-group", handleSignals: true });
    process.kill(okstra.pid, signal);
    expect([129, 130, 143]).toContain(await okstra.ended);
    expect(await waitForMarked(okstra.mark, (all) => all.length === 0, 5000)).toEqual([]);
  });
}

test.skipIf(!isLinux)("case 36: what a killed okstra left is found by run id and ended, and nothing else (needs /proc)", async () => {
  const okstra = await startStandIn({ isolation: "process-group", handleSignals: true });
  const stranger = await startStandIn({ isolation: "process-group", handleSignals: true });
  process.kill(okstra.pid, "SIGKILL");
  expect(await okstra.ended).toBe("SIGKILL");
  // The guard ends the group; only the child that left it is alive.
  const left = await waitForMarked(okstra.mark, (all) => all.length <= 1, 5000);
  expect(left.map(({ commandLine }) => commandLine)).toEqual(["sleep 302"]);

  const processes = createProcesses({ clock: systemClock });
  expect(await processes.endOrphans(`${okstra.runId}x`)).toBe(0);
  expect(await processes.endOrphans(okstra.runId.slice(0, -1))).toBe(0);
  expect(await processes.endOrphans(okstra.runId)).toBe(1);
  expect(listMarkedProcesses(okstra.mark)).toEqual([]);
  expect(await processes.endOrphans(okstra.runId)).toBe(0);

  expect(listMarkedProcesses(stranger.mark).map(({ commandLine }) => commandLine)).toEqual(expect.arrayContaining(SLEEPS));
  process.kill(stranger.pid, "SIGTERM");
  expect(await stranger.ended).toBe(143);
  expect(await waitForMarked(stranger.mark, (all) => all.length === 0, 5000)).toEqual([]);
});

test.skipIf(!isLinux)("case 36: the search spares the caller and the trees that it is running (needs /proc)", async () => {
  const id = randomBytes(8).toString("hex");
  const processes = createProcesses({ clock: systemClock, isolation: "process-group" });
  const cancel = new AbortController();
  const running = processes.run({
    command: ["sleep", "300"],
    cwd: directory,
    env: { PATH: process.env["PATH"] ?? "", OKSTRA_TEST_MARK: id },
    deadlineMs: 0,
    runId: id,
    transcriptPath: null,
    captureBytes: 100,
    redact: (text) => text,
    signal: cancel.signal,
  });
  expect(await waitForMarked(`OKSTRA_TEST_MARK=${id}`, (all) => all.length === 1, 5000)).toHaveLength(1);
  expect(await processes.endOrphans(id)).toBe(0);
  expect(listMarkedProcesses(`OKSTRA_TEST_MARK=${id}`)).toHaveLength(1);
  cancel.abort();
  expect(await running).toMatchObject({ ended: "cancelled", signal: "SIGTERM" });
});
