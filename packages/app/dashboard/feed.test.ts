import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StreamMessage } from "@okstra/core/dashboard/api";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { endStarted, startProcess, waitUntil, type StartedProcess } from "@okstra/testkit/faults/start-process";
import { openApp } from "@okstra/testkit/open-app";
import { createRunProject } from "@okstra/testkit/run-project";
import type { TestProject } from "@okstra/testkit/test-project";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { App } from "../app.ts";
import { createDashboardAnswers, type DashboardAnswers } from "./answers.ts";
import { FeedRing } from "./feed-ring.ts";

const TASK = "bugs/login";
const DONE = `printf '{"nonce":"%s","findings":[]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"`;
const CANARY = "canary-4f1c9d27a6";

let project: TestProject;
let app: App;
let dashboard: DashboardAnswers;
let stop: AbortController;
beforeEach(async () => {
  project = await createRunProject({ lines: { waits: `while [ ! -e "$HOME/go" ]; do sleep 0.02; done; ${DONE}` } });
  app = await openApp({ env: { ...project.home.env, SERVICE_TOKEN: CANARY }, cwd: project.repo.root, emit: () => undefined });
  dashboard = createDashboardAnswers(app);
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await dashboard.close();
  await endStarted();
  project.remove();
});

interface Listener {
  readonly all: { readonly id: string; readonly message: StreamMessage }[];
  readonly ended: Promise<void>;
  readonly stop: AbortController;
}

function listen(after: string | null, of = dashboard): Listener {
  const own = new AbortController();
  stop.signal.addEventListener("abort", () => own.abort());
  const all: Listener["all"] = [];
  const read = async (): Promise<void> => {
    for await (const item of of.feed(after, own.signal)) all.push(item);
  };
  return { all, stop: own, ended: read() };
}

const describeOne = (message: StreamMessage): string =>
  message.kind === "event"
    ? `event ${message.type} ${message.run} ${message.event.seq} ${message.event.type}`
    : message.kind === "change"
      ? `change ${message.taskKey} ${message.state}`
      : message.kind;
const events = ({ all }: Listener): string[] => all.map(({ message }) => describeOne(message)).filter((text) => text.startsWith("event"));
const states = ({ all }: Listener): string[] => all.flatMap(({ message }) => (message.kind === "change" ? [message.state] : []));
const runDir = (run = "001", type = "final-verification"): string =>
  join(project.repo.root, ".project-docs/okstra/tasks", TASK, "runs", type, run);
