import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { endStarted, startProcess, waitUntil, type StartedProcess } from "@okstra/testkit/faults/start-process";
import { createRunProject } from "@okstra/testkit/run-project";
import { runOkstra } from "@okstra/testkit/run-okstra";
import type { TestProject } from "@okstra/testkit/test-project";
import { afterEach, beforeEach, expect, test } from "vitest";

const DONE = `printf '{"nonce":"%s","findings":[]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"`;

let project: TestProject;
let okstra = "";
beforeEach(async () => {
  project = await createRunProject({
    lines: { two: DONE, waits: `touch "$HOME/began"; while [ ! -e "$HOME/go" ]; do sleep 0.05; done; ${DONE}` },
  });
  okstra = await bundleOkstra(project.home.directory("bundle"));
});
afterEach(async () => {
  await endStarted();
  project.remove();
});

const start = (...argv: readonly string[]): StartedProcess => startProcess([process.execPath, okstra, ...argv], { cwd: project.repo.root });
const run = (task: string, type: string, workers = "silent,two") => project.okstra(["run", task, "-t", type, "--workers", workers]);
const file = (name: string): string => join(project.home.home, name);

/** Watches in a process of its own, from when it has looked at everything. */
async function watch(...flags: readonly string[]): Promise<StartedProcess> {
  const started = start("watch", "--json", "--events", "ndjson", ...flags);
  await waitUntil(() => started.lines().some((line) => line.includes('"type":"watching"')) || !started.isRunning());
  return started;
}

// eslint-disable-next-line typescript/no-explicit-any -- documents of many shapes
function notices(started: StartedProcess): any[] {
  return started.lines().flatMap((line) => (line.startsWith('{"kind":') ? [JSON.parse(line)] : []));
}

const until = (started: StartedProcess, count: number): Promise<void> =>
  waitUntil(() => notices(started).length >= count || !started.isRunning());

test("--once says what waits now, with what goes on; a damaged task is named", async () => {
  const once = () => runOkstra(["watch", "--once"], { cwd: project.repo.root });
  expect(await once()).toMatchObject({ status: 0, stdout: "nothing waits\n" });
  await run("bugs/held", "error-analysis");
  await run("bugs/ready", "final-verification");
  await run("bugs/later", "improvement-discovery");
  await project.okstra(["run", "bugs/prepared", "-t", "final-verification", "--prepare-only", "--workers", "silent"]);
  await project.okstra(["task", "new", "bugs/broken", "--category", "bugfix"]);
  writeFileSync(join(project.repo.root, ".project-docs/okstra/tasks/bugs/broken/events.jsonl"), "no json\n");
  const { json, status } = await project.okstra(["watch", "--once"]);
  expect(status).toBe(0);
  expect(json.notices.map(({ reason, taskKey, verdict }: Record<string, unknown>) => [reason, taskKey, verdict])).toEqual([
    ["gate", "sums/bugs/held", null],
    ["hand-off", "sums/bugs/ready", null],
    ["damaged", "sums/bugs/broken", null],
  ]);
  const { stdout } = await once();
  expect(stdout).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d {2}waits {2}bugs\/held {2}no cause/);
  expect(stdout).toContain('\n    okstra override bugs/held error-analysis --reason "…"\n');
  for (const line of stdout.split("\n").filter((each) => !each.startsWith("    "))) expect([...line].length).toBeLessThanOrEqual(80);
  const elsewhere = await runOkstra(["watch", "--once", "--all", "--json"], { cwd: project.home.directory("elsewhere") });
  expect(JSON.parse(elsewhere.stdout).notices.length).toBe(3);
});

test("it sees what another process does, tells each thing once, and ends with SIGINT by 130", async () => {
  await run("bugs/held", "error-analysis");
  const watching = await watch();
  expect(notices(watching)).toMatchObject([{ kind: "needs-person", reason: "gate", taskKey: "sums/bugs/held", verdict: null }]);
  const other = start("run", "bugs/new", "-t", "error-analysis", "--workers", "silent,two");
  await other.ended;
  await until(watching, 2);
  await run("bugs/new", "improvement-discovery");
  await until(watching, 3);
  await run("bugs/held", "error-analysis");
  await until(watching, 4);
  watching.signal("SIGINT");
  expect((await watching.ended).status).toBe(130);
  expect(notices(watching)).toMatchObject([
    { kind: "needs-person" },
    { kind: "needs-person", reason: "gate", taskKey: "sums/bugs/new", run: 1, verdict: "not-reproduced", gateOpen: false },
    { taskKey: "sums/bugs/new", phase: "improvement-discovery", verdict: expect.any(String), gateOpen: true },
    { kind: "needs-person", taskKey: "sums/bugs/held", run: 2, verdict: "not-reproduced" },
  ]);
});

