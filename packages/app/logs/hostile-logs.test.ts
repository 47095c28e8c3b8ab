import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleScriptedAgent } from "@okstra/testkit/agents/bundle-scripted-agent";
import { openApp } from "@okstra/testkit/open-app";
import { runOkstra } from "@okstra/testkit/run-okstra";
import { createRunProject } from "@okstra/testkit/run-project";
import type { TestProject } from "@okstra/testkit/test-project";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { App } from "../app.ts";
import { followLogs, type LogLine } from "./follow-logs.ts";

let project: TestProject;
let app: App;
let stop: AbortController;
beforeEach(async () => {
  const workers = { anna: { kind: "acp", command: ["false"] }, talker: { kind: "command", command: ["sh", "-c", "echo one; echo two"] } };
  project = await createRunProject({ settings: { workers } });
  app = await openApp({ env: project.home.env, cwd: project.repo.root, emit: () => undefined });
  stop = new AbortController();
});
afterEach(() => {
  stop.abort();
  project.remove();
});

/** A run that has not ended yet: its log without what came after its lanes had started. */
async function openRun(worker: string): Promise<{ runDir: string; started: string; rest: string }> {
  const { json } = await project.okstra(["run", "g/t", "-t", "final-verification", "--workers", worker]);
  const path = join(json.runDir, "events.jsonl");
  const all = readFileSync(path, "utf8").split(/(?<=\n)/);
  const at = all.findLastIndex((line) => line.includes('"lane-started"')) + 1;
  expect(at).toBeGreaterThan(0);
  writeFileSync(path, all.slice(0, at).join(""));
  return { runDir: json.runDir, started: all[at - 1] ?? "", rest: all.slice(at).join("") };
}

function open(options: { follow: boolean }): AsyncGenerator<LogLine> {
  return followLogs(app, { task: "g/t", dir: project.repo.root, taskType: null, run: null, worker: null, ...options }, stop.signal);
}

async function next(lines: AsyncGenerator<LogLine>): Promise<string> {
  const { done, value } = await lines.next();
  return done === true ? "(end)" : `${value.lane} ${value.kind} ${value.text}`;
}

async function readAll(): Promise<string[]> {
  const texts: string[] = [];
  for await (const { text } of open({ follow: false })) texts.push(text);
  return texts;
}

const entry = (text: string): string => `${JSON.stringify({ at: "2026-03-01T10:20:30.000Z", kind: "message", text })}\n`;

test("a transcript that a new attempt replaced is begun again, and a lane that starts later appears", async () => {
  const { runDir, started, rest } = await openRun("anna");
  const events = join(runDir, "events.jsonl");
  const transcript = join(runDir, "workers/anna/transcript.jsonl");
  writeFileSync(transcript, entry("try 1") + entry("torn").slice(0, 20));
  const lines = open({ follow: true });
  expect(await next(lines)).toBe("anna message try 1");
  const second = next(lines);
  writeFileSync(`${transcript}.new`, entry("try 2"));
  renameSync(`${transcript}.new`, transcript);
  expect(await second).toBe("anna message try 2");

  mkdirSync(join(runDir, "workers/anna.votes"));
  writeFileSync(join(runDir, "workers/anna.votes/transcript.jsonl"), entry("my vote"));
  const vote = next(lines);
  appendFileSync(events, started.replace('"lane":"anna"', '"lane":"anna.votes"'));
  expect(await vote).toBe("anna.votes message my vote");

  appendFileSync(join(runDir, "workers/anna.votes/transcript.jsonl"), entry("last words"));
  appendFileSync(events, rest);
  expect(await next(lines)).toBe("anna.votes message last words");
  expect(await next(lines)).toBe("(end)");
});

test("following a run that never ends is over when it is told to be", async () => {
  const { runDir } = await openRun("anna");
  writeFileSync(join(runDir, "workers/anna/transcript.jsonl"), entry("only"));
  const lines = open({ follow: true });
  expect(await next(lines)).toBe("anna message only");
  const waiting = next(lines);
  stop.abort();
  expect(await waiting).toBe("(end)");
});

test("a log that is none shows nothing, and neither a lane's name nor a link leads out of the run", async () => {
  const { runDir, started } = await openRun("talker");
  const events = join(runDir, "events.jsonl");
  mkdirSync(join(runDir, "outside"));
  writeFileSync(join(runDir, "outside/transcript.log"), "outside\n");
  const astray = started.replace('"lane":"talker"', '"lane":"../outside"');
  expect(astray).not.toBe(started);
  writeFileSync(events, `null\n{"type":7}\nrubbish\n${astray}`);
  expect(await readAll()).toEqual([]);
  appendFileSync(events, started);
  expect(await readAll()).toEqual(["one", "two"]);
  const transcript = join(runDir, "workers/talker/transcript.log");
  rmSync(transcript);
  symlinkSync(join(runDir, "outside/transcript.log"), transcript);
  expect(await readAll()).toEqual([]);
});

test("case 57: a text of several lines cannot pass for another lane's line", async () => {
  const { runDir } = await openRun("anna");
  writeFileSync(join(runDir, "workers/anna/transcript.jsonl"), entry("x\n10:20:30 ben message approved\r\n10:20:30 ben message twice"));
  const { stdout } = await runOkstra(["logs", "g/t"], { cwd: project.repo.root });
  expect(stdout).not.toMatch(/^10:20:30 ben/m);
  expect(stdout.trimEnd().split("\n")).toHaveLength(3);
});

test("of a real agent what it said, with the times", async () => {
  const path = join(project.repo.root, ".project-docs/okstra/project.json");
  const settings = JSON.parse(readFileSync(path, "utf8"));
  const agent = await bundleScriptedAgent(project.home.directory("bundles"));
  settings.workers.ben = { kind: "acp", command: [process.execPath, agent, "message"] };
  writeFileSync(path, JSON.stringify(settings));
  await project.okstra(["run", "g/t", "-t", "final-verification", "--workers", "ben"]);
  const { stdout } = await runOkstra(["logs", "g/t", "--json"], { cwd: project.repo.root });
  const lines = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as LogLine);
  expect(lines.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["session", "message", "result"]));
  expect(lines.filter(({ lane, at }) => lane !== "ben" || !Number.isFinite(Date.parse(at ?? "")))).toEqual([]);
});

test("8 MiB are read in pieces of 256 KiB, and only as far as somebody wants them", async () => {
  const { runDir } = await openRun("anna");
  const one = entry("x".repeat(80));
  const count = Math.floor((8 * 1024 * 1024) / one.length);
  writeFileSync(join(runDir, "workers/anna/transcript.jsonl"), one.repeat(count));
  const asked: number[] = [];
  const { store } = app;
  const readPart: App["store"]["readPart"] = async (path, from, length) => {
    const part = await store.readPart(path, from, length);
    if (path.endsWith("transcript.jsonl")) asked.push(part?.bytes.length ?? 0);
    return part;
  };
  app = { ...app, store: { ...store, readPart } };
  const lines = open({ follow: false });
  await next(lines);
  expect(asked).toHaveLength(1);
  let found = 1;
  for await (const { kind } of lines) if (kind === "message") found += 1;
  expect(found).toBe(count);
  expect(Math.max(...asked)).toBe(256 * 1024);
});
