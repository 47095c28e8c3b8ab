/** `okstra report <task>` is a command beside which there are others: it does what it did when it was the only one. */
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createRunProject } from "@okstra/testkit/run-project";
import { runOkstra, type OkstraAnswer } from "@okstra/testkit/run-okstra";
import type { TestProject } from "@okstra/testkit/test-project";

let project: TestProject;
beforeEach(async () => {
  project = await createRunProject();
});
afterEach(() => project.remove());

const okstra = (...argv: readonly string[]): Promise<OkstraAnswer> => runOkstra(argv, { cwd: project.repo.root });

test("a task's newest report in every form, the task before, between or after the flags", async () => {
  const { json } = await project.okstra(["run", "bugs/login", "-t", "final-verification", "--workers", "checks,reviewer"]);
  const file = (format: string): string => readFileSync(`${json.runDir}/report.${format}`, "utf8").trimEnd();
  const forms: readonly (readonly [string, readonly string[]])[] = [
    ["md", ["bugs/login"]],
    ["md", ["--format", "md", "bugs/login"]],
    ["html", ["bugs/login", "--format", "html"]],
    ["html", ["--format=html", "-t", "final-verification", "bugs/login"]],
    ["json", ["bugs/login", "--json"]],
    ["json", ["--json", "bugs/login", "--task-type", "final-verification"]],
    ["sarif", ["-t", "final-verification", "bugs/login", "--format", "sarif"]],
    ["md", ["--project-root", project.repo.root, "--", "bugs/login"]],
    ["md", ["show", "bugs/login"]],
  ];
  for (const [format, argv] of forms) {
    const { status, stdout, stderr } = await okstra("report", ...argv);
    expect([status, stderr, stdout.trimEnd()], argv.join(" ")).toEqual([0, "", file(format)]);
  }
  expect((await okstra("report", "bugs/login", "--format", "path")).stdout).toBe(`${json.runDir}/report.html\n`);
  expect((await okstra("report", "bugs/login", "--lang", "ko")).stdout).not.toBe(`${file("md")}\n`);
});

test("a task that is named like a command beside it is a task", async () => {
  await project.okstra(["run", "find/open", "-t", "final-verification", "--workers", "silent"]);
  const { status, stdout } = await okstra("report", "find/open", "--format", "path");
  expect(status).toBe(0);
  expect(stdout).toContain("/tasks/find/open/runs/final-verification/001/report.html");
});

test.each([
  [["report"], 2, "OKSTRA_USAGE"],
  [["report", "bugs"], 2, "OKSTRA_TASK_KEY_INVALID"],
  [["report", "constructor"], 2, "OKSTRA_TASK_KEY_INVALID"],
  [["report", "bugs/login", "more"], 2, "OKSTRA_USAGE"],
  [["report", "bugs/login", "--format", "pdf"], 2, "OKSTRA_USAGE"],
  [["report", "bugs/login", "--print"], 2, "OKSTRA_USAGE"],
  [["report", "bugs/login"], 1, "OKSTRA_RUN_NOT_FOUND"],
  [["report", "open"], 2, "OKSTRA_USAGE"],
  [["report", "open", "bugs/login"], 1, "OKSTRA_RUN_NOT_FOUND"],
  [["report", "open", "bugs/login", "--run", "0"], 2, "OKSTRA_USAGE"],
  [["report", "open", "bugs/login", "--format", "sarif"], 2, "OKSTRA_USAGE"],
  [["report", "diff", "bugs/login"], 1, "OKSTRA_RUN_NOT_FOUND"],
  [["report", "diff", "bugs"], 2, "OKSTRA_TASK_KEY_INVALID"],
  [["report", "diff", "bugs/login", "--from", "one"], 2, "OKSTRA_TASK_TYPE_UNKNOWN"],
  [["report", "diff", "bugs/login", "--from", "error-analysis:"], 2, "OKSTRA_USAGE"],
  [["report", "diff", "bugs/login", "--to", "-1"], 2, "OKSTRA_USAGE"],
  [["report", "diff", "bugs/login", "--to", ""], 2, "OKSTRA_USAGE"],
  [["report", "find", "--verdict", "fine"], 2, "OKSTRA_USAGE"],
  [["report", "find", "--phase", "nonsense"], 2, "OKSTRA_TASK_TYPE_UNKNOWN"],
  [["report", "find", "--limit", "0"], 2, "OKSTRA_USAGE"],
  [["report", "find", "--since", "yesterday"], 2, "OKSTRA_USAGE"],
  [["report", "find", "--all", "--project", "sums"], 2, "OKSTRA_USAGE"],
  [["report", "find", "--project", "nobody"], 2, "OKSTRA_USAGE"],
] as const)("%j ends with %i and %s", async (argv, status, code) => {
  const answer = await okstra(...argv, "--json");
  expect([answer.status, answer.json.error.code]).toEqual([status, code]);
  expect((await okstra(...argv)).stderr).toMatch(new RegExp(`^error\\[${code}\\]: [^\\n]+\\nhint: [^\\n]+\\n$`));
});

test("help of the commands and of the one that needs no name", async () => {
  const map = (await okstra("report", "--help")).stdout;
  for (const name of ["show", "find", "open", "diff"]) expect(map).toMatch(new RegExp(`^ {2}${name} {2}\\S`, "m"));
  const { stdout } = await okstra("report", "bugs/login", "--help");
  expect(stdout).toMatch(/^USAGE\n {2}okstra report \[--task-type TYPE\]/);
  expect((await okstra("report", "show", "bugs/login", "--help")).stdout).toMatch(/^USAGE\n {2}okstra report show \[--task-type TYPE\]/);
  expect(stdout).toContain("EXAMPLES\n  okstra report bugs/login");
});
