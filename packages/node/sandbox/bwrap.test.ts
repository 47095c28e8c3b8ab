import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createProcesses } from "@okstra/node/exec/processes";
import { systemClock } from "@okstra/node/clock";
import type { ProcessEnd, ProcessSpec, SandboxRequest } from "@okstra/core/ports";
import { listMarkedProcesses, waitForMarked } from "@okstra/testkit/processes/marked-processes";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const PATH = process.env["PATH"] ?? "";
const best = createProcesses({ clock: systemClock });
const group = createProcesses({ clock: systemClock, isolation: "process-group" });
const { state, reason } = await best.sandbox();

let base: string;
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "okstra-bwrap-")));
  for (const name of ["open", "open/kept", "secrets/inner", "shut"]) mkdirSync(join(base, name), { recursive: true });
  for (const name of ["open/a", "open/kept/b", "secrets/key", "secrets/inner/c", "shut/d", "token"])
    writeFileSync(join(base, name), "as it was\n");
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const at = (...names: string[]): string[] => names.map((name) => join(base, name));
const request = (more: Partial<SandboxRequest> = {}): SandboxRequest => ({ writable: [], readOnly: [], hidden: [], exposed: [], ...more });

function spec(line: string, sandbox: SandboxRequest | null, more: Partial<ProcessSpec> = {}): ProcessSpec {
  return {
    command: ["sh", "-c", line],
    cwd: base,
    env: { PATH },
    deadlineMs: 60_000,
    runId: `run-${randomBytes(8).toString("hex")}`,
    transcriptPath: null,
    captureBytes: 64 * 1024,
    redact: (text) => text,
    signal: new AbortController().signal,
    sandbox,
    ...more,
  };
}

/** Writes to each place in turn and answers which writes came through. */
async function tryWrites(processes: typeof best, places: readonly string[], sandbox: SandboxRequest): Promise<string[]> {
  const line = 'for each in "$@"; do if (echo changed >"$each") 2>/dev/null; then echo "$each"; fi; done';
  const end = await processes.run(spec("", sandbox, { command: ["sh", "-c", line, "sh", ...places] }));
  expect(end).toMatchObject({ exitCode: 0, sandbox: "bwrap" });
  return end.stdout.text.split("\n").filter((each) => each !== "");
}

test("case 40: a program that is to be sandboxed is never started without", async () => {
  const end: ProcessEnd | string = await best.run(spec(":", request())).catch((error: { code: string }) => error.code);
  if (state === "unavailable") expect(end).toBe("OKSTRA_PREPARE_SANDBOX_UNAVAILABLE");
  else expect(end).toMatchObject({ exitCode: 0, sandbox: state });
  expect(state === "unavailable" ? reason : (reason ?? "none")).toMatch(/\S/u);
  expect((await best.run(spec(":", null))).sandbox).toBe("off");
});

