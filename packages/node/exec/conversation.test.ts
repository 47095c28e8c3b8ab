import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { systemClock } from "@okstra/node/clock";
import type { ProcessSpec, RunningProcess } from "@okstra/core/ports";
import { bundleProcess } from "@okstra/testkit/processes/bundle-process";
import { listMarkedProcesses } from "@okstra/testkit/processes/marked-processes";
import type { StandInAnswer, StandInOrder } from "@okstra/testkit/processes/okstra-stand-in";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createProcesses } from "./processes.ts";
import { TRANSCRIPT_MAX_BYTES } from "./transcript.ts";

vi.setConfig({ testTimeout: 120_000 });

const PATH = process.env["PATH"] ?? "";
const MEBIBYTE = 1024 * 1024;
const best = createProcesses({ clock: systemClock });
const group = createProcesses({ clock: systemClock, isolation: "process-group" });

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "okstra-conversation-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function shell(line: string, more: Partial<ProcessSpec> = {}): ProcessSpec {
  return {
    command: ["sh", "-c", line],
    cwd: directory,
    env: { PATH },
    deadlineMs: 0,
    runId: `run-${randomBytes(8).toString("hex")}`,
    transcriptPath: null,
    captureBytes: 64 * 1024,
    redact: (text) => text.replaceAll(/canary-[0-9a-f]+/gu, "[redacted]"),
    signal: new AbortController().signal,
    ...more,
  };
}

/** Reads on until the text has come; leaves the stream open. */
async function readUntil(reader: AsyncIterator<Uint8Array>, text: string): Promise<string> {
  let seen = "";
  while (!seen.includes(text)) {
    const { value, done } = await reader.next();
    if (done === true) break;
    seen += Buffer.from(value as Uint8Array).toString("utf8");
  }
  return seen;
}

async function readAll({ output }: RunningProcess): Promise<string> {
  let seen = "";
  for await (const chunk of output) seen += Buffer.from(chunk).toString("utf8");
  return seen;
}

for (const [name, processes] of [
  ["best isolation", best],
  ["process group", group],
] as const) {
  describe.concurrent(name, { timeout: 120_000 }, () => {
    test("question and answer, then the end with capture, transcript and counted bytes", async () => {
      const transcriptPath = join(directory, `${randomBytes(8).toString("hex")}.log`);
      let counted = 0;
      const onOutput = (bytes: number): void => {
        counted += bytes;
      };
      const line = 'while read -r line; do echo "heard $line"; done; echo canary-0123 >&2; exit 5';
      const running = await processes.start(shell(line, { transcriptPath, onOutput }));
      const reader = running.output[Symbol.asyncIterator]();
      await running.write(Buffer.from("one\n"));
      expect(await readUntil(reader, "\n")).toBe("heard one\n");
      await running.write(Buffer.from("two\n"));
      expect(await readUntil(reader, "\n")).toBe("heard two\n");
      running.endInput();
      expect((await reader.next()).done).toBe(true);
      const end = await running.ended;
      expect(end).toMatchObject({ exitCode: 5, signal: null, ended: "by-itself", sandbox: "off" });
      expect(end.stdout.text).toBe("heard one\nheard two\n");
      expect(end.stderr.text).toBe("[redacted]\n");
      expect(counted).toBe(end.stdout.totalBytes + end.stderr.totalBytes);
      expect(readFileSync(transcriptPath, "utf8").split("\n").toSorted()).toEqual(["", "[redacted]", "heard one", "heard two"]);
    });

    test("what a program said and crashed is read to its end, by a slow reader too", async () => {
      const running = await processes.start(shell("head -c 60000 /dev/zero | tr '\\0' a; kill -KILL $$"));
      let read = 0;
      for await (const chunk of running.output) {
        read += chunk.length;
        if (read === chunk.length) await new Promise((resolve) => setTimeout(resolve, 1500));
      }
      expect(read).toBe(60_000);
      expect(await running.ended).toMatchObject({ exitCode: null, signal: "SIGKILL", ended: "by-itself" });
      await running.write(Buffer.from("nobody hears this"));
      running.stop();
    });

    test("a reader that leaves, and one that never comes, hold up no end", async () => {
      const left = await processes.start(shell("yes"));
      let first = 0;
      for await (const chunk of left.output) {
        first = chunk.length;
        break;
      }
      expect(first).toBeGreaterThan(0);
      left.stop();
      expect((await left.ended).ended).toBe("by-itself");
      expect(await readAll(left)).toBe("");
      const unread = await processes.start(shell("echo said; exit 3"));
      expect(await unread.ended).toMatchObject({ exitCode: 3, ended: "by-itself" });
      const stopped = await processes.start(shell("yes"));
      stopped.stop();
      expect((await stopped.ended).ended).toBe("by-itself");
    });

    test("input that nobody reads settles when the program is gone", async () => {
      const running = await processes.start(shell("sleep 300"));
      const written = running.write(new Uint8Array(4 * MEBIBYTE));
      running.stop();
      await Promise.all([written, running.ended]);
      await running.write(Buffer.from("late"));
      expect((await running.ended).ended).toBe("by-itself");
    });

    test("case 38: stop ends a program that ignores SIGTERM, its child in a session of its own included", async () => {
      const mark = randomBytes(8).toString("hex");
      const line = "trap '' TERM; setsid sleep 300 & echo ready; while :; do sleep 1; done";
      const running = await processes.start(shell(line, { env: { PATH, OKSTRA_TEST_MARK: mark } }));
      await readUntil(running.output[Symbol.asyncIterator](), "ready");
      running.stop();
      expect(await running.ended).toMatchObject({ exitCode: null, signal: "SIGKILL" });
      if (process.platform === "linux") expect(listMarkedProcesses(`OKSTRA_TEST_MARK=${mark}`)).toEqual([]);
    });

    test("the signal and the deadline end a conversation as they end a run", async () => {
      const cancel = new AbortController();
      const cancelled = await processes.start(shell("echo ready; exec sleep 300", { signal: cancel.signal }));
      await readUntil(cancelled.output[Symbol.asyncIterator](), "ready");
      cancel.abort();
      expect(await cancelled.ended).toMatchObject({ ended: "cancelled", signal: "SIGTERM" });
      const late = await processes.start(shell("exec sleep 300", { deadlineMs: 200 }));
      expect(await readAll(late)).toBe("");
      expect(await late.ended).toMatchObject({ ended: "deadline", signal: "SIGTERM" });
      const never = await processes.start(shell("echo ran", { signal: cancel.signal }));
      expect(await readAll(never)).toBe("");
      expect(await never.ended).toMatchObject({ ended: "cancelled", exitCode: null, stdout: { totalBytes: 0 } });
    });

    test("an absent program and a fixed input are refused", async () => {
      await expect(processes.start(shell("", { command: ["okstra-no-such-program"] }))).rejects.toMatchObject({
        code: "OKSTRA_PREPARE_WORKER_NOT_FOUND",
      });
      await expect(processes.start(shell(":", { stdin: "fixed" }))).rejects.toMatchObject({ code: "OKSTRA_INTERNAL" });
    });
  });
}

