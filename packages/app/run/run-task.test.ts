import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { createRunProject } from "@okstra/testkit/run-project";
import type { TestProject } from "@okstra/testkit/test-project";

let project: TestProject;
afterEach(() => project.remove());

const verify = (workers: string, ...more: string[]): ReturnType<TestProject["okstra"]> =>
  project.okstra(["run", "g/t", "-t", "final-verification", "--workers", workers, ...more]);

test("two families and no finding: accepted, exit 0, and the document of the contract", async () => {
  project = await createRunProject();
  const { status, json } = await verify("checks,silent");
  expect(status).toBe(0);
  expect(json).toMatchObject({
    taskKey: "sums/g/t",
    type: "final-verification",
    run: 1,
    state: "ended",
    verdict: "accepted",
    valid: true,
    gate: { open: true, reasons: ["all-clear"] },
  });
  expect(json.lanes).toMatchObject([
    { worker: "checks", family: "checks", end: "ok" },
    { worker: "silent", family: "silent", end: "ok" },
  ]);
  expect(json.findings).toEqual({ total: 0, byClass: {}, bySeverity: {} });
  for (const form of ["md", "html", "json", "sarif"]) expect(existsSync(json.report[form])).toBe(true);
  expect(json.runDir).toBe(join(project.repo.root, ".project-docs/okstra/tasks/g/t/runs/final-verification/001"));
  for (const name of [
    "run.json",
    "events.jsonl",
    "launch.md",
    "convergence.json",
    "validation.json",
    "prompts/silent.md",
    "workers/silent/result.json",
    "workers/silent/receipt.json",
    "workers/silent/transcript.log",
  ]) {
    expect(existsSync(join(json.runDir, name))).toBe(true);
  }
});

test("one family alone is never accepted: no cross-check, the gate holds", async () => {
  project = await createRunProject();
  const { status, json } = await verify("checks");
  expect(status).toBe(10);
  expect(json).toMatchObject({ verdict: "conditional-accept", gate: { open: false, reasons: ["no-cross-check"] } });
});

test("a failing test blocks, with its place, its quote and the command that okstra ran twice", async () => {
  project = await createRunProject({ passing: false });
  const { status, json } = await verify("checks,silent");
  expect(status).toBe(10);
  expect(json).toMatchObject({ verdict: "blocked", findings: { total: 1, bySeverity: { P1: 1 } } });
  const report = JSON.parse(readFileSync(json.report.json, "utf8"));
  expect(report.clusters[0]).toMatchObject({
    file: "test/sum.test.js",
    startLine: 5,
    quote: "  assert.equal(sum(2, 2), 4);",
    verification: "confirmed",
    disposition: "blocks",
  });
  expect(report.executions.filter((each: { exitCode: number }) => each.exitCode === 1)).toHaveLength(2);
});

test.each([
  ["crash", "failed", "exit status 3: boom"],
  ["mute", "failed", "ended without a result"],
  ["forger", "failed", "another nonce"],
  ["stranger", "failed", "another run"],
  ["garbage", "failed", "not JSON"],
  ["shapeless", "failed", "breaks its schema"],
  ["linker", "failed", "cannot be read"],
])("case 39: a worker that is a %s has said nothing", async (name, end, reason) => {
  project = await createRunProject();
  const { status, json } = await verify(`checks,${name}`);
  expect(status).toBe(10);
  expect(json.verdict).toBe("conditional-accept");
  expect(json.lanes[1]).toMatchObject({ worker: name, end });
  expect(json.lanes[1].reason).toContain(reason);
  expect(json.valid).toBe(true);
});

test("case 38: a worker that hangs ends at its deadline, the other is unharmed", async () => {
  project = await createRunProject();
  const { json } = await verify("silent,hang", "--deadline", "1s");
  expect(json.lanes).toMatchObject([{ end: "ok" }, { worker: "hang", end: "timeout" }]);
  expect(json.verdict).toBe("conditional-accept");
});

test("when no worker was heard the verdict is blocked", async () => {
  project = await createRunProject();
  const { json } = await verify("crash,mute");
  expect(json).toMatchObject({ verdict: "blocked", gate: { open: false } });
  expect(json.gate.reasons).toContain("no-lane-ok");
});

