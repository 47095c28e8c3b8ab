import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { systemClock } from "@okstra/node/clock";
import { bundleProcess } from "@okstra/testkit/processes/bundle-process";
import { waitForMarked } from "@okstra/testkit/processes/marked-processes";
import type { StandInOrder } from "@okstra/testkit/processes/okstra-stand-in";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createProcesses } from "./processes.ts";

/** No process of a worker is alive this long after what ended okstra (docs: cases, 35). */
const DEATH_MS = 5000;
/** KILL_ROUNDS=20 is what the promise was proven with. */
const ROUNDS = Number(process.env["KILL_ROUNDS"] ?? 2);

/** The worker's line, and which processes must be there before okstra is ended. */
const SHAPES: Readonly<Record<string, { line: string; sleeps: readonly string[] }>> = {
  "with a plain child": { line: "sleep 311 & sleep 312; true", sleeps: ["sleep 311", "sleep 312"] },
  "with a grandchild in a session of its own": {
    line: "setsid sh -c 'setsid sleep 321 >/dev/null 2>&1 &'; sleep 322; true",
    sleeps: ["sleep 321", "sleep 322"],
  },
  "that ignores SIGTERM, as its child does": {
    line: "trap '' TERM INT HUP; sleep 331 & while :; do sleep 332; done",
    sleeps: ["sleep 331", "sleep 332"],
  },
};
const WAYS: Readonly<Record<string, (pid: number) => Promise<void> | void>> = {
  "Ctrl-C": (pid) => void process.kill(pid, "SIGINT"),
  "double Ctrl-C": async (pid) => {
    process.kill(pid, "SIGINT");
    await wait(50);
    // It may have been quicker than the second.
    if (isAlive(pid)) process.kill(pid, "SIGINT");
  },
  SIGTERM: (pid) => void process.kill(pid, "SIGTERM"),
  SIGHUP: (pid) => void process.kill(pid, "SIGHUP"),
  SIGKILL: (pid) => void process.kill(pid, "SIGKILL"),
};

const here = createProcesses({ clock: systemClock });
const hasNamespaces = (await here.isolation()) === "pid-namespace";
const hasBwrap = (await here.sandbox()).state === "bwrap";

let directory: string;
let standIn: string;
beforeAll(async () => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "okstra-kills-")));
  standIn = await bundleProcess("okstra-stand-in", directory);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Ends an okstra that talks with such a worker. @returns what is left of both after the time, and when nothing was */
async function killOnce(shape: string, way: string, sandboxed: boolean): Promise<{ left: readonly unknown[]; tookMs: number }> {
  const { line = "", sleeps = [] } = SHAPES[shape] ?? {};
  const id = randomBytes(8).toString("hex");
  const order: StandInOrder = {
    command: ["sh", "-c", line],
    cwd: directory,
    env: { PATH: process.env["PATH"] ?? "", OKSTRA_TEST_MARK: id },
    deadlineMs: 120_000,
    runId: `run-${id}`,
    transcriptPath: null,
    captureBytes: 1000,
    handleSignals: "gently",
    conversation: { pauseEachMb: 0 },
    ...(sandboxed ? { sandbox: { writable: [directory], readOnly: [], hidden: [], exposed: [] } } : {}),
  };
  const orderPath = join(directory, `${id}.json`);
  writeFileSync(orderPath, JSON.stringify(order));
  const okstra = spawn(process.execPath, [standIn, orderPath], { stdio: "ignore" });
  const ended = new Promise((resolve) => okstra.once("exit", resolve));
  try {
    const mark = `OKSTRA_TEST_MARK=${id}`;
    const found = await waitForMarked(mark, (all) => sleeps.every((each) => all.some(({ commandLine }) => commandLine === each)), 20_000);
    expect(found.map(({ commandLine }) => commandLine)).toEqual(expect.arrayContaining([...sleeps]));
    const began = performance.now();
    await WAYS[way]?.(okstra.pid ?? 0);
    // The worker's processes and those that hold them; the rest of the time that the first wait left.
    const rest = (): number => DEATH_MS - (performance.now() - began);
    const workers = await waitForMarked(mark, (all) => all.length === 0, rest());
    const holders = await waitForMarked(`OKSTRA_RUN_ID=run-${id}`, (all) => all.length === 0, rest());
    return { left: [...workers, ...holders], tookMs: performance.now() - began };
  } finally {
    // Nothing where all is well.
    okstra.kill("SIGKILL");
    await ended;
  }
}

describe.skipIf(!hasNamespaces).concurrent("case 35: okstra ends while it talks with a worker (needs PID namespaces)", () => {
  for (const sandboxed of [false, true])
    for (const shape of Object.keys(SHAPES))
      test.skipIf(sandboxed && !hasBwrap)(
        `${shape}${sandboxed ? ", in a sandbox (needs a bwrap that works)" : ""}: nothing is left after ${DEATH_MS} ms`,
        async ({ annotate }) => {
          const worst: string[] = [];
          for (const way of Object.keys(WAYS)) {
            let longestMs = 0;
            for (let round = 0; round < ROUNDS; round += 1) {
              const { left, tookMs } = await killOnce(shape, way, sandboxed);
              expect(left, `${way}, round ${round}`).toEqual([]);
              longestMs = Math.max(longestMs, tookMs);
            }
            worst.push(`${way} ${Math.round(longestMs)} ms`);
          }
          await annotate(`${ROUNDS} rounds, longest: ${worst.join(", ")}`);
        },
        60_000 + ROUNDS * 60_000,
      );
});
