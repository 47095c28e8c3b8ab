import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { endStarted, startProcess } from "@okstra/testkit/faults/start-process";
import { createTestHome, type TestHome } from "@okstra/testkit/test-home";

const BENCH = fileURLToPath(new URL("../../../bench/history.mjs", import.meta.url));

let home: TestHome;
afterEach(async () => {
  await endStarted();
  home.remove();
});

async function startBench(...flags: readonly string[]) {
  home = createTestHome();
  const okstra = await bundleOkstra(home.directory("bundle"));
  const below = home.directory("below");
  const bench = startProcess(["node", BENCH, "--below", below, "--okstra", okstra, ...flags], { cwd: home.root });
  return { bench, below };
}

const FIGURES = { ms: expect.any(Number), extraMs: expect.any(Number), ratio: expect.any(Number), rssMb: expect.any(Number) };

test("what lists of runs cost is told at each number of runs, with ratios; nothing is left", { timeout: 120_000 }, async () => {
  const { bench, below } = await startBench("--runs", "20,60", "--projects", "2", "--rounds", "1", "--json");
  const { status, stdout, stderr } = await bench.ended;
  expect([status, status === 0 ? "" : stderr]).toEqual([0, ""]);
  const { sizes, ratios } = JSON.parse(stdout);
  const figures = ["newest20", "newest1000", "oneTask", "status", "statusFirst", "search", "rebuild"];
  expect(sizes.map(({ runs }: { runs: number }) => runs)).toEqual([20, 60]);
  for (const size of sizes) {
    expect(size).toMatchObject({ projects: 2, rounds: 1, node: { ms: expect.any(Number), rssMb: expect.any(Number) } });
    for (const name of figures) expect(size[name], name).toMatchObject(FIGURES);
  }
  for (const name of figures) expect(ratios[name], name).toEqual({ "60": { ms: expect.any(Number), rssMb: expect.any(Number) } });
  expect(readdirSync(below)).toEqual([]);
});

test("whoever interrupts it finds nothing left", { timeout: 120_000 }, async () => {
  const { bench, below } = await startBench("--runs", "1000000");
  await bench.waitForLine("writing 1000000 runs ...");
  expect(readdirSync(below).length).toBe(1);
  bench.signal("SIGINT", "group");
  expect((await bench.ended).status).toBe(130);
  expect(readdirSync(below)).toEqual([]);
});
