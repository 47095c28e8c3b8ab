import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundleDriver } from "@okstra/testkit/faults/bundle-driver";
import { endStarted, startProcess } from "@okstra/testkit/faults/start-process";
import { createHandoffProject, type HandoffProject } from "@okstra/testkit/handoff-project";

let work: HandoffProject;
let driver = "";
beforeAll(async () => {
  work = await createHandoffProject({ commits: ["One", "Two"] });
  driver = await bundleDriver("okstra-driver", work.project.home.directory("driver"));
});
afterAll(async () => {
  await endStarted();
  work.project.remove();
});

/** What is written down in the course of a hand-off, in its order. */
const POINTS = [
  "handoff-chosen",
  "run-started",
  "handoff-called",
  "remote-asked",
  "push-started",
  "push-ended",
  "branch-moved",
  "handoff-settled",
  "gate-decided",
  "report-written",
  "run-validated",
  "run-ended",
] as const;

test("case 60: killed after each thing that it writes down, one after the other, a hand-off comes to the same end", async () => {
  const { project, task } = work;
  const planned = await project.okstra(["handoff", task, "--plan", "--action", "pr", "--base", "main", "--commits", "squash"]);
  expect(planned.status, planned.stdout + planned.stderr).toBe(0);
  const { hash, plan } = planned.json;
  const killed: string[] = [];
  for (const [at, point] of POINTS.entries()) {
    const argv: readonly [string, ...string[]] = ["node", driver, "handoff", task, ...(at === 0 ? ["--approve", hash] : []), "--json"];
    const ended = await startProcess(argv, { cwd: project.repo.root, env: { OKSTRA_TEST_KILL_AT: point } }).ended;
    if (ended.signal === "SIGKILL") killed.push(point);
    else expect([point, ended.status], ended.stdout + ended.stderr).toEqual([point, 0]);
  }
  expect(killed).toEqual(POINTS);
  const done = await project.okstra(["handoff", task, "--approve", hash]);
  expect([done.status, done.json.verdict, done.json.valid], done.stdout + done.stderr).toEqual([0, "handed-off", true]);
  expect(await work.remoteCommit()).toBe(plan.outgoing);
  expect(await project.repo.resolve(work.branch)).toBe(plan.outgoing);
  const events = readFileSync(join(done.json.runDir, "events.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const pushes = events.filter(({ type, argv }) => type === "handoff-called" && argv.includes("push"));
  expect(pushes.map(({ exitCode }) => exitCode)).toEqual([0]);
});