test("a run that died is told once, and so is its end after it was gone on with", async () => {
  const watching = await watch();
  const dying = start("run", "bugs/dying", "-t", "error-analysis", "--workers", "waits,two");
  await waitUntil(() => existsSync(file("began")));
  dying.signal("SIGKILL", "group");
  await dying.ended;
  await until(watching, 1);
  expect(notices(watching)).toMatchObject([
    { kind: "needs-person", reason: "stopped", taskKey: "sums/bugs/dying", command: "okstra resume bugs/dying --task-type error-analysis" },
  ]);
  rmSync(file("began"));
  const resumed = start("resume", "bugs/dying");
  await waitUntil(() => existsSync(file("began")));
  resumed.signal("SIGINT");
  await resumed.ended;
  await until(watching, 2);
  writeFileSync(file("go"), "");
  await start("resume", "bugs/dying").ended;
  await until(watching, 3);
  expect(notices(watching).slice(1)).toMatchObject([
    { kind: "needs-person", reason: "failed", text: expect.stringContaining("it was interrupted") },
    { kind: "needs-person", reason: "gate", verdict: "not-reproduced" },
  ]);
});

test("--until-idle ends when nothing runs: at once, or with the last run", async () => {
  expect((await runOkstra(["watch", "--until-idle"], { cwd: project.repo.root })).status).toBe(0);
  const running = start("run", "bugs/slow", "-t", "error-analysis", "--workers", "waits,two");
  await waitUntil(() => existsSync(file("began")));
  const watching = await watch("--until-idle");
  expect(watching.isRunning()).toBe(true);
  writeFileSync(file("go"), "");
  expect((await watching.ended).status).toBe(0);
  expect(notices(watching)).toMatchObject([{ kind: "needs-person", taskKey: "sums/bugs/slow", verdict: "not-reproduced" }]);
  expect((await running.ended).status).toBe(10);
});

test("the wall time of a lane of another process is near", async () => {
  const watching = await watch("--all");
  await project.okstra(["run", "bugs/slow", "-t", "error-analysis", "--workers", "hang,two", "--deadline", "3s"]);
  await until(watching, 2);
  expect(notices(watching)).toMatchObject([
    { kind: "budget-near", reason: "wall", run: 1, limit: { scope: "worker", lane: "hang", allowed: "3 s" } },
    { kind: "needs-person", taskKey: "sums/bugs/slow" },
  ]);
});

test("a person is told of what comes after the beginning, and by --once of what is; events are lines of JSON on stderr", async () => {
  const told = join(project.home.root, "told");
  const recorder = join(project.home.root, "tell.mjs");
  writeFileSync(
    recorder,
    `import { appendFileSync, readFileSync } from "node:fs";\nappendFileSync(${JSON.stringify(told)}, readFileSync(0, "utf8"));\n`,
  );
  const way = ["--notify-command", `${process.execPath} ${recorder}`] as const;
  // The last part is a line that is still being written.
  const readTold = (): string[] =>
    (existsSync(told) ? readFileSync(told, "utf8") : "")
      .split("\n")
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { taskKey: string }).taskKey);
  await run("bugs/before", "error-analysis");
  const watching = start("watch", ...way, "--events", "ndjson");
  await waitUntil(() => watching.lines().some((line) => line.includes('"watching"')));
  await run("bugs/after", "error-analysis");
  await waitUntil(() => readTold().length > 0);
  watching.signal("SIGTERM");
  const { status, stderr, stdout } = await watching.ended;
  expect(status).toBe(143);
  expect(readTold()).toEqual(["sums/bugs/after"]);
  expect(stdout).toContain("bugs/before");
  const events = stderr
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { type: string; data?: { taskKey?: string } });
  expect(events.filter(({ type }) => type === "notice").map(({ data }) => data?.taskKey)).toEqual(["sums/bugs/before", "sums/bugs/after"]);
  await project.okstra(["watch", "--once", ...way]);
  expect(readTold().slice(1).sort()).toEqual(["sums/bugs/after", "sums/bugs/before"]);
});

test("the lists being gone or made anew tells nothing twice, and what comes then is seen", async () => {
  await run("bugs/one", "error-analysis");
  const watching = await watch();
  await project.okstra(["index", "rebuild"]);
  await run("bugs/two", "error-analysis");
  await until(watching, 2);
  rmSync(join(project.home.okstraHome, "index"), { recursive: true });
  await run("bugs/three", "error-analysis");
  await until(watching, 3);
  expect(notices(watching).map(({ taskKey }) => taskKey)).toEqual(["sums/bugs/one", "sums/bugs/two", "sums/bugs/three"]);
});

test("what cannot be meant is refused", async () => {
  expect((await project.okstra(["watch", "--once", "--until-idle"])).json.error.code).toBe("OKSTRA_USAGE");
  expect((await project.okstra(["watch", "--once", "--project", "nobody"])).json.error.code).toBe("OKSTRA_USAGE");
  expect((await project.okstra(["watch", "--once", "--notify", "smoke"])).json.error.code).toBe("OKSTRA_USAGE");
});