test("case 41: a worker that changes the tree of a read-only phase is named, and the gate holds", async () => {
  project = await createRunProject();
  const { json } = await verify("vandal");
  expect(json.lanes[0]).toMatchObject({ worker: "vandal", end: "failed" });
  expect(json.lanes[0].reason).toContain("src/sum.js");
  expect(json.gate.reasons).toContain("tree-changed");
});

test("a lone serious finding waits for a person; one whose quote is nowhere has no vote", async () => {
  project = await createRunProject();
  const held = await verify("checks,reviewer");
  expect(held.json).toMatchObject({ verdict: "blocked", gate: { reasons: ["held-findings"] } });
  const report = JSON.parse(readFileSync(held.json.report.json, "utf8"));
  expect(report.clusters[0]).toMatchObject({ class: "unique", verification: "unverified", disposition: "held", startLine: 2 });
  const dreamt = await verify("checks,dreamer");
  expect(dreamt.json).toMatchObject({ verdict: "accepted", findings: { total: 1, byClass: { ungrounded: 1 } } });
});

test("an override passes a gate that holds, is shown for ever after, and stays valid", async () => {
  project = await createRunProject();
  const held = await verify("checks,reviewer");
  const overridden = await project.okstra(["override", "g/t", "final-verification", "--reason", "known and harmless"]);
  expect(overridden.status).toBe(0);
  expect(overridden.json).toMatchObject({ verdict: "blocked", gate: { open: true, override: { reason: "known and harmless" } } });
  expect(readFileSync(held.json.report.md, "utf8")).toContain("PASSED (override)");
  expect((await project.okstra(["validate", "g/t"])).json).toMatchObject({ ok: true });
  expect((await project.okstra(["override", "g/t", "final-verification", "--reason", "again"])).json.error.code).toBe(
    "OKSTRA_OVERRIDE_IMPOSSIBLE",
  );
});

test("a failure that the base has too is marked so; a new one is new", async () => {
  project = await createRunProject({ passing: false });
  const { path } = await project.provision("g/t");
  await project.repo.commit(
    "another",
    { "test/other.test.js": `import { test } from "node:test";\ntest("is new", () => {\n  throw new Error("new");\n});\n` },
    path,
  );
  const { json } = await verify("checks,silent");
  const report = JSON.parse(readFileSync(json.report.json, "utf8"));
  const baselines = Object.fromEntries(
    report.clusters.map((cluster: { file: string; baseline: string }) => [cluster.file, cluster.baseline]),
  );
  expect(baselines).toEqual({ "test/sum.test.js": "already-there", "test/other.test.js": "new" });
  expect(json.verdict).toBe("blocked");
});

test("a check that fails only once is flaky, and flaky is no firm failure", async () => {
  const counter = join(tmpdir(), `okstra-flaky-${process.pid}`);
  project = await createRunProject({ settings: { qaCommands: [`test -e ${counter} || { touch ${counter}; echo flaked; exit 1; }`] } });
  rmSync(counter, { force: true });
  const { json } = await verify("checks,silent");
  rmSync(counter, { force: true });
  expect(json).toMatchObject({ verdict: "accepted", findings: { total: 1, bySeverity: { P2: 1 } } });
});

test("a check that meets a run's own file just going is done again, and that is no finding; one that always does fails", async () => {
  const counter = join(tmpdir(), `okstra-stumble-${process.pid}`);
  const stumble = "echo \"Could not find '$PWD/.project-docs/okstra/tasks/g/t/runs/x/001/workers/anna/tmp'\"; exit 1";
  project = await createRunProject({ settings: { qaCommands: [`test -e ${counter} || { touch ${counter}; ${stumble}; }`] } });
  rmSync(counter, { force: true });
  const { json } = await verify("checks,silent");
  rmSync(counter, { force: true });
  expect(json).toMatchObject({ verdict: "accepted", findings: { total: 0 } });
  expect(JSON.parse(readFileSync(join(json.runDir, "workers/checks/receipt.json"), "utf8")).executions).toMatchObject([{ exitCode: 0 }]);
  project.remove();
  project = await createRunProject({ settings: { qaCommands: [stumble] } });
  expect((await verify("checks,silent")).json.verdict).toBe("blocked");
});

