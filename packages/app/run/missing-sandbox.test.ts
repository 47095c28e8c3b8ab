/** A system without a sandbox: told where it is wanted, refused where it is required, and nothing is made then. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createRunProject, WORKER_LINES } from "@okstra/testkit/run-project";
import { runOkstra, type OkstraAnswer } from "@okstra/testkit/run-okstra";
import type { TestProject } from "@okstra/testkit/test-project";
import { afterEach, describe, expect, test } from "vitest";

const REASON = "bwrap is not on PATH (package bubblewrap)";
const fetchSandbox = async () => ({ state: "unavailable", reason: REASON }) as const;

let project: TestProject;
afterEach(() => project.remove());

async function createProject(settings: Readonly<Record<string, unknown>>, sandbox?: string): Promise<void> {
  const anna = { kind: "command", command: ["sh", "-c", WORKER_LINES.silent], ...(sandbox === undefined ? {} : { sandbox }) };
  project = await createRunProject({ settings: { workers: { anna, ben: { ...anna, sandbox: "off" } }, ...settings } });
}

const call = (...argv: readonly string[]): Promise<OkstraAnswer> => project.okstra(argv, { fetchSandbox });
const run = (workers: string, ...more: readonly string[]): Promise<OkstraAnswer> =>
  call("run", "g/t", "-t", "final-verification", "--workers", workers, ...more);

function load(answer: OkstraAnswer, path: string): string {
  return readFileSync(join(answer.json.runDir, path), "utf8");
}

function sandboxEvents(answer: OkstraAnswer): readonly unknown[] {
  const lines = load(answer, "events.jsonl").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as { type: string }).filter(({ type }) => type === "sandbox-missing");
}

describe("auto", () => {
  for (const [title, settings, own] of [
    ["for the project", { sandbox: "auto" }, undefined],
    ["for the worker", {}, "auto"],
  ] as const) {
    test(`${title}: the run goes on, and its receipt, its log, its report and standard error say so`, async () => {
      await createProject(settings, own);
      const answer = await run("anna,ben");
      expect(answer.json, answer.stdout).toMatchObject({ state: "ended", valid: true });
      expect(JSON.parse(load(answer, "workers/anna/receipt.json"))).toMatchObject({ end: "ok", sandbox: "unavailable" });
      expect(JSON.parse(load(answer, "workers/ben/receipt.json"))).toMatchObject({ end: "ok", sandbox: "off" });
      expect(answer.json.lanes).toMatchObject([
        { worker: "anna", sandbox: "unavailable" },
        { worker: "ben", sandbox: "off" },
      ]);
      expect(sandboxEvents(answer)).toEqual([expect.objectContaining({ workers: ["anna"], reason: REASON })]);
      expect(load(answer, "report.md")).toMatch(/Sandbox:.*anna/);
      expect((await call("validate", "g/t")).json).toMatchObject({ ok: true });
    });
  }

  test("a person without --json reads a warning on standard error", async () => {
    await createProject({ sandbox: "auto" });
    const argv = ["run", "g/t", "-t", "final-verification", "--workers", "anna"];
    const { stdout, stderr } = await runOkstra(argv, { cwd: project.repo.root, fetchSandbox });
    expect(stderr).toContain(`warning: anna run without a sandbox: ${REASON}`);
    expect(stdout).not.toContain("warning:");
  });

  test("nobody wants one: nothing is said", async () => {
    await createProject({});
    const answer = await run("anna");
    expect(JSON.parse(load(answer, "workers/anna/receipt.json"))).toMatchObject({ sandbox: "off" });
    expect(sandboxEvents(answer)).toEqual([]);
    expect(answer.stderr).not.toContain("sandbox");
  });
});

describe("require", () => {
  for (const [title, settings, own, flags] of [
    ["for the project", { sandbox: "require" }, undefined, []],
    ["for the worker", {}, "require", []],
    ["for this run", { sandbox: "off" }, "off", ["--sandbox", "require"]],
  ] as const) {
    test(`${title}: refused before anything is made`, async () => {
      await createProject(settings, own);
      const answer = await run("anna", ...flags);
      expect([answer.status, answer.json.error?.code], answer.stdout).toEqual([3, "OKSTRA_PREPARE_SANDBOX_UNAVAILABLE"]);
      expect(answer.json.error).toMatchObject({
        message: expect.stringContaining(REASON),
        details: { workers: ["anna"], reason: REASON },
      });
      expect(existsSync(join(project.repo.root, ".project-docs/okstra/tasks/g/t/runs"))).toBe(false);
      expect(await project.repo.branches()).toEqual(["main"]);
      expect(await project.repo.worktrees()).toEqual([project.repo.root]);
      expect(existsSync(join(project.home.okstraHome, "worktrees/sums"))).toBe(false);
    });
  }

  test("a run that was prepared where there was one does not begin where there is none", async () => {
    await createProject({ sandbox: "require" });
    const prepared = await project.okstra(["run", "g/t", "-t", "final-verification", "--workers", "anna", "--prepare-only"], {
      fetchSandbox: async () => ({ state: "bwrap", program: "/usr/bin/bwrap" }),
    });
    expect(prepared.status, prepared.stdout).toBe(0);
    const answer = await call("resume", "g/t");
    expect([answer.status, answer.json.error?.code], answer.stdout).toEqual([3, "OKSTRA_PREPARE_SANDBOX_UNAVAILABLE"]);
    expect(existsSync(join(prepared.json.runDir, "workers/anna/receipt.json"))).toBe(false);
  });
});
