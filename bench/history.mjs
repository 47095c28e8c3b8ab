/**
 * What lists of runs cost in a project with many: the newest 20, the newest 1,000, the runs of one task, and making the
 * list anew; beside `node -e 0`, measured in the same rounds. Nothing here fails for being slow.
 *
 * usage: npm run bench:history -- [--runs N] [--rounds N] [--json]
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { median, round } from "./measure.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
// node 20 reads that file at every start: tens of milliseconds of the machine's, not of okstra's.
delete process.env["NODE_EXTRA_CA_CERTS"];
const RUNS_OF_A_TASK = 20;

function readNumber(name, otherwise) {
  const at = process.argv.indexOf(name);
  const value = at < 0 ? otherwise : Number(process.argv[at + 1]);
  if (Number.isSafeInteger(value) && value > 0) return value;
  process.stderr.write(`${name} is to be a number from 1 on\n`);
  process.exit(2);
}

const runs = readNumber("--runs", 10_000);
const rounds = readNumber("--rounds", 11);
const json = process.argv.includes("--json");
const say = (text) => process.stderr.write(`${text}\n`);

/** The log of a whole run, as okstra writes it but for the seals, which no list looks at. */
function eventsOf(number, at) {
  const lane = { worker: "checks", lane: "checks", attempt: 1 };
  const commit = "a".repeat(40);
  const hash = "b".repeat(64);
  const gate = { name: "verdict", kind: "escalation", open: number % 3 !== 0, reasons: ["no-cross-check"], override: null };
  const bodies = [
    {
      type: "run-prepared",
      runId: number.toString(16).padStart(24, "0"),
      taskKey: keyOf(number),
      taskType: "final-verification",
      roster: ["checks"],
      commit,
      executor: null,
      manifestSha256: hash,
    },
    { type: "run-started", attempt: 1, commit, isolation: "pid-namespace", withoutQuota: false },
    { type: "lane-started", ...lane, nonce: "n", commit },
    {
      type: "lane-ended",
      ...lane,
      end: "ok",
      reason: null,
      commit,
      findings: 0,
      receiptSha256: hash,
      resultSha256: hash,
      family: null,
      resumeAt: null,
    },
    { type: "run-converged", round: 1, convergenceSha256: hash, clusters: 0, blockers: 0, kEff: 1 },
    { type: "gate-decided", verdict: "conditional-accept", gate, commit, looked: {} },
    { type: "report-writer-fallback", reason: "not-configured" },
    { type: "report-written", reportSha256: hash },
    { type: "run-validated", ok: true, broken: [] },
    { type: "run-ended", verdict: "conditional-accept", gateOpen: gate.open },
  ];
  return bodies.map((body, index) =>
    JSON.stringify({ seq: index + 1, at: new Date(at + index).toISOString(), prev: "", ...body, keyId: "k", seal: "s" }),
  );
}

const taskOf = (number) => Math.floor(number / RUNS_OF_A_TASK);
const keyOf = (number) => `bench/g${taskOf(number) % 50}/t${taskOf(number)}`;

function generate(project) {
  const records = join(project, ".project-docs/okstra");
  mkdirSync(records, { recursive: true });
  writeFileSync(join(records, "project.json"), JSON.stringify({ schema: 1, projectId: "bench" }));
  for (let number = 0; number < runs; number += 1) {
    const [, group, task] = keyOf(number).split("/");
    const directory = join(
      records,
      "tasks",
      group,
      task,
      "runs/final-verification",
      String((number % RUNS_OF_A_TASK) + 1).padStart(3, "0"),
    );
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "events.jsonl"), `${eventsOf(number, Date.UTC(2026, 0, 1) + number * 60_000).join("\n")}\n`);
  }
}

/** Wall time in milliseconds and the largest resident set in MB of one start of node. */
function start(args, project, home, preload) {
  const began = process.hrtime.bigint();
  const { status, stderr, output } = spawnSync(process.execPath, ["--require", preload, ...args], {
    cwd: project,
    env: { PATH: process.env["PATH"], HOME: home },
    stdio: ["ignore", "ignore", "pipe", "pipe"],
    maxBuffer: 64 * 1024 * 1024,
    encoding: "utf8",
  });
  const ms = Number(process.hrtime.bigint() - began) / 1e6;
  if (status !== 0) throw new Error(`node ${args.join(" ")} ended with ${status}: ${stderr.slice(-500)}`);
  return { ms, rssMb: Number(output[3]) / 1024 };
}

const parent = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
const directory = mkdtempSync(join(parent, "okstra-bench-"));
try {
  const project = join(directory, "project");
  const home = join(directory, "home");
  mkdirSync(home);
  const preload = join(directory, "rss.cjs");
  writeFileSync(preload, 'process.on("exit", () => require("node:fs").writeSync(3, String(process.resourceUsage().maxRSS)));\n');
  say(`writing ${runs} runs ...`);
  generate(project);
  const okstra = (...args) => [join(ROOT, "bin/okstra.js"), ...args, "--json"];
  say("making the list ...");
  const rebuild = start(okstra("index", "rebuild"), project, home, preload);
  const ways = {
    node: ["-e", "0"],
    newest20: okstra("history"),
    newest1000: okstra("history", "--limit", "1000"),
    oneTask: okstra("history", "--task", keyOf(0).split("/").slice(1).join("/")),
  };
  say("reading it ...");
  const measured = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  for (let number = 0; number < rounds; number += 1)
    for (const [name, args] of Object.entries(ways)) measured[name].push(start(args, project, home, preload));
  const node = median(measured.node.map(({ ms }) => ms));
  const describe = (samples) => {
    const ms = median(samples.map((sample) => sample.ms));
    return {
      ms: round(ms, 1),
      extraMs: round(ms - node, 1),
      ratio: round(ms / node),
      rssMb: round(Math.max(...samples.map(({ rssMb }) => rssMb)), 1),
    };
  };
  const answer = {
    runs,
    rounds,
    node: { ms: round(node, 1), rssMb: describe(measured.node).rssMb },
    newest20: describe(measured.newest20),
    newest1000: describe(measured.newest1000),
    oneTask: describe(measured.oneTask),
    rebuild: { ms: round(rebuild.ms, 1), ratio: round(rebuild.ms / node), rssMb: round(rebuild.rssMb, 1) },
  };
  process.stdout.write(`${json ? JSON.stringify(answer, null, 2) : print(answer)}\n`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function print({ node, ...rest }) {
  const rows = ["newest20", "newest1000", "oneTask", "rebuild"].map(
    (name) =>
      `${name.padEnd(11)} ${String(rest[name].ms).padStart(9)} ms  ${String(rest[name].ratio).padStart(7)} x node  ${String(rest[name].rssMb).padStart(6)} MB`,
  );
  return [`${rest.runs} runs; node -e 0 takes ${node.ms} ms and ${node.rssMb} MB`, ...rows].join("\n");
}
