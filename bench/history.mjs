/**
 * What lists of runs cost: the newest 20 and 1,000 runs, those of one task, how all tasks stand (when they are read for the
 * first time, and again), a search of the reports' text, and making the lists anew; beside `node -e 0`, measured in the
 * same rounds. Without --runs at 1,000, 10,000 and 100,000 runs, with the ratios between them. All is written below one
 * temporary directory, which is removed. Nothing here fails for being slow.
 *
 * usage: npm run bench:history -- [--runs N[,N...]] [--projects N] [--rounds N] [--json] [--below DIR] [--okstra FILE]
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { FIRST_TASK, generateHistory, wordsOf } from "./history/generate.mjs";
import { printHistory } from "./history/print.mjs";
import { median, round } from "./measure.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const USAGE = "usage: npm run bench:history -- [--runs N[,N...]] [--projects N] [--rounds N] [--json] [--below DIR] [--okstra FILE]";
const SIZES = [1000, 10_000, 100_000];
/** What a run takes on a disk with blocks of 4 KiB, and then some. */
const BYTES_OF_A_RUN = 40 * 1024;
/** What takes long is measured less often: as long as all of its rounds took less than this. */
const PATIENCE_MS = 15_000;
/** So long after a change a file's times may not show another one, and okstra keeps nothing of it. */
const SETTLE_MS = 2500;
/** In every round, the rest while there is patience. */
const OFTEN = ["node", "newest20", "newest1000", "oneTask", "status"];

function readOptions() {
  const { values } = parseArgs({
    options: {
      runs: { type: "string" },
      projects: { type: "string", default: "5" },
      rounds: { type: "string", default: "11" },
      json: { type: "boolean", default: false },
      below: { type: "string" },
      okstra: { type: "string", default: join(ROOT, "bin/okstra.js") },
    },
  });
  const readNumber = (name, text) => {
    if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
    throw new Error(`--${name} is to be a number from 1 to 9999999`);
  };
  return {
    sizes: values.runs === undefined ? SIZES : values.runs.split(",").map((text) => readNumber("runs", text)),
    projects: readNumber("projects", values.projects),
    rounds: readNumber("rounds", values.rounds),
    json: values.json,
    below: values.below ?? null,
    okstra: resolve(values.okstra),
  };
}

const say = (text) => process.stderr.write(`${text}\n`);
const children = new Set();
let directory = null;

function cleanUp() {
  for (const child of children) child.kill("SIGKILL");
  if (directory !== null) rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  directory = null;
}

for (const name of ["SIGINT", "SIGTERM", "SIGHUP"])
  process.once(name, () => {
    cleanUp();
    process.exit(128 + constants.signals[name]);
  });

/** In memory where that has room: what the disk does is no matter of okstra's. */
function makeDirectory({ below, sizes }) {
  const bytes = BYTES_OF_A_RUN * sizes.reduce((sum, runs) => sum + runs, 0);
  const shared = "/dev/shm";
  const isRoomy = existsSync(shared) && Number(statfsSync(shared).bavail) * statfsSync(shared).bsize > 2 * bytes;
  return mkdtempSync(join(below ?? (isRoomy ? shared : tmpdir()), "okstra-bench-"));
}

/** Wall time in milliseconds and the largest resident set in MB of one start of node; its answer is read and dropped. */
async function start(args, { cwd, env }, preload) {
  const began = process.hrtime.bigint();
  const child = spawn(process.execPath, ["--require", preload, ...args], { cwd, env, stdio: ["ignore", "ignore", "pipe", "pipe"] });
  children.add(child);
  let stderr = "";
  let rss = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  child.stdio[3].setEncoding("utf8").on("data", (text) => (rss += text));
  let ms = 0;
  child.on("exit", () => (ms = Number(process.hrtime.bigint() - began) / 1e6));
  const status = await new Promise((settle, fail) => child.on("error", fail).on("close", settle));
  children.delete(child);
  if (status !== 0) throw new Error(`node ${args.join(" ")} ended with ${status}: ${stderr.slice(-500)}`);
  return { ms, rssMb: Number(rss) / 1024 };
}

