import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { endStarted, startProcess, waitUntil, type StartedProcess } from "@okstra/testkit/faults/start-process";
import { createRunProject } from "@okstra/testkit/run-project";
import { runOkstra, type OkstraAnswer } from "@okstra/testkit/run-okstra";
import type { TestProject } from "@okstra/testkit/test-project";
import { afterEach, beforeEach, expect, test } from "vitest";

const CANARY = "canary-4f1c9d27a6";
const DONE = `printf '{"nonce":"%s","findings":[]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"`;
const HOSTILE = String.raw`printf 'before \033]52;c;aGk=\007\033[2J\302\23331m\342\200\256 after\rover\n'`;

let project: TestProject;
beforeEach(async () => {
  project = await createRunProject({
    lines: {
      talker: `echo one; echo two >&2; ${DONE}`,
      hostile: `${HOSTILE}; ${DONE}`,
      leaky: `printf 'the key is can'; printf '%s\\n' "ary-4f1c9d27a6"; ${DONE}`,
      waits: `echo begins; while [ ! -e "$GO" ]; do sleep 0.05; done; echo goes on; ${DONE}`,
    },
  });
});
afterEach(async () => {
  await endStarted();
  await project.remove();
});

async function okstra(...argv: readonly string[]): Promise<OkstraAnswer> {
  return runOkstra(argv, { cwd: project.repo.root, env: { SERVICE_TOKEN: CANARY } });
}

async function runWorkers(workers: string): Promise<string> {
  return (await okstra("run", "bugs/login", "-t", "final-verification", "--workers", workers, "--json")).json.runDir as string;
}