test("case 37: what is not read stays in the pipe, and the program waits", async () => {
  const done = join(directory, "written");
  const running = await best.start(shell(`head -c ${16 * MEBIBYTE} /dev/zero; : >'${done}'`));
  const reader = running.output[Symbol.asyncIterator]();
  let read = (await reader.next()).value?.length ?? 0;
  // Pipes and buffers hold far less than what is to come, so that the program cannot be done.
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(existsSync(done)).toBe(false);
  for (let step = await reader.next(); step.done !== true; step = await reader.next()) read += step.value.length;
  expect(read).toBe(16 * MEBIBYTE);
  expect(existsSync(done)).toBe(true);
  expect((await running.ended).stdout.totalBytes).toBe(16 * MEBIBYTE);
});

test("case 37: 1 GB that is read slowly does not grow okstra's memory", async () => {
  const standIn = await bundleProcess("okstra-stand-in", directory);
  const transcriptPath = join(directory, "flood.log");
  const order: StandInOrder = {
    command: ["sh", "-c", "yes | head -c 1G"],
    cwd: directory,
    env: { PATH },
    deadlineMs: 0,
    runId: "run-of-a-slow-reader",
    transcriptPath,
    captureBytes: MEBIBYTE,
    handleSignals: false,
    conversation: { pauseEachMb: 1 },
  };
  const orderPath = join(directory, "order.json");
  writeFileSync(orderPath, JSON.stringify(order));
  const { stdout } = await promisify(execFile)(process.execPath, [standIn, orderPath]);
  const answer = JSON.parse(stdout) as StandInAnswer;
  expect(answer).toMatchObject({ ended: "by-itself", exitCode: 0, stdoutBytes: 1024 * MEBIBYTE, readBytes: 1024 * MEBIBYTE });
  expect(answer.memoryGrowthBytes).toBeLessThan(128 * MEBIBYTE);
  expect(statSync(transcriptPath).size).toBeLessThanOrEqual(TRANSCRIPT_MAX_BYTES);
});

test("a file of lines is private, redacted and bounded, and finishes once", () => {
  const path = join(directory, "lines.jsonl");
  const lines = best.openLines(path, (text) => text.replaceAll("canary-7", "[redacted]"));
  lines.add('{"text":"canary-7"}');
  expect(readFileSync(path, "utf8")).toBe('{"text":"[redacted]"}\n');
  for (let at = 0; at < 6000; at += 1) lines.add(`${at} ${"x".repeat(1000)}`);
  lines.finish();
  lines.finish();
  const { size, mode } = statSync(path);
  expect(mode & 0o777).toBe(0o600);
  expect(size).toBeLessThanOrEqual(2 * MEBIBYTE);
  const text = readFileSync(path, "utf8");
  expect(text).toContain("\n5999 x");
  expect(text.match(/^\[okstra: \d+ bytes left out here\]$/gmu)).toHaveLength(1);
});
