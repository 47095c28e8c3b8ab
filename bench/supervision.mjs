import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

/**
 * What it costs to hold a worker: start to end of `true`, plain, held with its tree, and in a sandbox besides; and the
 * largest resident set of a process that reads eight floods at once and throws them away.
 */
export async function measureSupervision(root, directory, { rounds, lanes, bytes }) {
  const cache = join(root, "node_modules", ".cache");
  mkdirSync(cache, { recursive: true });
  const bundle = mkdtempSync(join(cache, "okstra-bench-"));
  const driver = join(bundle, "driver.mjs");
  try {
    await build({
      absWorkingDir: root,
      stdin: { contents: DRIVER, resolveDir: join(root, "packages/cli"), loader: "ts" },
      outfile: driver,
      bundle: true,
      format: "esm",
      platform: "node",
      logLevel: "error",
    });
    const starts = await run(driver, ["starts", directory, String(rounds)]);
    const floods = await run(driver, ["floods", directory, String(lanes), String(bytes)]);
    return { ...starts, ...floods };
  } finally {
    rmSync(bundle, { recursive: true, force: true });
  }
}

function run(driver, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [driver, ...args], { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (part) => (text += part));
    child.on("close", (status) => (status === 0 ? resolve(JSON.parse(text)) : reject(new Error(`the driver ended with ${status}`))));
  });
}

const DRIVER = `
import { spawn } from "node:child_process";
import { createProcesses } from "@okstra/node/exec/processes";
import { systemClock } from "@okstra/node/clock";

const [what, directory, first, second] = process.argv.slice(2);
const processes = createProcesses({ clock: systemClock });
const signal = { aborted: false, addEventListener() {}, removeEventListener() {} };
const spec = (command, more = {}) => ({
  command, cwd: directory, env: { PATH: process.env.PATH }, deadlineMs: 0, runId: "bench", transcriptPath: null,
  captureBytes: 1024, redact: (text) => text, signal, ...more,
});
const sandbox = { writable: [directory], readOnly: [], hidden: [], exposed: [] };
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const round = (value) => Number(value.toFixed(2));
const hasSandbox = (await processes.sandbox()).state !== "unavailable";
const hold = async (more) => {
  const running = await processes.start(spec(["/bin/true"], more));
  for await (const _ of running.output);
  await running.ended;
};
if (what === "starts") {
  const ways = {
    plain: () => new Promise((resolve) => spawn("/bin/true", [], { stdio: ["pipe", "pipe", "pipe"] }).on("close", resolve)),
    held: () => hold({}),
    ...(hasSandbox ? { sandboxed: () => hold({ sandbox }) } : {}),
  };
  for (const way of Object.values(ways)) await way();
  const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  for (let at = 0; at < Number(first); at += 1)
    for (const [name, way] of Object.entries(ways)) {
      const began = performance.now();
      await way();
      times[name].push(performance.now() - began);
    }
  const plain = median(times.plain);
  process.stdout.write(JSON.stringify({
    isolation: await processes.isolation(),
    plainMs: round(plain),
    heldMs: round(median(times.held)),
    heldExtraMs: round(median(times.held) - plain),
    sandboxedMs: hasSandbox ? round(median(times.sandboxed)) : null,
    sandboxedExtraMs: hasSandbox ? round(median(times.sandboxed) - plain) : null,
  }));
} else {
  const flood = async () => {
    const running = await processes.start(spec(["sh", "-c", "yes | head -c " + second]));
    let read = 0;
    for await (const chunk of running.output) read += chunk.length;
    await running.ended;
    return read;
  };
  const idleMb = process.memoryUsage().rss / 2 ** 20;
  const read = await Promise.all(Array.from({ length: Number(first) }, flood));
  process.stdout.write(JSON.stringify({
    lanes: Number(first),
    floodMb: Math.round(read.reduce((sum, each) => sum + each, 0) / 2 ** 20),
    idleRssMb: Math.round(idleMb),
    floodRssMb: Math.round(process.resourceUsage().maxRSS / 1024),
  }));
}
`;
