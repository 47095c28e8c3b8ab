import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openApp } from "@okstra/testkit/open-app";
import { createRunProject } from "@okstra/testkit/run-project";
import type { TestProject } from "@okstra/testkit/test-project";
import { openScratch, sweepScratch } from "./open-scratch.ts";

let project: TestProject;
beforeEach(async () => {
  project = await createRunProject();
});
afterEach(() => project.remove());

test("what a killed command left is removed by the next run, and what is in use stays", async () => {
  const parent = join(project.home.okstraHome, "scratch");
  mkdirSync(join(parent, "verify-dead"), { recursive: true });
  writeFileSync(join(parent, "verify-dead/file"), "x");
  const app = await openApp({ env: process.env, cwd: project.repo.root, emit: () => undefined });
  const held = await openScratch(app, "held");
  mkdirSync(held.path);
  const { status } = await project.okstra(["run", "g/t", "-t", "final-verification", "--workers", "silent"]);
  expect(status).toBe(10);
  expect(readdirSync(parent)).toEqual([held.path.split("/").at(-1)]);
  expect(await sweepScratch(app)).toBe(0);
  await held.close();
  expect([existsSync(held.path), readdirSync(join(project.home.okstraHome, "locks")).filter((name) => name.startsWith("scratch"))]).toEqual(
    [false, []],
  );
});
