import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { endStarted, startProcess } from "@okstra/testkit/faults/start-process";
import { createRunProject } from "@okstra/testkit/run-project";
import { runOkstra } from "@okstra/testkit/run-okstra";
import type { TestProject } from "@okstra/testkit/test-project";

let project: TestProject;
afterEach(async () => {
  await endStarted();
  project.remove();
});

const status = async (...flags: readonly string[]) => (await project.okstra(["status", ...flags])).json;
const text = async (): Promise<string> => (await runOkstra(["status"], { cwd: project.repo.root })).stdout;

test("what waits for a person comes first, then what can go on; what is handed off or merged last", async () => {
  project = await createRunProject({ lines: { two: `printf '{"nonce":"%s","findings":[]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"` } });
  expect(await text()).toBe("no tasks\n");
  await project.okstra(["task", "new", "bugs/later", "--category", "bugfix"]);
  await project.okstra(["run", "bugs/held", "-t", "error-analysis", "--workers", "silent,two"]);
  await project.okstra(["run", "bugs/ready", "-t", "final-verification", "--workers", "silent,two"]);
  await project.okstra(["run", "bugs/stopped", "-t", "final-verification", "--prepare-only", "--workers", "silent"]);
  const { tasks, counts } = await status();
  expect(tasks.map(({ taskKey, state }: { taskKey: string; state: string }) => `${state} ${taskKey}`)).toEqual([
    "waiting sums/bugs/held",
    "waiting sums/bugs/ready",
    "stopped sums/bugs/stopped",
    "due sums/bugs/later",
  ]);
  expect(counts).toMatchObject({ waiting: 2, stopped: 1, due: 1, running: 0 });
  expect(tasks[1]).toMatchObject({ phase: "release-handoff", command: "okstra handoff bugs/ready", lanes: [] });
  expect((await status("--state", "due")).tasks.length).toBe(1);
  expect((await status("--group", "nothing")).tasks).toEqual([]);
  expect((await status("--since", "1h")).tasks.length).toBe(4);
  expect((await status("--until", "1h")).tasks).toEqual([]);
  expect((await status("--phase", "release-handoff")).tasks.length).toBe(1);
  expect((await project.okstra(["status", "--state", "ill"])).json.error.code).toBe("OKSTRA_USAGE");
  const shown = await text();
  expect(shown).toMatch(/^waiting for you \(2\)\n/);
  for (const line of shown.split("\n").filter((each) => !each.startsWith("    okstra"))) expect([...line].length).toBeLessThanOrEqual(80);
});

test("a lane that runs is shown while its process lives; afterwards the run is stopped, and a damaged task is named", async () => {
  project = await createRunProject();
  const okstra = await bundleOkstra(project.home.directory("bundle"));
  const run = startProcess(["node", okstra, "run", "bugs/slow", "-t", "final-verification", "--workers", "hang", "--events", "ndjson"], {
    cwd: project.repo.root,
  });
  await vi.waitFor(() => expect(run.lines().some((line) => line.includes('"lane-started"'))).toBe(true), { timeout: 60_000 });
  expect((await status()).tasks).toMatchObject([
    { taskKey: "sums/bugs/slow", state: "running", lanes: [{ lane: "hang", worker: "hang" }] },
  ]);
  expect(await text()).toMatch(/^running \(1\)\n {2}bugs\/slow {2}final-verification .*\n {4}hang for \d+s\n/);
  await endStarted();
  expect((await status()).tasks).toMatchObject([
    { state: "stopped", command: "okstra resume bugs/slow --task-type final-verification", lanes: [] },
  ]);
  writeFileSync(join(project.repo.root, ".project-docs/okstra/tasks/bugs/slow/events.jsonl"), "no json\n");
  expect((await status()).tasks).toMatchObject([{ state: "damaged" }]);
});
