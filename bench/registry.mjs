import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { median, percentile, round } from "./measure.mjs";

/** One reserve: lock, read, change, write, fsync, rename, fsync of the directory. */
export async function measureRegistry(root, directory, { rows, processes, updates }) {
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
      external: ["fs-native-extensions"],
      logLevel: "error",
      banner: { js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);' },
    });
    const byRows = [];
    for (const count of rows) byRows.push({ rows: count, ...(await run(driver, directory, { rows: count, processes: 1, updates })) });
    const byProcesses = [];
    for (const count of processes)
      byProcesses.push({ processes: count, ...(await run(driver, directory, { rows: 10, processes: count, updates })) });
    return { byRows, byProcesses };
  } finally {
    rmSync(bundle, { recursive: true, force: true });
  }
}

async function run(driver, directory, { rows, processes, updates }) {
  const home = join(directory, `registry-${rows}-${processes}`);
  mkdirSync(join(home, "worktrees"), { recursive: true });
  const tasks = {};
  for (let at = 0; at < rows; at += 1)
    tasks[`p/g/t${at}`] = {
      project_id: "p",
      task_group: "g",
      task_id: `t${at}`,
      repository: "/r/.git",
      worktree_path: `/w/t${at}`,
      branch: `task-t${at}`,
      base_ref: "0".repeat(40),
      created_at: "2026-01-01T00:00:00.000Z",
      last_phase: null,
      status: "active",
    };
  const branches = { "/r/.git": Object.fromEntries(Object.values(tasks).map((row) => [row.branch, `p/g/${row.task_id}`])) };
  writeFileSync(join(home, "worktrees/registry.json"), `${JSON.stringify({ schema: 2, tasks, branches }, null, 2)}\n`);
  const runs = await Promise.all(
    Array.from(
      { length: processes },
      (_, index) =>
        new Promise((resolve, reject) => {
          const child = spawn(process.execPath, [driver, pathToFileURL(home).pathname, String(index), String(updates)], {
            stdio: ["ignore", "pipe", "inherit"],
          });
          let text = "";
          child.stdout.on("data", (chunk) => (text += chunk));
          child.on("error", reject);
          child.on("exit", (status) => (status === 0 ? resolve(JSON.parse(text)) : reject(new Error(`driver ended with ${status}`))));
        }),
    ),
  );
  rmSync(home, { recursive: true, force: true });
  const all = runs.flatMap((each) => each.times);
  const lost = rows + processes * updates - Math.max(...runs.map((each) => each.rows));
  return { updates: all.length, medianMs: round(median(all)), p99Ms: round(percentile(all, 0.99)), lost };
}

const DRIVER = `
import { createLocks } from "@okstra/node/lock/locks";
import { createStore } from "@okstra/node/store/store";
import { createRegistryStore } from "@okstra/node/store/registry-store";
import { randomIds, systemClock } from "@okstra/node/clock";
import { putRow } from "@okstra/core/domain/registry-change";
const [, , home = "", index = "", updates = ""] = process.argv;
const store = createStore();
const registry = createRegistryStore(home, { store, locks: createLocks(home, store), clock: systemClock, ids: randomIds });
const times: number[] = [];
let rows = 0;
for (let at = 0; at < Number(updates); at += 1) {
  const id = "new-" + index + "-" + at;
  const began = performance.now();
  await registry.update((current) => {
    const next = putRow(current, "p/g/" + id, { project_id: "p", task_group: "g", task_id: id, repository: "/r/.git", worktree_path: "/w/" + id, branch: "task-" + id, base_ref: "0".repeat(40), created_at: systemClock.now(), last_phase: null, status: "provisioning" });
    rows = Object.keys(next.tasks).length;
    return { registry: next, result: null };
  });
  times.push(performance.now() - began);
}
process.stdout.write(JSON.stringify({ times, rows }));
`;
