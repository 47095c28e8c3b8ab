/** The whole output of the main commands, as a person sees it. Times, ids and paths are made the same for every run. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createRunProject } from "@okstra/testkit/run-project";
import { runOkstra } from "@okstra/testkit/run-okstra";
import type { TestProject } from "@okstra/testkit/test-project";

let project: TestProject;
beforeEach(async () => {
  project = await createRunProject();
});
afterEach(() => project.remove());

/** Runs one command line and answers all it said, normalised. */
async function show(argv: readonly string[], options: { stdin?: string; cwd?: string } = {}): Promise<string> {
  const { status, stdout, stderr } = await runOkstra(argv, { cwd: project.repo.root, env: { USER: "somebody" }, ...options });
  return [`$ okstra ${argv.join(" ")}`, ...part("stdout", stdout), ...part("stderr", stderr), `[exit ${status}]`].map(normalise).join("\n");
}

function part(name: string, text: string): readonly string[] {
  return text === "" ? [] : [`[${name}]`, orderLanes(text.trimEnd())];
}

/** Workers run at once, so their lines come in any order: they are sorted where the first of them stands. */
function orderLanes(text: string): string {
  const isLane = (line: string): boolean => /^(?:checks|silent|reviewer|crash): /.test(line);
  const lines = text.split("\n");
  const at = lines.findIndex(isLane);
  if (at < 0) return text;
  return [...lines.slice(0, at), ...lines.filter(isLane).sort(), ...lines.slice(at).filter((line) => !isLane(line))].join("\n");
}

function normalise(text: string): string {
  return text
    .replaceAll(project.home.okstraHome, "<okstra-home>")
    .replaceAll(project.repo.root, "<project>")
    .replaceAll(project.home.root, "<root>")
    .replaceAll(/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z/g, "<time>")
    .replaceAll(/\b[0-9a-f]{40}\b|\b[0-9a-f]{64}\b/g, "<hash>")
    .replaceAll(/\b[0-9a-f]{12}\b|\b[0-9a-f]{24}\b|\b[0-9a-f]{32}\b/g, "<id>")
    .replaceAll(/("durationMs": )\d+/g, "$1<ms>")
    .replaceAll(/process \d+/g, "process <pid>")
    .replaceAll(/[ \t]+$/gm, "");
}

async function showAll(...commands: readonly (readonly string[])[]): Promise<string> {
  const shown: string[] = [];
  for (const argv of commands) shown.push(await show(argv));
  return shown.join("\n\n");
}

test("setup and settings", async () => {
  expect(
    await showAll(
      ["setup", "--project-id", "sums"],
      ["check-project"],
      ["config", "get", "projectId"],
      ["config", "set", "lang", "ko"],
      ["config", "get", "lang", "--show-origin"],
      ["config", "get", "nothing.here"],
    ),
  ).toMatchSnapshot();
});

test("worktrees", async () => {
  expect(
    await showAll(
      ["worktree", "list"],
      ["worktree", "provision", "bugs/login", "--category", "bugfix"],
      ["worktree", "provision", "bugs/login"],
      ["worktree", "list"],
      ["worktree", "show", "bugs/login"],
      ["worktree", "show", "bugs/login", "--json"],
      ["path", "bugs/login"],
      ["worktree", "release", "bugs/login"],
      ["worktree", "list"],
    ),
  ).toMatchSnapshot();
});

test("a run that is accepted, its report and its validation", async () => {
  expect(
    await showAll(
      ["run", "bugs/login", "-t", "final-verification", "--workers", "checks,silent"],
      ["report", "bugs/login", "--format", "path"],
      ["validate", "bugs/login"],
      ["resume", "bugs/login"],
      ["override", "bugs/login", "final-verification", "--reason", "no need"],
    ),
  ).toMatchSnapshot();
});

test("a run with a held finding, a failed worker and an override", async () => {
  expect(
    await showAll(
      ["run", "bugs/login", "-t", "final-verification", "--workers", "checks,reviewer,crash"],
      ["override", "bugs/login", "final-verification.verdict", "--reason", "known and harmless", "--until", "2030-01-01"],
      ["validate", "bugs/login"],
    ),
  ).toMatchSnapshot();
});

test("a run as one document", async () => {
  expect(
    await showAll(
      ["run", "bugs/login", "-t", "final-verification", "--workers", "checks,reviewer", "--json"],
      ["validate", "bugs/login", "--json"],
      ["resume", "bugs/login", "--json"],
    ),
  ).toMatchSnapshot();
});

test("a run that is only prepared, cancelled, and what it was told to do", async () => {
  const prepared = await showAll(
    ["run", "bugs/login", "-t", "error-analysis", "--workers", "silent", "--prepare-only"],
    ["cancel", "bugs/login"],
    ["resume", "bugs/login"],
  );
  const runDir = ".project-docs/okstra/tasks/bugs/login/runs/error-analysis/001";
  expect(prepared).toMatchSnapshot("commands");
  expect(normalise(project.repo.read(`${runDir}/launch.md`))).toMatchSnapshot("launch.md");
  const prompt = normalise(project.repo.read(`${runDir}/prompts/silent.md`));
  expect(prompt.replace(/```json\n.*?\n```/s, "<schema>")).toMatchSnapshot("prompt");
});

test("verify, in both languages", async () => {
  await project.repo.commit("harmful", { "src/sum.js": "export function sum(a, b) {\n  return a - b;\n}\n" });
  expect(await showAll(["verify"], ["verify", "--lang", "ko"])).toMatchSnapshot();
});

test("errors", async () => {
  writeFileSync(join(project.repo.root, ".project-docs/okstra/project.json"), "{");
  expect(
    await showAll(
      ["verfy"],
      ["run", "login", "-t", "final-verification"],
      ["run", "g/t", "-t", "nonsense"],
      ["verify", "--strickt"],
      ["verify"],
      ["verify", "--json"],
    ),
  ).toMatchSnapshot();
});

describe("help", () => {
  test("of okstra and of every command", async () => {
    const seen: string[] = [];
    const waiting: (readonly string[])[] = [[]];
    for (let route = waiting.shift(); route !== undefined; route = waiting.shift()) {
      const help = await show([...route, "--help"]);
      expect(help).toContain("[exit 0]");
      expect(help).not.toContain("[stderr]");
      seen.push(help);
      const commands = help.split("COMMANDS\n")[1]?.split("\n\n")[0]?.split("\n") ?? [];
      for (const line of commands) {
        const name = /^ {2}([a-z][a-z-]*)/.exec(line)?.[1];
        if (name !== undefined) waiting.push([...route, name]);
      }
    }
    expect(seen.length).toBeGreaterThan(20);
    expect(seen.join("\n\n")).toMatchSnapshot();
  });
});
