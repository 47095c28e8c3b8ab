import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { bundleDriver } from "@okstra/testkit/faults/bundle-driver";
import { endStarted, startProcess, waitUntil, type StartedProcess } from "@okstra/testkit/faults/start-process";
import { listMarkedProcesses, waitForMarked } from "@okstra/testkit/processes/marked-processes";
import { createRunProject } from "@okstra/testkit/run-project";
import type { TestProject } from "@okstra/testkit/test-project";

/** A worker is gone this long after okstra, whatever ended okstra (docs: cases, 35). */
const DEATH_MS = 5000;

/** Many runs in a row: far above what they need on a slow machine. */
const LONG_MS = 300_000;

let bundles: string;
let okstra: string;
let driver: string;
beforeAll(async () => {
  bundles = mkdtempSync(join(tmpdir(), "okstra-bundles-"));
  [okstra, driver] = await Promise.all([bundleOkstra(bundles), bundleDriver("okstra-driver", bundles)]);
});
afterAll(() => rmSync(bundles, { recursive: true, force: true }));

let project: TestProject;
/** Outside of every tree: the workers write a line here when they start. */
let outside: string;
afterEach(async () => {
  await endStarted();
  project.remove();
});

const RESULT = `printf '{"nonce":"%s","findings":[]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"`;
const FINDING = `printf '{"nonce":"%s","findings":[{"claim":"The sum is wrong","category":"correctness","severity":"P2","file":"src/sum.js","quote":"return a + b;"}]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"`;

async function setUp(lines: Readonly<Record<string, string>> = {}): Promise<void> {
  outside = mkdtempSync(join(bundles, "outside-"));
  // A review is what is counted; a vote on somebody's finding is another lane.
  const count = (name: string): string => `if [ "\${OKSTRA_STEP:-review}" = review ]; then echo ${name} >> ${outside}/starts; fi`;
  project = await createRunProject({
    lines: {
      first: `${count("first")}; ${FINDING}`,
      second: `${count("second")}; sleep 0.1; ${RESULT}`,
      stuck: `${count("stuck")}; test -e ${outside}/go || { setsid sleep 600 & sleep 600; }; ${RESULT}`,
      stubborn: `${count("stubborn")}; trap '' TERM INT HUP; test -e ${outside}/go || { sleep 600; sleep 600; }; ${RESULT}`,
      ...lines,
    },
    settings: { qaCommands: [`${count("checks")}; true`] },
  });
}

const starts = (): Readonly<Record<string, number>> => {
  const path = join(outside, "starts");
  const counts: Record<string, number> = {};
  if (existsSync(path)) for (const name of readFileSync(path, "utf8").trim().split("\n")) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
};

const runArguments = (workers: string, type = "final-verification"): readonly string[] => [
  "run",
  "g/t",
  "-t",
  type,
  "--workers",
  workers,
  "--json",
];

function start(argv: readonly string[], program = okstra, env: Readonly<Record<string, string>> = {}): StartedProcess {
  return startProcess([process.execPath, program, ...argv, "--events", "ndjson"], { cwd: project.repo.root, env });
}

interface LoggedEvent {
  readonly type: string;
  readonly worker?: string;
  readonly lane?: string;
}

/** What only the workers of this test's own task have in their environment: another run of the suite may be going on. */
const mark = (): string => `OKSTRA_WORKTREE=${join(project.home.okstraHome, "worktrees/sums/g/t")}`;

/** The newest run; one that was killed before it was prepared is none, and the next has another number. */
function runDirectory(type = "final-verification"): string {
  const parent = join(project.repo.root, ".project-docs/okstra/tasks/g/t/runs", type);
  const numbers = existsSync(parent) ? readdirSync(parent).sort() : [];
  return join(parent, numbers.findLast((number) => existsSync(join(parent, number, "events.jsonl"))) ?? "001");
}

function loadEvents(type?: string): readonly LoggedEvent[] {
  const path = join(runDirectory(type), "events.jsonl");
  if (!existsSync(path)) return [];
  const whole = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return whole.map((line) => JSON.parse(line) as LoggedEvent);
}

/** Lanes that the log has as ended: no resume may ask them again. */
const endedLanes = (): readonly string[] =>
  loadEvents().flatMap((event) => (event.type === "lane-ended" && event.lane === event.worker ? [event.worker ?? ""] : []));

/** A report without what differs from run to run: times, durations, ids. */
function loadReport(path: string): unknown {
  const volatile = new Set([
    "generatedAt",
    "startedAt",
    "durationMs",
    "runId",
    "run",
    "path",
    "root",
    "sourceRoot",
    "note",
    "status",
    "command",
    "convergenceSha256",
  ]);
  return JSON.parse(readFileSync(path, "utf8"), (key, value: unknown) => (volatile.has(key) ? undefined : value));
}

