import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRunProject } from "@okstra/testkit/run-project";
import { runOkstra } from "@okstra/testkit/run-okstra";
import type { TestProject } from "@okstra/testkit/test-project";
import { afterEach, beforeEach, expect, test } from "vitest";
import { countCells } from "./cells.ts";

let project: TestProject;
beforeEach(async () => {
  project = await createRunProject();
  for (const [task, category] of [
    ["bugs/one", "bugfix"],
    ["bugs/two", "bugfix"],
    ["feat/three", "feature"],
    ["feat/four", "feature"],
  ] as const)
    await project.okstra(["task", "new", task, "--category", category]);
});
afterEach(() => project.remove());

const okstra = (...argv: readonly string[]) => project.okstra(argv);
const link = (...argv: readonly string[]) => okstra("task", "link", ...argv);
const orderOf = ({ json }: Awaited<ReturnType<typeof okstra>>): readonly string[] =>
  json.tasks.map(({ taskKey }: { taskKey: string }) => taskKey.split("/").slice(1).join("/"));

async function text(...argv: readonly string[]): Promise<string> {
  const { stdout } = await runOkstra(["schedule", ...argv], { cwd: project.repo.root });
  return stdout
    .replaceAll(project.home.root, "<home>")
    .replaceAll(/\d{4}-\d{2}-\d{2} \d{2}:\d{2}/g, "<time>")
    .replaceAll(/\d{8}T\d{6}Z/g, "<stamp>");
}

test("relations and priorities decide the order; what nobody can date is said", async () => {
  expect((await link("bugs/one", "--blocks", "bugs/two", "--blocks", "feat/three")).json).toMatchObject({
    blocks: ["sums/bugs/two", "sums/feat/three"],
    changed: true,
  });
  expect((await link("bugs/one", "--after", "feat/four")).status).toBe(0);
  expect(orderOf(await okstra("schedule"))).toEqual(["feat/four", "bugs/one", "bugs/two", "feat/three"]);
  await link("feat/three", "--priority", "5");
  const planned = await okstra("schedule", "--capacity", "2");
  expect(orderOf(planned)).toEqual(["feat/four", "bugs/one", "feat/three", "bugs/two"]);
  expect(planned.json).toMatchObject({ basis: "none", simulations: 0, capacity: 2, finish: { p50At: null, p90At: null } });
  expect(planned.json.criticalPath.taskKeys.slice(0, 2)).toEqual(["sums/feat/four", "sums/bugs/one"]);
  expect(orderOf(await okstra("schedule", "--group", "feat"))).toEqual(["feat/four", "bugs/one", "feat/three"]);
  expect(orderOf(await project.okstra(["schedule", "--all"], { cwd: project.home.directory("elsewhere") }))).toEqual(orderOf(planned));
  const shown = [await text("--capacity", "2"), await text("--format", "md"), await text("--format", "ics")];
  for (const line of (shown[0] ?? "").split("\n")) expect(countCells(line), line).toBeLessThanOrEqual(80);
  for (const line of (shown[2] ?? "").trimEnd().split("\r\n")) expect(Buffer.byteLength(line), line).toBeLessThanOrEqual(75);
  expect(shown.join("\n")).toMatchSnapshot();
});

test("a circle is refused before anything is written, and a relation is taken away again", async () => {
  await link("bugs/two", "--after", "bugs/one");
  await link("feat/three", "--after", "bugs/two");
  const refused = await link("bugs/one", "--after", "feat/three");
  expect([refused.status, refused.json.error.code]).toEqual([4, "OKSTRA_TASK_LINK_CYCLE"]);
  expect(refused.json.error.details.cycle.toSorted()).toEqual(["sums/bugs/one", "sums/bugs/two", "sums/feat/three"]);
  expect((await link("bugs/one", "--after", "bugs/one")).status).not.toBe(0);
  expect((await link("bugs/one", "--after", "no/where")).status).not.toBe(0);
  expect((await link("bugs/one")).json).toMatchObject({ after: [], blocks: ["sums/bugs/two"], changed: false });
  expect((await link("bugs/two", "--after", "bugs/one", "--unlink")).json).toMatchObject({ after: [], changed: true });
  expect((await link("bugs/one", "--after", "feat/three")).status).toBe(0);
  expect((await okstra("task", "show", "bugs/one")).status).toBe(0);
});

test("a forecast is kept, compared later, and a damaged one is named", async () => {
  expect((await okstra("schedule", "check")).json.error.code).toBe("OKSTRA_SCHEDULE_NOT_KEPT");
  const { json } = await okstra("schedule", "--save");
  expect(json.saved).toBe(join(project.repo.root, ".project-docs/okstra/schedule.json"));
  const checked = await okstra("schedule", "check");
  expect(checked.status, checked.stdout).toBe(0);
  expect(await text("check")).toMatchSnapshot();
  writeFileSync(json.saved, "{");
  expect((await okstra("schedule", "check")).json.error.code).toBe("OKSTRA_SCHEDULE_UNREADABLE");
});

test.each([
  ["--capacity", "0"],
  ["--capacity", "many"],
  ["--from", "someday"],
  ["--all", "--save"],
  ["--project", "nobody"],
])("schedule %s %s is refused in words", async (...flags) => {
  const { status, json } = await okstra("schedule", ...flags);
  expect([status, json.error.code]).toEqual([2, "OKSTRA_USAGE"]);
});
