import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { bundleScriptedAgent } from "@okstra/testkit/agents/bundle-scripted-agent";
import { bundleOkstra } from "@okstra/testkit/bundle-okstra";
import { endStarted, startProcess, waitUntil, type StartedProcess } from "@okstra/testkit/faults/start-process";
import { waitForMarked } from "@okstra/testkit/processes/marked-processes";
import { createRunProject } from "@okstra/testkit/run-project";
import { createTestHome, type TestHome } from "@okstra/testkit/test-home";
import type { TestProject } from "@okstra/testkit/test-project";

/** Whole runs with agents that tell everything: above what they need on a slow machine. */
const LONG_MS = 180_000;
/** A worker is gone this long after okstra, whatever ended okstra. */
const DEATH_MS = 5000;

/** What nobody may find, by the place where it stands. The ones with quotes are written otherwise in JSON. */
const SECRETS = {
  environment: "Qv7xEnvironmentCanaryOne4f1c9d27a6Zr",
  quoted: 'Wq8y"quoted\\Canary"Two"5e2dab38b7\\Ys',
  tracked: "Tk3nTrackedDotEnvCanary6d3ebc49c8Hb",
  untracked: "Um5pUntracked 'DotEnv' Canary7c4fcd50d9Jk",
  openai: "sk-Xn2ProjCanary8b50de61eaLmNoPqRs",
  github: "ghp_Bf9CanaryNine7a61ef72fbTuVwXyZa12",
} as const;

const ENVIRONMENT = { CANARY_TOKEN: SECRETS.environment, CANARY_SECRET: SECRETS.quoted };

let bundles: TestHome | undefined;
let agent = "";
let okstra = "";
let project: TestProject;

beforeAll(async () => {
  bundles = createTestHome();
  const directory = bundles.directory("bundles");
  [agent, okstra] = await Promise.all([bundleScriptedAgent(directory), bundleOkstra(directory)]);
  return () => bundles?.remove();
}, 60_000);

afterEach(async () => {
  await endStarted();
  project.remove();
});

/** Agents by name and mode; their worktree has the tracked `.env`, and a file outside names the rest. */
async function createProject(modes: Readonly<Record<string, string>>, lines: Readonly<Record<string, string>> = {}): Promise<void> {
  project = await createRunProject();
  await project.repo.commit("settings", { ".env": `APP_TITLE=${SECRETS.tracked}\n` });
  project.repo.write(".env.local", `APP_OTHER="${SECRETS.untracked}"\n`);
  project.repo.write(".git/info/exclude", ".env.local\n");
  const known = join(project.home.directory("outside"), "known");
  writeFileSync(known, [SECRETS.untracked, SECRETS.openai, SECRETS.github].map((value) => `X=${value}\n`).join(""));
  const env = Object.keys(ENVIRONMENT);
  const workers = {
    ...Object.fromEntries(
      Object.entries(modes).map(([name, mode]) => [name, { kind: "acp", command: [process.execPath, agent, mode, known], env }]),
    ),
    ...Object.fromEntries(
      Object.entries(lines).map(([name, line]) => [name, { kind: "command", command: ["sh", "-c", line.replaceAll("KNOWN", known)], env }]),
    ),
  };
  writeFileSync(join(project.repo.root, ".project-docs/okstra/project.json"), JSON.stringify({ schema: 1, projectId: "sums", workers }));
  await project.provision("g/t");
  expect((await project.okstra(["trust", "g/t"])).status).toBe(0);
}

function start(...argv: readonly string[]): StartedProcess {
  return startProcess([process.execPath, okstra, ...argv], { cwd: project.repo.root, env: ENVIRONMENT });
}

function run(workers: string, ...more: readonly string[]): StartedProcess {
  return start("run", "g/t", "-t", "final-verification", "--workers", workers, ...more);
}

function toHtml(text: string): string {
  return text.replaceAll('"', "&quot;").replaceAll("'", "&#39;");
}

/** The beginning and the end of each secret, plain and as JSON and HTML write it: what a cut in the middle of one leaves. */
const TRACES = Object.entries(SECRETS).flatMap(([name, value]) =>
  [value, JSON.stringify(value).slice(1, -1), toHtml(value)].flatMap((written) => [
    { name, whole: false, text: written.slice(0, 8) },
    { name, whole: false, text: written.slice(-8) },
    { name, whole: true, text: written },
  ]),
);

