import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openApp } from "@okstra/testkit/open-app";
import { createRunProject } from "@okstra/testkit/run-project";
import type { TestProject } from "@okstra/testkit/test-project";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDashboardAnswers, type DashboardAnswers } from "./answers.ts";

let project: TestProject;
let dashboard: DashboardAnswers;
beforeEach(async () => {
  project = await createRunProject();
  dashboard = createDashboardAnswers(await openApp({ env: project.home.env, cwd: project.repo.root, emit: () => undefined }));
});
afterEach(async () => {
  await dashboard.close();
  project.remove();
});

const find = async (q: string, limit = 50): Promise<string[]> =>
  (await dashboard.search({ q, limit })).hits.map(({ taskKey, id }) => `${taskKey}${id === null ? "" : `#${id}`}`);

async function create(task: string, brief: string): Promise<void> {
  const path = join(project.home.root, "brief.md");
  writeFileSync(path, brief);
  expect((await project.okstra(["task", "new", task, "--brief", path])).status).toBe(0);
}

test("every word must occur, whatever its case and however its letters are composed", async () => {
  await create("bugs/login", "# Die T\u00fcr klemmt\n\nSeit gestern.\n");
  await create("bugs/door", "Nothing\n");
  expect(await find("T\u00dcR klemmt")).toEqual(["sums/bugs/login"]);
  expect(await find("tu\u0308r GESTERN bugs")).toEqual(["sums/bugs/login"]);
  expect(await find("t\u00fcr morgen")).toEqual([]);
  expect(await find("bugs")).toEqual(["sums/bugs/door", "sums/bugs/login"]);
  const [hit] = (await dashboard.search({ q: "klemmt", limit: 1 })).hits;
  expect(hit).toEqual({
    project: "sums",
    group: "bugs",
    task: "login",
    what: "task",
    taskKey: "sums/bugs/login",
    id: null,
    title: "Die T\u00fcr klemmt",
    severity: null,
    state: null,
    file: null,
    line: null,
  });
});

test("what is written between two searches is found by the second, and at once by several", async () => {
  await create("bugs/login", "One\n");
  expect(await find("wrong")).toEqual([]);
  await project.okstra(["run", "bugs/login", "-t", "final-verification", "--workers", "reviewer,silent"]);
  expect(await find("sum wrong")).toEqual(["sums/bugs/login#F1"]);
  await create("bugs/other", "Sum is wrong\n");
  const all = await Promise.all(["sum wrong", "wrong", "sum.js f1", "other"].map((q) => find(q)));
  expect(all).toEqual([
    ["sums/bugs/other", "sums/bugs/login#F1"],
    ["sums/bugs/other", "sums/bugs/login#F1"],
    ["sums/bugs/login#F1"],
    ["sums/bugs/other"],
  ]);
  expect(await dashboard.search({ q: "wrong", limit: 1 })).toMatchObject({ hits: [{ task: "other" }], isCut: true });
});

test("runs of okstra verify are no tasks", async () => {
  await project.okstra(["verify", "--workers", "reviewer,silent"]);
  expect(await find("sum wrong")).toEqual([]);
});