test("error analysis: okstra reproduces a cause itself; what a worker only claims does not count", async () => {
  const hypothesis = (command: string): string =>
    `printf '{"nonce":"%s","findings":[{"claim":"It subtracts","category":"correctness","severity":"P1","file":"src/sum.js","quote":"return a - b;","reproduction":{"command":"${command}","output":"it failed, believe me"}}],"hypotheses":[{"cause":"sum subtracts","finding":1}]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"`;
  project = await createRunProject({ passing: false, lines: { honest: hypothesis("node --test"), liar: hypothesis("true") } });
  const analyse = (name: string): ReturnType<TestProject["okstra"]> =>
    project.okstra(["run", "g/t", "-t", "error-analysis", "--workers", name, "--brief", "-"]);
  const honest = await analyse("honest");
  expect(honest).toMatchObject({ status: 0, json: { verdict: "reproduced", gate: { open: true } } });
  const liar = await analyse("liar");
  expect(liar).toMatchObject({ status: 10, json: { verdict: "not-reproduced", gate: { open: false } } });
});

test("two runs of one task at once: the second is told who holds it", async () => {
  project = await createRunProject({
    lines: { slow: `sleep 2; printf '{"nonce":"%s","findings":[]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"` },
  });
  let second: ReturnType<TestProject["okstra"]> | null = null;
  const first = await project.okstra(["run", "g/t", "-t", "final-verification", "--workers", "slow"], {
    onEvent: (event) => {
      if (event.type === "lane-started" && event.level !== "record") second ??= verify("silent");
    },
  });
  expect(first.status).toBe(10);
  const refused = await (second as unknown as ReturnType<TestProject["okstra"]>);
  expect(refused.status).toBe(4);
  expect(refused.json.error).toMatchObject({ code: "OKSTRA_TASK_BUSY", kind: "conflict" });
  expect(refused.json.error.message).toContain(String(process.pid));
});

test("--prepare-only writes and starts nothing; resume starts it", async () => {
  project = await createRunProject();
  const prepared = await verify("silent", "--prepare-only");
  expect(prepared).toMatchObject({ status: 0, json: { state: "prepared", report: null, lanes: [{ end: null }] } });
  const runDir: string = prepared.json.runDir;
  expect(readdirSync(runDir).sort()).toEqual(["events.jsonl", "launch.md", "prompts", "run.json", "workers"]);
  expect(readdirSync(join(runDir, "workers/silent"))).toEqual([]);
  const resumed = await project.okstra(["resume", "g/t"]);
  expect(resumed.json).toMatchObject({ state: "ended", runDir, lanes: [{ worker: "silent", end: "ok" }] });
  expect((await project.okstra(["resume", "g/t"])).json.error.code).toBe("OKSTRA_RUN_ENDED");
});

test("cases 55, 56: a worker sees its allow-list only, and a secret is in no record", async () => {
  const canary = "canary-5f1d9a7c3e";
  const other = "dotenv-value-8c2b";
  const script = join(tmpdir(), `okstra-leaky-${process.pid}.sh`);
  project = await createRunProject({ lines: { leaky: `. ${script}` } });
  writeFileSync(
    script,
    `env; cat .env; printf '{"nonce":"%s","findings":[{"claim":"${canary} ${other}","category":"c","severity":"P2"}]}' "$OKSTRA_NONCE" > "$OKSTRA_RESULT"\n`,
  );
  const { path } = await project.provision("g/t");
  project.repo.write(".gitignore", ".env\n");
  await project.repo.commit("ignore", { ".gitignore": ".env\n" }, path);
  project.repo.write(".env", `API_KEY=${other}\n`, { at: path });
  const { json } = await project.okstra(["run", "g/t", "-t", "final-verification", "--workers", "leaky"], {
    env: { MY_SECRET_TOKEN: canary, SSH_AUTH_SOCK: "/nowhere", GH_TOKEN: canary },
  });
  rmSync(script);
  expect(json.lanes[0].end).toBe("ok");
  const transcript = readFileSync(join(json.runDir, "workers/leaky/transcript.log"), "utf8");
  for (const name of ["MY_SECRET_TOKEN", "SSH_AUTH_SOCK", "GH_TOKEN"]) expect(transcript).not.toContain(name);
  expect(transcript).toContain("OKSTRA_NONCE=");
  for (const directory of [json.runDir, project.home.okstraHome]) {
    for (const file of listFiles(directory)) {
      if (file.includes("/worktrees/sums/")) continue;
      const text = readFileSync(file, "utf8");
      expect(text.includes(canary) || text.includes(other), file).toBe(false);
    }
  }
});

function listFiles(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
