import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { createRunProject } from "@okstra/testkit/run-project";
import type { TestProject } from "@okstra/testkit/test-project";

let project: TestProject;
afterEach(() => project.remove());

const FAILING = `import { test } from "node:test";\ntest("is new", () => {\n  throw new Error("new");\n});\n`;

test("the branch one is on, in place when it is clean: conditional without a second family, and only --strict minds", async () => {
  project = await createRunProject();
  const before = await project.repo.status();
  const { status, json } = await project.okstra(["verify"]);
  expect({ status, verdict: json.verdict, valid: json.valid }).toEqual({ status: 0, verdict: "conditional-accept", valid: true });
  expect(json.provision).toMatchObject({ path: project.repo.root, branch: "main" });
  expect(await project.repo.status()).toEqual(before);
  expect((await project.okstra(["verify", "--strict"])).status).toBe(10);
  expect((await project.okstra(["verify", "--strict", "--workers", "checks,silent"])).status).toBe(0);
});

test("a tree with changes is left alone: the commit is judged in a checkout that is gone afterwards", async () => {
  project = await createRunProject();
  project.repo.write("src/sum.js", "broken on purpose\n");
  project.repo.write("notes.txt", "mine\n");
  const before = await project.repo.status();
  const { status, json } = await project.okstra(["verify"]);
  expect({ status, verdict: json.verdict }).toEqual({ status: 0, verdict: "conditional-accept" });
  expect(json.provision.path.startsWith(join(project.home.okstraHome, "scratch"))).toBe(true);
  expect(project.repo.exists("", json.provision.path)).toBe(false);
  expect(await project.repo.status()).toEqual(before);
  expect(project.repo.read("src/sum.js")).toBe("broken on purpose\n");
});

test("with --base only new failures block; without it every one does", async () => {
  project = await createRunProject({ passing: false });
  await project.repo.git(["switch", "--quiet", "-c", "work"]);
  await project.repo.commit("harmless", { "docs.md": "text\n" });
  const old = await project.okstra(["verify", "--base", "main", "--workers", "checks,silent"]);
  expect(old).toMatchObject({ status: 0, json: { verdict: "accepted", findings: { total: 1 } } });
  expect((await project.okstra(["verify", "--workers", "checks,silent"])).status).toBe(10);
  await project.repo.commit("harmful", { "test/new.test.js": FAILING });
  const bad = await project.okstra(["verify", "--base", "main", "--workers", "checks,silent"]);
  expect(bad).toMatchObject({ status: 10, json: { verdict: "blocked" } });
  const sarif = JSON.parse(readFileSync(bad.json.report.sarif, "utf8"));
  const states = sarif.runs[0].results.map((result: { baselineState: string }) => result.baselineState);
  expect(states.sort()).toEqual(["new", "unchanged"]);
});

test("another commit than the one that is checked out, from a subdirectory, detached, without setup", async () => {
  project = await createRunProject();
  const good = await project.repo.resolve("HEAD");
  await project.repo.commit("harmful", { "test/new.test.js": FAILING });
  expect((await project.okstra(["verify"])).status).toBe(10);
  expect(await project.okstra(["verify", "--head", good])).toMatchObject({ status: 0, json: { commit: good } });
  await project.repo.git(["checkout", "--quiet", "--detach", good]);
  expect(await project.okstra(["verify"], { cwd: join(project.repo.root, "src") })).toMatchObject({ status: 0, json: { commit: good } });
  await project.repo.git(["clean", "-fdxq", ".project-docs"]);
  const { status, json } = await project.okstra(["verify"]);
  expect({ status, key: json.taskKey.split("/").slice(0, 2) }).toEqual({ status: 0, key: ["sums", "verify"] });
  expect(await project.repo.status()).toEqual([]);
});

test("what cannot be verified is a clear error", async () => {
  project = await createRunProject();
  expect((await project.okstra(["verify", "--base", "nowhere"])).json.error).toMatchObject({
    code: "OKSTRA_BASE_REF_NOT_FOUND",
    kind: "user",
  });
  expect((await project.okstra(["verify", "--head=--evil"])).json.error).toMatchObject({ code: "OKSTRA_REF_UNSAFE", kind: "usage" });
  expect((await project.okstra(["verify"], { cwd: project.home.directory("nothing") })).json.error).toMatchObject({
    code: "OKSTRA_REPOSITORY_NOT_FOUND",
  });
  expect((await project.okstra(["verify", "--workers", "nobody"])).json.error).toMatchObject({
    code: "OKSTRA_PREPARE_WORKER_UNKNOWN",
    kind: "config",
  });
});

test("a project without checks has said nothing: blocked", async () => {
  project = await createRunProject({ settings: { qaCommands: [] } });
  expect(await project.okstra(["verify"])).toMatchObject({ status: 10, json: { verdict: "blocked", lanes: [{ end: "failed" }] } });
});