interface Leak {
  readonly place: string;
  readonly secret: string;
  readonly context: string;
}

function findLeaks(place: string, text: string, wholeOnly = false): Leak[] {
  return TRACES.flatMap(({ name, whole, text: trace }) => {
    const at = wholeOnly && !whole ? -1 : text.indexOf(trace);
    return at < 0 ? [] : [{ place, secret: name, context: text.slice(Math.max(0, at - 80), at + 60) }];
  });
}

/** Every file and name below okstra's home and the project's records. A worktree is the project's own and may have its `.env`. */
function scanFiles(isLeftOut: (path: string) => boolean = () => false): Leak[] {
  const leaks: Leak[] = [];
  let files = 0;
  const look = (path: string): void => {
    if (isLeftOut(path)) return;
    leaks.push(...findLeaks("a name", path));
    const facts = lstatSync(path);
    if (facts.isDirectory()) for (const name of readdirSync(path)) look(join(path, name));
    else if (facts.isFile()) {
      files += 1;
      if (/\/worktrees\/.*\/\.env$/.test(path)) return;
      // An agent's stream as it came: what it says in pieces stands there in pieces.
      leaks.push(...findLeaks(path, readFileSync(path, "utf8"), /\/transcript(?:-2)?\.log$/.test(path)));
    }
  };
  look(project.home.okstraHome);
  look(join(project.repo.root, ".project-docs"));
  expect(files).toBeGreaterThan(10);
  return leaks;
}

async function scanViews(...more: readonly (readonly string[])[]): Promise<Leak[]> {
  const views = [
    ["logs", "g/t"],
    ["logs", "g/t", "--json"],
    ...["md", "html", "json", "sarif", "path"].map((format) => ["report", "g/t", "--format", format]),
    ["report", "g/t", "--lang", "ko"],
    ["report", "g/t", "--json"],
    ["cost", "g/t"],
    ["cost", "g/t", "--json"],
    ["task", "show", "g/t"],
    ["task", "show", "g/t", "--json"],
    ["validate", "g/t", "--json"],
    ...more,
  ];
  const leaks: Leak[] = [];
  for (const argv of views) {
    const { stdout, stderr } = await start(...argv).ended;
    expect([argv, stdout + stderr]).not.toEqual([argv, ""]);
    leaks.push(...findLeaks(`okstra ${argv.join(" ")}`, stdout + stderr, argv[0] === "logs"));
  }
  return leaks;
}

/** Places, each once with the beginning of what is around it: a test that fails shows where to look. */
function expectNone(leaks: readonly Leak[]): void {
  const byPlace = new Map(leaks.map((leak) => [`${leak.place} ${leak.secret}`, leak]));
  expect([...byPlace.values()].slice(0, 40)).toEqual([]);
}

const runDirectory = (): string => join(project.repo.root, ".project-docs/okstra/tasks/g/t/runs/final-verification/001");
const read = (path: string): string => readFileSync(join(runDirectory(), path), "utf8");

const SAID = `cat .env KNOWN; printenv CANARY_TOKEN CANARY_SECRET; cat .env KNOWN >&2; printenv CANARY_TOKEN CANARY_SECRET >&2`;

describe("case 55: a secret that workers give away", () => {
  test(
    "agents: by their messages, the door, a fenced result, a wrong result, an error and an exit",
    async () => {
      await createProject({
        door: "canary",
        message: "canary-message",
        shapeless: "canary-shapeless",
        error: "canary-error",
        exit: "canary-exit",
      });
      const first = await run("door,message,shapeless,error,exit", "--json", "--events", "ndjson").ended;
      const answer = JSON.parse(first.stdout);
      expect(answer.lanes, first.stdout + first.stderr).toMatchObject(
        ["ok", "ok", "failed", "failed", "failed"].map((end) => ({ end })),
      );
      for (const lane of ["door", "message", "shapeless", "error", "exit"])
        expect(read(`workers/${lane}/transcript.jsonl`).split("[redacted]").length, lane).toBeGreaterThan(100);
      expectNone([...findLeaks("stdout", first.stdout), ...findLeaks("stderr", first.stderr), ...scanFiles(), ...(await scanViews())]);
    },
    LONG_MS,
  );
});