const written = (run = "001"): string[] =>
  readFileSync(join(runDir(run), "events.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line, at) => `event final-verification ${Number(run)} ${at + 1} ${(JSON.parse(line) as { type: string }).type}`);

async function startRun(workers: string): Promise<StartedProcess> {
  const bundle = await bundleOkstra(project.home.directory("bundle"));
  return startProcess([process.execPath, bundle, "run", TASK, "-t", "final-verification", "--workers", workers, "--json"], {
    cwd: project.repo.root,
    env: project.home.env,
  });
}

test("while another process runs a task, all its events arrive once and in order, over reconnections", async () => {
  const first = listen(null);
  await waitUntil(() => first.all.length > 0);
  expect(first.all[0]?.message).toEqual({ kind: "reset" });

  const run = await startRun("silent,waits");
  await waitUntil(() => events(first).some((text) => text.endsWith("lane-started")));
  first.stop.abort();
  await first.ended;
  // Nobody listens while the run comes to its end.
  writeFileSync(join(project.home.home, "go"), "");
  expect((await run.ended).status).toBe(0);
  const second = listen(first.all.at(-1)?.id ?? null);
  await waitUntil(() => events(second).some((text) => text.endsWith("run-ended")));
  expect([...events(first), ...events(second)]).toEqual(written());
  expect(second.all.map(({ message }) => message.kind)).not.toContain("reset");
  // The lane's nonce is its worker's alone, and what binds an event to its log is of no use here.
  const told = [...first.all, ...second.all].map(({ message }) => JSON.stringify(message)).join("\n");
  expect(told).not.toMatch(/"(?:nonce|prev|seal)"/);
  await waitUntil(() => states(second).at(-1) === "waiting");
});

test("who comes back after every few messages misses none and gets none twice", async () => {
  const baseline = listen(null);
  await waitUntil(() => baseline.all.length > 0);
  const got: Listener["all"] = [];
  let last = baseline.all[0]?.id ?? "";
  writeFileSync(join(project.home.home, "go"), "");
  const run = await startRun("silent,waits,reviewer");
  const isDone = (): boolean => got.some(({ message }) => message.kind === "event" && message.event.type === "run-ended");
  for (let count = 1; !isDone(); count = (count % 4) + 1) {
    const own = new AbortController();
    for await (const item of dashboard.feed(last, own.signal)) {
      got.push(item);
      last = item.id;
      if (isDone() || got.length % count === 0) break;
    }
    own.abort();
  }
  await run.ended;
  expect(events({ ...baseline, all: got })).toEqual(written());
  await waitUntil(() => baseline.all.length > got.length);
  expect(got.map(({ id }) => id)).toEqual(baseline.all.slice(1, got.length + 1).map(({ id }) => id));
});

test("an event arrives within seconds of its writing, and its task's new state after it", async () => {
  const listener = listen(null);
  await waitUntil(() => listener.all.length > 0);
  const run = await startRun("silent,waits");
  const path = join(runDir(), "events.jsonl");
  await waitUntil(() => existsSync(path) && readFileSync(path, "utf8").includes('"lane-started"'));
  const from = performance.now();
  await waitUntil(() => events(listener).some((text) => text.endsWith("lane-started")));
  const event = performance.now() - from;
  await waitUntil(() => states(listener).includes("running"));
  const change = performance.now() - from;
  process.stdout.write(`feed: an event after ${event.toFixed(0)} ms, its change after ${change.toFixed(0)} ms\n`);
  expect(event).toBeLessThan(5000);
  expect(change).toBeLessThan(5000);

  // A leader that dies leaves no word: what stands is found out.
  run.signal("SIGKILL", "group");
  await run.ended;
  await waitUntil(() => states(listener).at(-1) === "stopped");
}, 30_000);

test("a person's words and new tasks are told, also those of before somebody listened again", async () => {
  const listener = listen(null);
  await waitUntil(() => listener.all.length > 0);
  await project.okstra(["task", "new", TASK, "--category", "bugfix"]);
  await waitUntil(() => states(listener).length > 0);
  expect(listener.all.at(-1)?.message).toEqual({
    kind: "change",
    project: "sums",
    group: "bugs",
    task: "login",
    taskKey: "sums/bugs/login",
    state: "due",
  });
  await project.okstra(["run", TASK, "-t", "final-verification", "--workers", "reviewer,silent"]);
  await waitUntil(() => events(listener).some((text) => text.endsWith("run-ended")) && states(listener).at(-1) === "waiting");
  listener.stop.abort();
  await listener.ended;
  await project.okstra(["override", TASK, "final-verification", "--reason", "Known."]);
  await project.okstra(["task", "new", "bugs/other"]);
  const again = listen(listener.all.at(-1)?.id ?? null);
  await waitUntil(() => again.all.some(({ message }) => message.kind === "change" && message.task === "other"));
  await waitUntil(() => events(again).some((text) => text.endsWith("report-written")));
  expect([...events(listener), ...events(again)]).toEqual(written());
});

test("of runs that were there before, only what comes then is told", async () => {
  await project.okstra(["run", TASK, "-t", "final-verification", "--workers", "reviewer,silent"]);
  const before = written().length;
  const listener = listen(null);
  await waitUntil(() => listener.all.length > 0);
  await project.okstra(["override", TASK, "final-verification", "--reason", "Known."]);
  await waitUntil(() => events(listener).some((text) => text.endsWith("report-written")));
  expect(events(listener)).toEqual(written().slice(before));
  // Another run of it, by another process, while the first one is looked at still.
  await project.okstra(["run", TASK, "-t", "final-verification", "--workers", "silent"]);
  await waitUntil(() => events(listener).some((text) => text.startsWith("event final-verification 2") && text.endsWith("run-ended")));
  expect(events(listener)).toEqual([...written().slice(before), ...written("002")]);
});

test("a journal that is damaged while somebody listens is mended, and its run told", async () => {
  await project.okstra(["run", TASK, "-t", "final-verification", "--workers", "silent"]);
  const listener = listen(null);
  await waitUntil(() => listener.all.length > 0);
  const index = join(project.home.okstraHome, "index");
  for (const name of readdirSync(index).filter((each) => each.endsWith(".jsonl"))) writeFileSync(join(index, name), "nothing\n");
  await project.okstra(["run", TASK, "-t", "final-verification", "--workers", "silent"]);
  await waitUntil(() => events(listener).some((text) => text.endsWith("run-ended")));
  expect(events(listener)).toEqual(written("002"));
});

test("two who listen get the same messages from one source", async () => {
  const [one, other] = [listen(null), listen(null)];
  await waitUntil(() => one.all.length > 0 && other.all.length > 0);
  await project.okstra(["run", TASK, "-t", "final-verification", "--workers", "silent"]);
  const isDone = (each: Listener): boolean => events(each).some((text) => text.endsWith("run-ended"));
  await waitUntil(() => isDone(one) && isDone(other));
  expect(events(one)).toEqual(written());
  expect(other.all.slice(0, one.all.length)).toEqual(one.all.slice(0, other.all.length));
});

test("an id of another server, of the future, or of no shape begins with a reset, and a known one does not", async () => {
  const listener = listen(null);
  await waitUntil(() => listener.all.length > 0);
  const own = listener.all[0]?.id ?? "";
  const other = createDashboardAnswers(app);
  const foreign = listen(null, other);
  await waitUntil(() => foreign.all.length > 0);
  for (const id of [foreign.all[0]?.id ?? "", own.replace(/\d+$/, "999"), "nonsense", "", `${own} `]) {
    const one = listen(id);
    await waitUntil(() => one.all.length > 0);
    expect(one.all[0], id).toEqual({ id: own, message: { kind: "reset" } });
  }
  const known = listen(own);
  await project.okstra(["task", "new", TASK]);
  await waitUntil(() => known.all.length > 0);
  expect(known.all[0]?.message.kind).toBe("change");
  await other.close();
  await foreign.ended;
});

test("a feed ends with its signal, and with the dashboard", async () => {
  const [one, other] = [listen(null), listen(null)];
  await waitUntil(() => one.all.length > 0 && other.all.length > 0);
  one.stop.abort();
  await one.ended;
  await dashboard.close();
  await other.ended;
  const late = listen(null);
  await late.ended;
  expect(late.all).toEqual([]);
  const aborted = new AbortController();
  aborted.abort();
  for await (const item of dashboard.feed(null, aborted.signal)) throw new Error(`there was ${item.id}`);
});

test("what an event says is redacted and neutral, and an endless one is told by its kind", async () => {
  const listener = listen(null);
  await waitUntil(() => listener.all.length > 0);
  await startRun("silent,waits");
  await waitUntil(() => events(listener).some((text) => text.endsWith("lane-started")));
  const line = (text: string): string =>
    `${JSON.stringify({ seq: 99, at: "2026-01-01T00:00:00.000Z", type: "lane-activity", worker: "waits", text })}\n`;
  const path = join(runDir(), "events.jsonl");
  appendFileSync(path, `${line(`\u001b[2J\u202e ${CANARY} <script>alert(1)</script>`)}no JSON\n{"type":5}\n${line("x".repeat(100_000))}`);
  const said = () => listener.all.flatMap(({ message }) => (message.kind === "event" && message.event.seq === 99 ? [message.event] : []));
  await waitUntil(() => said().length === 2);
  expect(said()).toEqual([
    {
      seq: 99,
      at: "2026-01-01T00:00:00.000Z",
      type: "lane-activity",
      worker: "waits",
      text: String.raw`\u{1b}[2J\u{202e} [redacted] <script>alert(1)</script>`,
    },
    { seq: 99, at: "2026-01-01T00:00:00.000Z", type: "lane-activity" },
  ]);
});

test("the ring keeps so many messages and characters, and knows from where on it can tell everything", () => {
  const ring = new FeedRing("ab12");
  expect(ring.find("ab12-0")).toBe(0);
  for (let at = 1; at <= 6000; at += 1) ring.add({ kind: "reset" });
  expect([ring.last, ring.idOf(6000), ring.find("ab12-6000"), ring.find("ab12-6001"), ring.find("ab13-6000")]).toEqual([
    6000,
    "ab12-6000",
    6000,
    null,
    null,
  ]);
  expect([ring.find("ab12-1000"), ring.find("ab12-999"), ring.after(999)]).toEqual([1000, null, null]);
  expect(ring.after(5998)?.map(({ number }) => number)).toEqual([5999, 6000]);
  expect(ring.after(1000)).toHaveLength(5000);
  const event = { seq: 1, at: "", type: "x", text: "y".repeat(1024 * 1024) };
  const message = { kind: "event", project: "p", group: "g", task: "t", taskKey: "p/g/t", type: "x", run: 1, event } as const;
  for (let at = 0; at < 40; at += 1) ring.add(message);
  expect(ring.after(6025)).toHaveLength(15);
  expect(ring.after(6020)).toBeNull();
});