for (const [name, processes] of [
  ["best isolation", best],
  ["process group", group],
] as const) {
  describe.skipIf(state !== "bwrap")(`case 41: in bubblewrap, ${name} (needs a bwrap that works)`, () => {
    test("nothing is written but what is named, and never through a link, a parent's name or /proc", async () => {
      symlinkSync(join(base, "shut"), join(base, "open/link"));
      const places = [
        ...at("open/a", "open/new", "open/kept/b", "open/kept/new", "shut/d", "shut/new", "open/link/d", "open/../shut/d", "token"),
        "/tmp/okstra-sandbox-test",
        "/dev/shm/okstra-sandbox-test",
        `/proc/1/root${base}/shut/d`,
        `/proc/${process.pid}/root${base}/shut/d`,
      ];
      const written = await tryWrites(processes, places, request({ writable: at("open"), readOnly: at("open/kept") }));
      expect(written).toEqual([...at("open/a", "open/new"), "/dev/shm/okstra-sandbox-test"]);
      expect(existsSync("/dev/shm/okstra-sandbox-test")).toBe(false);
      for (const path of at("open/kept/b", "shut/d", "token")) expect(readFileSync(path, "utf8")).toBe("as it was\n");
    });

    test("what is hidden is empty and stays so; what is exposed in it is there, writable or not", async () => {
      const sandbox = request({
        writable: at("open"),
        hidden: at("secrets", "token", "open/kept"),
        exposed: [
          { path: join(base, "secrets/inner"), writable: false },
          { path: join(base, "open/kept/b"), writable: true },
        ],
      });
      const line = "cat secrets/key token; ls -A secrets; cat secrets/inner/c; ls -A open/kept; echo more >>open/kept/b";
      const end = await processes.run(spec(line, sandbox));
      expect(end.stdout.text).toBe("inner\nas it was\nb\n");
      expect(end.exitCode).toBe(0);
      expect(readFileSync(join(base, "open/kept/b"), "utf8")).toBe("as it was\nmore\n");
      const places = at("secrets/key", "secrets/new", "secrets/inner/c", "token", "open/kept/new");
      expect(await tryWrites(processes, places, sandbox)).toEqual([]);
      expect(readdirSync(join(base, "open/kept"))).toEqual(["b"]);
    });

    test("a secret that is reached by a link is hidden where it is; a path that does not exist is passed over", async () => {
      symlinkSync(join(base, "secrets"), join(base, "alias"));
      const sandbox = request({ hidden: at("alias", "absent"), writable: at("absent"), readOnly: at("absent/too") });
      const end = await processes.run(spec("cat alias/key secrets/key || ls -A secrets", sandbox));
      expect(end).toMatchObject({ exitCode: 0, stdout: { text: "" } });
      expect(existsSync(join(base, "absent"))).toBe(false);
    });

    test("no device of the machine is there, and nothing can be mounted or taken away", async () => {
      const sandbox = request({ writable: at("open"), hidden: at("secrets") });
      const line = "for each in /dev/*; do test -b $each && echo $each; done; umount secrets || mount -o remount,rw / || echo kept";
      expect((await processes.run(spec(line, sandbox))).stdout.text).toBe("kept\n");
      // Opened only: a test must not change the machine's own settings where this goes wrong.
      const open =
        "for each in sys/kernel/hostname sysrq-trigger sys/vm/drop_caches; do (: >>/proc/$each) 2>/dev/null && echo $each; done; :";
      expect((await processes.run(spec(open, sandbox))).stdout.text).toBe("");
    });

    test("input, exit status and SIGTERM come through; what ignores it is killed with its children", async () => {
      const sandbox = request({ writable: at("open") });
      const asked = await processes.run(spec("cat; exit 9", sandbox, { stdin: "hello" }));
      expect(asked).toMatchObject({ exitCode: 9, signal: null, stdout: { text: "hello" } });
      const mark = randomBytes(8).toString("hex");
      const talk = async (line: string): Promise<ProcessEnd> => {
        const cancel = new AbortController();
        const running = await processes.start(spec(line, sandbox, { signal: cancel.signal, env: { PATH, OKSTRA_TEST_MARK: mark } }));
        for await (const chunk of running.output) if (Buffer.from(chunk).includes("ready")) cancel.abort();
        return running.ended;
      };
      const polite = await talk("trap 'echo bye; exit 4' TERM; setsid sleep 300 & echo ready; while :; do sleep 0.05; done");
      expect(polite).toMatchObject({ ended: "cancelled", exitCode: 4, stdout: { text: "ready\nbye\n" } });
      expect(listMarkedProcesses(`OKSTRA_TEST_MARK=${mark}`)).toEqual([]);
      const stubborn = await talk("trap '' TERM; setsid sleep 300 & echo ready; while :; do sleep 1; done");
      expect(stubborn).toMatchObject({ ended: "cancelled", sandbox: "bwrap" });
      expect(stubborn.exitCode).not.toBe(0);
      expect(listMarkedProcesses(`OKSTRA_TEST_MARK=${mark}`)).toEqual([]);
    });

    test("other programs' processes are not to be seen", async () => {
      const mark = randomBytes(8).toString("hex");
      const cancel = new AbortController();
      const other = best.run(spec("exec sleep 300", null, { signal: cancel.signal, env: { PATH, OKSTRA_TEST_MARK: mark } }));
      expect(await waitForMarked(`OKSTRA_TEST_MARK=${mark}`, (found) => found.length > 0, 5000)).not.toEqual([]);
      const end = await processes.run(
        spec(`grep -lz OKSTRA_TEST_MARK=${mark} /proc/[0-9]*/environ; ls -d /proc/${process.pid}`, request()),
      );
      cancel.abort();
      expect(end.stdout.text).toBe("");
      expect((await other).ended).toBe("cancelled");
    });
  });
}