function documents({ stdout }: { stdout: string }): Record<string, unknown>[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** What an agent's lane leaves. */
function writeEntries(runDir: string, lane: string, ...lines: readonly (object | string)[]): void {
  const text = lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join("");
  writeFileSync(join(runDir, "workers", lane, "transcript.jsonl"), text);
}

test("what programs printed and what agents did, by lane", async () => {
  const runDir = await runWorkers("talker,mute");
  writeEntries(
    runDir,
    "mute",
    { at: "2026-03-10T12:34:56.789Z", kind: "message", text: "First.\nSecond." },
    { at: "2026-03-10T12:35:00.000Z", kind: "tool", text: "reads src/sum.js", data: { path: "src/sum.js" } },
    "not JSON",
    { at: 5, kind: "tool", text: "no entry" },
  );
  const shown = await okstra("logs", "bugs/login");
  expect(shown.status).toBe(0);
  expect(
    shown.stdout
      .split("\n")
      .filter((line) => line !== "")
      .sort(),
  ).toEqual(
    [
      "         talker output  one",
      "         talker output  two",
      "12:34:56 mute message First.",
      "                      Second.",
      "12:35:00 mute tool    reads src/sum.js",
      "         mute output  not JSON",
      '         mute output  {"at":5,"kind":"tool","text":"no entry"}',
    ].sort(),
  );
  const { stdout } = await okstra("logs", "bugs/login", "--worker", "mute", "--json");
  expect(documents({ stdout })).toEqual([
    { lane: "mute", worker: "mute", at: "2026-03-10T12:34:56.789Z", kind: "message", text: "First.\nSecond." },
    { lane: "mute", worker: "mute", at: "2026-03-10T12:35:00.000Z", kind: "tool", text: "reads src/sum.js", data: { path: "src/sum.js" } },
    { lane: "mute", worker: "mute", at: null, kind: "output", text: "not JSON" },
    { lane: "mute", worker: "mute", at: null, kind: "output", text: '{"at":5,"kind":"tool","text":"no entry"}' },
  ]);
});

test("the newest run, or the one that is said", async () => {
  await runWorkers("talker");
  await runWorkers("hostile");
  await okstra("run", "bugs/login", "-t", "error-analysis", "--workers", "talker", "--json");
  const workersOf = async (...argv: string[]): Promise<unknown[]> => [
    ...new Set(documents(await okstra("logs", "bugs/login", "--json", ...argv)).map(({ worker }) => worker)),
  ];
  expect(await workersOf()).toEqual(["talker"]);
  expect(await workersOf("-t", "final-verification")).toEqual(["hostile"]);
  expect(await workersOf("-t", "final-verification", "--run", "1")).toEqual(["talker"]);
  expect(await workersOf("--run", "2")).toEqual(["hostile"]);
  for (const [argv, code] of [
    [["--run", "9"], "OKSTRA_RUN_NOT_FOUND"],
    [["--run", "0"], "OKSTRA_USAGE"],
    [["-t", "release-handoff"], "OKSTRA_RUN_NOT_FOUND"],
    [["-t", "nonsense"], "OKSTRA_TASK_TYPE_UNKNOWN"],
    [["--worker", "nobody"], "OKSTRA_WORKER_NOT_IN_RUN"],
  ] as const) {
    const { json, status } = await okstra("logs", "bugs/login", "--json", ...argv);
    expect(json.error.code).toBe(code);
    expect(status).not.toBe(0);
  }
  expect((await okstra("logs", "no/task", "--json")).json.error.code).toBe("OKSTRA_RUN_NOT_FOUND");
});

test("case 57: terminal escapes of a worker are neutral in every form of the log", async () => {
  const runDir = await runWorkers("hostile,mute");
  const foreign = "\u001B]52;c;aGk=\u0007\u009B31m\u202E\u{E0041}\u2028";
  writeEntries(runDir, "mute", { at: foreign, kind: foreign, text: `a${foreign}b`, data: { [foreign]: [foreign] } }, `raw ${foreign}`);
  const text = await okstra("logs", "bugs/login");
  const json = await okstra("logs", "bugs/login", "--json");
  for (const { stdout, stderr, status } of [text, json]) {
    expect(status).toBe(0);
    expect(stdout + stderr).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
  }
  expect(text.stdout).toContain(String.raw`before \u{1b}]52;c;aGk=\u{7}\u{1b}[2J\u{9b}31m\u{202e} after\u{d}over`);
  expect(JSON.stringify(documents(json))).not.toMatch(/\\u001b|\u009B|\u202E/i);
});

test("case 55: a secret is in no view of the log, whoever wrote it there", async () => {
  const runDir = await runWorkers("leaky,mute");
  writeFileSync(join(project.repo.root, ".env"), 'PASSPHRASE="late "quoted" secret"\n');
  writeEntries(
    runDir,
    "mute",
    { at: "2026-03-10T12:00:00.000Z", kind: "message", text: `it is ${CANARY}`, data: { list: [{ deep: `x${CANARY}x` }], [CANARY]: 1 } },
    { at: "2026-03-10T12:00:00.000Z", kind: "message", text: 'late "quoted" secret' },
    `{ raw ${CANARY}`,
  );
  for (const argv of [[], ["--json"]]) {
    const { stdout, stderr } = await okstra("logs", "bugs/login", ...argv);
    expect(stdout + stderr).not.toContain(CANARY);
    expect(stdout + stderr).not.toMatch(/quoted/);
    expect(stdout).toContain("the key is [redacted]");
    expect(stdout).toContain("it is [redacted]");
  }
});

test("a log is only read: a line that is being written stays as it is", async () => {
  const runDir = await runWorkers("talker");
  const events = join(runDir, "events.jsonl");
  appendFileSync(events, '{"seq":99,"type":"run-');
  const before = readFileSync(events, "utf8");
  expect((await okstra("logs", "bugs/login")).status).toBe(0);
  expect((await okstra("cost", "bugs/login")).status).toBe(0);
  expect(readFileSync(events, "utf8")).toBe(before);
});

interface Follower {
  readonly process: StartedProcess;
  readonly go: () => void;
  readonly run: Promise<OkstraAnswer>;
  readonly runDir: () => string;
}

/** A run whose worker waits, and another process that follows its log. */
async function follow(command: (okstra: string) => readonly [string, ...string[]]): Promise<Follower> {
  const bundle = await bundleOkstra(project.home.directory("bundle"));
  const go = join(project.home.directory("signals"), "go");
  project.repo.write(".project-docs/okstra/project.json", withGo(go));
  const run = runOkstra(["run", "bugs/login", "-t", "final-verification", "--workers", "waits,talker", "--json"], {
    cwd: project.repo.root,
    env: { GO: go, SERVICE_TOKEN: CANARY },
  });
  const runDir = join(project.repo.root, ".project-docs/okstra/tasks/bugs/login/runs/final-verification/001");
  await waitUntil(() => existsSync(join(runDir, "workers/waits/transcript.log")));
  const process = startProcess(command(bundle), {
    cwd: project.repo.root,
    env: { OKSTRA_HOME: project.home.okstraHome, SERVICE_TOKEN: CANARY },
  });
  return { process, go: () => writeFileSync(go, ""), run, runDir: () => runDir };
}

/** The waiting worker may see where its signal will be. */
function withGo(go: string): string {
  const settings = JSON.parse(project.repo.read(".project-docs/okstra/project.json")) as { workers: Record<string, object> };
  return JSON.stringify({ ...settings, workers: { ...settings.workers, waits: { ...settings.workers["waits"], env: ["GO"] } }, note: go });
}

test("a run is followed while it goes on, a lane that is begun again included, until it ends", async () => {
  const {
    process: follower,
    go,
    run,
    runDir,
  } = await follow((okstraPath) => ["node", okstraPath, "logs", "bugs/login", "--follow", "--json"]);
  const texts = (): unknown[] => documents({ stdout: `${follower.lines().join("\n")}\n` }).map(({ text }) => text);
  await waitUntil(() => !follower.isRunning() || texts().includes("begins"));
  mkdirSync(join(runDir(), "workers/talker"), { recursive: true });
  for (const text of ["first try", "second try"]) {
    rmSync(join(runDir(), "workers/talker/transcript.jsonl"), { force: true });
    writeEntries(runDir(), "talker", { at: "2026-03-10T12:00:00.000Z", kind: "message", text });
    await waitUntil(() => !follower.isRunning() || texts().includes(text));
  }
  expect(texts()).not.toContain("goes on");
  expect(follower.isRunning()).toBe(true);
  go();
  expect((await run).status).toBe(0);
  const { status, stderr } = await follower.ended;
  expect([status, stderr]).toEqual([0, ""]);
  expect(texts()).toEqual(expect.arrayContaining(["begins", "one", "two", "first try", "second try", "goes on"]));
  expect(new Set(texts()).size).toBe(texts().length);
}, 60_000);

test("an interrupt ends the following, and the run goes on", async () => {
  const {
    process: follower,
    go,
    run,
  } = await follow((okstraPath) => ["node", okstraPath, "logs", "bugs/login", "-f", "--worker", "waits"]);
  await waitUntil(() => !follower.isRunning() || follower.lines().some((line) => line.endsWith("begins")));
  follower.signal("SIGINT");
  const { signal, stderr } = await follower.ended;
  expect([signal, stderr]).toEqual([null, ""]);
  go();
  expect((await run).status).toBe(0);
}, 60_000);

test("following ends when nobody reads any more", async () => {
  const {
    process: follower,
    go,
    run,
    runDir,
  } = await follow((okstraPath) => [
    "sh",
    "-c",
    `'${process.execPath}' '${okstraPath}' logs bugs/login --follow --worker waits | head -n 1`,
  ]);
  const transcript = join(runDir(), "workers/waits/transcript.jsonl");
  let entries = 0;
  while (follower.isRunning()) {
    appendFileSync(transcript, `${JSON.stringify({ at: "", kind: "note", text: `entry ${entries}` })}\n`);
    entries += 1;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(await follower.ended).toMatchObject({ status: 0, stderr: "" });
  go();
  expect((await run).status).toBe(0);
}, 60_000);
