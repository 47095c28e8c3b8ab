import { execFile, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { systemClock } from "@okstra/node/clock";
import type { ProcessSpec } from "@okstra/core/ports";
import { bundleProcess } from "@okstra/testkit/processes/bundle-process";
import type { StandInAnswer, StandInOrder } from "@okstra/testkit/processes/okstra-stand-in";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createProcesses } from "./processes.ts";
import { TRANSCRIPT_MAX_BYTES } from "./transcript.ts";

vi.setConfig({ testTimeout: 120_000 });

const PATH = process.env["PATH"] ?? "";
const MEBIBYTE = 1024 * 1024;
const PRIVATE_MOUNTS = ["--user", "--map-root-user", "--mount"];
const hasPrivateMounts = spawnSync("unshare", [...PRIVATE_MOUNTS, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status === 0;
const processes = createProcesses({ clock: systemClock });

let directory: string;
let standIn: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "okstra-output-"));
  standIn = await bundleProcess("okstra-stand-in", directory);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Runs a worker under an okstra of its own, whose memory can be measured. */
async function measure(line: string, transcriptPath: string): Promise<StandInAnswer> {
  const order: StandInOrder = {
    command: ["sh", "-c", line],
    cwd: directory,
    env: { PATH },
    deadlineMs: 0,
    runId: "run-of-a-flood",
    transcriptPath,
    captureBytes: MEBIBYTE,
    handleSignals: false,
  };
  const orderPath = join(directory, "order.json");
  writeFileSync(orderPath, JSON.stringify(order));
  const { stdout } = await promisify(execFile)(process.execPath, [standIn, orderPath]);
  return JSON.parse(stdout) as StandInAnswer;
}

for (const [name, line] of [
  ["in one line without end", "head -c 1G /dev/zero | tr '\\0' a"],
  ["in two-byte lines", "yes | head -c 1G"],
] as const) {
  test(`case 37: 1 GB of output ${name} is bounded in memory, capture and transcript`, async () => {
    const transcriptPath = join(directory, "flood.log");
    const answer = await measure(line, transcriptPath);
    expect(answer).toMatchObject({ ended: "by-itself", exitCode: 0, stdoutBytes: 1024 * MEBIBYTE, truncated: true });
    expect(answer.capturedBytes).toBeLessThanOrEqual(MEBIBYTE + 100);
    expect(answer.capturedBytes).toBeGreaterThan(MEBIBYTE - 100);
    expect(answer.memoryGrowthBytes).toBeLessThan(256 * MEBIBYTE);
    const size = statSync(transcriptPath).size;
    expect(size).toBeLessThanOrEqual(TRANSCRIPT_MAX_BYTES);
    expect(size).toBeGreaterThan(TRANSCRIPT_MAX_BYTES - MEBIBYTE);
    expect(readFileSync(transcriptPath, "utf8").match(/^\[okstra: \d+ bytes left out here\]$/gmu)).toHaveLength(1);
  });
}

function shell(line: string, more: Partial<ProcessSpec> = {}): ProcessSpec {
  return {
    command: ["sh", "-c", line],
    cwd: directory,
    env: { PATH },
    deadlineMs: 0,
    runId: "run-of-some-output",
    transcriptPath: join(directory, "transcript.log"),
    captureBytes: 64 * 1024,
    redact: (text) => text.replaceAll(/canary-[0-9a-f]{32}/gu, "[redacted]"),
    signal: new AbortController().signal,
    ...more,
  };
}

test("case 37: invalid UTF-8, and characters cut by the pipe, become valid UTF-8", async () => {
  const end = await processes.run(shell("printf '\\377\\376ok\\n'; printf '\\355\\225'; sleep 0.1; printf '\\234\\n'"));
  expect(end.stdout.text).toBe("\ufffd\ufffdok\n한\n");
  expect(end.stdout.totalBytes).toBe(9);
  expect(readFileSync(join(directory, "transcript.log"), "utf8")).toBe("\ufffd\ufffdok\n한\n");
});

test("case 55: a canary that comes in pieces is in neither the transcript nor the capture", async () => {
  const canary = `canary-${"0123456789abcdef".repeat(2)}`;
  const pieces = [canary.slice(0, 9), canary.slice(9, 20), canary.slice(20)];
  const both = pieces.map((piece) => `printf ${piece}; printf ${piece} >&2; sleep 0.05`).join("; ");
  const end = await processes.run(
    shell(`${both}; echo " end"; head -c 65530 /dev/zero | tr '\\0' x; echo ${canary}`, { captureBytes: 1024 }),
  );
  const transcript = readFileSync(join(directory, "transcript.log"), "utf8");
  for (const text of [transcript, end.stdout.text, end.stderr.text]) {
    expect(text).toContain("[redacted]");
    for (const piece of pieces) expect(text).not.toContain(piece);
  }
  expect(transcript.split("\n").filter((line) => line.startsWith("[redacted]"))).toEqual(["[redacted] end", "[redacted]"]);
});

test("a transcript is mode 0600 whatever the umask, made anew for each attempt, and no link is followed", async () => {
  const target = join(directory, "target");
  const transcriptPath = join(directory, "linked.log");
  writeFileSync(target, "precious");
  symlinkSync(target, transcriptPath);
  const umask = process.umask(0);
  try {
    await processes.run(shell("echo one; echo two >&2", { transcriptPath }));
    expect(statSync(transcriptPath).mode & 0o777).toBe(0o600);
    await processes.run(shell("printf three", { transcriptPath }));
  } finally {
    process.umask(umask);
  }
  expect(readFileSync(target, "utf8")).toBe("precious");
  expect(readFileSync(transcriptPath, "utf8")).toBe("three\n");
});

test.skipIf(!hasPrivateMounts)(
  "case 24: a disk that fills up under the transcript ends the worker with a clear error (needs unshare and tmpfs)",
  async () => {
    const disk = join(directory, "small-disk");
    mkdirSync(disk);
    const order: StandInOrder = {
      command: ["sh", "-c", "yes | head -c 1000000; sleep 300"],
      cwd: directory,
      env: { PATH },
      deadlineMs: 0,
      runId: "run-on-a-small-disk",
      transcriptPath: join(disk, "transcript.log"),
      captureBytes: 1000,
      isolation: "process-group",
      handleSignals: false,
    };
    const orderPath = join(directory, "small-disk.json");
    writeFileSync(orderPath, JSON.stringify(order));
    const line = 'mount -t tmpfs -o size=64k tmpfs "$1" && exec "$2" "$3" "$4"';
    const { stdout } = await promisify(execFile)("unshare", [
      ...PRIVATE_MOUNTS,
      "sh",
      "-c",
      line,
      "sh",
      disk,
      process.execPath,
      standIn,
      orderPath,
    ]);
    expect(JSON.parse(stdout)).toEqual({ error: "OKSTRA_DISK_FULL" });
  },
);
