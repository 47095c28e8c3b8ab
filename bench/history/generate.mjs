/**
 * Histories that are as long as one wants: one run is really made by okstra, all others are that run under names, numbers
 * and times of their own, with hashes and seals that hold. Each has what okstra reads of a run: its log, manifest and
 * report, and the results of its lanes; pages and transcripts, which nothing reads again, are left out.
 */
import { spawnSync } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { copyFileSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";

const RUNS_OF_A_TASK = 50;
const TASKS_OF_A_GROUP = 25;
const TYPE = "final-verification";
/** A file has at most 65,000 names on ext4, and fewer elsewhere. */
const LINKS_OF_A_FILE = 1000;
const RESULT = "workers/reviewer/result.json";
const CLAIM = "The sum is wrong";
/** How okstra ends when a run's gate waits for a person. */
const HELD = 10;
const FIRST = Date.UTC(2026, 0, 1);
const GIT = ["-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "commit.gpgsign=false"];

/** The words that find run `number` and no other. */
export function wordsOf(number) {
  return ["case", `n${number}n`];
}

/** The key of the first task, as `<group>/<task>`. */
export const FIRST_TASK = nameOf(0);

/**
 * Writes `runs` runs into `projects` projects below a directory.
 * @param {{ directory: string, runs: number, projects: number, okstra: readonly string[], env: Record<string, string> }} options
 *   `okstra`: how node starts okstra; `env`: with the home that seals
 * @returns {Promise<readonly string[]>} the projects' directories
 */
export async function generateHistory({ directory, runs, projects, okstra, env }) {
  const roots = Array.from({ length: projects }, (_, index) => join(directory, `project-${index + 1}`));
  for (const [index, root] of roots.entries()) setUp(root, `bench-${index + 1}`, env);
  const [first] = roots;
  // It is made where none of the copies goes, and taken away afterwards.
  const run = ["run", "template/template", "-t", TYPE, "--workers", "reviewer", "--json"];
  must(process.execPath, [...okstra, ...run], { cwd: first, env, allowed: [0, HELD] });
  const template = readTemplate(first, join(env.OKSTRA_HOME, "seal.key"));
  must(process.execPath, [...okstra, "worktree", "release", "template/template", "--json"], { cwd: first, env });
  rmSync(join(recordsOf(first), "tasks/template"), { recursive: true });
  const results = join(directory, "results");
  mkdirSync(results);
  for (let number = 0; number < runs; number += 1) {
    writeRun(template, { number, roots, results });
    // Whoever interrupts is heard.
    if (number % 200 === 0) await setImmediate();
  }
  for (const root of roots) {
    addBranches(root, Math.ceil(runs / projects / RUNS_OF_A_TASK), env);
    must(process.execPath, [...okstra, "index", "rebuild", "--json"], { cwd: root, env });
  }
  return roots;
}

const recordsOf = (root) => join(root, ".project-docs/okstra");

function setUp(root, projectId, env) {
  mkdirSync(recordsOf(root), { recursive: true });
  writeFileSync(join(root, "sum.js"), "export const sum = (a, b) => a - b;\n");
  const finding = { claim: CLAIM, category: "correctness", severity: "P2", file: "sum.js", startLine: 1, endLine: 1, quote: "a - b" };
  const line = `printf '{"nonce":"%s","findings":[${JSON.stringify(finding)}]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"`;
  const workers = { reviewer: { kind: "command", command: ["sh", "-c", line] } };
  writeFileSync(join(recordsOf(root), "project.json"), JSON.stringify({ schema: 1, projectId, workers }));
  must("git", ["init", "--quiet", "--initial-branch=main", "--template=", root], { cwd: root, env });
  must("git", ["add", "sum.js"], { cwd: root, env });
  // The same commit in all of them, so that what was judged in one is what the others are at.
  const dates = { GIT_AUTHOR_DATE: "2026-01-01T00:00:00Z", GIT_COMMITTER_DATE: "2026-01-01T00:00:00Z" };
  must("git", [...GIT, "commit", "--quiet", "--message=sum"], { cwd: root, env: { ...env, ...dates } });
}

/** The tasks' worktrees are gone, as those of old tasks are; their branches are there. */
function addBranches(root, tasks, env) {
  const lines = Array.from({ length: tasks }, (_, task) => `create refs/heads/task-t${task} HEAD\n`);
  must("git", ["update-ref", "--stdin"], { cwd: root, env, input: lines.join("") });
  must("git", ["pack-refs", "--all"], { cwd: root, env });
}

function must(program, args, { cwd, env, input = "", allowed = [0] }) {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, env, input, encoding: "utf8" });
  if (!allowed.includes(status)) throw new Error(`${program} ${args.join(" ")} ended with ${status}: ${(stderr + stdout).slice(-800)}`);
}

