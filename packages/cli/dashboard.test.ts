import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { askRaw, openRaw, type RawAnswer } from "@okstra/testkit/http/raw-http";
import { openApp } from "@okstra/testkit/open-app";
import { createTestProject, type TestProject } from "@okstra/testkit/test-project";
import { openIndex } from "./open-index.ts";
import { runCli } from "./run-cli.ts";

const OPENER = process.platform === "darwin" ? "open" : "xdg-open";

let project: TestProject;
let bundle: string;
const children: ChildProcess[] = [];
beforeAll(async () => {
  project = await createTestProject();
  await project.provision("bugs/login");
  bundle = await bundleOkstra(project.home.directory("bundle"));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});
afterAll(() => project.remove());

interface Started {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly ended: Promise<readonly [code: number | null, signal: string | null]>;
}

/** The real command in a process of its own. */
function spawnDashboard(...argv: readonly string[]): Started {
  const child = spawn(process.execPath, [bundle, "dashboard", ...argv], { cwd: project.repo.root, stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) child[name]!.on("data", (part) => (texts[name] += String(part)));
  const ended = new Promise<readonly [number | null, string | null]>((resolve) =>
    child.on("close", (code, signal) => resolve([code, signal])),
  );
  return { child, stdout: () => texts.stdout, stderr: () => texts.stderr, ended };
}

/** The address that a dashboard prints, as soon as it does. */
async function waitForLine({ stdout, stderr, ended }: Started): Promise<string> {
  let isEnded = false;
  void ended.then(() => (isEnded = true));
  await vi.waitFor(() => expect(stdout().includes("\n") || isEnded, stderr()).toBe(true), { timeout: 30_000, interval: 20 });
  return stdout().split("\n")[0]!;
}

function ask(url: string, target: string, headers: Readonly<Record<string, string>> = {}): Promise<RawAnswer> {
  const { host, port } = new URL(url);
  return askRaw(Number(port), { target, headers: Object.entries({ Host: host, ...headers }) });
}

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const)("case 48: it prints an address that works once, then a cookie does, and %s ends it at once", async (signal, status) => {
  const started = spawnDashboard();
  const url = await waitForLine(started);
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{43}$/);
  const way = url.slice(url.indexOf("/?"));
  expect((await ask(url, "/api/board")).status).toBe(401);
  expect((await ask(url, way, { Host: "evil.test" })).status).toBe(403);
  const entered = await ask(url, way);
  expect([entered.status, entered.headers["location"]]).toEqual([303, "/"]);
  expect((await ask(url, way)).status).toBe(401);
  const cookie = entered.headers["set-cookie"]!.split(";")[0]!;
  const board = await ask(url, "/api/board", { Cookie: cookie });
  expect([board.status, JSON.parse(board.body).projects]).toEqual([200, [{ project: "proj", root: project.repo.root }]]);
  expect((await ask(url, "/", { Cookie: cookie })).body).toContain("not built");

  const { port } = new URL(url);
  const stream = openRaw(Number(port), `GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nCookie: ${cookie}\r\n\r\n`);
  await stream.waitFor("event: reset");
  started.child.kill(signal);
  expect(await started.ended).toEqual([status, null]);
  expect(await stream.ended).toContain("event: reset");
  expect(started.stdout()).toBe(`${url}\n`);
  expect(started.stderr()).toBe("note: this address opens the dashboard once; Ctrl-C ends it\n");
});

test("--json prints one line, and --open opens nothing then", async () => {
  const started = spawnDashboard("--json", "--open");
  const line = JSON.parse(await waitForLine(started));
  expect(line).toEqual({ url: expect.stringContaining(`:${line.port}/?token=`), port: line.port, pid: started.child.pid });
  started.child.kill("SIGINT");
  expect(await started.ended).toEqual([130, null]);
  expect(started.stdout().trimEnd().split("\n")).toHaveLength(1);
  expect(started.stderr()).toBe("");
});