/** One history with all that is measured of it. */
async function prepare(runs, { projects, okstra }) {
  // Names of one length: nothing but the number of runs differs.
  const own = join(directory, String(runs).padStart(8, "0"));
  const home = join(own, "home");
  mkdirSync(home, { recursive: true });
  // Nothing of the person's: node 20 reads NODE_EXTRA_CA_CERTS at every start, tens of milliseconds of the machine's.
  const env = { PATH: process.env["PATH"] ?? "", HOME: home, OKSTRA_HOME: join(home, ".okstra"), GIT_CONFIG_NOSYSTEM: "1" };
  say(`writing ${runs} runs ...`);
  const began = performance.now();
  const [cwd = own] = await generateHistory({ directory: own, runs, projects, okstra: [okstra], env });
  const generateMs = performance.now() - began;
  const command = (...args) => [okstra, ...args, "--json"];
  return {
    runs,
    generateMs,
    surroundings: { cwd, env },
    once: { rebuild: command("index", "rebuild", "--all"), statusFirst: command("status", "--all") },
    ways: {
      node: ["-e", "0"],
      newest20: command("history", "--all"),
      newest1000: command("history", "--all", "--limit", "1000"),
      oneTask: command("history", "--task", FIRST_TASK),
      status: command("status", "--all"),
      search: command("report", "find", "--all", ...wordsOf(Math.floor(runs / 2))),
      rebuild: command("index", "rebuild", "--all"),
    },
    samples: {},
  };
}

async function measure(options) {
  directory = makeDirectory(options);
  const preload = join(directory, "rss.cjs");
  writeFileSync(preload, 'process.on("exit", () => require("node:fs").writeSync(3, String(process.resourceUsage().maxRSS)));\n');
  const histories = [];
  for (const runs of options.sizes) histories.push(await prepare(runs, options));
  const take = async ({ surroundings, samples }, name, args) => {
    (samples[name] ??= []).push(await start(args, surroundings, preload));
  };
  await setTimeout(SETTLE_MS);
  for (const history of histories) {
    say(`reading ${history.runs} runs for the first time ...`);
    for (const [name, args] of Object.entries(history.once)) await take(history, name, args);
  }
  say(`measuring in ${options.rounds} rounds ...`);
  for (let number = 0; number < options.rounds; number += 1)
    for (const history of histories)
      for (const [name, args] of Object.entries(history.ways)) {
        const spentMs = (history.samples[name] ?? []).reduce((sum, { ms }) => sum + ms, 0);
        if (OFTEN.includes(name) || spentMs < PATIENCE_MS) await take(history, name, args);
      }
  return histories.map((history) => describe(history, options));
}

function describe({ runs, generateMs, samples }, { projects, rounds }) {
  const node = median(samples.node.map(({ ms }) => ms));
  const figures = Object.fromEntries(
    Object.entries(samples).map(([name, taken]) => {
      const ms = median(taken.map((sample) => sample.ms));
      const rssMb = round(Math.max(...taken.map((sample) => sample.rssMb)), 1);
      const bestExtraMs = round(leastOf(taken) - leastOf(samples.node), 1);
      return [name, { ms: round(ms, 1), extraMs: round(ms - node, 1), bestExtraMs, ratio: round(ms / node), rssMb, samples: taken.length }];
    }),
  );
  return { runs, projects, rounds, generateMs: round(generateMs, 0), ...figures, node: { ms: figures.node.ms, rssMb: figures.node.rssMb } };
}

/** Of the round in which nothing else kept the machine busy. */
const leastOf = (taken) => Math.min(...taken.map(({ ms }) => ms));

/** How much more each takes at one size than at the smallest: `{ newest20: { "10000": { ms: 1.02, rssMb: 1 } } }`. */
function compare([smallest, ...others]) {
  const names = Object.keys(smallest).filter((name) => typeof smallest[name] === "object" && name !== "node");
  return Object.fromEntries(
    names.map((name) => [
      name,
      Object.fromEntries(
        others.map((other) => [
          other.runs,
          { ms: round(other[name].ms / smallest[name].ms), rssMb: round(other[name].rssMb / smallest[name].rssMb) },
        ]),
      ),
    ]),
  );
}

try {
  const options = readOptions();
  const measured = await measure(options);
  const [only] = measured;
  const answer = measured.length === 1 ? only : { sizes: measured, ratios: compare(measured) };
  process.stdout.write(`${options.json ? JSON.stringify(answer, null, 2) : measured.map(printHistory).join("\n\n")}\n`);
} catch (error) {
  // A signal that ended a child as well is heard first.
  await setTimeout(50);
  process.stderr.write(`${error instanceof Error ? error.message : error}\n${USAGE}\n`);
  process.exitCode = 2;
} finally {
  cleanUp();
}