function readTemplate(root, keyPath) {
  const taskDir = join(recordsOf(root), "tasks/template/template");
  const runDir = join(taskDir, "runs", TYPE, "001");
  const read = (path) => JSON.stringify(JSON.parse(readFileSync(path, "utf8")));
  const key = Buffer.from(readFileSync(keyPath, "utf8").trim(), "hex");
  const log = readFileSync(join(runDir, "events.jsonl"), "utf8").trimEnd();
  const events = log.split("\n").map((line) => JSON.parse(line));
  return {
    root,
    key,
    runId: events[0].runId,
    startMs: Date.parse(events[0].at),
    events: log.split("\n"),
    manifest: read(join(runDir, "run.json")),
    report: read(join(runDir, "report.json")),
    task: read(join(taskDir, "task.json")),
    result: readFileSync(join(runDir, RESULT)),
  };
}

function nameOf(task) {
  return `g${Math.floor(task / TASKS_OF_A_GROUP)}/t${task}`;
}

function writeRun(template, { number, roots, results }) {
  // A project has its tasks one after the other, and the runs of all projects come in turn.
  const index = number % roots.length;
  const ofProject = Math.floor(number / roots.length);
  const task = Math.floor(ofProject / RUNS_OF_A_TASK);
  const run = (ofProject % RUNS_OF_A_TASK) + 1;
  const shiftMs = FIRST + number * 60_000 - template.startMs;
  const name = nameOf(task);
  const pairs = [
    ["bench-1/template/template", `bench-${index + 1}/${name}`],
    ["template/template", name],
    [template.root, roots[index]],
    ['"bench-1"', `"bench-${index + 1}"`],
    [template.runId, number.toString(16).padStart(24, "0")],
    ['"run":1,', `"run":${run},`],
    ["task-template", `task-t${task}`],
    [`"${CLAIM}"`, `"${CLAIM}, ${wordsOf(number).join(" ")}"`],
  ];
  const own = (text) =>
    pairs
      .reduce((changed, [from, to]) => changed.replaceAll(from, to), text)
      .replaceAll(/\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, (at) => new Date(Date.parse(at) + shiftMs).toISOString());

  const taskDir = join(recordsOf(roots[index]), "tasks", name);
  const runDir = join(taskDir, "runs", TYPE, String(run).padStart(3, "0"));
  mkdirSync(join(runDir, "workers/reviewer"), { recursive: true });
  const manifest = own(template.manifest);
  const report = own(template.report);
  if (run === 1) {
    const taskJson = JSON.parse(own(template.task));
    const [group, id] = name.split("/");
    writeFileSync(join(taskDir, "task.json"), JSON.stringify({ ...taskJson, group, task: id }));
  }
  writeFileSync(join(runDir, "run.json"), manifest);
  writeFileSync(join(runDir, "report.json"), report);
  writeFileSync(join(runDir, "events.jsonl"), sealEvents(template, own, { manifest, report }));
  const shared = join(results, `${Math.floor(number / LINKS_OF_A_FILE)}.json`);
  if (number % LINKS_OF_A_FILE === 0) writeFileSync(shared, template.result);
  linkOrCopy(shared, join(runDir, RESULT));
}

/** The log with the hashes of this run's own files, chained and sealed as okstra does it. */
function sealEvents({ events, key }, own, { manifest, report }) {
  let prev = "";
  return events
    .map((line) => {
      const { seal: _, ...event } = JSON.parse(own(line));
      if (event.type === "run-prepared") event.manifestSha256 = sha256(manifest);
      if (event.type === "report-written") event.reportSha256 = sha256(report);
      event.prev = prev;
      const seal = createHmac("sha256", key).update(JSON.stringify(event)).digest("hex");
      const text = JSON.stringify({ ...event, seal });
      prev = sha256(text);
      return `${text}\n`;
    })
    .join("");
}

function sha256(text) {
  return createHash("sha256").update(text).digest("hex");
}

function linkOrCopy(from, to) {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}
