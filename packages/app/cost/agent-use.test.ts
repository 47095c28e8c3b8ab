/** What agents used, from their own streams to the views of it. */
import { bundleScriptedAgent } from "@okstra/testkit/agents/bundle-scripted-agent";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { createRunProject } from "@okstra/testkit/run-project";
import { runOkstra, type OkstraAnswer } from "@okstra/testkit/run-okstra";
import type { TestProject } from "@okstra/testkit/test-project";
import { afterEach, beforeEach, expect, test } from "vitest";

let project: TestProject;
let okstra = "";
beforeEach(async () => {
  project = await createRunProject();
  const directory = project.home.directory("bundles");
  okstra = await bundleOkstra(directory);
  const agent = await bundleScriptedAgent(directory);
  const worker = (mode: string): object => ({ kind: "acp", command: [process.execPath, agent, mode] });
  project.repo.write(
    ".project-docs/okstra/project.json",
    JSON.stringify({ schema: 1, projectId: "sums", workers: { anna: worker("usage"), ben: worker("door"), carl: worker("crash") } }),
  );
});
afterEach(() => project.remove());

function call(...argv: readonly string[]): Promise<OkstraAnswer> {
  return project.okstra(argv, { launcher: [process.execPath, okstra] });
}

function readLines(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("what an agent says that it used and cost is in the events, the sums and the log; what it does not say is unknown", async () => {
  const run = await call("run", "g/t", "-t", "final-verification", "--workers", "anna,ben,carl", "--json", "--events", "ndjson");
  expect(run.json.valid, run.stdout).toBe(true);
  expect(readLines(run.stderr)).toContainEqual(
    expect.objectContaining({
      type: "lane-usage",
      data: expect.objectContaining({ lane: "anna", worker: "anna", cost: expect.objectContaining({ amount: "0.0125", currency: "USD" }) }),
    }),
  );
  const { json } = await call("cost", "g/t", "--json");
  const anna = json.byWorker.find(({ worker }: { worker: string }) => worker === "anna");
  const lane = run.json.lanes.find(({ worker }: { worker: string }) => worker === "anna");
  expect(anna).toMatchObject({ tokens: lane.tokens, cost: [lane.cost], sources: ["agent"], unknownCostLanes: 0 });
  expect(anna).toMatchObject({ cost: [{ amount: "0.0125", currency: "USD" }] });
  expect(anna.tokens).toBeGreaterThan(0);
  const ben = json.byWorker.find(({ worker }: { worker: string }) => worker === "ben");
  expect(ben).toMatchObject({ tokens: 0, cost: [], unknownCostLanes: ben.lanes });
  expect(json.unknown).toEqual(expect.arrayContaining([expect.objectContaining({ reason: "no-usage" })]));
  expect(json.totals.lanes).toBe([...run.json.lanes, ...run.json.verification].length);
  expect(json.damaged).toEqual([]);

  const log = readLines((await call("logs", "g/t", "--worker", "ben", "--json")).stdout);
  expect(new Set(log.map(({ worker }) => worker))).toEqual(new Set(["ben"]));
  expect(log.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["session", "result"]));
  expect(log.every(({ at }) => typeof at === "string")).toBe(true);
  expect((await runOkstra(["logs", "g/t"], { cwd: project.repo.root })).stdout).toMatch(/^\d\d:\d\d:\d\d anna result +delivered by /m);
}, 60_000);