async function expectWhole(json: { state: string; verdict: string; report: { json: string }; runDir: string }): Promise<void> {
  expect(json).toMatchObject({ state: "ended", verdict: "accepted", valid: true });
  expect((await project.okstra(["validate", json.runDir])).json).toMatchObject({ ok: true, broken: [] });
}

describe("case 35: a run that was killed goes on", () => {
  const POINTS = [
    "run-prepared",
    "run-started",
    "lane-started",
    "lane-ended",
    "run-converged",
    "gate-decided",
    "report-writer-fallback",
    "report-written",
    "run-validated",
  ];

  test(
    "killed at each named point: no finished lane is repeated, and the report is the one of an undisturbed run",
    async () => {
      await setUp();
      const undisturbed = await project.okstra(["run", "g/undisturbed", "-t", "final-verification", "--workers", "checks,first,second"]);
      const wanted = JSON.stringify(loadReport(undisturbed.json.report.json)).replaceAll("undisturbed", "t");
      for (const point of POINTS) {
        rmSync(join(project.repo.root, ".project-docs/okstra/tasks/g/t"), { recursive: true, force: true });
        rmSync(join(outside, "starts"), { force: true });
        const killed = await start(runArguments("checks,first,second"), driver, { OKSTRA_TEST_KILL_AT: point }).ended;
        expect([point, killed.signal]).toEqual([point, "SIGKILL"]);
        const before = starts();
        const finished = endedLanes();
        const { json, status } = await project.okstra(["resume", "g/t"]);
        expect([point, status]).toEqual([point, 0]);
        await expectWhole(json);
        for (const [worker, count] of Object.entries(starts()))
          if (finished.includes(worker)) expect([point, worker, count]).toEqual([point, worker, before[worker]]);
        expect(Object.keys(starts()).sort()).toEqual(["checks", "first", "second"]);
        expect(JSON.stringify(loadReport(json.report.json))).toBe(wanted);
      }
    },
    LONG_MS,
  );

  test(
    "killed at random moments, again and again, until it ends",
    async () => {
      await setUp();
      const began = performance.now();
      const undisturbed = await start(["run", "g/undisturbed", "-t", "final-verification", "--workers", "checks,first,second", "--json"])
        .ended;
      const durationMs = performance.now() - began;
      const wanted = JSON.stringify(loadReport(JSON.parse(undisturbed.stdout).report.json)).replaceAll("undisturbed", "t");
      for (let round = 0; round < 5; round += 1) {
        rmSync(join(project.repo.root, ".project-docs/okstra/tasks/g/t"), { recursive: true, force: true });
        rmSync(join(outside, "starts"), { force: true });
        for (let kills = 0; kills < 4; kills += 1) {
          const isPrepared = loadEvents().length > 0;
          const finished = endedLanes();
          const before = starts();
          const running = start(isPrepared ? ["resume", "g/t", "--json"] : runArguments("checks,first,second"));
          const timer = setTimeout(() => running.signal("SIGKILL"), Math.random() * durationMs);
          await running.ended;
          clearTimeout(timer);
          for (const worker of finished) expect([worker, starts()[worker]]).toEqual([worker, before[worker]]);
          if (loadEvents().at(-1)?.type === "run-ended") break;
        }
        const left = await waitForMarked(mark(), (found) => found.length === 0, DEATH_MS);
        expect(left).toEqual([]);
        const isPrepared = loadEvents().length > 0;
        const hasEnded = loadEvents().at(-1)?.type === "run-ended";
        const answer = hasEnded
          ? await project.okstra(["validate", "g/t"])
          : await project.okstra(isPrepared ? ["resume", "g/t"] : runArguments("checks,first,second"));
        expect(answer.status).toBe(0);
        const newest = hasEnded ? join(runDirectory(), "report.json") : answer.json.report.json;
        expect(JSON.stringify(loadReport(newest))).toBe(wanted);
        expect((await project.okstra(["validate", "g/t"])).json).toMatchObject({ ok: true });
      }
    },
    LONG_MS,
  );
});

