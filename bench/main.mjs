/**
 * What okstra costs, as medians and ratios measured in one run; nothing here fails for being slow.
 *
 * usage: npm run bench [-- --json]
 */
import { existsSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { measureRegistry } from "./registry.mjs";
import { measureStartUp } from "./start-up.mjs";
import { measureSupervision } from "./supervision.mjs";
import { measureWorktrees } from "./worktrees.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const NEEDED_BYTES = 1024 * 1024 * 1024;
// node 20 reads that file at every start: tens of milliseconds of the machine's, not of okstra's.
delete process.env["NODE_EXTRA_CA_CERTS"];
const json = process.argv.includes("--json");
const say = (text) => process.stderr.write(`${text}\n`);

/**
 * The ordinary temporary directory, where a worktree costs what it costs a person, and memory beside it where there
 * is room: there nothing but processes and system calls is left to measure.
 */
function pickDirectories() {
  const memory = "/dev/shm";
  const { bavail, bsize } = existsSync(memory) ? statfsSync(memory) : { bavail: 0, bsize: 0 };
  const places = [{ storage: "disk", directory: mkdtempSync(join(tmpdir(), "okstra-bench-")) }];
  if (bavail * bsize > NEEDED_BYTES) places.push({ storage: "memory", directory: mkdtempSync(join(memory, "okstra-bench-")) });
  return places;
}

const places = pickDirectories();
const [{ directory }] = places;
try {
  say("start-up ...");
  const startUp = measureStartUp(ROOT, 21);
  const worktrees = [];
  for (const place of places) {
    for (const [files, rounds] of [
      [50, 11],
      [20_000, 9],
    ]) {
      say(`worktrees of ${files} files, ${place.storage} ...`);
      worktrees.push({ storage: place.storage, ...measureWorktrees(ROOT, place.directory, files, rounds) });
    }
  }
  say("registry ...");
  const registry = await measureRegistry(ROOT, directory, { rows: [10, 1000, 10_000], processes: [1, 8, 32], updates: 20 });
  say("supervision ...");
  const supervision = await measureSupervision(ROOT, directory, { rounds: 41, lanes: 8, bytes: 512 * 1024 * 1024 });
  const answer = {
    node: process.versions.node,
    startUp,
    worktrees,
    registry,
    supervision,
  };
  process.stdout.write(json ? `${JSON.stringify(answer, null, 2)}\n` : `${print(answer)}\n`);
} finally {
  for (const place of places) rmSync(place.directory, { recursive: true, force: true });
}

function print({ startUp, worktrees, registry, supervision }) {
  return [
    `start-up          node -e 0 ${startUp.nodeMs} ms · --version ${startUp.versionMs} ms (${startUp.versionRatio} x, loads ${startUp.versionLoadsBytes} bytes) · --help ${startUp.helpMs} ms (${startUp.helpRatio} x)`,
    ...worktrees.map(
      (each) =>
        `${String(each.files).padEnd(6)} files ${each.storage.padEnd(6)} git worktree add ${each.gitWorktreeAddMs} ms · created ${each.createdMs} ms (${each.createdRatio} x; ${each.createdLessNodeRatio} x without node's own start) · reused ${each.reusedMs} ms (${each.reusedRatio} x) · git processes ${each.createdGitCalls} and ${each.reusedGitCalls}`,
    ),
    ...registry.byRows.map((each) => `registry ${String(each.rows).padEnd(6)} rows  reserve ${each.medianMs} ms, p99 ${each.p99Ms} ms`),
    ...registry.byProcesses.map(
      (each) =>
        `registry ${String(each.processes).padEnd(3)} processes  reserve ${each.medianMs} ms, p99 ${each.p99Ms} ms, ${each.lost} of ${each.updates} lost`,
    ),
    `a worker's start   plain ${supervision.plainMs} ms · held ${supervision.heldMs} ms (+ ${supervision.heldExtraMs} ms, ${supervision.isolation}) · in a sandbox ${supervision.sandboxedMs ?? "-"} ms (+ ${supervision.sandboxedExtraMs ?? "-"} ms)`,
    `${supervision.lanes} lanes flooding  ${supervision.floodMb} MB read, at most ${supervision.floodRssMb} MB resident (${supervision.idleRssMb} MB before)`,
  ].join("\n");
}
