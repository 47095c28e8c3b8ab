import { appendFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TaskRef, Transcript } from "@okstra/core/dashboard/api";
import { openApp } from "@okstra/testkit/open-app";
import { createRunProject } from "@okstra/testkit/run-project";
import type { TestProject } from "@okstra/testkit/test-project";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { App } from "../app.ts";
import { createDashboardAnswers, type DashboardAnswers } from "./answers.ts";
import { LineFile } from "./line-file.ts";

const REF: TaskRef = { project: "sums", group: "bugs", task: "login" };
const TYPE = "final-verification";

let project: TestProject;
let app: App;
let dashboard: DashboardAnswers;
let runDir: string;
let rest: string;
beforeEach(async () => {
  project = await createRunProject();
  app = await openApp({ env: project.home.env, cwd: project.repo.root, emit: () => undefined });
  dashboard = createDashboardAnswers(app);
  runDir = (await project.okstra(["run", "bugs/login", "-t", TYPE, "--workers", "silent,mute"])).json.runDir;
});
afterEach(async () => {
  await dashboard.close();
  project.remove();
});

/** The run as it was before its lanes ended. */
function reopen(): void {
  const path = join(runDir, "events.jsonl");
  const all = readFileSync(path, "utf8").split(/(?<=\n)/);
  const at = all.findIndex((line) => line.includes('"lane-ended"'));
  writeFileSync(path, all.slice(0, at).join(""));
  rest = all.slice(at).join("");
}
const close = (): void => appendFileSync(join(runDir, "events.jsonl"), rest);
const fileOf = (worker: string): string => join(runDir, "workers", worker, "transcript.log");
const ask = (after: number, worker: string | null = null): Promise<Transcript> =>
  dashboard.transcript(REF, { type: TYPE, run: 1, worker, after });
const texts = ({ lines }: Transcript): string[] => lines.map(({ text }) => text);

test("lines keep their numbers while the lanes of a run that goes on say more, and each is told once", async () => {
  reopen();
  writeFileSync(fileOf("silent"), "s1\ns2\n");
  writeFileSync(fileOf("mute"), "m1\ntor");
  const first = await ask(0);
  expect([texts(first).toSorted(), first.next, first.isEnd]).toEqual([["m1", "s1", "s2"], 3, false]);
  appendFileSync(fileOf("silent"), "s3\n");
  appendFileSync(fileOf("mute"), "n\nlast");
  const second = await ask(first.next);
  expect([texts(second).toSorted(), second.next, second.isEnd]).toEqual([["s3", "torn"], 5, false]);
  expect(await ask(5)).toEqual({ lines: [], next: 5, isEnd: false });
  close();
  expect(await ask(5)).toMatchObject({ lines: [{ text: "last", worker: "mute", kind: "output", at: null }], next: 6, isEnd: true });
  const whole = await ask(0);
  expect(texts(whole)).toEqual([...texts(first), ...texts(second), "last"]);
  const [mute, silent] = [await ask(0, "mute"), await ask(0, "silent")];
  expect([texts(mute), texts(silent), mute.next, silent.next]).toEqual([["m1", "torn", "last"], ["s1", "s2", "s3"], 3, 3]);
  expect(await ask(1_000_000)).toEqual({ lines: [], next: 6, isEnd: true });
});

test("so many lines at once, of long ones fewer, and a part of an endless one", async () => {
  writeFileSync(fileOf("silent"), Array.from({ length: 1201 }, (_, at) => `line ${at}\n`).join(""));
  writeFileSync(fileOf("mute"), "");
  const told: string[] = [];
  const sizes: number[] = [];
  for (let after = 0, page = await ask(0); ; page = await ask(after)) {
    told.push(...texts(page));
    sizes.push(page.lines.length);
    after = page.next;
    if (page.isEnd) break;
  }
  expect(sizes).toEqual([500, 500, 201]);
  expect(told).toEqual(Array.from({ length: 1201 }, (_, at) => `line ${at}`));
  expect(texts(await ask(777)).slice(0, 2)).toEqual(["line 777", "line 778"]);

  writeFileSync(fileOf("mute"), `${"x".repeat(3_000_000)}\n${`${"y".repeat(120_000)}\n`.repeat(60)}after\n`);
  const long = await ask(0, "mute");
  expect([long.lines[0]?.text.length, long.lines[0]?.text.endsWith("x …")]).toEqual([128 * 1024 + 2, true]);
  expect(long.lines.length).toBeLessThan(60);
  expect(long.isEnd).toBe(false);
  const last = await ask(61, "mute");
  expect([texts(last), last.isEnd]).toEqual([["after"], true]);
});

test("a file that a new attempt replaced is told from its beginning, after what was told before", async () => {
  reopen();
  writeFileSync(fileOf("silent"), "one\ntwo\n");
  writeFileSync(fileOf("mute"), "");
  expect((await ask(0)).next).toBe(2);
  writeFileSync(`${fileOf("silent")}.new`, "again\n");
  renameSync(`${fileOf("silent")}.new`, fileOf("silent"));
  expect(await ask(2)).toMatchObject({ lines: [{ text: "again" }], next: 3 });
  // What is gone has numbers and no text any more.
  expect(texts(await ask(0))).toEqual(["again"]);
});

test("entries of an agent are told with their time and kind, and with what is no entry as it is", async () => {
  const entry = { at: "2026-03-10T12:34:56.789Z", kind: "tool", text: "reads a file", data: { path: "a" } };
  writeFileSync(join(runDir, "workers/silent/transcript.jsonl"), `${JSON.stringify(entry)}\nno JSON\n`);
  expect((await ask(0, "silent")).lines).toEqual([
    { lane: "silent", worker: "silent", at: entry.at, kind: "tool", text: "reads a file" },
    { lane: "silent", worker: "silent", at: null, kind: "output", text: "no JSON" },
  ]);
});

test("lines are found by number wherever parts of the file end", async () => {
  const path = join(project.home.root, "lines");
  const lines = Array.from({ length: 3000 }, (_, at) => `${at} ${"é".repeat(at % 300)}`);
  writeFileSync(path, lines.join("\n"));
  const file = new LineFile(app.store, path);
  expect(await file.look(false)).toBe(true);
  expect(file.lines).toBe(2999);
  await file.look(true);
  expect(file.lines).toBe(3000);
  for (const [from, to] of [
    [0, 10],
    [249, 252],
    [1990, 2760],
    [2990, 3000],
    [2999, 5000],
  ] as const) {
    const read: string[] = [];
    for await (const line of file.read(from, to)) read.push(line);
    expect(read).toEqual(lines.slice(from, to));
  }
  writeFileSync(path, "short\n");
  expect(await file.look(true)).toBe(false);
  const absent = new LineFile(app.store, join(project.home.root, "absent"));
  expect([await absent.look(true), absent.lines]).toEqual([true, 0]);
});