test("a taken port is one line with a code, and the next one that is free is used without a port", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address() as { port: number };
  const refused = spawnDashboard("--port", String(port));
  expect(await refused.ended).toEqual([1, null]);
  await new Promise((resolve) => taken.close(resolve));
  expect(refused.stdout()).toBe("");
  expect(refused.stderr().split("\n")).toEqual([
    `error[OKSTRA_DASHBOARD_PORT_TAKEN]: Port ${port} of 127.0.0.1 is taken.`,
    expect.stringMatching(/^hint: /),
    "",
  ]);
  const asked = spawnDashboard("--port", String(port));
  expect(await waitForLine(asked)).toContain(`http://127.0.0.1:${port}/`);
});

test.each(["x", "65536", "-1", "1e3", "0x50", "80 "])("--port %s is a usage error", async (port) => {
  const { status, stderr } = await runAtTerminal(process.env["PATH"] ?? "", new AbortController().signal, `--port=${port}`);
  expect([status, stderr.split("\n")[0]]).toEqual([2, expect.stringMatching(/^error\[OKSTRA_USAGE\]: --port/)]);
});

/** As at a terminal, in this process; ends when the signal fires. */
async function runAtTerminal(path: string, interrupted: AbortSignal, ...argv: readonly string[]) {
  const env = { ...process.env, PATH: path };
  const cwd = project.repo.root;
  let [stdout, stderr] = ["", ""];
  const status = await runCli(["dashboard", ...argv], {
    streams: { stdout: { write: (text) => void (stdout += text) }, stderr: { write: (text) => void (stderr += text) } },
    env,
    openApp: (emit) => openApp({ env, cwd, emit }),
    openIndex: async () => openIndex({ env, cwd }),
    stdinIsTerminal: true,
    terminal: { input: new PassThrough(), output: new PassThrough() },
    readStdin: async () => "",
    interrupted,
  });
  return { status, stdout, stderr };
}

/** A program that notes what it was started with, and ends with a status. */
function plantOpener(directory: string, status = 0): string {
  const note = join(project.home.root, `opened-${directory.replaceAll("/", "_")}`);
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    join(directory, OPENER),
    `#!/bin/sh\n{ echo "$#"; echo "$1"; } > '${note}.new'\nmv '${note}.new' '${note}'\nexit ${status}\n`,
    {
      mode: 0o755,
    },
  );
  return note;
}

const PATH = process.env["PATH"] ?? "";

test("--open gives the address to the system's opener, never to one of a project, and prints it too", async () => {
  const { path: worktree } = (await project.okstra(["worktree", "show", "bugs/login"])).json as { path: string };
  const planted = [join(project.repo.root, "node_modules/.bin"), join(worktree, "bin")];
  const notes = planted.map((directory) => plantOpener(directory));
  const bin = join(project.home.root, "bin");
  const note = plantOpener(bin);
  const interrupt = new AbortController();
  const running = runAtTerminal([...planted, ".", bin, PATH].join(":"), interrupt.signal, "--open");
  await vi.waitFor(() => expect(existsSync(note)).toBe(true), { timeout: 30_000, interval: 20 });
  interrupt.abort();
  const { stdout, stderr } = await running;
  expect(readFileSync(note, "utf8")).toBe(`1\n${stdout}`);
  expect(stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{43}\n$/);
  expect(stderr).not.toContain("not opened");
  expect(notes.map((each) => existsSync(each))).toEqual([false, false]);
});

test("an opener that fails is told, and the dashboard goes on; one that a signal ended ends it", async () => {
  const bin = join(project.home.root, "failing");
  const note = plantOpener(bin, 3);
  const interrupt = new AbortController();
  const running = runAtTerminal(`${bin}:${PATH}`, interrupt.signal, "--open");
  await vi.waitFor(() => expect(existsSync(note)).toBe(true), { timeout: 30_000, interval: 20 });
  interrupt.abort();
  const failed = await running;
  expect([failed.status, failed.stderr]).toEqual([0, expect.stringContaining(`not opened: ${join(bin, OPENER)} ended with status 3`)]);
  plantOpener(bin, 130);
  expect((await runAtTerminal(`${bin}:${PATH}`, new AbortController().signal, "--open")).status).toBe(130);
});
