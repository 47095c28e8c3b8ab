import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@okstra/node/clock";
import type { ProcessEnd, ProcessSpec } from "@okstra/core/ports";
import { listMarkedProcesses } from "@okstra/testkit/processes/marked-processes";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createProcesses } from "./processes.ts";

const PATH = process.env["PATH"] ?? "";
const best = createProcesses({ clock: systemClock });
const group = createProcesses({ clock: systemClock, isolation: "process-group" });
const bestIsolation = await best.isolation();

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "okstra-processes-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function shell(line: string, more: Partial<ProcessSpec> = {}): ProcessSpec {
  return {
    command: ["sh", "-c", line],
    cwd: directory,
    env: { PATH },
    deadlineMs: 60_000,
    runId: `run-${randomBytes(8).toString("hex")}`,
    transcriptPath: null,
    captureBytes: 64 * 1024,
    redact: (text) => text,
    signal: new AbortController().signal,
    ...more,
  };
}

async function untilExists(path: string): Promise<void> {
  while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 10));
}

test("isolation answers what run then has", async () => {
  expect(await group.isolation()).toBe("process-group");
  expect((await best.run(shell(":"))).isolation).toBe(bestIsolation);
  expect((await group.run(shell(":"))).isolation).toBe("process-group");
});

for (const [name, processes] of [
  ["best isolation", best],
  ["process group", group],
] as const) {
  describe.concurrent(name, { timeout: 60_000 }, () => {
    const run = (spec: ProcessSpec): Promise<ProcessEnd> => processes.run(spec);

    test("a program's input, output, directory and exit status come through", async () => {
      const end = await run(shell("cat; pwd; echo oops >&2; exit 7", { stdin: "hello\n" }));
      expect(end).toMatchObject({ exitCode: 7, signal: null, ended: "by-itself" });
      expect(end.stdout).toEqual({ text: `hello\n${directory}\n`, totalBytes: 7 + directory.length, truncated: false });
      expect(end.stderr.text).toBe("oops\n");
      expect(Date.parse(end.endedAt)).toBeGreaterThanOrEqual(Date.parse(end.startedAt));
    });

    test("a program ended by its own signal is told from one that exits with 128 + n", async () => {
      expect(await run(shell("kill -TERM $$"))).toMatchObject({ exitCode: null, signal: "SIGTERM", ended: "by-itself" });
      expect(await run(shell("exit 143"))).toMatchObject({ exitCode: 143, signal: null });
    });

    test("no input reads as an empty one, and input that nobody reads is no error", async () => {
      expect((await run(shell("cat; echo end"))).stdout.text).toBe("end\n");
      expect(await run(shell("exec <&-; sleep 0.2; exit 0", { stdin: "x".repeat(4 * 1024 * 1024) }))).toMatchObject({ exitCode: 0 });
    });

    test("case 56: the environment is exactly the given one and the run id", async () => {
      const env = { PATH, "odd-name.x": "1", EMPTY: "", LINES: "a\nb", OKSTRA_RUN_ID: "forged" };
      const spec = shell("", {
        command: [process.execPath, "-e", "process.stdout.write(JSON.stringify(process.env))"],
        env,
        runId: "run-1234567890",
      });
      expect(JSON.parse((await run(spec)).stdout.text)).toEqual({ ...env, OKSTRA_RUN_ID: "run-1234567890" });
      // Another reader than node, for what node might hide.
      const raw = await run(shell("", { command: ["/usr/bin/env", "-0"], env: { A: "1" }, runId: "run-1234567890" }));
      expect(raw.stdout.text.split("\0").filter(Boolean).sort()).toEqual(["A=1", "OKSTRA_RUN_ID=run-1234567890"]);
    });

    test("case 38: a worker that hangs is ended at its deadline, others are unharmed", async () => {
      const other = run(shell("sleep 1; echo unharmed", { runId: `run-of-another-worker-${name}` }));
      const end = await run(shell("exec sleep 300", { deadlineMs: 300 }));
      expect(end).toMatchObject({ ended: "deadline", exitCode: null, signal: "SIGTERM" });
      expect(await other).toMatchObject({ ended: "by-itself", exitCode: 0, stdout: { text: "unharmed\n" } });
    });

    /** Runs a worker and cancels it once it has made the file that it knows as $READY. */
    const cancelWhenReady = async (line: string, env: Record<string, string> = {}): Promise<ProcessEnd> => {
      const cancel = new AbortController();
      const ready = join(directory, randomBytes(8).toString("hex"));
      const running = run(shell(line, { env: { PATH, READY: ready, ...env }, signal: cancel.signal }));
      await Promise.race([running, untilExists(ready)]);
      cancel.abort();
      return running;
    };

    test("a worker may tidy up on SIGTERM and its exit status is kept", async () => {
      const end = await cancelWhenReady("trap 'echo bye; exit 9' TERM; : >$READY; while :; do sleep 0.05; done");
      expect(end).toMatchObject({ ended: "cancelled", exitCode: 9, signal: null, stdout: { text: "bye\n" } });
    });

    test("case 38: a worker that ignores SIGTERM, with a child that holds its pipes, is killed", async () => {
      const end = await cancelWhenReady("trap '' TERM; sleep 300 & : >$READY; while :; do sleep 1; done");
      expect(end).toMatchObject({ ended: "cancelled", exitCode: null, signal: "SIGKILL" });
    });

    test("case 38: a worker that stops itself is ended", async () => {
      const end = await cancelWhenReady(": >$READY; kill -STOP $$; sleep 300");
      expect(end).toMatchObject({ ended: "cancelled", exitCode: null });
    });

    test.skipIf(process.platform !== "linux")(
      "case 38: a worker with 200 children, half in sessions of their own, leaves none (needs /proc)",
      async () => {
        const mark = randomBytes(8).toString("hex");
        const line =
          "trap '' TERM; i=0; while [ $i -lt 100 ]; do sleep 300 & setsid sleep 300 & i=$((i+1)); done; : >$READY; wait; sleep 300";
        const end = await cancelWhenReady(line, { OKSTRA_TEST_MARK: mark });
        expect(end).toMatchObject({ ended: "cancelled", exitCode: null, signal: "SIGKILL" });
        expect(listMarkedProcesses(`OKSTRA_TEST_MARK=${mark}`)).toEqual([]);
      },
    );

    test.skipIf(process.platform !== "linux")(
      "a worker that ends leaves no background process and need not wait for one (needs /proc)",
      async () => {
        const mark = randomBytes(8).toString("hex");
        const spec = shell("sleep 300 & setsid sleep 300 & echo done", { env: { PATH, OKSTRA_TEST_MARK: mark } });
        const end = await run(spec);
        expect(end).toMatchObject({ ended: "by-itself", exitCode: 0, stdout: { text: "done\n" } });
        expect(listMarkedProcesses(`OKSTRA_TEST_MARK=${mark}`)).toEqual([]);
        expect(listMarkedProcesses(`OKSTRA_RUN_ID=${spec.runId}`)).toEqual([]);
      },
    );

    test("cancelling ends the worker; one cancelled before its start never runs", async () => {
      const cancel = new AbortController();
      const running = run(shell("sleep 300", { signal: cancel.signal, deadlineMs: 0 }));
      cancel.abort();
      expect((await running).ended).toBe("cancelled");
      const end = await run(shell("echo ran", { signal: cancel.signal }));
      expect(end).toMatchObject({ ended: "cancelled", exitCode: null, signal: null, stdout: { text: "", totalBytes: 0 } });
    });

    test("two lanes of one run do not end each other", async () => {
      const runId = `run-with-two-lanes-${name}`;
      const long = run(shell("(sleep 1; echo late) & wait; echo end", { runId }));
      expect((await run(shell("sleep 300 & echo short", { runId }))).stdout.text).toBe("short\n");
      expect((await long).stdout.text).toBe("late\nend\n");
    });

    test("an absent or unusable program and an absent directory have their codes", async () => {
      writeFileSync(join(directory, "not-executable"), "#!/bin/sh\n");
      const codeOf = async (spec: ProcessSpec): Promise<unknown> =>
        run(spec).then(
          () => "ran",
          (error: { code: unknown }) => error.code,
        );
      expect(await codeOf(shell("", { command: ["okstra-no-such-program"] }))).toBe("OKSTRA_PREPARE_WORKER_NOT_FOUND");
      expect(await codeOf(shell("", { command: ["./not-executable"] }))).toBe("OKSTRA_PREPARE_WORKER_NOT_FOUND");
      expect(await codeOf(shell("", { command: [directory] }))).toBe("OKSTRA_PREPARE_WORKER_NOT_FOUND");
      expect(await codeOf(shell(":", { cwd: join(directory, "absent") }))).toBe("OKSTRA_DIRECTORY_NOT_FOUND");
      expect(await codeOf(shell(":", { transcriptPath: join(directory, "absent", "transcript.log") }))).toBe("OKSTRA_IO_FAILED");
    });
  });
}

test.skipIf(bestIsolation !== "pid-namespace")("in a namespace orphans are reaped (needs PID namespaces)", async () => {
  const line = "for i in 1 2 3 4 5; do (true &) ; done; sleep 0.3; grep -l '^State:.*zombie' /proc/[0-9]*/status; echo end";
  expect((await best.run(shell(line))).stdout.text).toBe("end\n");
});

test("a program is found on the given PATH only, never through an empty or relative part of it", async () => {
  const tool = join(directory, "okstra-test-tool");
  writeFileSync(tool, "#!/bin/sh\n");
  chmodSync(tool, 0o755);
  expect(await best.findProgram("okstra-test-tool", `/nowhere:${directory}`)).toBe(tool);
  expect(await best.findProgram(tool, "")).toBe(tool);
  expect(await best.findProgram("okstra-test-tool", "/nowhere")).toBeNull();
  expect(await best.findProgram("okstra-test-tool", ":.:")).toBeNull();
  expect(await best.findProgram("", directory)).toBeNull();
  expect(await best.findProgram("tool\0", directory)).toBeNull();
});