describe("case 35: a run that was asked to stop", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)("%s: the workers are gone, setsid children too; the status says so and the run goes on", async (signal, status) => {
    await setUp();
    const running = start(runArguments("first,stuck"));
    await waitUntil(() => (starts()["stuck"] ?? 0) > 0 && endedLanes().includes("first"));
    running.signal(signal);
    const ended = await running.ended;
    expect(ended.status).toBe(status);
    expect(listMarkedProcesses(mark())).toEqual([]);
    expect(JSON.parse(ended.stdout).error).toMatchObject({ code: "OKSTRA_INTERRUPTED", kind: "interrupted" });
    expect(JSON.parse(ended.stdout).error.hint).toContain("okstra resume g/t");
    expect(loadEvents().at(-1)?.type).toBe("run-interrupted");
    writeFileSync(join(outside, "go"), "");
    const { json } = await project.okstra(["resume", "g/t"]);
    await expectWhole(json);
    expect(starts()).toEqual({ first: 1, stuck: 2 });
  });

  test("a second Ctrl-C does not wait for a worker that ignores the first", async () => {
    await setUp();
    const running = start(runArguments("stubborn"));
    await waitUntil(() => (starts()["stubborn"] ?? 0) > 0);
    const impatience = setInterval(() => running.signal("SIGINT"), 20);
    const ended = await running.ended;
    clearInterval(impatience);
    expect(ended.status).toBe(130);
    expect(await waitForMarked(mark(), (found) => found.length === 0, DEATH_MS)).toEqual([]);
    writeFileSync(join(outside, "go"), "");
    expect((await project.okstra(["resume", "g/t"])).json).toMatchObject({ state: "ended", valid: true });
  });

  test("cases 35, 36: killed, its workers are gone or found by the next command", async () => {
    await setUp();
    const running = start(runArguments("stuck"));
    await waitUntil(() => (starts()["stuck"] ?? 0) > 0);
    running.signal("SIGKILL");
    await running.ended;
    expect(await waitForMarked(mark(), (found) => found.length === 0, DEATH_MS)).toEqual([]);
    writeFileSync(join(outside, "go"), "");
    expect((await project.okstra(["resume", "g/t"])).json).toMatchObject({ state: "ended", valid: true, lanes: [{ end: "ok" }] });
  });

  test("interrupted while okstra reproduces a cause: the resumed run reproduces it, and asks no worker again", async () => {
    await setUp({
      analyst: `echo analyst >> ${"$"}{OKSTRA_RESULT%/.project-docs/*}/../starts-of-analyst; printf '{"nonce":"%s","findings":[{"claim":"It adds","category":"correctness","severity":"P1","file":"src/sum.js","quote":"return a + b;","reproduction":{"command":"test -e ../../../../../go || sleep 600; exit 1"}}]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"`,
    });
    const running = start(runArguments("analyst", "error-analysis"));
    await waitUntil(() => running.lines().some((line) => line.includes('"reproducing"')));
    running.signal("SIGINT");
    expect((await running.ended).status).toBe(130);
    expect(loadEvents("error-analysis").filter((event) => event.type === "reproduction-executed")).toEqual([]);
    writeFileSync(join(project.home.root, "go"), "");
    const { json } = await project.okstra(["resume", "g/t"]);
    expect(json).toMatchObject({ state: "ended", verdict: "reproduced", valid: true });
    expect(readFileSync(join(project.home.root, "starts-of-analyst"), "utf8")).toBe("analyst\n");
  });
});

describe("cancel", () => {
  test("of a live run stops it and its workers; it cannot be resumed, and a new run starts", async () => {
    await setUp();
    const running = start(runArguments("first,stuck"));
    await waitUntil(() => (starts()["stuck"] ?? 0) > 0);
    const cancelled = await project.okstra(["cancel", "g/t"]);
    expect(cancelled).toMatchObject({ status: 0, json: { state: "cancelled", taskKey: "sums/g/t" } });
    expect(listMarkedProcesses(mark())).toEqual([]);
    const ended = await running.ended;
    expect(ended.status).toBe(130);
    expect(JSON.parse(ended.stdout).error.message).toContain("cancelled");
    for (const command of ["resume", "cancel"])
      expect((await project.okstra([command, "g/t"])).json.error).toMatchObject({ code: "OKSTRA_RUN_ENDED", kind: "conflict" });
    expect((await project.okstra(runArguments("first"))).json).toMatchObject({ run: 2, state: "ended" });
  });

  test("of a run that was only prepared; a task is judged by its other runs", async () => {
    await setUp();
    await project.okstra([...runArguments("first"), "--prepare-only"]);
    expect(await project.okstra(["cancel", "g/t"])).toMatchObject({ status: 0, json: { state: "cancelled" } });
    expect(starts()).toEqual({});
    expect((await project.okstra(["validate", "g/t"])).json.broken).toContainEqual({
      code: "OKSTRA_RULE_VALIDATION",
      message: "the run has not ended: it is cancelled",
    });
    await project.okstra(runArguments("first"));
    expect((await project.okstra(["validate", "g/t"])).json).toMatchObject({ ok: true, runs: [{ ok: true }] });
    expect((await project.okstra(["cancel", "g/none"])).json.error).toMatchObject({ code: "OKSTRA_RUN_NOT_FOUND" });
  });
});

