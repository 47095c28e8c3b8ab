import { createHash } from "node:crypto";
import { appendFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TaskEventBody } from "@okstra/core/domain/task-log";
import { openApp } from "@okstra/testkit/open-app";
import { createTestHome, type TestHome } from "@okstra/testkit/test-home";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { App } from "../app.ts";
import { checkTaskLog, openTaskLog } from "./task-log.ts";

let home: TestHome;
let app: App;
let taskDir: string;
let path: string;
beforeEach(async () => {
  home = createTestHome();
  app = await openApp({ env: home.env, cwd: home.root, emit: () => undefined });
  taskDir = home.directory("tasks/g/t");
  path = join(taskDir, "events.jsonl");
});
afterEach(() => home.remove());

const KEY = "p/g/t";
const PLAN = "a".repeat(64);
const approval: TaskEventBody = { type: "plan-approved", run: 1, planSha256: PLAN, by: "ann" };
const answer = (text: string): TaskEventBody => ({ type: "answered", id: "Q1", question: "Which?", text, by: "ann" });
const hash = (text: string): string => createHash("sha256").update(text).digest("hex");
const lines = (): string[] => readFileSync(path, "utf8").split("\n").slice(0, -1);
const write = (all: readonly string[]): void => writeFileSync(path, all.map((line) => `${line}\n`).join(""));

/** The log with every line's number and chain computed again, as a careful forger would. */
function rechain(all: readonly Record<string, unknown>[]): string[] {
  let prev = "";
  return all.map((each, index) => {
    const line = JSON.stringify({ ...each, seq: index + 1, prev });
    prev = hash(line);
    return line;
  });
}

async function fill(): Promise<void> {
  const log = await openTaskLog(app, taskDir, KEY);
  await log.append([answer("left"), answer("right")]);
  await log.append([approval]);
}

test("what is appended is read again, sealed and chained; a task without a log has an empty one", async () => {
  expect(await checkTaskLog(app, taskDir)).toEqual({ events: [], broken: [] });
  await fill();
  const { events, broken } = await checkTaskLog(app, taskDir);
  expect(broken).toEqual([]);
  expect(events.map(({ seq, type }) => [seq, type])).toEqual([
    [1, "answered"],
    [2, "answered"],
    [3, "plan-approved"],
  ]);
  expect(events[2]?.prev).toBe(hash(lines()[1] ?? ""));
});

test("a line without its end never happened, and the next one takes its place", async () => {
  await fill();
  appendFileSync(path, '{"seq":4,"type":"plan-rej');
  expect(await checkTaskLog(app, taskDir)).toMatchObject({ broken: [], events: { length: 3 } });
  await (await openTaskLog(app, taskDir, KEY)).append([answer("again")]);
  expect(await checkTaskLog(app, taskDir)).toMatchObject({ broken: [], events: { length: 4 } });
});

test.each<readonly [string, (all: Record<string, unknown>[]) => string[], RegExp]>([
  ["a word changed", (all) => all.map((each, at) => JSON.stringify(at === 1 ? { ...each, text: "up" } : each)), /line 2 .*seal is wrong/],
  [
    "a word changed and the chain computed again",
    (all) => rechain(all.map((each, at) => (at === 1 ? { ...each, text: "up" } : each))),
    /line 2 .*seal/,
  ],
  [
    "an approval added with a chain that holds",
    (all) => rechain([...all, { ...all[2], planSha256: "b".repeat(64), at: "2026-01-01T00:00:00.000Z" }]),
    /line 4 .*seal is wrong/,
  ],
  ["a line dropped", (all) => all.slice(1).map((each) => JSON.stringify(each)), /line 1 /],
  ["a line dropped and the chain computed again", (all) => rechain(all.slice(1)), /line 1 .*seal/],
  ["lines in another order", (all) => rechain(all.toReversed()), /line 1 .*seal/],
  ["a line twice", (all) => rechain([...all, all[2] ?? {}]), /line 4 .*seal/],
  ["a key that is not this machine's", (all) => rechain(all.map((each) => ({ ...each, keyId: "0".repeat(16) }))), /another machine/],
  ["a line of no kind", (all) => rechain([...all, { ...all[2], type: "gate-opened" }]), /line 4 is no event/],
  ["no JSON", (all) => [...all.map((each) => JSON.stringify(each)), "approved!"], /line 4 is not JSON/],
])("%s is caught, and such a log is not gone on with", async (_, forge, reason) => {
  await fill();
  const before = lines().map((line) => JSON.parse(line) as Record<string, unknown>);
  write(forge(before));
  const { broken } = await checkTaskLog(app, taskDir);
  expect(broken.join("; ")).toMatch(reason);
  await expect(openTaskLog(app, taskDir, KEY)).rejects.toMatchObject({
    code: "OKSTRA_TASK_LOG_CORRUPT",
    hint: expect.stringContaining("mv "),
  });
});

test("the whole log of another task is none of this one's", async () => {
  await fill();
  const other = home.directory("tasks/g/other");
  cpSync(path, join(other, "events.jsonl"));
  const { broken } = await checkTaskLog(app, other);
  expect(broken[0]).toBe("line 1 is of another task");
});

test("a log of another home is not this one's", async () => {
  await fill();
  const env = { ...home.env, OKSTRA_HOME: home.directory("other-home") };
  const other = await openApp({ env, cwd: home.root, emit: () => undefined });
  const { broken } = await checkTaskLog(other, taskDir);
  expect(broken[0]).toContain("another machine or home");
});

test("a log that was damaged after it was opened is not appended to", async () => {
  await fill();
  const log = await openTaskLog(app, taskDir, KEY);
  write(lines().slice(1));
  const damaged = readFileSync(path, "utf8");
  await expect(log.append([approval])).rejects.toMatchObject({ code: "OKSTRA_TASK_LOG_CORRUPT" });
  expect(readFileSync(path, "utf8")).toBe(damaged);
});

test("many that append at once each have their lines, one after the other", async () => {
  mkdirSync(taskDir, { recursive: true });
  const logs = await Promise.all(Array.from({ length: 8 }, () => openTaskLog(app, taskDir, KEY)));
  await Promise.all(logs.map((log, at) => log.append([answer(`${at} one`), answer(`${at} two`)])));
  const { events, broken } = await checkTaskLog(app, taskDir);
  expect(broken).toEqual([]);
  const texts = events.map((event) => (event.type === "answered" ? event.text : ""));
  expect(texts.toSorted()).toEqual(Array.from({ length: 8 }, (_, at) => [`${at} one`, `${at} two`]).flat());
  for (const [at, text] of texts.entries()) if (text.endsWith("one")) expect(texts[at + 1]).toBe(text.replace("one", "two"));
});