describe("what stands in the way of a resume", () => {
  test("another commit than the run's, by both ids", async () => {
    await setUp();
    const prepared = await project.okstra([...runArguments("first"), "--prepare-only"]);
    await project.repo.commit("moved", { "more.txt": "x\n" }, prepared.json.provision.path);
    const refused = await project.okstra(["resume", "g/t"]);
    expect(refused).toMatchObject({ status: 4, json: { error: { code: "OKSTRA_RUN_COMMIT_MOVED" } } });
    expect(refused.json.error.message).toContain(prepared.json.commit.slice(0, 12));
    expect(starts()).toEqual({});
  });

  test("changes that are in no commit", async () => {
    await setUp();
    const prepared = await project.okstra([...runArguments("first"), "--prepare-only"]);
    project.repo.write("src/sum.js", "changed\n", { at: prepared.json.provision.path });
    for (const argv of [["resume", "g/t"], runArguments("first")])
      expect(await project.okstra(argv)).toMatchObject({ status: 4, json: { error: { code: "OKSTRA_PREPARE_TREE_DIRTY" } } });
    expect(starts()).toEqual({});
  });

  test("a log whose last line is torn was cut by a crash: the line never happened", async () => {
    await setUp();
    const prepared = await project.okstra([...runArguments("first"), "--prepare-only"]);
    const path = join(prepared.json.runDir, "events.jsonl");
    writeFileSync(path, `${readFileSync(path, "utf8")}{"seq":2,"at":"20`);
    expect((await project.okstra(["resume", "g/t"])).json).toMatchObject({ state: "ended", valid: true });
  });

  test("a log that was damaged is named, and a new run does not mind it", async () => {
    await setUp();
    const prepared = await project.okstra([...runArguments("first"), "--prepare-only"]);
    const path = join(prepared.json.runDir, "events.jsonl");
    writeFileSync(path, `not json\n${readFileSync(path, "utf8")}`);
    expect(await project.okstra(["resume", "g/t"])).toMatchObject({ status: 1, json: { error: { code: "OKSTRA_RUN_CORRUPT" } } });
    expect((await project.okstra(runArguments("first"))).json).toMatchObject({ run: 2, state: "ended", valid: true });
    expect((await project.okstra(["resume", "g/t"])).json.error.code).toBe("OKSTRA_RUN_ENDED");
  });
});

describe("verify", () => {
  const VERIFY = ["verify", "--workers", "first,stuck", "--json"];

  test("in place: interrupted, it goes on; its name is the branch's", async () => {
    await setUp();
    const running = start(VERIFY);
    await waitUntil(() => (starts()["stuck"] ?? 0) > 0);
    running.signal("SIGINT");
    const ended = await running.ended;
    expect(ended.status).toBe(130);
    expect(JSON.parse(ended.stdout).error.hint).toBe("Go on with: okstra resume verify/main");
    writeFileSync(join(outside, "go"), "");
    expect((await project.okstra(["resume", "verify/main"])).json).toMatchObject({ state: "ended", verdict: "accepted", valid: true });
    expect(starts()["stuck"]).toBe(2);
    expect((await project.okstra(["resume", "verify/main"])).json.error.hint).toContain("okstra verify");
  });

  test("in a throw-away checkout: interrupted, the checkout is gone, and one is told to verify again", async () => {
    await setUp();
    project.repo.write("notes.txt", "mine\n");
    const running = start(VERIFY);
    await waitUntil(() => (starts()["stuck"] ?? 0) > 0);
    running.signal("SIGINT");
    const ended = await running.ended;
    expect(ended.status).toBe(130);
    expect(JSON.parse(ended.stdout).error.hint).toBe("Start it again: okstra verify");
    expect(readdirSync(join(project.home.okstraHome, "scratch"))).toEqual([]);
    writeFileSync(join(outside, "go"), "");
    const refused = await project.okstra(["resume", "verify/main"]);
    expect(refused.json.error).toMatchObject({ code: "OKSTRA_RUN_COMMIT_MOVED", hint: "Start a new run: okstra verify" });
    expect((await project.okstra(VERIFY)).json).toMatchObject({ run: 2, verdict: "accepted", valid: true });
  });
});
